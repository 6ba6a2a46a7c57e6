import { OrchestrationError } from "../errors.ts";
import { boundOn, covers, fullGrant } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { planToolName } from "../label/plan.ts";
import { parseWith } from "../schema.ts";
import { firstStep } from "../step.ts";
import type { AnyTool } from "../tool.ts";
import { judgeCall } from "./asked.ts";
import { callSteps, tellCall } from "./call.ts";
import { giveResult } from "./call-result.ts";
import { denyCall, revokedError, ruledBy, type ToolCallPart } from "./denial.ts";
import { flowOf, planned } from "./flows.ts";
import { joinCall, teamWithJudge } from "./gated.ts";
import { labelsOf, stopInvocation } from "./invocation.ts";
import type { Call, Invocation, Judge, Work } from "./state.ts";
import { compensationAgent } from "./undo.ts";

/** A call's way in: what is asked of it before it is one, and how often it may be asked for. */

/** How often a write is tried again under its key, or looked up, before a person is asked. */
const attemptsMax = 3;
/** Denied repetitions of one pair after which a loop is stopped. */
const stubbornMax = 2;

/** What a person made of a proposal: a new one, in its place. */
export interface Edit {
  readonly effect: string;
  readonly by: string;
  /** Ids of those who now have asked for it. */
  readonly requesters: readonly string[];
}

/** Takes a model's wish. It ends in a denial with its reason, or in a call. */
export function proposeCall(
  work: Work,
  invocation: Invocation,
  path: string,
  part: ToolCallPart,
  index: number,
  edit?: Edit,
): void {
  if (work.state.ending) return;
  const { agent } = invocation;
  const tool = agent.tools.find(({ name }) => name === part.tool);
  const deny = (error: OrchestrationError, ruleId: string) =>
    denyCall(work, invocation, path, part, error.toRecord(), ruledBy(work, ruleId));
  if (!tool) {
    const root = work.state.teams.get("");
    const code = root?.definition.tools.has(part.tool) ? "policy/tool-not-allowed" : "policy/tool-unknown";
    return deny(new OrchestrationError(code, { agent: agent.name, tool: part.tool }), "allowlist");
  }
  if (index >= work.limits.callsPerTurn) {
    return deny(
      new OrchestrationError("limits/exceeded", { limit: "callsPerTurn", bound: work.limits.callsPerTurn }),
      "limit",
    );
  }
  if (!covers(invocation.grant, tool)) {
    return deny(new OrchestrationError("policy/not-granted", { agent: agent.name, tool: tool.name }), "grant");
  }
  if (work.state.restrictions.tools.includes(tool.name)) return deny(revokedError(work, tool.name), "restriction");
  const parsed = parseWith(tool.input, part.input);
  if (!parsed.ok) {
    const data = { tool: tool.name, issues: parsed.issues as unknown as Json };
    return deny(new OrchestrationError("tool/input-invalid", data), "input-schema");
  }
  const flow = flowOf(work, invocation, tool, part.input);
  if (flow.refusal) return deny(flow.refusal, "flow");
  const exact = canonicalJson(part.input);
  const inputHash = keyedHash(work.tenantKey, exact);
  // What the tool would get is what repeats: a member that its schema drops makes no other call.
  const plain = plainJson(parsed.value);
  const meant = plain.ok ? canonicalJson(plain.value) : exact;
  const args = plain.ok ? plain.value : part.input;
  const bounded = boundOn(invocation.grant, tool.name, args, work.at, !work.rules.empties);
  if (bounded !== undefined) {
    const data = { agent: agent.name, tool: tool.name, bound: bounded };
    return deny(new OrchestrationError("policy/not-granted", data), "grant");
  }
  const asking = { agent: agent.name, path, labels: labelsOf(work, invocation) };
  const judged = judgeCall(work, asking, tool, args, flow.facts);
  if (judged?.effect === "deny") return denyCall(work, invocation, path, part, judged.error, judged.decision);
  if (tool.name === planToolName) return takePlan(work, invocation, path, part, deny);
  const pair = `${tool.name} ${meant === exact ? inputHash : keyedHash(work.tenantKey, meant)}`;
  const seen = work.state.repeats.get(pair) ?? { granted: 0, denied: 0 };
  const bound = tool.effect === "write" ? work.limits.writeRepeats : work.limits.repeats;
  if (seen.granted >= bound) {
    work.state.repeats.set(pair, { ...seen, denied: seen.denied + 1 });
    const data = { agent: agent.name, tool: tool.name, bound };
    deny(new OrchestrationError("limits/repeated-call", data), "repeats");
    if (seen.denied + 1 > stubbornMax) {
      stopInvocation(
        work,
        invocation,
        new OrchestrationError("limits/no-progress", { agent: agent.name, tool: tool.name }).toRecord(),
      );
    }
    return;
  }
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
  work.state.steps++;
  work.state.repeats.set(pair, { ...seen, granted: seen.granted + 1 });
  begin(work, {
    path,
    invocation: invocation.path,
    agent: agent.name,
    grant: invocation.grant,
    tool,
    callId: part.callId,
    input: part.input,
    inputHash,
    pair,
    requesters: edit?.requesters ?? work.state.requesters,
    edits: edit && { effect: edit.effect, by: edit.by },
    because: flow.because,
    planned: flow.planned,
    ...(judged === undefined ? {} : { judged }),
  });
}

/** Takes note of what an agent is going to write. */
function takePlan(
  work: Work,
  invocation: Invocation,
  path: string,
  { callId, tool, input }: ToolCallPart,
  deny: (error: OrchestrationError, ruleId: string) => void,
): void {
  const refusal = planned(work, invocation, path, input);
  if (refusal) return deny(refusal, "plan");
  giveResult(work, path, invocation.path, { callId, tool, status: "done", output: { steps: work.state.plan.length } });
}

/** A write that undoes another one. Nobody's model asked for it; it passes every gate all the same. */
export function proposeUndo(work: Work, path: string, tool: AnyTool, input: Json, edit?: Edit): void {
  const parsed = parseWith(tool.input, input);
  const plain = parsed.ok ? plainJson(parsed.value) : parsed;
  const asking = { agent: compensationAgent, path, labels: [...work.state.labels] };
  const judged = judgeCall(work, asking, tool, plain.ok ? plain.value : input);
  if (judged?.effect === "deny") {
    const part = { tool: tool.name, callId: path, input };
    return denyCall(work, { path: "", agent: { name: compensationAgent } }, path, part, judged.error, judged.decision);
  }
  begin(work, {
    path,
    invocation: "",
    agent: compensationAgent,
    grant: work.state.undoing?.grant ?? fullGrant,
    tool,
    callId: path,
    input,
    inputHash: keyedHash(work.tenantKey, canonicalJson(input)),
    pair: path,
    requesters: edit?.requesters ?? work.state.requesters,
    edits: edit && { effect: edit.effect, by: edit.by },
    because: [],
    planned: undefined,
    ...(judged === undefined ? {} : { judged }),
  });
}

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

function begin(work: Work, proposal: Proposal): void {
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
  tellCall(work, call, {
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
