import type { CallToolCommand } from "../command.ts";
import { type EffectCommand, type EffectContext, type EffectEvent, effectMachine, isIdle } from "../effect/machine.ts";
import { dispatchWindowMs } from "../effect/tries.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { Decision, EntryBodies, LabelTable, ResponsePart } from "../event.ts";
import { boundOn, covers, fullGrant } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { planToolName } from "../label/plan.ts";
import { unionOf } from "../label/union.ts";
import { once } from "../once.ts";
import type { ToolResultPart } from "../port/model.ts";
import { parseWith } from "../schema.ts";
import { compileSteps, firstStep, nextStep } from "../step.ts";
import type { AnyTool } from "../tool.ts";
import { factsOf, judgeCall } from "./asked.ts";
import { flowOf, planned, readFrom } from "./flows.ts";
import {
  askJudge,
  closeApproval,
  grantApproval,
  joinCall,
  leaveCall,
  recordApproval,
  requestApproval,
  teamWithJudge,
} from "./gated.ts";
import { labelsOf, stopInvocation } from "./invocation.ts";
import { retryDelayOf, retryKindOf } from "./retry.ts";
import type { Call, Invocation, Judge, Work } from "./state.ts";
import { retryTimer } from "./timers.ts";
import { compensationAgent, undoSettled } from "./undo.ts";

/**
 * A call's side of a run: allowed or denied, judged, approved, intended, called, settled (R4, R7, R8). The gate asks again
 * before it calls.
 */

const callSteps = once(() => compileSteps(effectMachine()));

/** How often a write is tried again under its key, or looked up, before a person is asked. */
const attemptsMax = 3;
/** Denied repetitions of one pair after which a loop is stopped. */
const stubbornMax = 2;

type ToolCallPart = Extract<ResponsePart, { type: "toolCall" }>;

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
    denyCall(work, invocation, path, part, error.toRecord(), decision(work, ruleId));
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
  if (work.state.restrictions.tools.includes(tool.name)) return deny(revoked(work, tool.name), "restriction");
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
  const bounded = boundOn(invocation.grant, tool.name, args, work.at);
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
  settle(work, path, invocation.path, { callId, tool, status: "done", output: { steps: work.state.plan.length } });
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
    // What the flow rule has found only a person may let pass.
    // A policy can ask for more than the risk does, also of a read.
    tier: proposal.because.length > 0 || proposal.judged?.effect === "approve" ? "person" : (rule?.tier ?? "none"),
    since: undefined,
    calledBy: undefined,
    intended: false,
    cancelled: false,
    approval: undefined,
    verdict: undefined,
    packet: undefined,
    answers: [],
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

function denyCall(
  work: Work,
  invocation: { readonly path: string; readonly agent: { readonly name: string } },
  path: string,
  part: Pick<ToolCallPart, "tool" | "callId" | "input">,
  error: ErrorRecord,
  decided: Decision,
): void {
  const { tool, callId, input } = part;
  work.note("tool.denied", path, { agent: invocation.agent.name, tool, callId, input, error, decision: decided });
  settle(work, path, invocation.path, { callId, tool, status: "denied", error });
}

function decision(work: Work, ruleId: string): Decision {
  return { ruleId, policyVersion: work.policyVersion };
}

function revoked(work: Work, target: string): OrchestrationError {
  return new OrchestrationError("policy/revoked", { target, tenant: work.state.tenant });
}

/** The tool answered. */
export function callReturned(work: Work, call: Call, body: EntryBodies["tool.returned"]): void {
  takeLabels(work, call, body.labels);
  readFrom(work, call, body.output, body.labels);
  tellCall(
    work,
    call,
    { type: "returned" },
    { result: { ...tag(call), status: "done", output: body.output }, outcome: "done" },
  );
}

/** What a tool said is labelled, whichever way it came (R9). */
function takeLabels(work: Work, call: Call, table: LabelTable = {}): void {
  const labels = Object.values(table).flat();
  if (labels.length === 0) return;
  const invocation = work.state.invocations.get(call.invocation);
  if (invocation) invocation.labels = unionOf(invocation.labels, labels);
  work.state.labels = unionOf(work.state.labels, labels);
}

