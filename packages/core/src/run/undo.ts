import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { ToolResultPart } from "../port/model.ts";
import { parseWith } from "../schema.ts";
import { compensationAgent } from "../undo.ts";
import { proposeUndo } from "./call.ts";
import type { Work } from "./state.ts";

/**
 * A run without a team, whose only work is to undo what another one did: one write after the other, the last one first.
 * Each is an effect of its own with its own key, tier and approval. One that fails does not keep the others from being
 * tried.
 */

export { compensationAgent };

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
  const parsed = tool && parseWith(tool.input, next.input);
  if (!tool || !parsed?.ok) {
    const error = tool
      ? new OrchestrationError("tool/input-invalid", {
          tool: next.tool,
          issues: (parsed && !parsed.ok ? parsed.issues : []) as unknown as Json,
        })
      : new OrchestrationError("policy/tool-unknown", { agent: compensationAgent, tool: next.tool });
    undoing.left = undoing.left.slice(1);
    undoing.failed.push({ effect: next.effect, tool: next.tool, error: error.toRecord() });
    return undoNext(work);
  }
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", "");
  work.state.steps++;
  proposeUndo(work, `undo#${number}`, tool, next.input);
}

/** One undo has its result. */
export function undoSettled(work: Work, _path: string, result: ToolResultPart): void {
  const { undoing } = work.state;
  const now = undoing?.left[0];
  if (!undoing || !now) return;
  undoing.left = undoing.left.slice(1);
  const { effect, tool } = now;
  if (result.status === "done") undoing.done.push({ effect, tool, output: result.output });
  else undoing.failed.push({ effect, tool, error: result.error });
  undoNext(work);
}
