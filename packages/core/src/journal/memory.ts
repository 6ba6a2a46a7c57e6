import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Journal, RunFilter, RunRecord, StreamKey, StreamKind } from "../port/journal.ts";
import { addressesIn, eraseLines } from "./erase.ts";
import { assertAppend, assertText, conflictData, streamName } from "./link.ts";
import { mostOf, newestFirst, pastPage } from "./listing.ts";
import { MemoryStream } from "./memory-stream.ts";
import { pages } from "./pages.ts";
import { randomKey } from "./tenant-key.ts";
import { unfinishedRuns } from "./unfinished.ts";

export interface MemoryJournalOptions {
  /** Makes a tenant's secret; 32 random bytes as base64url when absent. For tests that need the same hashes again. */
  readonly newKey?: (tenant: string) => string;
}

interface Tenant {
  readonly runs: Map<string, RunRecord>;
  readonly streams: Map<string, Set<string>>;
  readonly blobs: Map<string, string>;
  key: string | undefined;
}

/**
 * A journal that lives as long as its object: for tests, scripts and simulations. Every write is durable on return,
 * in this sense, so nothing is ever awaited. Records are kept as they are given; of batches the texts, outside of the heap
 * for streams on which nobody works. What a run appends is sealed when somebody looks at it.
 */
export function memoryJournal(options: MemoryJournalOptions = {}): Journal & AsyncDisposable {
  const newKey = options.newKey ?? randomKey;
  const streams = new Map<string, MemoryStream>();
  const tenants = new Map<string, Tenant>();
  const unfinished = unfinishedRuns();
  const texts = pages();
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
  const openStream = (name: string, key: StreamKey, stream: MemoryStream) => {
    streams.set(name, stream);
    const { streams: kinds } = tenantOf(key.tenant);
    const ids = kinds.get(key.kind);
    if (ids) ids.add(key.id);
    else kinds.set(key.kind, new Set([key.id]));
  };

  return {
    sealsLate: true,
    append: (key, batch, expectedSeq, record) => {
      assertOpen();
      assertAppend(key, batch, expectedSeq, record);
      const name = streamName(key);
      const known = streams.get(name);
      const stream = known ?? new MemoryStream(texts);
      const actual = stream.lastSeq;
      if (actual !== expectedSeq || !stream.isBehind(batch)) {
        throw new OrchestrationError("journal/conflict", conflictData(name, expectedSeq, actual));
      }
      if (!known) openStream(name, key, stream);
      stream.append(batch);
      if (!record) return;
      const { runs } = tenantOf(key.tenant);
      unfinished.put(runs.get(record.runId), record);
      runs.set(record.runId, record);
    },
    read: async (key, fromSeq = 1, most = Number.POSITIVE_INFINITY) => {
      assertOpen();
      return streams.get(streamName(key))?.read(fromSeq, most) ?? [];
    },
    rest: (key) => streams.get(streamName(key))?.rest(),
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
        const gone = new Set<string>();
        streams.get(streamName(key))?.change((lines) => {
          const emptied = eraseLines(lines, before);
          if (emptied.entries === 0) return undefined;
          entries += emptied.entries;
          for (const address of emptied.addresses) gone.add(address);
          return emptied.lines;
        });
        snapshots.delete(streamName(key));
        if (gone.size === 0) continue;
        for (const [kind, ids] of tenantOf(key.tenant).streams) {
          for (const id of ids) {
            const left = streams.get(streamName({ tenant: key.tenant, kind: kind as StreamKind, id }))?.all() ?? [];
            for (const text of left) for (const address of addressesIn(text)) gone.delete(address);
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
    [Symbol.asyncDispose]() {
      return this.close();
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