/** The tool refused or failed, or nobody knows. */
export function callFailed(work: Work, call: Call, body: EntryBodies["tool.failed"]): void {
  takeLabels(work, call, body.labels);
  const result: ToolResultPart = { ...tag(call), status: "failed", error: body.error };
  switch (body.error.code) {
    case "tool/refused":
      forgive(work, call);
      return tellCall(work, call, { type: "refused" }, { result, outcome: "refused" });
    case "tool/output-invalid":
      // It answered, so it happened; only what it said cannot be read.
      return tellCall(work, call, { type: "returned" }, { result, outcome: "done" });
    default: {
      // Whoever made it has told: it is not still to be made.
      call.calledBy = Math.min(call.calledBy ?? work.at, work.at);
      const certain = !body.mayHaveExecuted && !isDoubted(call);
      const { attempt } = call.snapshot.context as EffectContext;
      // What nobody waits for any more, and certainly did not happen, is not tried again.
      const wanted = call.invocation === "" || work.state.invocations.has(call.invocation);
      const delayMs = wanted ? retryDelayOf(work, call, body.error, { attempt, mayHaveExecuted: !certain }) : undefined;
      const retry = delayMs !== undefined;
      if (certain && !retry) forgive(work, call);
      return tellCall(
        work,
        call,
        { type: "failed", mayHaveExecuted: body.mayHaveExecuted, keyValid: isKeyValid(work, call), retry },
        { result, outcome: "failed", error: body.error, delayMs },
      );
    }
  }
}

/** True when an earlier try of a call may have taken effect, whatever its last try says (E4). */
export function isDoubted({ snapshot }: Call): boolean {
  return (snapshot.context as EffectContext).doubt;
}

/** A key that the other side has forgotten would do the write twice (D7). */
function isKeyValid(work: Work, { tool, since }: Call): boolean {
  return tool.keyValidForMs === undefined || since === undefined || work.at - since < tool.keyValidForMs;
}

/**
 * Until when a try may be made. A write that its key protects is good as long as the key; another one has a short while
 * to set out, so that a process that stood still does not make it long after somebody else has found that nobody did.
 */
function callBeforeOf({ tool, since }: Call, at: number): number | undefined {
  if (tool.effect === "read") return undefined;
  if (tool.idempotency !== "key") return at + dispatchWindowMs;
  return tool.keyValidForMs === undefined ? undefined : (since ?? at) + tool.keyValidForMs;
}

/** A write that certainly did not happen may be asked for again; a read counts on. */
function forgive(work: Work, { pair, tool, planned: entry }: Call): void {
  const step = entry === undefined ? undefined : work.state.plan[entry];
  if (step) step.used--;
  const seen = work.state.repeats.get(pair);
  if (seen && tool.effect === "write") work.state.repeats.set(pair, { ...seen, granted: seen.granted - 1 });
}

/** The process that held the call is gone. */
export function callLost(work: Work, call: Call): void {
  tellCall(work, call, { type: "lost", keyValid: isKeyValid(work, call) });
}

export function callLookedUp(work: Work, call: Call, body: EntryBodies["effect.looked-up"]): void {
  takeLabels(work, call, body.labels);
  if (body.output !== undefined) readFrom(work, call, body.output, body.labels);
  const result: ToolResultPart = { ...tag(call), status: "done", output: body.output ?? null };
  tellCall(work, call, { type: body.outcome }, body.outcome === "found" ? { result, outcome: "done" } : {});
}

/** A person has said what became of it. */
export function callDecided(work: Work, call: Call, body: EntryBodies["effect.decided"]): void {
  work.state.uncertain.delete(call.path);
  // What a person tells of a tool's answer is as sensitive as if the tool had told it.
  if (body.outcome === "happened" && call.tool.labels.length > 0) takeLabels(work, call, { "": call.tool.labels });
  if (body.outcome === "never") forgive(work, call);
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: body.reason }).toRecord();
  tellCall(
    work,
    call,
    { type: "decided" },
    body.outcome === "happened"
      ? { result: { ...tag(call), status: "done", output: body.output ?? null }, outcome: "done" }
      : { result: { ...tag(call), status: "failed", error }, outcome: "failed" },
  );
}

/** A call that waits to be tried again has waited. */
export function callDue(work: Work, call: Call): void {
  tellCall(work, call, { type: "due" });
}

/** Takes a tool away from a call of it that has not been dispatched, or not to any effect. */
export function revokeCall(work: Work, call: Call): void {
  if (!isIdle(call.snapshot.state)) return;
  tellCall(work, call, { type: "revoke" }, { error: revoked(work, call.tool.name).toRecord(), ruleId: "restriction" });
}

