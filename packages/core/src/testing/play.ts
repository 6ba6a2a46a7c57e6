import type { ApprovalDecision } from "../approval/approvals.ts";
import type { ApprovalCase } from "../approval/open-cases.ts";
import type { Audience } from "../audience.ts";
import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Engine } from "../port/engine.ts";
import type { Model } from "../port/model.ts";
import { operator } from "../principal.ts";
import type { OpenQuestion, Run } from "../run/run.ts";
import type { Supervisor } from "../supervisor/services.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { attempt, beyondScript, type Check, checkHeard, checkOutcome, saidIn } from "./check.ts";
import { asSaid, decisionFor, replyFor } from "./people.ts";
import type { ParkedResult, Scenario, ScenarioOutcome } from "./scenario.ts";
import { scriptedModel } from "./scripted-model.ts";

export interface PlayOptions {
  readonly supervisor: Supervisor;
  readonly tenant: string;
  readonly idempotencyKey?: string;
  readonly conversationId?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly onRun?: (run: Run) => void;
  /** The run that plays the scenario already; it is started, or found by its key, when absent. */
  readonly run?: Run;
  /** What somebody answers when the scenario's replies are used up. Who is asked again after a crash is asked as before. */
  readonly otherwise?: (
    of: Audience,
    question: string,
    asked: { readonly ask: string; readonly run: Run },
  ) => Json | undefined | Promise<Json | undefined>;
  /** Who decides on a call when the scenario has no decision of its own for it; nothing: nobody does. */
  readonly approver?: (open: ApprovalCase) => ApprovalDecision | undefined | Promise<ApprovalDecision | undefined>;
  /**
   * Lets time pass until this moment (epoch ms), for approvals that shall expire; resolves when the run has noticed.
   * Absent: time does not pass, and nobody decides.
   */
  readonly passTime?: (until: number, run: Run) => void | Promise<void>;
  /** What happens when nobody answers or decides: `cancel` (when absent), or `leave`: the run stays parked. */
  readonly unattended?: "cancel" | "leave";
}

/**
 * Plays a scenario on a supervisor to its end: starts the run (or finds the one with the same key), answers its
 * questions, decides on its calls, waits. People keep no place of their own: what is next is read from the journal, so that a scenario
 * can be taken up again in another process.
 */
export async function playScenario(
  scenario: Scenario,
  options: PlayOptions,
): Promise<Omit<ScenarioOutcome, "changes">> {
  const { supervisor, tenant, idempotencyKey, conversationId, attributes } = options;
  const start = () =>
    supervisor.start(scenario.input, {
      tenant,
      principal: scenario.principal,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(conversationId === undefined ? {} : { conversationId }),
      ...(attributes === undefined ? {} : { attributes }),
    });
  const run = options.run ?? (await start());
  options.onRun?.(run);
  while ((await run.settled()) === "parked") {
    if (await oneMove(scenario, run, options)) continue;
    const [approvals, questions] = [await run.approvals(), await run.questions()];
    if (options.unattended === "leave") {
      const result: ParkedResult = { status: "parked", runId: run.id, approvals, questions };
      return outcomeOf(scenario, run, result);
    }
    await run.cancel(unattendedReason(approvals, questions), { principal: scenario.principal });
  }
  return outcomeOf(scenario, run, await run.result());
}

async function outcomeOf(scenario: Scenario, run: Run, result: ScenarioOutcome["result"]) {
  const entries = await run.entries();
  return { scenario, run, result, entries, types: entries.map(({ type }) => type), said: saidIn(entries, result) };
}

/** Lets one person say one thing that a parked run waits for. False when nobody has anything to say. */
async function oneMove(scenario: Scenario, run: Run, options: PlayOptions): Promise<boolean> {
  const { external, principal: customer } = scenario;
  const entries = await run.entries();
  let expires: ApprovalCase | undefined;
  for (const open of await run.approvals()) {
    const own = decisionFor(external, entries, open);
    if (own?.decision === "expire") {
      expires ??= open;
      continue;
    }
    const decision = own ? asSaid(own, open, entries) : await options.approver?.(open);
    if (decision === undefined) continue;
    await decide(options.supervisor, open, decision);
    return true;
  }
  for (const { ask, of, question } of await run.questions({ revealed: true })) {
    const answer = replyFor(external, entries, of)?.answer ?? (await options.otherwise?.(of, question, { ask, run }));
    if (answer === undefined) continue;
    // Who answers is who was asked: a customer's word is never recorded as the desk's.
    const principal = of === "operator" ? operator("operator") : customer;
    await run.send(answer, { ask, key: `${run.id}:${ask}`, principal });
    return true;
  }
  if (!expires || !options.passTime) return false;
  await options.passTime(expires.expiresAt, run);
  return true;
}

async function decide({ approvals }: Supervisor, open: ApprovalCase, decision: ApprovalDecision): Promise<void> {
  try {
    await approvals.decide(open.tenant, open.address, decision);
  } catch (thrown) {
    // Somebody else was faster, or it was too late: the run says how it goes on.
    if (!OrchestrationError.is(thrown, "approval/unknown")) throw thrown;
  }
}

function unattendedReason([open]: readonly ApprovalCase[], [question]: readonly OpenQuestion[]): string {
  if (question) return `the ${question.of} of this scenario has nothing more to say`;
  if (open) return `nobody in this scenario decides on ${open.tool}`;
  return "nobody in this scenario can decide what the run waits for";
}

/** Plays a scenario that stands alone, by its script or by other models, and checks it. */
export async function runScenario(
  scenario: Scenario,
  options: { readonly engine: Engine; readonly model?: Model; readonly tenant?: string } & Pick<
    PlayOptions,
    "approver" | "passTime" | "unattended"
  >,
): Promise<{ readonly outcome: ScenarioOutcome; readonly checks: readonly Check[] }> {
  if (!scenario.supervisor)
    throw new OrchestrationError("run/internal", { reason: `scenario ${scenario.name} names no supervisor` });
  const script = scriptedModel(scenario.script);
  const model = options.model ?? script;
  const models = Object.fromEntries(scenario.supervisor.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(scenario.supervisor, { engine: options.engine, models });
  const { engine: _engine, model: _model, ...people } = options;
  const played = await playScenario(scenario, { tenant: "test", ...people, supervisor });
  const outcome: ScenarioOutcome = { ...played, changes: undefined };
  const checks = await checkOutcome(outcome);
  if (options.model) return { outcome, checks };
  const asked = await attempt("the whole script was asked for", () => script.assertUsed());
  const beyond = beyondScript(outcome.entries);
  const whole =
    beyond.length === 0 ? asked : { ...asked, ok: false, detail: [asked.detail, ...beyond].join("\n").trim() };
  return { outcome, checks: [...checks, ...checkHeard(outcome), whole] };
}
