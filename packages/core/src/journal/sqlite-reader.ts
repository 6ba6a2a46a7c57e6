import type { DatabaseSync } from "node:sqlite";
import type { Json } from "../json.ts";
import type { Batch, RunFilter, RunRecord, Snapshot, StreamKey, StreamKind } from "../port/journal.ts";
import { mostOf, newestFirst, type RunPage, runStatuses } from "./listing.ts";

/** What an SQLite journal reads, each a statement or a few; answers are plain objects. */
export interface Reader {
  readonly read: (key: StreamKey, fromSeq: number) => Batch[];
  readonly blob: (tenant: string, address: string) => string | undefined;
  readonly snapshot: (key: StreamKey) => Snapshot | undefined;
  readonly run: (tenant: string, runId: string) => RunRecord | undefined;
  readonly runs: (filter: RunFilter & RunPage) => RunRecord[];
  readonly unfinished: () => RunRecord[];
  readonly streams: (tenant: string, kind: StreamKind) => string[];
  readonly tenantKey: (tenant: string) => string | undefined;
}

type Row = { readonly [column: string]: unknown };

const columns = `r.tenant, r.run_id, r.supervisor, r.definition_hash, r.status, r.started_at, r.updated_at, r.last_seq,
  r.conversation_id, r.wake_at`;
const newest = "ORDER BY r.started_at DESC, r.run_id DESC LIMIT ?";

export function sqliteReader(database: DatabaseSync): Reader {
  const ofStream = "s.tenant = ? AND s.kind = ? AND s.id = ?";
  const batches = database.prepare(
    `SELECT b.first_seq AS firstSeq, b.last_seq AS lastSeq, b.lines, b.hash
     FROM streams s JOIN batches b ON b.stream = s.stream
     WHERE ${ofStream} AND b.first_seq >= coalesce(
       (SELECT max(x.first_seq) FROM batches x WHERE x.stream = s.stream AND x.first_seq <= ?), 0)
     ORDER BY b.first_seq`,
  );
  const blob = database.prepare("SELECT body FROM blobs WHERE tenant = ? AND address = ?");
  const snapshot = database.prepare("SELECT seq, hash, state FROM snapshots WHERE tenant = ? AND kind = ? AND id = ?");
  const run = database.prepare(`SELECT ${columns} FROM streams s JOIN runs r ON r.stream = s.stream WHERE ${ofStream}`);
  // Each list walks one index from the page's edge and stops; named, because the planner knows no sizes.
  const byStatus = database.prepare(
    `SELECT ${columns} FROM runs r INDEXED BY runs_by_status
     WHERE r.tenant = ? AND r.status = ? AND (r.started_at, r.run_id) < (?, ?) ${newest}`,
  );
  const bySupervisor = database.prepare(
    `SELECT ${columns} FROM runs r INDEXED BY runs_by_supervisor
     WHERE r.tenant = ? AND r.supervisor = ? AND r.status = ? AND (r.started_at, r.run_id) < (?, ?) ${newest}`,
  );
  const byConversation = database.prepare(
    `SELECT ${columns} FROM runs r INDEXED BY runs_by_conversation
     WHERE r.tenant = ? AND r.conversation_id = ? AND (r.started_at, r.run_id) < (?, ?)
       AND r.status IN (SELECT value FROM json_each(?)) AND coalesce(r.supervisor = ?, TRUE) ${newest}`,
  );
  const unfinished = database.prepare(
    `SELECT ${columns} FROM runs r INDEXED BY runs_unfinished
     WHERE r.status IN ('running', 'parked') ORDER BY r.started_at, r.run_id`,
  );
  const streams = database.prepare("SELECT id FROM streams WHERE tenant = ? AND kind = ? ORDER BY id");
  const tenantKey = database.prepare("SELECT key FROM tenants WHERE tenant = ?");

  return {
    read: ({ tenant, kind, id }, fromSeq) => {
      const found = batches.all(tenant, kind, id, fromSeq) as unknown as Batch[];
      // The search goes by where batches begin; the first one may end before `fromSeq` when the stream does.
      return found.length === 1 && found[0]!.lastSeq < fromSeq ? [] : found.map((batch) => ({ ...batch }));
    },
    blob: (tenant, address) => (blob.get(tenant, address) as { body: string } | undefined)?.body,
    snapshot: ({ tenant, kind, id }) => {
      const row = snapshot.get(tenant, kind, id) as { seq: number; hash: string; state: string } | undefined;
      return row && { seq: row.seq, hash: row.hash, state: JSON.parse(row.state) as Json };
    },
    run: (tenant, runId) => {
      const row = run.get(tenant, "run", runId);
      return row && recordOf(row);
    },
    runs: (filter) => {
      const { tenant, supervisor, conversationId } = filter;
      const statuses = filter.status ?? runStatuses;
      const most = mostOf(filter);
      // Behind every run, when there is no edge; before every run of its millisecond, when there is no id.
      const edge = [filter.before ?? Number.MAX_SAFE_INTEGER, filter.beforeRunId ?? ""] as const;
      if (conversationId !== undefined) {
        const wanted = JSON.stringify(statuses);
        return byConversation.all(tenant, conversationId, ...edge, wanted, supervisor ?? null, most).map(recordOf);
      }
      const rows = [...new Set(statuses)].flatMap((status) =>
        supervisor === undefined
          ? byStatus.all(tenant, status, ...edge, most)
          : bySupervisor.all(tenant, supervisor, status, ...edge, most),
      );
      return rows.map(recordOf).sort(newestFirst).slice(0, most);
    },
    unfinished: () => unfinished.all().map(recordOf),
    streams: (tenant, kind) => streams.all(tenant, kind).map((row) => row.id as string),
    tenantKey: (tenant) => (tenantKey.get(tenant) as { key: string } | undefined)?.key,
  };
}

function recordOf(row: Row): RunRecord {
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
  };
}
