import type { Audience } from "../agent.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import { type EndStatus, type Entry, endStatusOf } from "../event.ts";
import { canonicalJson, type Json } from "../json.ts";
import type { Engine } from "../port/engine.ts";
import type { Model } from "../port/model.ts";
import { operator, type Principal, user } from "../principal.ts";
import type { Run, RunResult } from "../run/run.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { runSupervisor, type Supervisor } from "../supervisor/supervisor.ts";
import { scriptedModel, type Turn } from "./scripted-model.ts";

/** What a simulated person says the next time that somebody of their kind is asked. */
export interface Reply {
  readonly of: Audience;
  readonly answer: Json;
}

/** A reply of a simulated person. Replies of one audience are used in order. */
export function replies(of: Audience, answer: Json): Reply {
  return { of, answer };
}

/** A difference in the outside world: JSON pointer, value before, value after. */
export interface Change {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** What must hold at the end. Everything that is left out is not looked at. */
export interface Expectation {
  readonly status?: EndStatus;
  /** Reason of an escalation, a denial or a cancel; error code of a failure. */
  readonly reason?: string;
  /** Agents in the order in which they were given work. */
  readonly path?: readonly string[];
  /** Texts that must occur in what the customer was told, upper and lower case alike. */
  readonly says?: readonly string[];
  readonly neverSays?: readonly string[];
  /** Names of the writes that were done, in order. */
  readonly writes?: readonly string[];
  /** Tools that must have been read. */
  readonly reads?: readonly string[];
  /** The calls that were denied, in order. */
  readonly denied?: readonly { readonly agent: string; readonly tool: string; readonly code?: string }[];
  /** How many questions were put to the customer and to operators. */
  readonly questions?: number;
  /** Exactly these changes of the world, where the scenario has one. `before` may be left out. */
  readonly changes?: readonly Change[];
}

/** A story with a known end: input, what the models say, what people answer, what must hold. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly input: Json;
  /** Stands in for the models; by agent, in order. */
  readonly script: readonly Turn[];
  readonly external: readonly Reply[];
  readonly principal: Principal;
  readonly expect: Expectation;
  /** More than data can say; throws what it misses. */
  readonly verify: ((outcome: ScenarioOutcome) => void | Promise<void>) | undefined;
  /** The supervisor, for scenarios that stand alone. */
  readonly supervisor: SupervisorDefinition | undefined;
  /** Where it is written, for messages. */
  readonly source: string | undefined;
}

export interface ScenarioOptions {
  /** Short, without spaces; the title when it is text. */
  readonly name: string;
  readonly title?: string;
  readonly tags?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: any supervisor may be put to the test.
  readonly supervisor?: SupervisorDefinition<any, any, any>;
  readonly input: Json;
  readonly script: readonly Turn[];
  readonly external?: readonly Reply[];
  readonly principal?: Principal;
  readonly expect?: Expectation | ((outcome: ScenarioOutcome) => void | Promise<void>);
  /** More than data can say, beside a data `expect`; throws what it misses. */
  readonly verify?: (outcome: ScenarioOutcome) => void | Promise<void>;
  readonly source?: string;
}

/** Defines a scenario. */
export function defineScenario(options: ScenarioOptions): Scenario {
  const { expect } = options;
  return {
    name: options.name,
    title: options.title ?? options.name,
    tags: options.tags ?? [],
    input: options.input,
    script: options.script,
    external: options.external ?? [],
    principal: options.principal ?? user("customer"),
    expect: typeof expect === "function" ? {} : (expect ?? {}),
    verify: typeof expect === "function" ? expect : options.verify,
    supervisor: options.supervisor as SupervisorDefinition | undefined,
    source: options.source,
  };
}

/** What a scenario came to. */
export interface ScenarioOutcome {
  readonly scenario: Scenario;
  readonly run: Run;
  readonly result: RunResult;
  readonly entries: readonly Entry[];
  readonly types: readonly string[];
  /** What the customer was told: questions, then the final reply. */
  readonly said: readonly string[];
  /** Changes of the world, where there is one. */
  readonly changes: readonly Change[] | undefined;
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen instead; empty when ok. */
  readonly detail: string;
}

