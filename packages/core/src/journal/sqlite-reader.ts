import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Json } from "../json.ts";
import type { Batch, RunFilter, RunRecord, Snapshot, StreamKey, StreamKind } from "../port/journal.ts";
import { mostOf, newestFirst, runStatuses } from "./listing.ts";
import { columns, recordOf } from "./sqlite-record.ts";
import { sqliteUnfinished, type UnfinishedReader } from "./sqlite-unfinished.ts";

/** What an SQLite journal reads, each a statement or a few; answers are plain objects. */
export interface Reader extends UnfinishedReader {
  readonly read: (key: StreamKey, fromSeq: number, most?: number) => Batch[];
  readonly blob: (tenant: string, address: string) => string | undefined;
  readonly snapshot: (key: StreamKey) => Snapshot | undefined;
  readonly run: (tenant: string, runId: string) => RunRecord | undefined;
  readonly runs: (filter: RunFilter) => RunRecord[];
  readonly streams: (tenant: string, kind: StreamKind) => string[];
  readonly tenantKey: (tenant: string) => string | undefined;
}

/** Where a run is in its indexes. */
interface Place extends Pick<RunRecord, "startedAt" | "runId"> {
  readonly stream: number;
}

const newest = "ORDER BY r.started_at DESC, r.run_id DESC LIMIT ?";

export function sqliteReader(database: DatabaseSync): Reader {
  const ofStream = "s.tenant = ? AND s.kind = ? AND s.id = ?";
  const batches = database.prepare(
    `SELECT b.first_seq AS firstSeq, b.last_seq AS lastSeq, b.lines, b.hash
     FROM streams s JOIN batches b ON b.stream = s.stream
     WHERE ${ofStream} AND b.first_seq >= coalesce(
       (SELECT max(x.first_seq) FROM batches x WHERE x.stream = s.stream AND x.first_seq <= ?), 0)
     ORDER BY b.first_seq LIMIT ?`,
  );
  const blob = database.prepare("SELECT body FROM blobs WHERE tenant = ? AND address = ?");
  const snapshot = database.prepare("SELECT seq, hash, state FROM snapshots WHERE tenant = ? AND kind = ? AND id = ?");
  const run = database.prepare(`SELECT ${columns} FROM streams s JOIN runs r ON r.stream = s.stream WHERE ${ofStream}`);
  // Each list walks one index from the page's edge and stops; named, because the planner knows no sizes.
  const ofStatus = (selected: string) =>
    database.prepare(
      `SELECT ${selected} FROM runs r INDEXED BY runs_by_status
       WHERE r.tenant = ? AND r.status = ? AND (r.started_at, r.run_id) < (?, ?) ${newest}`,
    );
  const ofSupervisor = (selected: string) =>
    database.prepare(
      `SELECT ${selected} FROM runs r INDEXED BY runs_by_supervisor
       WHERE r.tenant = ? AND r.supervisor = ? AND r.status = ? AND (r.started_at, r.run_id) < (?, ?) ${newest}`,
    );
  const byStatus = ofStatus(columns);
  const bySupervisor = ofSupervisor(columns);
  // Of several statuses the indexes alone say which runs are the newest; only those are then looked up.
  const place = "r.stream, r.started_at AS startedAt, r.run_id AS runId";
  const placesByStatus = ofStatus(place);
  const placesBySupervisor = ofSupervisor(place);
  const atPlaces = database.prepare(
    `SELECT ${columns} FROM runs r WHERE r.stream IN (SELECT value FROM json_each(?)) ORDER BY r.started_at DESC, r.run_id DESC`,
  );
  const byConversation = database.prepare(
    `SELECT ${columns} FROM runs r INDEXED BY runs_by_conversation
     WHERE r.tenant = ? AND r.conversation_id = ? AND (r.started_at, r.run_id) < (?, ?)
       AND r.status IN (SELECT value FROM json_each(?)) AND coalesce(r.supervisor = ?, TRUE) ${newest}`,
  );
  const byWait = (wait: NonNullable<RunFilter["waitingFor"]>) =>
    database.prepare(
      `SELECT ${columns} FROM runs r INDEXED BY runs_for_${wait}
       WHERE instr(r.waits, '${wait}') AND r.tenant = ? AND (r.started_at, r.run_id) < (?, ?)
         AND r.status IN (SELECT value FROM json_each(?)) AND coalesce(r.supervisor = ?, TRUE)
         AND (? IS NULL OR r.conversation_id = ?) ${newest}`,
    );
  const byWaits = { approval: byWait("approval"), question: byWait("question"), effect: byWait("effect") };
  const streams = database.prepare("SELECT id FROM streams WHERE tenant = ? AND kind = ? ORDER BY id");
  const tenantKey = database.prepare("SELECT key FROM tenants WHERE tenant = ?");

  return {
    read: ({ tenant, kind, id }, fromSeq, most) => {
      const found = batches.all(tenant, kind, id, fromSeq, most ?? -1) as unknown as Batch[];
      // The search goes by where batches begin; the first one may end before `fromSeq` when the stream does.
      return found.length === 1 && found[0]!.lastSeq < fromSeq ? [] : found.map((batch) => ({ ...batch }));
    },
    blob: (tenant, address) => (blob.get(tenant, address) as { body: string } | undefined)?.body,
    snapshot: ({ tenant, kind, id }) => {
      const row = snapshot.get(tenant, kind, id) as { seq: number; hash: string; state: string } | undefined;
      const state = row && stateIn(row.state);
      return row && state && { seq: row.seq, hash: row.hash, ...state };
    },
    run: (tenant, runId) => {
      const row = run.get(tenant, "run", runId);
      return row && recordOf(row);
    },
    runs: (filter) => {
      const { tenant, supervisor, conversationId, waitingFor } = filter;
      const statuses = filter.status ?? runStatuses;
      const most = mostOf(filter);
      // Behind every run, when there is no edge; before every run of its millisecond, when there is no id.
      const edge = [filter.before ?? Number.MAX_SAFE_INTEGER, filter.beforeRunId ?? ""] as const;
      const wanted = JSON.stringify(statuses);
      if (waitingFor !== undefined) {
        const rest = [wanted, supervisor ?? null, conversationId ?? null, conversationId ?? null, most] as const;
        return byWaits[waitingFor].all(tenant, ...edge, ...rest).map(recordOf);
      }
      if (conversationId !== undefined) {
        return byConversation.all(tenant, conversationId, ...edge, wanted, supervisor ?? null, most).map(recordOf);
      }
      const [only, ...others] = new Set(statuses);
      if (only === undefined) return [];
      const ask = (ofTenant: StatementSync, ofOne: StatementSync, status: string) =>
        supervisor === undefined
          ? ofTenant.all(tenant, status, ...edge, most)
          : ofOne.all(tenant, supervisor, status, ...edge, most);
      if (others.length === 0) return ask(byStatus, bySupervisor, only).map(recordOf);
      const places = [only, ...others].flatMap(
        (status) => ask(placesByStatus, placesBySupervisor, status) as unknown as Place[],
      );
      const first = places.sort(newestFirst).slice(0, most);
      return atPlaces.all(JSON.stringify(first.map(({ stream }) => stream))).map(recordOf);
    },
    ...sqliteUnfinished(database),
    streams: (tenant, kind) => streams.all(tenant, kind).map((row) => row.id as string),
    tenantKey: (tenant) => (tenantKey.get(tenant) as { key: string } | undefined)?.key,
  };
}

/** Nothing for a text that cannot be read: a cache that is damaged is none, and no reason to refuse its stream. */
function stateIn(text: string): { readonly state: Json } | undefined {
  try {
    return { state: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}
