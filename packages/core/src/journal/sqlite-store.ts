import type { DatabaseSync } from "node:sqlite";
import type { Batch } from "../port/journal.ts";
import { addressesIn, eraseLines } from "./erase.ts";
import { conflictData, isLinked, streamName } from "./link.ts";
import type { Answer, Failure, LateBatch, Write } from "./sqlite-message.ts";
import { textOf } from "./sqlite-record.ts";
import { oneByOne, sealText } from "./unsealed.ts";

type Append = Extract<Write, { type: "append" }>;

/** The changes of one connection. Each stands inside a transaction that the caller has begun. */
export interface Store {
  readonly begin: () => void;
  readonly commit: () => void;
  /**
   * Makes one change, or says why not and leaves everything as it was. Of a late batch it gives the hash.
   * @throws Error of node:sqlite when the disk, not the change, is the reason; the transaction is then worth nothing
   */
  readonly apply: (write: Write) => Outcome;
}

type Outcome = Failure | { readonly hash: string } | undefined;

/** So many late batches are known by their places: no more are ever under way, and who comes later names the hash. */
const placesMax = 1024;

/**
 * Makes a group durable in one transaction. A write that is refused costs its neighbours nothing.
 * @throws Error of node:sqlite when the disk is the reason; nothing of the group is then stored once the connection is closed
 */
export function commitGroup({ begin, commit }: Store, writes: readonly Write[], apply: Store["apply"]): Answer {
  const failures: { position: number; failure: Failure }[] = [];
  const sealed: { position: number; hash: string }[] = [];
  begin();
  for (const [position, write] of writes.entries()) {
    const outcome = apply(write);
    if (!outcome) continue;
    if ("hash" in outcome) sealed.push({ position, hash: outcome.hash });
    else failures.push({ position, failure: outcome });
  }
  commit();
  return { count: writes.length, failures, sealed };
}

