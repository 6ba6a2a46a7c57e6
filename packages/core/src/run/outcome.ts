import type { EffectContext } from "../effect/machine.ts";
import { OrchestrationError } from "../errors.ts";
import type { EntryBodies, LabelTable } from "../event.ts";
import { unionOf } from "../label/union.ts";
import type { ToolResultPart } from "../port/model.ts";
import { forgive } from "./begin-call.ts";
import { tellCall } from "./call.ts";
import { callTag } from "./call-result.ts";
import { keepEarlier } from "./earlier.ts";
import { readFrom } from "./flows.ts";
import { retryDelayOf } from "./retry.ts";
import type { Call, Work } from "./state.ts";

/** What became of a call that was made, whoever tells of it: its tool, a look-up, a person, or nobody. */

/** The tool answered. */
export function callReturned(work: Work, call: Call, body: EntryBodies["tool.returned"]): void {
  takeLabels(work, call, body.labels);
  readFrom(work, call, body.output, body.labels);
  keepEarlier(work, call, body.output);
  tellCall(
    work,
    call,
    { type: "returned" },
    { result: { ...callTag(call), status: "done", output: body.output }, outcome: "done" },
  );
}

/** The tool refused or failed, or nobody knows. */
export function callFailed(work: Work, call: Call, body: EntryBodies["tool.failed"]): void {
  takeLabels(work, call, body.labels);
  const result: ToolResultPart = { ...callTag(call), status: "failed", error: body.error };
  switch (body.error.code) {
    case "tool/refused":
      if (!isOfPeople(work, call)) {
        forgive(work, call);
        return tellCall(work, call, { type: "refused" }, { result, outcome: "refused" });
      }
      break;
    case "tool/output-invalid":
      // It answered, so it happened; only what it said cannot be read.
      return tellCall(work, call, { type: "returned" }, { result, outcome: "done" });
    default:
  }
  // Whoever made it has told: it is not still to be made.
  call.calledBy = Math.min(call.calledBy ?? work.at, work.at);
  const certain = !body.mayHaveExecuted && !isDoubted(call);
  const { attempt } = call.snapshot.context as EffectContext;
  // What nobody waits for any more, and certainly did not happen, is not tried again.
  const wanted = call.invocation === "" || work.state.invocations.has(call.invocation);
  const delayMs = wanted ? retryDelayOf(work, call, body.error, { attempt, mayHaveExecuted: !certain }) : undefined;
  const retry = delayMs !== undefined;
  if (certain && !retry) forgive(work, call);
  tellCall(
    work,
    call,
    { type: "failed", mayHaveExecuted: body.mayHaveExecuted, keyValid: isKeyValid(work, call), retry },
    { result, outcome: "failed", error: body.error, delayMs },
  );
}

/**
 * True for a refusal that may be a person's no and nothing else, behind a try whose outcome is unknown: whoever asks people
 * before the other side refuses without having asked it what became of that try (E4).
 */
function isOfPeople(work: Work, call: Call): boolean {
  return work.rules.refusals && call.toldNo && call.tool.effect === "write" && isDoubted(call);
}

/** The process that held the call is gone. */
export function callLost(work: Work, call: Call): void {
  tellCall(work, call, { type: "lost", keyValid: isKeyValid(work, call) });
}

export function callLookedUp(work: Work, call: Call, body: EntryBodies["effect.looked-up"]): void {
  takeLabels(work, call, body.labels);
  if (body.output !== undefined) readFrom(work, call, body.output, body.labels);
  if (body.outcome === "found") keepEarlier(work, call, body.output ?? null);
  const result: ToolResultPart = { ...callTag(call), status: "done", output: body.output ?? null };
  tellCall(work, call, { type: body.outcome }, body.outcome === "found" ? { result, outcome: "done" } : {});
}

/** A person has said what became of it. */
export function callDecided(work: Work, call: Call, body: EntryBodies["effect.decided"]): void {
  work.state.uncertain.delete(call.path);
  // What a person tells of a tool's answer is as sensitive as if the tool had told it.
  if (body.outcome === "happened" && call.tool.labels.length > 0) takeLabels(work, call, { "": call.tool.labels });
  if (body.outcome === "never") forgive(work, call);
  else keepEarlier(work, call, body.output ?? null);
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: body.reason }).toRecord();
  tellCall(
    work,
    call,
    { type: "decided" },
    body.outcome === "happened"
      ? { result: { ...callTag(call), status: "done", output: body.output ?? null }, outcome: "done" }
      : { result: { ...callTag(call), status: "failed", error }, outcome: "failed" },
  );
}

/** True when an earlier try of a call may have taken effect, whatever its last try says (E4). */
export function isDoubted({ snapshot }: Call): boolean {
  return (snapshot.context as EffectContext).doubt;
}

/** A key that the other side has forgotten would do the write twice (D7). */
function isKeyValid(work: Work, { tool, since }: Call): boolean {
  return tool.keyValidForMs === undefined || since === undefined || work.at - since < tool.keyValidForMs;
}

/** What a tool said is labelled, whichever way it came (R9). */
function takeLabels(work: Work, call: Call, table: LabelTable = {}): void {
  const labels = Object.values(table).flat();
  if (labels.length === 0) return;
  const invocation = work.state.invocations.get(call.invocation);
  if (invocation) invocation.labels = unionOf(invocation.labels, labels);
  work.state.labels = unionOf(work.state.labels, labels);
}
