import { type EffectCommand, type EffectContext, type EffectEvent, isIdle } from "../effect/machine.ts";
import { OrchestrationError } from "../errors.ts";
import { nextStep } from "../step.ts";
import { callSteps, forgive } from "./begin-call.ts";
import { callTag, giveResult, noResult } from "./call-result.ts";
import { revokedError, ruledBy } from "./denial.ts";
import { intendCall, lookUpCall, makeCall } from "./dispatch.ts";
import { askJudge, closeApproval, grantApproval, leaveCall, recordApproval, requestApproval } from "./gated.ts";
import { proposeCall } from "./propose.ts";
import { retryKindOf } from "./retry.ts";
import type { Call, CallDetail, Work } from "./state.ts";
import { retryTimer } from "./timers.ts";
import { proposeUndo } from "./undo.ts";

/**
 * A call's side of a run: allowed or denied, judged, approved, intended, called, settled (R4, R7, R8). The gate asks again
 * before it calls. The machine chooses the way; here is what its commands do. How a call comes to be is in `propose.ts`, what
 * became of it in `outcome.ts`.
 */

/** Tells a call's machine, and does what it commands. */
export function tellCall(work: Work, call: Call, event: EffectEvent, detail: CallDetail = {}): void {
  const step = nextStep<EffectCommand>(callSteps(), call.snapshot, event);
  call.snapshot = step.snapshot;
  for (const command of step.commands) obey(work, call, command, detail);
}

function obey(work: Work, call: Call, command: EffectCommand, detail: CallDetail): void {
  const { path, tool, agent } = call;
  const { attempt } = call.snapshot.context as EffectContext;
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
        decision: call.judged?.effect === "approve" ? call.judged.decision : ruledBy(work, "tier"),
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
      return intendCall(work, call);
    case "call":
      return makeCall(work, call);
    case "wait": {
      call.command = undefined;
      const dueAt = work.at + (detail.delayMs ?? 0);
      const error = detail.error ?? noResult(call).error;
      work.note("step.retried", path, { step: path, kind: retryKindOf(error), attempt, dueAt, error });
      return work.startTimer({ id: retryTimer(path), path, dueAt, durable: false, holds: true });
    }
    case "lookup":
      return lookUpCall(work, call);
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
      return giveResult(work, path, call.invocation, detail.result ?? noResult(call));
    }
    case "refuse":
      return refuseCall(work, call, detail);
    case "supersede":
      return supersede(work, call, detail);
    case "drop": {
      // A read that waited to be tried again leaves nothing behind; of one that waits for a person, people have to hear.
      const told = tool.effect === "write" || (work.rules.drops && work.state.approvals.has(path));
      close(work, call);
      forgive(work, call);
      if (told) work.note("effect.settled", path, { effect: path, outcome: "cancelled" });
      return;
    }
    case "unexpected":
      return;
  }
}

/** Somebody, or a bound, said no before anything happened. The agent is told why. */
function refuseCall(work: Work, call: Call, { error, ruleId }: CallDetail): void {
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
    decision: ruledBy(work, ruleId ?? "approval"),
  });
  giveResult(work, path, call.invocation, { ...callTag(call), status: "denied", error: record });
}

/** The proposal is void; a new one with other arguments answers the model's call in its place. */
function supersede(work: Work, call: Call, { next }: CallDetail): void {
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

/** A call that waits to be tried again has waited. */
export function callDue(work: Work, call: Call): void {
  tellCall(work, call, { type: "due" });
}

/** Takes a tool away from a call of it that has not been dispatched, or not to any effect. */
export function revokeCall(work: Work, call: Call): void {
  if (!isIdle(call.snapshot.state)) return;
  tellCall(
    work,
    call,
    { type: "revoke" },
    { error: revokedError(work, call.tool.name).toRecord(), ruleId: "restriction" },
  );
}