/** Nobody waits for a call any more that waits itself. What is under way is not touched. */
export function dropCall(work: Work, call: Call): void {
  if (isIdle(call.snapshot.state)) tellCall(work, call, { type: "cancel" });
}

/** Drops the calls of an instance that is gone. */
export function dropCallsOf(work: Work, invocation: string): void {
  for (const call of [...work.state.calls.values()]) if (call.invocation === invocation) dropCall(work, call);
}

/** What comes along with an event and is no business of the machine. */
export interface Detail {
  readonly result?: ToolResultPart;
  readonly outcome?: EntryBodies["effect.settled"]["outcome"];
  /** Why a try failed, or why a proposal is refused. */
  readonly error?: EntryBodies["tool.denied"]["error"];
  readonly ruleId?: string;
  readonly delayMs?: number | undefined;
  /** Where a superseded proposal went. */
  readonly next?: { readonly path: string; readonly input: Json; readonly edit: Edit };
}

export function tellCall(work: Work, call: Call, event: EffectEvent, detail: Detail = {}): void {
  const step = nextStep<EffectCommand>(callSteps(), call.snapshot, event);
  call.snapshot = step.snapshot;
  for (const command of step.commands) obey(work, call, command, detail);
}

function obey(work: Work, call: Call, command: EffectCommand, detail: Detail): void {
  const { path, tool, agent } = call;
  const { attempt, doubt } = call.snapshot.context as EffectContext;
  switch (command.type) {
    case "announce":
      return work.note("effect.proposed", path, {
        effect: path,
        agent,
        tool: tool.name,
        input: call.input,
        inputHash: call.inputHash,
        risk: tool.risk,
        reversible: tool.reversible || tool.undo !== undefined,
        tier: call.tier,
        decision: call.judged?.effect === "approve" ? call.judged.decision : decision(work, "tier"),
        ...(call.edits === undefined ? {} : { edits: call.edits }),
      });
    case "askCompliance":
      return askJudge(work, call, "compliance");
    case "askReviewer":
      return askJudge(work, call, "reviewer");
    case "requestApproval":
      return requestApproval(work, call);
    case "recordApproval":
      return recordApproval(work, call);
    case "grantApproval":
      return grantApproval(work, call);
    case "intend":
      call.intended = true;
      if (tool.effect === "write") {
        const { input, inputHash, key } = call;
        work.note("effect.intended", path, {
          effect: path,
          agent,
          tool: tool.name,
          input,
          inputHash,
          key,
          risk: tool.risk,
          decision: call.judged?.decision ?? decision(work, "allowlist"),
          ...(call.approval === undefined ? {} : { approval: call.approval.binding }),
          ...(call.planned === undefined ? {} : { planned: call.planned }),
        });
      }
      return;
    case "call": {
      const id = attempt === 1 ? path : `${path}/try#${attempt}`;
      call.command = id;
      if (!doubt) call.since = work.at;
      const callBefore = callBeforeOf(call, work.at);
      call.calledBy = callBefore ?? work.at;
      if (attempt > 1) work.note("effect.dispatched", path, { effect: path, attempt, via: "call" });
      work.note("tool.called", path, {
        command: id,
        agent,
        tool: tool.name,
        callId: call.callId,
        input: call.input,
        inputHash: call.inputHash,
        effect: tool.effect,
        attempt,
        decision: call.judged?.decision ?? decision(work, "allowlist"),
      });
      const { input, key, grant, tier, approval } = call;
      return work.emit({
        type: "callTool",
        id,
        path,
        agent,
        tool: tool.name,
        ...(call.invocation === "" ? {} : { callId: call.callId }),
        input,
        effect: tool.effect,
        grant,
        key,
        attempt,
        ...(callBefore === undefined ? {} : { callBefore }),
        attributes: work.attributes,
        ...starterOf(work, call),
        tier,
        policyVersion: work.policyVersion,
        ...(approval === undefined ? {} : { approval }),
        facts: call.judged?.facts ?? factsOf(work, [...work.state.labels]),
      });
    }
    case "wait": {
      call.command = undefined;
      const dueAt = work.at + (detail.delayMs ?? 0);
      const error = detail.error ?? noResult(call).error;
      work.note("step.retried", path, { step: path, kind: retryKindOf(error), attempt, dueAt, error });
      return work.startTimer({ id: retryTimer(path), path, dueAt, durable: false, holds: true });
    }
    case "lookup": {
      const id = `${path}/lookup#${attempt}`;
      call.command = id;
      work.note("effect.dispatched", path, { effect: path, attempt, via: "lookup" });
      return work.emit({
        type: "lookup",
        id,
        path,
        agent,
        tool: tool.name,
        input: call.input,
        key: call.key,
        attempt,
        attributes: work.attributes,
        ...(call.calledBy === undefined ? {} : { since: call.calledBy }),
      });
    }
    case "doubt":
      return work.note("effect.uncertain", path, { effect: path, tool: tool.name, next: command.next });
    case "askPerson":
      call.command = undefined;
      work.state.uncertain.add(path);
      return;
    case "settle": {
      close(work, call);
      if (tool.effect === "write" && detail.outcome) {
        work.note("effect.settled", path, { effect: path, outcome: detail.outcome });
      }
      return settle(work, path, call.invocation, detail.result ?? noResult(call));
    }
    case "refuse":
      return refuseCall(work, call, detail);
    case "supersede":
      return supersede(work, call, detail);
    case "drop":
      close(work, call);
      forgive(work, call);
      // A read that waited to be tried again leaves nothing behind.
      if (tool.effect === "write") work.note("effect.settled", path, { effect: path, outcome: "cancelled" });
      return;
    case "unexpected":
      return;
  }
}