export function sqliteStore(database: DatabaseSync): Store {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const findStream = database.prepare("SELECT stream FROM streams WHERE tenant = ? AND kind = ? AND id = ?");
  const addStream = database.prepare("INSERT INTO streams (tenant, kind, id) VALUES (?, ?, ?)");
  const findHead = database.prepare(
    "SELECT last_seq AS seq, hash FROM batches WHERE stream = ? ORDER BY first_seq DESC LIMIT 1",
  );
  const addBatch = database.prepare(
    "INSERT INTO batches (stream, first_seq, last_seq, hash, lines) VALUES (?, ?, ?, ?, ?)",
  );
  const putRun = database.prepare(
    `INSERT INTO runs (stream, tenant, run_id, supervisor, definition_hash, status, started_at, updated_at, last_seq,
       conversation_id, wake_at, waits, micro_usd)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (stream) DO UPDATE SET supervisor = excluded.supervisor, definition_hash = excluded.definition_hash,
       status = excluded.status, started_at = excluded.started_at, updated_at = excluded.updated_at,
       last_seq = excluded.last_seq, conversation_id = excluded.conversation_id, wake_at = excluded.wake_at,
       waits = excluded.waits, micro_usd = excluded.micro_usd`,
  );
  const putBlob = database.prepare(
    "INSERT INTO blobs (tenant, address, body) VALUES (?, ?, ?) ON CONFLICT (tenant, address) DO NOTHING",
  );
  const putSnapshot = database.prepare(
    `INSERT INTO snapshots (tenant, kind, id, seq, hash, state) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, kind, id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, state = excluded.state`,
  );
  const putKey = database.prepare("INSERT INTO tenants (tenant, key) VALUES (?, ?) ON CONFLICT (tenant) DO NOTHING");

  /** The hash of each late batch of lately, by its place. */
  const hashes = new Map<number, string>();
  const remember = (place: number, hash: string) => {
    hashes.set(place, hash);
    const [oldest] = hashes.keys();
    if (hashes.size > placesMax && oldest !== undefined) hashes.delete(oldest);
  };
  /** Seals a late batch if it was made behind this hash. */
  const sealedBehind = (previous: string, { text, salts, behind, ...late }: LateBatch): Batch | undefined => {
    if ((typeof behind === "string" ? behind : hashes.get(behind)) !== previous) return undefined;
    return { ...late, ...sealText(text, previous, oneByOne(salts.split("\n"))) };
  };

  // Compares before it writes, so a refused append needs nothing undone and costs its neighbours nothing.
  const append = ({ key, batch: given, expectedSeq, record }: Append): Outcome => {
    const { tenant, kind, id } = key;
    let stream = (findStream.get(tenant, kind, id) as { stream: number } | undefined)?.stream;
    const head = stream === undefined ? undefined : (findHead.get(stream) as { seq: number; hash: string } | undefined);
    const actual = head?.seq ?? 0;
    const previous = head?.hash ?? "";
    const batch = "text" in given ? sealedBehind(previous, given) : isLinked(previous, given) ? given : undefined;
    if (actual !== expectedSeq || !batch) {
      return { code: "journal/conflict", data: conflictData(streamName(key), expectedSeq, actual) };
    }
    stream ??= Number(addStream.run(tenant, kind, id).lastInsertRowid);
    addBatch.run(stream, batch.firstSeq, batch.lastSeq, batch.hash, batch.lines);
    if (record) {
      putRun.run(
        stream,
        tenant,
        id,
        record.supervisor,
        record.definitionHash,
        record.status,
        record.startedAt,
        record.updatedAt,
        record.lastSeq,
        record.conversationId ?? null,
        record.wakeAt ?? null,
        textOf(record.waits),
        record.microUsd ?? null,
      );
    }
    if (!("text" in given)) return undefined;
    remember(given.place, batch.hash);
    return { hash: batch.hash };
  };

  const batchesOf = database.prepare("SELECT batch, lines FROM batches WHERE stream = ? ORDER BY first_seq");
  const putLines = database.prepare("UPDATE batches SET lines = ? WHERE batch = ?");
  const withPayloads = database.prepare(
    `SELECT b.lines FROM streams s JOIN batches b ON b.stream = s.stream
     WHERE s.tenant = ? AND instr(b.lines, '"$blob"')`,
  );
  const dropBlob = database.prepare("DELETE FROM blobs WHERE tenant = ? AND address = ?");
  const dropSnapshot = database.prepare("DELETE FROM snapshots WHERE tenant = ? AND kind = ? AND id = ?");

  const erase = ({ streams, before }: Extract<Write, { type: "erase" }>): void => {
    const gone = new Map<string, Set<string>>();
    for (const { tenant, kind, id } of streams) {
      const found = findStream.get(tenant, kind, id) as { stream: number } | undefined;
      if (!found) continue;
      const addresses = gone.get(tenant) ?? new Set();
      gone.set(tenant, addresses);
      for (const { batch, lines } of batchesOf.all(found.stream) as { batch: number; lines: string }[]) {
        const erased = eraseLines(lines, before);
        if (erased.entries === 0) continue;
        putLines.run(erased.lines, batch);
        for (const address of erased.addresses) addresses.add(address);
      }
      dropSnapshot.run(tenant, kind, id);
    }
    for (const [tenant, addresses] of gone) {
      if (addresses.size === 0) continue;
      // Equal payloads of a tenant lie under one address: what another entry names stays.
      for (const { lines } of withPayloads.iterate(tenant) as Iterable<{ lines: string }>) {
        for (const address of addressesIn(lines)) addresses.delete(address);
      }
      for (const address of addresses) dropBlob.run(tenant, address);
    }
  };

  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    apply: (write) => {
      switch (write.type) {
        case "append":
          return append(write);
        case "blob":
          putBlob.run(write.tenant, write.address, write.body);
          return undefined;
        case "snapshot": {
          const { key, snapshot } = write;
          putSnapshot.run(key.tenant, key.kind, key.id, snapshot.seq, snapshot.hash, snapshot.state);
          return undefined;
        }
        case "erase":
          erase(write);
          return undefined;
        case "key":
          putKey.run(write.tenant, write.secret);
          return undefined;
      }
    },
  };
}
