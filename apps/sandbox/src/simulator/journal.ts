import { type Batch, type Journal, OrchestrationError, type RunRecord, type StreamKey } from "@remit/core";
import type { Faults } from "./fault.ts";
import type { Plant } from "./plant.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Store } from "./store.ts";

interface Pending {
  readonly key: StreamKey;
  readonly batch: Batch;
  readonly expectedSeq: number;
  readonly record: RunRecord | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One process's way to the disk. */
export interface FaultyJournal extends Journal {
  /** The process is gone: of what was under way, a first part of each stream may have reached the disk, or nothing. */
  readonly crash: () => void;
}

/** Faults that are the disk's own and last for a while. */
export interface DiskState {
  /** Epoch ms of the world until which nothing can be written. */
  fullUntil: number;
}

/** First entries of batches that take a run out of a park. */
const wakes = /^\{[^}]*"type":"(timer\.fired|approval\.decided|input\.received|effect\.decided)"/;
const fullDiskMsMax = 40_000;
const slowMsMax = 400;

/**
 * A journal with the faults of real ones: commits that are slow, that fail, that succeed without anybody hearing of it,
 * a disk that is full for a while, and unacknowledged batches that a crash loses. It keeps the port's promise: batches of
 * one stream become durable in order, and after a failed one all later ones fail.
 */
export function faultyJournal(options: {
  readonly store: Store;
  readonly disk: DiskState;
  readonly scheduler: Scheduler;
  readonly owner: Owner;
  readonly faults: Faults;
  readonly random: Random;
  readonly plant: Plant | undefined;
}): FaultyJournal {
  const { store, disk, scheduler, owner, faults, random, plant } = options;
  const queues = new Map<string, Pending[]>();
  let closed = false;

  const assertOpen = () => {
    if (closed) throw unavailable("it is closed");
  };
  const assertSpace = () => {
    assertOpen();
    if (faults.strikes("full-disk")) disk.fullUntil = scheduler.now + random.between(1, fullDiskMsMax);
    if (scheduler.now < disk.fullUntil) throw unavailable("the disk is full");
  };
  /** Streams beyond runs are contended for, and may be away by themselves. */
  const assertStream = (key: StreamKey) => {
    if (key.kind === "pins") return;
    if (faults.strikes("stream-conflict")) {
      throw new OrchestrationError("journal/conflict", { stream: key.id, expectedSeq: 0, actualSeq: 0 });
    }
    if (faults.strikes("stream-unavailable")) throw unavailable("this stream is away");
  };
  const write = ({ key, batch, expectedSeq, record }: Omit<Pending, "resolve" | "reject">) => {
    try {
      store.commit(key, batch, expectedSeq, record);
    } catch (thrown) {
      const unfenced = plant === "no-fencing" || (plant === "parked-twice" && wakes.test(batch.lines));
      const swallows = key.kind === "checkpoints" ? plant === "checkpoint-lost" : key.kind === "run" && unfenced;
      if (swallows && OrchestrationError.is(thrown, "journal/conflict")) return;
      throw thrown;
    }
    if (faults.strikes("lost-acknowledgement")) throw unavailable("no answer came");
    store.acknowledged.push({ key, batch });
  };
  const commitFirst = (name: string) => {
    const queue = queues.get(name) ?? [];
    const first = queue.shift();
    if (!first) return;
    try {
      assertSpace();
      if (faults.strikes("failed-commit")) throw unavailable("the write failed");
      write(first);
      first.resolve();
    } catch (thrown) {
      first.reject(thrown);
      for (const later of queue.splice(0)) later.reject(unavailable("an earlier batch was not stored"));
    }
  };
  const slowly = async <T>(read: () => Promise<T>): Promise<T> => {
    assertOpen();
    if (faults.strikes("slow-read")) await scheduler.wait("read", owner, random.below(slowMsMax));
    return read();
  };
  const later = (kind: string): Promise<void> => scheduler.wait(kind, owner, random.below(slowMsMax));
  let held: string | undefined;

  return {
    append: (key, batch, expectedSeq, record) => {
      if (key.kind !== "run") assertStream(key);
      const name = `${key.tenant}/${key.kind}/${key.id}`;
      assertOpen();
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      const slow = faults.strikes("slow-commit");
      if (queue.length === 0 && !slow) {
        assertSpace();
        if (faults.strikes("failed-commit")) throw unavailable("the write failed");
        write({ key, batch, expectedSeq, record });
        return undefined;
      }
      const early = plant === "early-acknowledgement" && key.kind === "run" && expectedSeq > 0;
      const stored = new Promise<void>((resolve, reject) => {
        queue.push({ key, batch, expectedSeq, record, resolve, reject });
        scheduler.add({ kind: "commit", owner, delayMs: random.below(slowMsMax), act: () => commitFirst(name) });
      });
      if (!early) return stored;
      stored.catch(() => "what was acknowledged too early fails unheard");
      store.acknowledged.push({ key, batch });
      return undefined;
    },
    read: (key, ...asked) =>
      slowly(() => {
        // What was appended before is written before it is read, as a disk with one queue does.
        const name = `${key.tenant}/${key.kind}/${key.id}`;
        for (let left = queues.get(name)?.length ?? 0; left > 0; left--) commitFirst(name);
        return store.read(key, ...asked);
      }),
    erase: (streams, before) => slowly(() => store.erase(streams, before)),
    putBlob: (tenant, address, body) => {
      assertSpace();
      if (!faults.strikes("slow-commit")) return store.putBlob(tenant, address, body);
      return later("blob").then(() => store.putBlob(tenant, address, body));
    },
    getBlob: (tenant, address) => slowly(() => store.journal.getBlob(tenant, address)),
    saveSnapshot: (key, snapshot) => {
      assertOpen();
      if (faults.strikes("failed-snapshot")) throw unavailable("no snapshot today");
      // A disk takes what it is given at once: what is written later is what it was.
      const text = JSON.stringify(snapshot.state);
      const { seq, hash } = snapshot;
      const slow = faults.strikes("slow-commit");
      if (plant !== "stale-snapshot") {
        if (!slow) return store.saveSnapshot(key, { seq, hash, text });
        return later("snapshot").then(() => store.saveSnapshot(key, { seq, hash, text }));
      }
      const before = held ?? text;
      held = text;
      return store.saveSnapshot(key, { seq, hash, text: before });
    },
    loadSnapshot: (key) => slowly(() => store.loadSnapshot(key)),
    findRun: (tenant, runId) => slowly(() => store.journal.findRun(tenant, runId)),
    listRuns: (filter) => slowly(() => store.journal.listRuns(filter)),
    unfinishedRuns: (page) => slowly(() => store.journal.unfinishedRuns(page)),
    unfinishedTenants: (page) => slowly(() => store.journal.unfinishedTenants(page)),
    nextWakeAt: (after) => slowly(() => store.journal.nextWakeAt(after)),
    waitingDefinitions: () => slowly(() => store.journal.waitingDefinitions()),
    listStreams: (tenant, kind) => slowly(() => store.journal.listStreams(tenant, kind)),
    tenantKey: (tenant) => slowly(() => store.journal.tenantKey(tenant)),
    close: async () => {
      // What is under way is written first, as far as it can be.
      for (const [name, queue] of queues) while (queue.length > 0) commitFirst(name);
      closed = true;
    },
    crash: () => {
      for (const queue of queues.values()) {
        const landed = queue.length > 0 && !faults.strikes("torn-commit") ? random.below(queue.length + 1) : 0;
        for (const batch of queue.splice(0).slice(0, landed)) {
          try {
            store.commit(batch.key, batch.batch, batch.expectedSeq, batch.record);
          } catch (thrown) {
            if (!OrchestrationError.is(thrown, "journal/conflict")) throw thrown;
            break; // Somebody else owns the stream by now.
          }
        }
      }
    },
  };
}

function unavailable(reason: string): OrchestrationError {
  return new OrchestrationError("journal/unavailable", { reason });
}
