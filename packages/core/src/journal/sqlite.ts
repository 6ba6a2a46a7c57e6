import type { DatabaseSync } from "node:sqlite";
import { OrchestrationError } from "../errors.ts";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";
import { type Logger, silentLogger } from "../port/logger.ts";
import { countBodies } from "./erase.ts";
import { pathIn } from "./file-path.ts";
import { assertAppend, assertText, streamName } from "./link.ts";
import { openForReading, unavailableData } from "./sqlite-file.ts";
import type { Fault, Write } from "./sqlite-message.ts";
import { type Reader, sqliteReader } from "./sqlite-reader.ts";
import { sqliteWriter } from "./sqlite-writer.ts";
import { randomKey } from "./tenant-key.ts";
import { searchable } from "./unsealed.ts";

export interface SqliteJournalOptions {
  /** The journal's file, made with its folder when absent; relative to the working directory at this moment. */
  readonly path: string;
  readonly logger?: Logger;
  /** Makes a tenant's secret; 32 random bytes as base64url when absent. For tests that need the same hashes again. */
  readonly newKey?: (tenant: string) => string;
  /** For tests only: what shall go wrong with the next commit. */
  readonly simulateFault?: () => Fault | undefined;
}

/**
 * A journal in one SQLite file, shared by any number of processes of one machine. Commits are made by a thread of
 * their own, which groups what waits, or here for a lone small write on a quick disk; an append resolves when the disk has
 * it. Reads are made here, behind whatever this journal was asked to write before them that they could find. Keep the file
 * on a local disk: its log needs shared memory.
 * @throws OrchestrationError `journal/foreign-file`, `journal/newer-version`: the file is left as it is;
 *   `journal/unavailable` when it cannot be opened or made; `options/invalid` for a path that is none
 */
export function sqliteJournal(options: SqliteJournalOptions): Journal & AsyncDisposable {
  const path = pathIn("sqliteJournal", options);
  const { logger = silentLogger, newKey = randomKey, simulateFault = () => undefined } = options;
  const { database, reader } = open(path);
  const writer = sqliteWriter({ path, logger, fault: simulateFault });
  const keys = new Map<string, string>();
  let closing: Promise<void> | undefined;

  const write = (make: (known: number) => Write, size: number, ended?: () => void): Promise<void> => {
    if (closing) return Promise.reject(closed());
    return writer.write(make, size, ended);
  };
  /** Of each stream with writes under way, the last one; of erasures, which are many streams', the last one of all. */
  const newest = new Map<string, Promise<void>>();
  let erasing: Promise<void> | undefined;
  /** A write of one stream, behind which whatever is read of that stream comes. */
  const writeTo = (key: StreamKey, make: (known: number) => Write, size: number): Promise<void> => {
    const name = streamName(key);
    const written = write(make, size, () => {
      if (newest.get(name) === written) newest.delete(name);
    });
    if (!closing) newest.set(name, written);
    return written;
  };
  /** Reads behind all earlier writes of this journal, whether they were awaited or not. */
  const read = async <Found>(look: () => Found): Promise<Found> => {
    await writer.settled();
    return looked(look);
  };
  /**
   * Reads of one stream behind the earlier writes of that stream: no other changes what is found, and where many runs write
   * there is always another under way.
   */
  const readOf = async <Found>(key: StreamKey, look: () => Found): Promise<Found> => {
    for (const before of [erasing, newest.get(streamName(key))]) if (before) await before.catch(() => {});
    return looked(look);
  };
  const looked = <Found>(look: () => Found): Found => {
    if (closing) throw closed();
    try {
      return look();
    } catch (thrown) {
      throw new OrchestrationError("journal/unavailable", unavailableData(path, thrown), { cause: thrown });
    }
  };
  const closed = () => new OrchestrationError("journal/unavailable", { reason: "it is closed", path });

  return {
    sealsLate: true,
    append: (key, batch, expectedSeq, record) => {
      assertAppend(key, batch, expectedSeq, record);
      return writeTo(key, (known) => ({ type: "append", key, batch, expectedSeq, record, known }), sizeOf(batch));
    },
    read: (key, fromSeq = 1, most) => readOf(key, () => reader.read(key, fromSeq, most)),
    putBlob: async (tenant, address, body) => {
      assertText("payload", body);
      await write((known) => ({ type: "blob", tenant, address, body, known }), body.length);
    },
    getBlob: (tenant, address) => read(() => reader.blob(tenant, address)),
    erase: async (streams, before) => {
      const found = await read(() => streams.flatMap((key) => reader.read(key, 1)));
      const entries = found.reduce((sum, { lines }) => sum + countBodies(lines, before), 0);
      const erased = write((known) => ({ type: "erase", streams, before, known }), 0);
      erasing = erased;
      try {
        await erased;
      } finally {
        if (erasing === erased) erasing = undefined;
      }
      return entries;
    },
    saveSnapshot: async (key, given) => {
      const text = JSON.stringify(given.state);
      // The hash is that of a batch which may be sealed only where it is committed.
      await newest.get(streamName(key))?.catch(() => {});
      const snapshot = { seq: given.seq, hash: given.hash, state: text };
      await writeTo(key, (known) => ({ type: "snapshot", key, snapshot, known }), text.length);
    },
    loadSnapshot: (key) => readOf(key, () => reader.snapshot(key)),
    findRun: (tenant, runId) => readOf({ tenant, kind: "run", id: runId }, () => reader.run(tenant, runId)),
    listRuns: (filter) => read(() => reader.runs(filter)),
    unfinishedRuns: (page = {}) => read(() => reader.unfinished(page)),
    unfinishedTenants: (page = {}) => read(() => reader.unfinishedTenants(page)),
    nextWakeAt: (after = Number.MIN_SAFE_INTEGER) => read(() => reader.nextWakeAt(after)),
    waitingDefinitions: () => read(() => reader.waitingDefinitions()),
    listStreams: (tenant, kind) => read(() => reader.streams(tenant, kind)),
    tenantKey: async (tenant) => {
      let key = keys.get(tenant) ?? (await read(() => reader.tenantKey(tenant)));
      if (key === undefined) {
        // Whoever comes second, here or in another process, keeps the first one's.
        const secret = newKey(tenant);
        await write((known) => ({ type: "key", tenant, secret, known }), secret.length);
        key = await read(() => reader.tenantKey(tenant));
      }
      if (key === undefined) throw new OrchestrationError("run/internal", { reason: `tenant ${tenant} has no key` });
      keys.set(tenant, key);
      return key;
    },
    close: () => {
      closing ??= (async () => {
        await writer.settled();
        // First, so that the writer's connection is the last one and folds the log into the file off this thread.
        database.close();
        await writer.close();
      })();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

/** What sealing adds to an entry, whatever that says: commitment, hash, salt and three tabs. */
const sealChars = 111;

/** Characters that the batch will take, roughly. */
function sizeOf(batch: Batch): number {
  return searchable(batch).length + (batch.lastSeq - batch.firstSeq + 1) * sealChars;
}

function open(path: string): { readonly database: DatabaseSync; readonly reader: Reader } {
  const database = openForReading(path);
  try {
    return { database, reader: sqliteReader(database) };
  } catch (thrown) {
    database.close();
    throw new OrchestrationError("journal/unavailable", unavailableData(path, thrown), { cause: thrown });
  }
}
