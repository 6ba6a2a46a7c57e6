import { OrchestrationError } from "../errors.ts";
import { type Entry, endStatusOf, type Undo } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import type { Journal } from "../port/journal.ts";
import { effectsOf, hasEnded, undosOf } from "../run/effects.ts";
import type { SupervisorDefinition } from "./definition.ts";

/** Which writes of an ended run shall be undone. */

/** Runs that undo another one share this conversation, by which they are found. */
export function undoConversation(run: string): string {
  return `undo:${run}`;
}

/** What runs that undo another one have come to, together. */
export interface UndoState {
  /** Effects that were undone. */
  readonly undone: ReadonlySet<string>;
  /** A run that is still at it. */
  readonly unfinished: string | undefined;
  /** How many such runs there were. */
  readonly count: number;
}

export async function undoStateOf(journal: Journal, tenant: string, run: string): Promise<UndoState> {
  const records = await journal.listRuns({ tenant, conversationId: undoConversation(run), most: 1_000 });
  const undone = new Set<string>();
  let unfinished: string | undefined;
  let count = 0;
  for (const { runId } of records) {
    const entries = await openRun(journal, tenant, runId);
    const [first] = entries;
    // Anybody may call a conversation so; what undoes says so itself.
    if (first?.type !== "run.started" || first.body.compensates?.run !== run) continue;
    count++;
    if (!hasEnded(entries)) unfinished ??= runId;
    for (const effect of undoneIn(entries)) undone.add(effect);
  }
  return { undone, unfinished, count };
}

/** Effects whose undo was done: in the order of their proposals, one undo each. */
function undoneIn(entries: readonly Entry[]): string[] {
  const [first] = entries;
  const undos = first?.type === "run.started" ? (first.body.compensates?.undos ?? []) : [];
  const end = entries.at(-1);
  if (end && endStatusOf(end.type) === "completed" && end.type === "run.completed") {
    const { undone } = end.body.output as { undone?: readonly { readonly effect: string }[] };
    return (undone ?? []).map(({ effect }) => effect);
  }
  // One that broke off: the n-th undo stands at `undo#n`.
  return entries.flatMap((entry) => {
    if (entry.type !== "effect.settled" || entry.body.outcome !== "done") return [];
    const number = Number(/^undo#(\d+)/.exec(entry.body.effect)?.[1] ?? 0);
    const undo = undos[number - 1];
    return undo ? [undo.effect] : [];
  });
}

/**
 * What is left to undo of a run, the last write first.
 * @throws OrchestrationError `run/unknown`; `run/not-undoable` while it has not ended, or when nothing is left
 */
export async function undosFor(
  journal: Journal,
  definition: SupervisorDefinition,
  {
    tenant,
    run,
    only,
    undone,
  }: {
    readonly tenant: string;
    readonly run: string;
    readonly only: readonly string[] | undefined;
    readonly undone: ReadonlySet<string>;
  },
): Promise<readonly Undo[]> {
  const entries = await openRun(journal, tenant, run);
  if (entries.length === 0) throw new OrchestrationError("run/unknown", { run, tenant });
  const refuse = (reason: string) => new OrchestrationError("run/not-undoable", { run, reason });
  if (!hasEnded(entries)) throw refuse("it has not ended");
  const effects = effectsOf(entries, definition.tools);
  const unknown = only?.find((wanted) => !effects.some(({ effect, undo }) => effect === wanted && undo));
  if (unknown !== undefined) throw refuse(`${unknown} was not done, or its tool names no way back`);
  const left = undosOf(effects, only).filter(({ effect }) => !undone.has(effect));
  if (left.length === 0) throw refuse("nothing that can be undone is left of what it did");
  return left;
}
