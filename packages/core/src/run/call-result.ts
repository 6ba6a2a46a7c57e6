import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { Decision, ResponsePart } from "../event.ts";
import type { Json } from "../json.ts";
import type { ToolResultPart } from "../port/model.ts";
import type { Call, Work } from "./state.ts";
import { undoSettled } from "./undo.ts";

/** The one result of a call: what its agent hears of it. */

/** Gives a call its one result. An instance that is gone needs none: what happened is in the journal. */
export function giveResult(work: Work, path: string, invocation: string, result: ToolResultPart): void {
  if (work.state.ending) return;
  if (work.state.undoing && invocation === "") return undoSettled(work, result);
  if (!work.state.invocations.has(invocation)) return;
  work.send("call.settled", path, invocation, `${path}:settled`, { effect: path, result });
}

export function noResult(call: Call): Extract<ToolResultPart, { status: "failed" | "denied" }> {
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: "no result" }).toRecord();
  return { ...callTag(call), status: "failed", error };
}

export function callTag({ callId, tool, edits, input }: Call): { callId: string; tool: string; edited?: Json } {
  return { callId, tool: tool.name, ...(edits === undefined ? {} : { edited: input }) };
}

export type ToolCallPart = Extract<ResponsePart, { type: "toolCall" }>;

/** A no to a tool call, with its reason and its rule. The agent is told both. */
export function denyCall(
  work: Work,
  invocation: { readonly path: string; readonly agent: { readonly name: string } },
  path: string,
  part: Pick<ToolCallPart, "tool" | "callId" | "input">,
  error: ErrorRecord,
  decided: Decision,
): void {
  const { tool, callId, input } = part;
  work.note("tool.denied", path, { agent: invocation.agent.name, tool, callId, input, error, decision: decided });
  giveResult(work, path, invocation.path, { callId, tool, status: "denied", error });
}