/** Somebody, or a bound, said no before anything happened. The agent is told why. */
function refuseCall(work: Work, call: Call, { error, ruleId }: Detail): void {
  const { path, tool, agent } = call;
  const expired = call.snapshot.state === "expired";
  const record =
    error ??
    new OrchestrationError(expired ? "approval/expired" : "policy/revise", {
      effect: path,
      tool: tool.name,
    }).toRecord();
  close(work, call);
  forgive(work, call);
  if (expired) work.note("approval.expired", path, { effect: path });
  // A read has announced no effect that would have to be settled.
  if (call.intended && tool.effect === "write") work.note("effect.settled", path, { effect: path, outcome: "failed" });
  work.note("tool.denied", path, {
    agent,
    tool: tool.name,
    callId: call.callId,
    input: call.input,
    error: record,
    decision: decision(work, ruleId ?? "approval"),
  });
  settle(work, path, call.invocation, { ...tag(call), status: "denied", error: record });
}

/** The proposal is void; a new one with other arguments answers the model's call in its place. */
function supersede(work: Work, call: Call, { next }: Detail): void {
  if (!next) throw new OrchestrationError("run/internal", { reason: `${call.path} was edited into nothing` });
  const { path, tool, callId, invocation: owner } = call;
  close(work, call);
  forgive(work, call);
  work.note("approval.edited", path, { effect: path, by: next.edit.by, next: next.path });
  if (work.state.undoing && owner === "") return proposeUndo(work, next.path, tool, next.input, next.edit);
  const invocation = work.state.invocations.get(owner);
  const slot = invocation?.turn.find((one) => one.path === path);
  if (!invocation || !slot) return;
  slot.path = next.path;
  proposeCall(
    work,
    invocation,
    next.path,
    { type: "toolCall", callId, tool: tool.name, input: next.input },
    0,
    next.edit,
  );
}

function close(work: Work, call: Call): void {
  work.state.calls.delete(call.path);
  work.stopTimer(retryTimer(call.path));
  closeApproval(work, call);
  leaveCall(work, call);
}

/** For whom a call is made, and what its agent has read. */
function starterOf(work: Work, call: Call): Pick<CallToolCommand, "principal" | "conversationId" | "labels"> {
  const { starter, invocations } = work.state;
  const labels = work.root.tracks ? invocations.get(call.invocation)?.labels : undefined;
  return { ...starter, ...(labels === undefined ? {} : { labels: [...labels] }) };
}

/** Gives a call its one result. An instance that is gone needs none: what happened is in the journal. */
function settle(work: Work, path: string, invocation: string, result: ToolResultPart): void {
  if (work.state.ending) return;
  if (work.state.undoing && invocation === "") return undoSettled(work, path, result);
  if (!work.state.invocations.has(invocation)) return;
  work.send("call.settled", path, invocation, `${path}:settled`, { effect: path, result });
}

function noResult(call: Call): Extract<ToolResultPart, { status: "failed" | "denied" }> {
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: "no result" }).toRecord();
  return { ...tag(call), status: "failed", error };
}

function tag({ callId, tool, edits, input }: Call): { callId: string; tool: string; edited?: Json } {
  return { callId, tool: tool.name, ...(edits === undefined ? {} : { edited: input }) };
}
