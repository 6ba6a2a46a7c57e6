import type { RunRecord, Wait } from "../port/journal.ts";

/** A run's record as a row of an SQLite journal. */

export type Row = { readonly [column: string]: unknown };

/** The columns of `runs r` that make a record. */
export const columns = `r.tenant, r.run_id, r.supervisor, r.definition_hash, r.status, r.started_at, r.updated_at, r.last_seq,
  r.conversation_id, r.wake_at, r.waits, r.micro_usd`;

export function recordOf(row: Row): RunRecord {
  return {
    tenant: row.tenant as string,
    runId: row.run_id as string,
    supervisor: row.supervisor as string,
    definitionHash: row.definition_hash as string,
    status: row.status as RunRecord["status"],
    startedAt: row.started_at as number,
    updatedAt: row.updated_at as number,
    lastSeq: row.last_seq as number,
    ...(row.conversation_id === null ? {} : { conversationId: row.conversation_id as string }),
    ...(row.wake_at === null ? {} : { wakeAt: row.wake_at as number }),
    ...(row.waits === null ? {} : { waits: wordsOf(row.waits as string) }),
    ...(row.micro_usd === null ? {} : { microUsd: row.micro_usd as number }),
  };
}

/** What a run waits for is kept as words between spaces, so that an index can look for one. */
export function textOf(waits: readonly Wait[] | undefined): string | null {
  return waits?.join(" ") ?? null;
}

function wordsOf(text: string): Wait[] {
  return text === "" ? [] : (text.split(" ") as Wait[]);
}
