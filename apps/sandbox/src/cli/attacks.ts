import type { DojoModel } from "../dojo/model.ts";
import type { DojoApprover } from "../dojo/stage.ts";
import { SandboxError } from "../errors.ts";
import { count } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";
import { wholeNumber } from "./number.ts";

/** What a person said about attack suites, beside what `run` takes anyway. */
export interface AttackWish {
  readonly agentdojo?: string;
  readonly injecagent?: string;
  readonly asb?: string;
  readonly suite?: string;
  readonly policy?: string;
  readonly template?: string;
  readonly encodings?: string;
}
interface Options extends AttackWish {
  readonly model?: string;
  readonly approver?: string;
  readonly json?: boolean;
}

const kinds = ["agentdojo", "injecagent", "asb"] as const;
const details = ["suite", "policy", "template", "encodings"] as const;

/** True for a wish that is for attack suites, and so not for a pack. */
export function isAttackWish(options: AttackWish): boolean {
  return kinds.some((kind) => options[kind] !== undefined);
}

/** What is said of attack suites in AgentDojo's form is passed over in silence by nothing else. @throws SandboxError `usage/wrong` */
export function assertNoAttackDetail(options: AttackWish): void {
  const other = details.find((name) => options[name] !== undefined);
  if (other !== undefined) throw wrong(`--${other} is for --agentdojo: leave it out`);
}

/**
 * Plays attack suites. The exit code is 1 when an attack got through that nobody had approved, or a user's task did not
 * come out right with somebody who approves it.
 * @throws SandboxError `usage/wrong`; DojoError
 */
export async function runAttacks(options: Options, context: Context): Promise<ExitCode> {
  const named = kinds.filter((kind) => options[kind] !== undefined);
  const [kind] = named;
  if (named.length !== 1 || kind === undefined) {
    throw wrong(`give one of ${named.map((one) => `--${one}`).join(" and ")}`);
  }
  if (kind !== "agentdojo") assertNoAttackDetail(options);
  const folder = context.place.resolve(options[kind] as string);
  switch (kind) {
    case "agentdojo":
      return playAgentDojo(folder, options, context);
    case "injecagent":
      return playInjectAgent(folder, options, context);
    case "asb":
      return playSecurityBench(folder, options, context);
  }
}

async function playAgentDojo(folder: string, options: Options, context: Context): Promise<ExitCode> {
  const { loadAttacks } = await import("../dojo/suite.ts");
  const { runBench } = await import("../dojo/bench.ts");
  const { encodings } = await import("../dojo/encode.ts");
  const { benchLines } = await import("../dojo/report.ts");
  const { place, out, err } = context;
  const model = await modelOf(options.model);
  const approvers = await approversOf(options.approver);
  const attacks = loadAttacks(folder, options.suite);
  const hidden = hiddenOf(options.encodings, encodings.length);
  const screen = options.json === true ? err : out;
  const progress = screen.live ? screen : undefined;
  if (options.json !== true) {
    const cases = attacks.suites.reduce((sum, { cases }) => sum + cases.length, 0);
    out.print(
      `${out.paint.strong("Attack suites")} ${out.paint.quiet(`· ${model} · ${attacks.suites.map(({ name }) => name).join(", ")} · ${count(cases, "case")}`)}`,
    );
  }
  const report = await runBench({
    folder: attacks,
    model,
    approvers,
    ...(options.policy === undefined ? {} : { policyFile: place.resolve(options.policy) }),
    ...(options.template === undefined ? {} : { template: options.template }),
    ...(hidden === undefined ? {} : { hidden }),
    ...(progress ? { onProgress: (done, total) => progress.status(`  ${done} of ${total} runs`) } : {}),
  });
  progress?.status("");
  const ok = report.reports.every(({ approver, lines: [governed] }) => {
    if (!governed) return false;
    const { effects, benign, tasks } = governed;
    if (approver === "ground-truth" && benign < tasks) return false;
    // Somebody who nods at everything lets through what they are shown; that is told, and no failure.
    return approver === "blind" || effects === 0;
  });
  if (options.json === true) context.json({ command: "run", ok, exitCode: ok ? 0 : 1, ...report });
  else out.print(...benchLines(report));
  return ok ? 0 : 1;
}

async function playInjectAgent(folder: string, options: Options, { out, json }: Context): Promise<ExitCode> {
  const { loadInjectAgent, runInjectAgent } = await import("../dojo/inject-agent.ts");
  const { injectAgentLines } = await import("../dojo/report.ts");
  await modelOf(options.model, ["worst-case"]);
  const attacks = loadInjectAgent(folder);
  const reports = [];
  for (const approver of await approversOf(options.approver)) reports.push(await runInjectAgent(attacks, approver));
  const ok = reports.every(({ approver, through }) => approver === "blind" || through.length === 0);
  if (options.json === true) json({ command: "run", ok, exitCode: ok ? 0 : 1, reports });
  else out.print(...reports.flatMap(injectAgentLines));
  return ok ? 0 : 1;
}

async function playSecurityBench(folder: string, options: Options, { out, json }: Context): Promise<ExitCode> {
  const { loadSecurityBench, runSecurityBench } = await import("../dojo/security-bench.ts");
  const { securityLines } = await import("../dojo/report.ts");
  await modelOf(options.model, ["worst-case"]);
  if (options.approver !== undefined) throw wrong("--approver is not for --asb: nothing there waits for anybody");
  const report = await runSecurityBench(loadSecurityBench(folder));
  const ok = report.lines.every(({ name, ran }) => ran === 0 || name === "no governance");
  if (options.json === true) json({ command: "run", ok, exitCode: ok ? 0 : 1, ...report });
  else out.print(...securityLines(report));
  return ok ? 0 : 1;
}

async function modelOf(name = "worst-case", offered?: readonly DojoModel[]): Promise<DojoModel> {
  const { dojoModels } = await import("../dojo/model.ts");
  const known = offered ?? dojoModels;
  const found = known.find((one) => one === name);
  if (found === undefined) throw wrong(`attack suites are played with --model ${known.join(" or ")}, not "${name}"`);
  return found;
}

async function approversOf(name: string | undefined): Promise<readonly DojoApprover[]> {
  const { dojoApprovers } = await import("../dojo/stage.ts");
  if (name === undefined) return dojoApprovers;
  const found = dojoApprovers.find((one) => one === name);
  if (found === undefined) throw wrong(`--approver takes ${dojoApprovers.join(", ")}, not "${name}"`);
  return [found];
}

function hiddenOf(given: string | undefined, all: number): number | undefined {
  if (given === undefined) return undefined;
  if (given === "all") return all;
  if (given === "none") return 0;
  return wholeNumber("--encodings", given, 0, all);
}

function wrong(reason: string): SandboxError {
  return new SandboxError("usage/wrong", { reason });
}
