import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Batch, Journal, RunFilter, RunRecord, StreamKey, StreamKind } from "../port/journal.ts";
import { addressesIn, eraseLines } from "./erase.ts";
import { assertAppend, assertText, conflictData, isLinked, streamName } from "./link.ts";
import { mostOf, newestFirst, pastPage } from "./listing.ts";
import { pages } from "./pages.ts";
import { randomKey } from "./tenant-key.ts";
import { unfinishedRuns } from "./unfinished.ts";

export interface MemoryJournalOptions {
  /** Makes a tenant's secret; 32 random bytes as base64url when absent. For tests that need the same hashes again. */
  readonly newKey?: (tenant: string) => string;
}

interface Stream {
  /** Of each batch, one behind the other: seq of its last entry, and its lines or, of a stream that rests, their place. */
  readonly batches: (number | string)[];
  lastSeq: number;
  hash: string;
}

interface Tenant {
  readonly runs: Map<string, RunRecord>;
  readonly streams: Map<string, Set<string>>;
  readonly blobs: Map<string, string>;
  key: string | undefined;
}

/**
 * A journal that lives as long as its object: for tests, scripts and simulations. Every write is durable on return,
 * in this sense, so nothing is ever awaited. Records are kept as they are given; of batches the lines, outside of the heap
 * for streams on which nobody works.
 */
