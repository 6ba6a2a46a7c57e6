import {
  checkSupervisor,
  diffPolicy,
  OrchestrationError,
  type Policy,
  type PolicyDiff,
  type RunRecord,
  reasonOf,
  type SupervisorDefinition,
} from "@remit/core";
import { testPolicy } from "@remit/core/testing";
import { SandboxError } from "../errors.ts";
import { count, printable } from "../face/text.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { choosePack } from "./choose-pack.ts";
import type { Context, ExitCode } from "./context.ts";
import { findRun, findSuite, stateOf } from "./find.ts";
import { offlineSupervisor } from "./offline.ts";
import { offlineTeam } from "./offline-team.ts";
import { type PolicyFile, policyOfFile } from "./policy-file.ts";
import { projectTeams } from "./project-teams.ts";
import { openExistingStore, type Store } from "./store.ts";
import { isFile, teamsOfFile } from "./team-file.ts";

/** Policies before they are put to work: against names and schemas, against a table of cases, against runs of the past. */
export interface PolicyCommandOptions {
  readonly policy?: string;
  readonly runs?: string;
  readonly for?: string;
  readonly json?: boolean;
}

export async function policyCommand(
  verb: string,
  file: string | undefined,
  options: PolicyCommandOptions,
  context: Context,
): Promise<ExitCode> {
  const meant = () => policyMeant(verb, file ?? options.policy, context);
  switch (verb) {
    case "check":
      return checkPolicy(await meant(), options, context);
    case "test":
      return tryPolicy(await meant(), options, context);
    case "diff":
      return diffRuns(await meant(), options, context);
    default:
      throw new SandboxError("usage/wrong", { reason: `there is no "policy ${verb}"; there are check, test and diff` });
  }
}

type Invalid = { readonly invalid: OrchestrationError };

/** The policy of a named file, or the project's. */
async function policyMeant(verb: string, file: string | undefined, context: Context): Promise<PolicyFile | Invalid> {
  const own = file === undefined ? (await context.project.config())?.policy : undefined;
  const path = file ?? (typeof own === "string" ? own : undefined);
  if (path !== undefined) return read(path, context);
  if (own !== undefined && typeof own !== "string") return { policy: own, cases: [], definition: undefined };
  throw new SandboxError("usage/wrong", { reason: `policy ${verb} needs a policy's file` });
}

/** What a file's policy is, or why it is none. */
async function read(file: string, { place }: Context): Promise<PolicyFile | Invalid> {
  try {
    return await policyOfFile(place.resolve(file));
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return { invalid: thrown };
    throw thrown;
  }
}

/** The supervisor that a policy is for: the file's own, another file's, the project's first, or a pack's. */
async function definitionFor(file: PolicyFile, options: PolicyCommandOptions, context: Context) {
  const { place, project } = context;
  if (options.for === undefined && file.definition) return file.definition;
  if (options.for !== undefined && isFile(options.for)) {
    const [team] = await teamsOfFile(place.resolve(options.for));
    return team?.definition;
  }
  const config = options.for === undefined ? await project.config() : undefined;
  const [own] = config ? await projectTeams(config) : [];
  return own ?? offlineTeam((await choosePack({ pack: options.for }, context)).pack);
}

async function checkPolicy(
  file: PolicyFile | Invalid,
  options: PolicyCommandOptions,
  context: Context,
): Promise<ExitCode> {
  if ("invalid" in file) return tellInvalid("check", file.invalid, options, context);
  const definition = await definitionFor(file, options, context);
  if (!definition)
    throw new SandboxError("usage/wrong", { reason: "there is no supervisor to hold the policy against" });
  let bound: Policy;
  try {
    bound = file.policy.bind(definition);
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return tellInvalid("check", thrown, options, context);
    throw thrown;
  }
  const { findings } = checkSupervisor(under(definition, bound));
  const own = findings.filter(({ code }) => code === "check/policy-never-allows" || code === "check/after-never");
  if (options.json === true) {
    context.json({ command: "policy check", ok: true, exitCode: 0, policy: bound.name, findings: own });
    return 0;
  }
  const { paint } = context.out;
  for (const { message, path } of own) {
    context.out.print(`${paint.warn("warning")} ${printable(message)}`, `  ${paint.name(printable(path.join(" → ")))}`);
  }
  context.out.print(
    `${own.length > 0 ? paint.warn("!") : paint.good("✓")} ${paint.strong(printable(bound.name))} fits ${printable(definition.name)} ${paint.quiet(`· ${count(own.length, "warning")}`)}`,
  );
  return 0;
}

/** The same supervisor under another policy. */
function under(definition: SupervisorDefinition, policy: Policy): SupervisorDefinition {
  const alone = (of: ReadonlyMap<string, unknown>) => new Map([...of.keys()].map((name) => [name, [policy]]));
  const { policies, policiesBefore, undoPolicies } = definition;
  const all = { policies: alone(policies), policiesBefore: alone(policiesBefore), undoPolicies: alone(undoPolicies) };
  return { ...definition, policy, ownPolicies: [policy], ...all };
}

