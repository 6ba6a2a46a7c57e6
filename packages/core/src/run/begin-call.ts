import { effectMachine } from "../effect/machine.ts";
import { keyedHash } from "../hash.ts";
import { once } from "../once.ts";
import { compileSteps, firstStep } from "../step.ts";
import { joinCall, teamWithJudge } from "./gated.ts";
import type { Call, Judge, Work } from "./state.ts";

/** A call as it begins, whoever has asked for it: a model, or a run that undoes what another one did. */

export const callSteps = once(() => compileSteps(effectMachine()));

/** How often a write is tried again under its key, or looked up, before a person is asked. */
const attemptsMax = 3;

type Proposal = Pick<
  Call,
  | "path"
  | "invocation"
  | "agent"
  | "grant"
  | "tool"
  | "callId"
  | "input"
  | "inputHash"
  | "pair"
  | "requesters"
  | "edits"
  | "because"
  | "planned"
  | "judged"
>;

/** A call comes to be, and is told so. */
export function beginCall(work: Work, proposal: Proposal): void {
  const { path, tool, inputHash } = proposal;
  const write = tool.effect === "write";
  const rule = write && work.rules.tiers ? work.root.approvals.get(tool.name) : undefined;
  const hasJudge = (as: Judge) => teamWithJudge(work, proposal.invocation, as) !== undefined;
  const call: Call = {
    ...proposal,
    key: write ? keyedHash(work.tenantKey, `${work.state.runId}\n${path}\n${inputHash}`) : "",
    snapshot: firstStep(callSteps()),
    command: undefined,
    tier: asksPerson(work, proposal) ? "person" : (rule?.tier ?? "none"),
    since: undefined,
    calledBy: undefined,
    intended: false,
    cancelled: false,
    approval: undefined,
    verdict: undefined,
    packet: undefined,
    answers: [],
    toldNo: false,
  };
  work.state.calls.set(path, call);
  const step = call.planned === undefined ? undefined : work.state.plan[call.planned];
  if (step) step.used++;
  if (call.tier !== "none") joinCall(work, call);
  work.tellCall(call, {
    type: "propose",
    effect: tool.effect,
    idempotency: tool.idempotency,
    attempts: Math.max(attemptsMax, tool.retry?.attempts ?? 0),
    tier: call.tier,
    quorum: rule?.quorum ?? 1,
    lossIsFree: work.rules.retries,
    // What undoes is judged by people alone: the judges of a team know its cases, and there is none here.
    compliance: call.tier !== "none" && hasJudge("compliance"),
    reviewer: call.tier !== "none" && hasJudge("reviewer"),
  });
}

/**
 * What the flow rule has found only a person may let pass; a policy can ask for more than the risk does, also of a read; and
 * who has edited a call has asked for it, so somebody else approves it, whatever it would have taken without (R8).
 */
function asksPerson({ rules }: Work, { because, judged, edits }: Proposal): boolean {
  return because.length > 0 || judged?.effect === "approve" || (rules.edits && edits !== undefined);
}

/** A write that certainly did not happen may be asked for again; a read counts on. */
export function forgive(work: Work, { pair, tool, planned: entry }: Call): void {
  const step = entry === undefined ? undefined : work.state.plan[entry];
  if (step) step.used--;
  const seen = work.state.repeats.get(pair);
  if (seen && tool.effect === "write") work.state.repeats.set(pair, { ...seen, granted: seen.granted - 1 });
}