export function memoryJournal(options: MemoryJournalOptions = {}): Journal {
  const newKey = options.newKey ?? randomKey;
  const streams = new Map<string, Stream>();
  const tenants = new Map<string, Tenant>();
  const unfinished = unfinishedRuns();
  const texts = pages();
  const snapshots = new Map<string, { readonly seq: number; readonly hash: string; readonly state: string }>();
  let closed = false;

  const linesAt = (batches: Stream["batches"], index: number): string => {
    const kept = batches[index]!;
    return typeof kept === "number" ? texts.get(kept) : kept;
  };

  const assertOpen = () => {
    if (closed) throw new OrchestrationError("journal/unavailable", { reason: "it is closed" });
  };
  const tenantOf = (name: string): Tenant => {
    let tenant = tenants.get(name);
    if (!tenant) {
      tenant = { runs: new Map(), streams: new Map(), blobs: new Map(), key: undefined };
      tenants.set(name, tenant);
    }
    return tenant;
  };
  const openStream = (name: string, key: StreamKey): Stream => {
    const stream = { batches: [], lastSeq: 0, hash: "" };
    streams.set(name, stream);
    const { streams: kinds } = tenantOf(key.tenant);
    const ids = kinds.get(key.kind);
    if (ids) ids.add(key.id);
    else kinds.set(key.kind, new Set([key.id]));
    return stream;
  };

  return {
    append: (key, batch, expectedSeq, record) => {
      assertOpen();
      assertAppend(key, batch, expectedSeq, record);
      const name = streamName(key);
      let stream = streams.get(name);
      const actual = stream?.lastSeq ?? 0;
      if (actual !== expectedSeq || !isLinked(stream?.hash ?? "", batch)) {
        throw new OrchestrationError("journal/conflict", conflictData(name, expectedSeq, actual));
      }
      stream ??= openStream(name, key);
      // Looked at once, a text is one piece, and not all those that it was put together from.
      batch.lines.charCodeAt(0);
      stream.batches.push(batch.lastSeq, batch.lines);
      stream.lastSeq = batch.lastSeq;
      stream.hash = batch.hash;
      if (!record) return;
      const { runs } = tenantOf(key.tenant);
      unfinished.put(runs.get(record.runId), record);
      runs.set(record.runId, record);
    },
    read: async (key, fromSeq = 1, most = Number.POSITIVE_INFINITY) => {
      assertOpen();
      const batches = streams.get(streamName(key))?.batches ?? [];
      const first = firstReaching(batches, fromSeq);
      const last = Math.min(first + most, batches.length / 2);
      const read: Batch[] = [];
      for (let index = first; index < last; index++)
        read.push(batchAt(batches, index, linesAt(batches, index * 2 + 1)));
      return read;
    },
    rest: (key) => {
      const { batches = [] } = streams.get(streamName(key)) ?? {};
      // What is on a page already is in front of what is not.
      for (let index = batches.length - 1; typeof batches[index] === "string"; index -= 2) {
        batches[index] = texts.put(batches[index] as string);
      }
    },
    putBlob: (tenant, address, body) => {
      assertOpen();
      assertText("payload", body);
      const { blobs } = tenantOf(tenant);
      if (!blobs.has(address)) blobs.set(address, body);
    },
    getBlob: async (tenant, address) => {
      assertOpen();
      return tenants.get(tenant)?.blobs.get(address);
    },
    erase: async (erased, before) => {
      assertOpen();
      let entries = 0;
      for (const key of erased) {
        const { batches = [] } = streams.get(streamName(key)) ?? {};
        const gone = new Set<string>();
        for (let index = 1; index < batches.length; index += 2) {
          const kept = batches[index]!;
          const emptied = eraseLines(linesAt(batches, index), before);
          if (emptied.entries === 0) continue;
          entries += emptied.entries;
          batches[index] = emptied.lines;
          if (typeof kept === "number") texts.wipe(kept);
          for (const address of emptied.addresses) gone.add(address);
        }
        snapshots.delete(streamName(key));
        if (gone.size === 0) continue;
        for (const [kind, ids] of tenantOf(key.tenant).streams) {
          for (const id of ids) {
            const left = streams.get(streamName({ tenant: key.tenant, kind: kind as StreamKind, id }))?.batches ?? [];
            for (let index = 1; index < left.length; index += 2) {
              for (const address of addressesIn(linesAt(left, index))) gone.delete(address);
            }
          }
        }
        for (const address of gone) tenantOf(key.tenant).blobs.delete(address);
      }
      return entries;
    },
    saveSnapshot: (key, { seq, hash, state }) => {
      assertOpen();
      // As text, so that what comes back is nobody else's object, as on every other journal.
      snapshots.set(streamName(key), { seq, hash, state: JSON.stringify(state) });
    },
    loadSnapshot: async (key) => {
      assertOpen();
      const found = snapshots.get(streamName(key));
      return found && { seq: found.seq, hash: found.hash, state: JSON.parse(found.state) as Json };
    },
    findRun: async (tenant, runId) => {
      assertOpen();
      return tenants.get(tenant)?.runs.get(runId);
    },
    listRuns: async (filter) => {
      assertOpen();
      const runs = [...(tenants.get(filter.tenant)?.runs.values() ?? [])].filter((run) => isListed(run, filter));
      return runs.sort(newestFirst).slice(0, mostOf(filter));
    },
    unfinishedRuns: async (page = {}) => {
      assertOpen();
      return unfinished.page(page);
    },
    unfinishedTenants: async (page = {}) => {
      assertOpen();
      return unfinished.tenants(page);
    },
    nextWakeAt: async (after = Number.NEGATIVE_INFINITY) => {
      assertOpen();
      return unfinished.nextWakeAt(after);
    },
    waitingDefinitions: async () => {
      assertOpen();
      return unfinished.definitions();
    },
    listStreams: async (tenant, kind) => {
      assertOpen();
      return [...(tenants.get(tenant)?.streams.get(kind) ?? [])].sort();
    },
    tenantKey: async (name) => {
      assertOpen();
      const tenant = tenantOf(name);
      tenant.key ??= newKey(name);
      return tenant.key;
    },
    close: async () => {
      closed = true;
    },
  };
}

function isListed(run: RunRecord, filter: RunFilter): boolean {
  return (
    (filter.status === undefined || filter.status.includes(run.status)) &&
    (filter.supervisor === undefined || filter.supervisor === run.supervisor) &&
    (filter.conversationId === undefined || filter.conversationId === run.conversationId) &&
    (filter.waitingFor === undefined || (run.waits?.includes(filter.waitingFor) ?? false)) &&
    pastPage(run, filter)
  );
}

/** A batch as it was appended: its hash is that of its last line. */
function batchAt(batches: Stream["batches"], index: number, lines: string): Batch {
  const line = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const commitment = lines.indexOf("\t", lines.indexOf("\t", line) + 1);
  return {
    firstSeq: index === 0 ? 1 : lastSeqAt(batches, index - 1) + 1,
    lastSeq: lastSeqAt(batches, index),
    lines,
    hash: lines.slice(commitment + 1, lines.indexOf("\t", commitment + 1)),
  };
}

function lastSeqAt(batches: Stream["batches"], index: number): number {
  return batches[index * 2] as number;
}

/** Index of the first batch whose last entry is not before `seq`. */
function firstReaching(batches: Stream["batches"], seq: number): number {
  let low = 0;
  let high = batches.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lastSeqAt(batches, middle) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
