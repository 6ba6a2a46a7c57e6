import type { Conversation, ConversationTurn, FunctionCall } from "./load.ts";

/**
 * A conversation as runs. A run begins with what a person says, or with a function that has appeared, and goes on as long
 * as the same person is asked and answers: what an agent asks is answered by the conversation's next turn. Each run may
 * use what there is in its turn and nothing else. Where a function is missing the run ends, because what may be used only
 * ever shrinks; when the function is there, another run of the same conversation takes the matter up.
 */
export interface RunPlan {
  /** What the run begins with. */
  readonly text: string;
  /** Names of the tools that the run is granted. */
  readonly tools: readonly string[];
  readonly turns: readonly PlannedTurn[];
  /** How a run ends that comes out right. `open`: it asks, and nobody answers any more. */
  readonly end: "completed" | "escalated" | "open";
}

export interface PlannedTurn {
  /** Index of the turn in the conversation. */
  readonly index: number;
  /** What the person says; of a run's first turn the same as its text. */
  readonly text: string;
  /** What ground truth has this turn call. */
  readonly calls: readonly FunctionCall[];
  /** `ask`: something is left out. `missing`: what the matter needs is not there. */
  readonly kind: "act" | "ask" | "missing";
  /** What the person wants done in the end: the turn's calls, or where there are none, those of the turn that has them. */
  readonly wanted: readonly FunctionCall[];
}

export function planOf({ turns }: Conversation): readonly RunPlan[] {
  const runs: RunPlan[] = [];
  let before = "";
  for (let index = 0; index < turns.length; index++) {
    const first = turns[index] as ConversationTurn;
    const text = first.text ?? before;
    const planned: PlannedTurn[] = [];
    let end: RunPlan["end"] = "completed";
    for (; index < turns.length; index++) {
      const turn = turns[index] as ConversationTurn;
      const next = turns[index + 1];
      const kind = kindOf(turn, next);
      const own = { index, text: turn.text ?? text, calls: turn.calls, kind };
      planned.push({ ...own, wanted: kind === "act" ? turn.calls : wantedAfter(turns, index) });
      end = kind === "act" ? "completed" : kind === "missing" ? "escalated" : "open";
      // A question is answered by the next turn, as long as somebody speaks in it.
      if (kind !== "ask" || next?.text === undefined || grown(turn, next)) break;
    }
    before = planned.at(-1)?.text ?? text;
    runs.push({ text, tools: first.tools, turns: planned, end });
  }
  return runs;
}

function kindOf(turn: ConversationTurn, next: ConversationTurn | undefined): PlannedTurn["kind"] {
  if (turn.calls.length > 0) return "act";
  return next !== undefined && grown(turn, next) ? "missing" : "ask";
}

/** True when there is something in the later turn that was not in the earlier one. */
function grown(earlier: ConversationTurn, later: ConversationTurn): boolean {
  return later.tools.some((name) => !earlier.tools.includes(name));
}

function wantedAfter(turns: readonly ConversationTurn[], index: number): readonly FunctionCall[] {
  return turns.slice(index + 1).find(({ calls }) => calls.length > 0)?.calls ?? [];
}
