import { openBatch } from "../journal/chain.ts";
import { listed } from "../journal/listed.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, RunRecord } from "../port/journal.ts";
import { openBlobs } from "./blob.ts";
import { ownRunId } from "./run-id.ts";

/**
 * Runs that undo what another one did. They share a conversation, by which they are found. Anybody may call a conversation
 * so: what undoes says so in its start, and, where that was erased, has the id of one that undoes.
 */

/** A run that undoes another one. */
export interface UndoRun {
  readonly runId: string;
  /** Nobody can say any more what it has undone. */
  readonly isErased: boolean;
}

const prefix = "undo:";
const starts = new Set(["run.started"]);

export function undoConversation(run: string): string {
  return `${prefix}${run}`;
}

/** True for a run in a conversation of those that undo. */
export function isUndoConversation({ conversationId }: Pick<RunRecord, "conversationId">): boolean {
  return conversationId?.startsWith(prefix) === true;
}

/** The id of the n-th run of a supervisor that undoes one of its runs. */
export function undoRunId({ tenant, runId }: RunKey, supervisor: string, count: number): string {
  return ownRunId(tenant, supervisor, `${prefix}${runId}#${count}`);
}

/** All runs of its supervisor that undo a run, newest first, however many others share their conversation. */
export async function undoRuns(journal: Journal, key: RunKey, supervisor: string): Promise<readonly UndoRun[]> {
  const { tenant, runId: run } = key;
  const found: { readonly runId: string; readonly isErased: boolean; readonly undoes: boolean }[] = [];
  for await (const { runId } of listed(journal, { tenant, supervisor, conversationId: undoConversation(run) })) {
    const stream = { tenant, kind: "run", id: runId } as const;
    const [batch] = await journal.read(stream, 1, 1);
    if (!batch) continue;
    const [first] = await openBlobs(openBatch(batch, runId, starts), journal, stream);
    if (first?.type !== "run.started") continue;
    const { supervisor: said, compensates } = first.body as Partial<typeof first.body>;
    found.push({ runId, isErased: said === undefined, undoes: compensates?.run === run });
  }
  const ids = new Set(found.map((_, index) => undoRunId(key, supervisor, index + 1)));
  return found.filter(({ runId, isErased, undoes }) => undoes || (isErased && ids.has(runId)));
}
