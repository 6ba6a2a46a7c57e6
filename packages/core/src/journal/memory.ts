import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Batch, Journal, RunFilter, RunRecord, StreamKey, StreamKind } from "../port/journal.ts";
import { addressesIn, eraseLines } from "./erase.ts";
import { assertAppend, assertText, conflictData, isLinked, streamName } from "./link.ts";
import { mostOf, newestFirst, pastPage } from "./listing.ts";
import { randomKey } from "./tenant-key.ts";
import { unfinishedRuns } from "./unfinished.ts";

export interface MemoryJournalOptions {
  /** Makes a tenant's secret; 32 random bytes as base64url when absent. For tests that need the same hashes again. */
  readonly newKey?: (tenant: string) => string;
}

interface Stream {
  readonly batches: Batch[];
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
 * in this sense, so nothing is ever awaited. Batches and records are kept as they are given, not copied.
 */
export function memoryJournal(options: MemoryJournalOptions = {}): Journal {
  const newKey = options.newKey ?? randomKey;
  const streams = new Map<string, Stream>();
  const tenants = new Map<string, Tenant>();
  const unfinished = unfinishedRuns();
  const snapshots = new Map<string, { readonly seq: number; readonly hash: string; readonly state: string }>();
  let closed = false;

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
      const { firstSeq, lastSeq, lines, hash } = batch;
      stream.batches.push({ firstSeq, lastSeq, lines, hash });
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
      return batches.slice(first, first + most);
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
        for (const [index, batch] of batches.entries()) {
          const emptied = eraseLines(batch.lines, before);
          if (emptied.entries === 0) continue;
          entries += emptied.entries;
          batches[index] = { ...batch, lines: emptied.lines };
          for (const address of emptied.addresses) gone.add(address);
        }
        snapshots.delete(streamName(key));
        if (gone.size === 0) continue;
        for (const [kind, ids] of tenantOf(key.tenant).streams) {
          for (const id of ids) {
            for (const { lines } of streams.get(streamName({ tenant: key.tenant, kind: kind as StreamKind, id }))
              ?.batches ?? []) {
              for (const address of addressesIn(lines)) gone.delete(address);
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

/** Index of the first batch whose last entry is not before `seq`. */
function firstReaching(batches: readonly Batch[], seq: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (batches[middle]!.lastSeq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