export interface PlayOptions {
  readonly supervisor: Supervisor;
  readonly tenant: string;
  readonly idempotencyKey?: string;
  readonly conversationId?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly onRun?: (run: Run) => void;
  /** What somebody answers when the scenario's replies are used up; nothing: the run is cancelled. */
  readonly otherwise?: (of: Audience, question: string) => Json | undefined;
}

/**
 * Plays a scenario on a supervisor to its end: starts the run (or finds the one with the same key), answers its
 * questions, waits. People keep no place of their own: which reply is next is read from the journal, so that a scenario
 * can be taken up again in another process.
 */
export async function playScenario(
  scenario: Scenario,
  options: PlayOptions,
): Promise<Omit<ScenarioOutcome, "changes">> {
  const { supervisor, tenant, idempotencyKey, conversationId, attributes } = options;
  const run = await supervisor.start(scenario.input, {
    tenant,
    principal: scenario.principal,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(attributes === undefined ? {} : { attributes }),
  });
  options.onRun?.(run);
  while ((await run.settled()) === "parked") {
    const [question] = await run.questions();
    if (!question) {
      await run.cancel("nobody in this scenario can decide what the run waits for", { principal: scenario.principal });
      continue;
    }
    const before = answeredOf(await run.entries(), question.of);
    const reply = scenario.external.filter(({ of }) => of === question.of)[before];
    const answer = reply?.answer ?? options.otherwise?.(question.of, question.question);
    if (answer === undefined)
      await run.cancel(`the ${question.of} of this scenario has nothing more to say`, {
        principal: scenario.principal,
      });
    else {
      // Who answers is who was asked: a customer's word is never recorded as the desk's.
      const principal = question.of === "operator" ? operator("operator") : scenario.principal;
      await run.send(answer, { ask: question.ask, key: `${run.id}:${question.ask}`, principal });
    }
  }
  const result = await run.result();
  const entries = await run.entries();
  return { scenario, run, result, entries, types: entries.map(({ type }) => type), said: saidIn(entries) };
}

/** Plays a scenario that stands alone, by its script or by other models, and checks it. */
export async function runScenario(
  scenario: Scenario,
  options: { readonly engine: Engine; readonly model?: Model; readonly tenant?: string },
): Promise<{ readonly outcome: ScenarioOutcome; readonly checks: readonly Check[] }> {
  if (!scenario.supervisor)
    throw new OrchestrationError("run/internal", { reason: `scenario ${scenario.name} names no supervisor` });
  const script = scriptedModel(scenario.script);
  const model = options.model ?? script;
  const models = Object.fromEntries(scenario.supervisor.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(scenario.supervisor, { engine: options.engine, models });
  const played = await playScenario(scenario, { supervisor, tenant: options.tenant ?? "test" });
  const outcome: ScenarioOutcome = { ...played, changes: undefined };
  const checks = await checkOutcome(outcome);
  if (options.model) return { outcome, checks };
  return { outcome, checks: [...checks, await attempt("the whole script was asked for", () => script.assertUsed())] };
}

function answeredOf(entries: readonly Entry[], of: Audience): number {
  const asked = new Map<string, Audience>();
  let count = 0;
  for (const entry of entries) {
    if (entry.type === "input.requested") asked.set(entry.body.ask, entry.body.of);
    if (entry.type === "input.received" && asked.get(entry.body.ask) === of) count++;
  }
  return count;
}

/** What the customer of a run was told: each question, then the reply that the run ended with. */
export function saidIn(entries: readonly Entry[]): string[] {
  const said: string[] = [];
  for (const entry of entries) {
    if (entry.type === "input.requested" && entry.body.of === "customer") said.push(entry.body.question);
    if (entry.type === "run.completed") said.push(...replyIn(entry.body.output));
    if (entry.type === "run.escalated" || entry.type === "run.denied") said.push(...replyIn(entry.body.packet));
  }
  return said;
}

function replyIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  const reply = typeof value === "object" && value !== null && "reply" in value ? value.reply : undefined;
  return typeof reply === "string" ? [reply] : [];
}

