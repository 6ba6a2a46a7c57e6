import { OrchestrationError } from "../errors.ts";
import { boundOn, covers, fullGrant, type Grant } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import type { ToolResultPart } from "../port/model.ts";
import { parseWith } from "../schema.ts";
import type { AnyTool } from "../tool.ts";
import { compensationAgent } from "../undo.ts";
import { judgeCall } from "./asked.ts";
import { beginCall } from "./begin-call.ts";
import { revokedError } from "./denial.ts";
import type { Edit, Work } from "./state.ts";

/**
 * A run without a team, whose only work is to undo what another one did: one write after the other, the last one first.
 * Each is an effect of its own with its own key, tier and approval. One that fails does not keep the others from being
 * tried.
 */

/** Proposes the next undo, or ends the run when none is left. */
export function undoNext(work: Work): void {
  const { undoing } = work.state;
  if (!undoing || work.state.ending) return;
  const next = undoing.left[0];
  if (!next) {
    const { run, done, failed } = undoing;
    const output = { run, undone: done, failed } as unknown as Json;
    return work.end({ status: "completed", body: { output } });
  }
  const number = undoing.done.length + undoing.failed.length + 1;
  const tool = work.root.tools.get(next.tool);
  const error = tool ? refusalOf(work, tool, undoing.grant, next.input) : unknownTool(next.tool);
  if (!tool || error) {
    undoing.left = undoing.left.slice(1);
    undoing.failed.push({ effect: next.effect, tool: next.tool, error: (error ?? unknownTool(next.tool)).toRecord() });
    return undoNext(work);
  }
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", "");
  work.state.steps++;
  proposeUndo(work, `undo#${number}`, tool, next.input);
}

/** A write that undoes another one. Nobody's model asked for it; it passes every gate all the same. */
export function proposeUndo(work: Work, path: string, tool: AnyTool, input: Json, edit?: Edit): void {
  const parsed = parseWith(tool.input, input);
  const plain = parsed.ok ? plainJson(parsed.value) : parsed;
  const asking = { agent: compensationAgent, path, labels: [...work.state.labels] };
  const judged = judgeCall(work, asking, tool, plain.ok ? plain.value : input);
  if (judged?.effect === "deny") {
    const { error, decision } = judged;
    const said = { agent: compensationAgent, tool: tool.name, callId: path, input, error, decision };
    work.note("tool.denied", path, said);
    return undoSettled(work, { callId: path, tool: tool.name, status: "denied", error });
  }
  beginCall(work, {
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

/** Why an undo is not even proposed. */
function refusalOf(work: Work, tool: AnyTool, grant: Grant, input: Json): OrchestrationError | undefined {
  const { name } = tool;
  const { restrictions } = work.state;
  if (!covers(grant, tool))
    return new OrchestrationError("policy/not-granted", { agent: compensationAgent, tool: name });
  if (restrictions.tools.includes(name)) return revokedError(work, name);
  const parsed = parseWith(tool.input, input);
  if (parsed.ok) {
    const bound = boundOn(grant, name, input, work.at, !work.rules.empties);
    if (bound === undefined) return undefined;
    return new OrchestrationError("policy/not-granted", { agent: compensationAgent, tool: name, bound });
  }
  return new OrchestrationError("tool/input-invalid", { tool: name, issues: parsed.issues as unknown as Json });
}

function unknownTool(tool: string): OrchestrationError {
  return new OrchestrationError("policy/tool-unknown", { agent: compensationAgent, tool });
}

/** One undo has its result. */
export function undoSettled(work: Work, result: ToolResultPart): void {
  const { undoing } = work.state;
  const now = undoing?.left[0];
  if (!undoing || !now || work.state.ending) return;
  undoing.left = undoing.left.slice(1);
  const { effect, tool } = now;
  if (result.status === "done") undoing.done.push({ effect, tool, output: result.output });
  else undoing.failed.push({ effect, tool, error: result.error });
  undoNext(work);
}