function tellInvalid(
  verb: string,
  error: OrchestrationError,
  options: PolicyCommandOptions,
  { out, json }: Context,
): ExitCode {
  if (options.json === true) {
    json({ command: `policy ${verb}`, ok: false, exitCode: 1, error: error.toRecord() });
    return 1;
  }
  const issues = Array.isArray(error.data.issues) ? (error.data.issues as { position: string; reason: string }[]) : [];
  for (const { position, reason } of issues) {
    out.print(`${out.paint.bad("error  ")} ${out.paint.strong(printable(position))} ${printable(reason)}`);
  }
  if (issues.length === 0) out.print(`${out.paint.bad("error  ")} ${printable(error.message)}`);
  out.print(`${out.paint.bad("✗")} ${printable(error.hint)}`);
  return 1;
}

async function tryPolicy(
  file: PolicyFile | Invalid,
  options: PolicyCommandOptions,
  context: Context,
): Promise<ExitCode> {
  if ("invalid" in file) return tellInvalid("test", file.invalid, options, context);
  if (file.cases.length === 0) throw new SandboxError("usage/wrong", { reason: "the file exports no `cases`" });
  const supervisor =
    file.definition ?? (options.for === undefined ? undefined : await definitionFor(file, options, context));
  const checks = testPolicy(file.policy, file.cases, supervisor === undefined ? {} : { supervisor });
  const failed = checks.filter(({ ok }) => !ok);
  const exitCode = failed.length > 0 ? 1 : 0;
  if (options.json === true) {
    context.json({ command: "policy test", ok: exitCode === 0, exitCode, cases: checks });
    return exitCode;
  }
  const { out } = context;
  for (const { name, detail } of failed)
    out.print(`${out.paint.bad("✗")} ${printable(name)}`, `  ${printable(detail)}`);
  const told = `${checks.length - failed.length} of ${checks.length} cases hold`;
  out.print(exitCode === 0 ? out.paint.good(`✓ ${told}`) : out.paint.bad(`✗ ${told}`));
  return exitCode;
}

interface Skipped {
  readonly run: string;
  readonly reason: string;
}

async function diffRuns(
  file: PolicyFile | Invalid,
  options: PolicyCommandOptions,
  context: Context,
): Promise<ExitCode> {
  if ("invalid" in file) return tellInvalid("diff", file.invalid, options, context);
  await using store = openExistingStore(context.place);
  const { suite, runs } = await runsOf(store, options.runs);
  const { definition } = await offlineSupervisor(store, suite);
  const diffs: PolicyDiff[] = [];
  const skipped: Skipped[] = [];
  try {
    file.policy.bind(definition);
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return tellInvalid("diff", thrown, options, context);
    throw thrown;
  }
  for (const { tenant, runId } of runs) {
    try {
      diffs.push(await diffPolicy(store.engine.journal, { tenant, kind: "run", id: runId }, definition, file.policy));
    } catch (thrown) {
      // What cannot be decided again cannot be asked about again either; the others can.
      if (!OrchestrationError.is(thrown)) throw thrown;
      skipped.push({ run: runId, reason: reasonOf(thrown) });
    }
  }
  const changes = diffs.reduce((sum, one) => sum + one.changes.length, 0);
  if (options.json === true) {
    context.json({ command: "policy diff", ok: true, exitCode: 0, suite: suite.id, runs: diffs, skipped, changes });
    return 0;
  }
  const { out } = context;
  const { paint } = out;
  for (const { run, changes: own } of diffs) {
    if (own.length > 0) out.print(paint.strong(run));
    for (const { seq, edge, agent, target, was, would } of own) {
      const what = `entry ${seq}: ${agent} · ${edge} ${target}`;
      const rules = paint.quiet(`(${was.decision.ruleId} → ${would.decision.ruleId}: ${would.because})`);
      out.print(`  ${printable(what)}: ${was.effect} → ${paint.warn(would.effect)} ${printable(rules)}`);
    }
  }
  for (const { run, reason } of skipped) out.print(`${paint.warn("!")} ${run} was left out: ${printable(reason)}`);
  const asked = diffs.reduce((sum, one) => sum + one.asked, 0);
  out.print(`${count(changes, "decision")} of ${asked} would change, in ${count(diffs.length, "run")} of ${suite.id}.`);
  return 0;
}

/** The runs of a suite, or one run. */
async function runsOf(
  store: Store,
  wanted: string | undefined,
): Promise<{ readonly suite: SuiteFile; readonly runs: readonly RunRecord[] }> {
  const { workspace, engine } = store;
  if (wanted?.startsWith("run_")) {
    const { suite, record } = await findRun(workspace, engine.journal, wanted);
    return { suite, runs: [record] };
  }
  const suite = findSuite(workspace, wanted);
  return { suite, runs: (await stateOf(engine.journal, suite)).runs };
}