/** Compares an outcome with what its scenario expects. */
export async function checkOutcome(outcome: ScenarioOutcome): Promise<readonly Check[]> {
  const { scenario, result, entries, said, changes } = outcome;
  const { expect } = scenario;
  const checks: Check[] = [];
  const equal = (name: string, expected: unknown, actual: unknown) => {
    const ok = canonicalJson(expected ?? null) === canonicalJson(actual ?? null);
    checks.push({ name, ok, detail: ok ? "" : `expected ${short(expected)}, saw ${short(actual)}` });
  };
  if (expect.status !== undefined) {
    const more =
      result.status === "failed" ? ` (${result.error.message})` : "reason" in result ? ` (${result.reason})` : "";
    const ok = result.status === expect.status;
    checks.push({ name: "status", ok, detail: ok ? "" : `expected ${expect.status}, saw ${result.status}${more}` });
  }
  if (expect.reason !== undefined) {
    equal(
      "reason",
      expect.reason,
      "reason" in result ? result.reason : result.status === "failed" ? result.error.code : "",
    );
  }
  if (expect.path !== undefined) equal("path", expect.path, pathIn(entries));
  const told = said.join("\n").toLowerCase();
  for (const text of expect.says ?? []) {
    const ok = told.includes(text.toLowerCase());
    checks.push({ name: `says "${text}"`, ok, detail: ok ? "" : `the customer was told: ${short(said)}` });
  }
  for (const text of expect.neverSays ?? []) {
    const ok = !told.includes(text.toLowerCase());
    checks.push({ name: `never says "${text}"`, ok, detail: ok ? "" : `the customer was told: ${short(said)}` });
  }
  const done = doneIn(entries);
  if (expect.writes !== undefined) equal("writes", expect.writes, done.writes);
  for (const tool of expect.reads ?? []) {
    const ok = done.reads.includes(tool);
    checks.push({ name: `reads ${tool}`, ok, detail: ok ? "" : `read: ${done.reads.join(", ")}` });
  }
  if (expect.denied !== undefined) {
    const denied = deniedIn(entries);
    const expected = expect.denied.map((one, index) => ({ ...one, code: one.code ?? denied[index]?.code ?? "" }));
    equal("denied", expected, denied);
  }
  if (expect.questions !== undefined) {
    equal("questions", expect.questions, entries.filter(({ type }) => type === "input.requested").length);
  }
  if (expect.changes !== undefined) {
    const wanted = expect.changes;
    const seen = (changes ?? []).map((change) => {
      const twin = wanted.find(({ path }) => path === change.path);
      return twin && !("before" in twin)
        ? { path: change.path, ...("after" in change ? { after: change.after } : {}) }
        : change;
    });
    const byPath = (list: readonly Change[]) => [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
    equal("changes of the world", byPath(wanted), byPath(seen));
  }
  const { verify } = scenario;
  if (verify) checks.push(await attempt("verify", () => verify(outcome)));
  const last = entries.at(-1);
  const ends = entries.filter(({ type }) => endStatusOf(type)).length;
  const whole = ends === 1 && last !== undefined && endStatusOf(last.type) !== undefined;
  checks.push({
    name: "exactly one end",
    ok: whole,
    detail: whole ? "" : `${ends} ends, last entry ${last?.type ?? "none"}`,
  });
  return checks;
}

/** Agents in the order in which they were given work. */
export function pathIn(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => (entry.type === "handoff.delivered" ? [entry.body.agent] : []));
}

/** Names of the calls that were carried out, in order. */
export function doneIn(entries: readonly Entry[]): { readonly reads: string[]; readonly writes: string[] } {
  const called = new Map<string, { tool: string; effect: "read" | "write" }>();
  const done = { reads: [] as string[], writes: [] as string[] };
  for (const entry of entries) {
    if (entry.type === "tool.called") called.set(entry.body.command, entry.body);
    if (entry.type !== "tool.returned") continue;
    const call = called.get(entry.body.command);
    if (call) done[call.effect === "write" ? "writes" : "reads"].push(call.tool);
  }
  return done;
}

/** Calls that were denied, in order. */
export function deniedIn(entries: readonly Entry[]): { agent: string; tool: string; code: string }[] {
  return entries.flatMap((entry) => {
    if (entry.type !== "tool.denied") return [];
    const { agent, tool, error } = entry.body;
    return [{ agent, tool, code: error.code }];
  });
}

async function attempt(name: string, act: () => void | Promise<void>): Promise<Check> {
  try {
    await act();
    return { name, ok: true, detail: "" };
  } catch (thrown) {
    return { name, ok: false, detail: reasonOf(thrown) };
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
