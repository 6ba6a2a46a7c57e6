import { OrchestrationError, reasonOf } from "../../errors.ts";
import { assertAppend, conflictData, isLinked, streamName } from "../../journal/link.ts";
import { isUnfinished } from "../../journal/listing.ts";
import type { Json } from "../../json.ts";
import type { Clock } from "../../port/clock.ts";
import type { RunHost, RunKey } from "../../port/engine.ts";
import type { Batch, Journal, RunRecord, Snapshot, StreamKey } from "../../port/journal.ts";
import { LocalSession, type Waiting } from "../session.ts";
import type { Acked, Flush, Loaded, Sent } from "./wire.ts";

/**
 * One run at work in a worker: an ordinary session, whose appends leave as what the next step of its activation stores.
 *
 * Y1 What `append` promised is kept when the cluster has acknowledged the step that holds the batch, never before: a
 *    worker that has lost its activation passes no barrier any more (D2).
 * Y2 Nothing here is run again from records. After a crash another worker loads the journal and begins a new one, as
 *    after a restart on any other engine.
 */
export interface ActivityOptions {
  readonly key: RunKey;
  readonly host: RunHost;
  readonly journal: Journal;
  /** The engine's clock, which the run goes by. */
  readonly clock: Clock;
  /** The machine's clock. */
  readonly wall: Clock;
  readonly salt: () => string;
  readonly mailbox: number;
  readonly sent: readonly Sent[];
  /** What is durable of the run; asked once, when it is its turn. */
  readonly load: () => Promise<Loaded>;
  /** Resolves when the run may begin; the answer gives the place back. */
  readonly turn: () => Promise<() => void>;
  readonly onBatch: (batch: Batch) => void;
}

/** A step comes back at least this often, so that the cluster does not take a silent one for a dead one. */
const sayAliveMs = 60_000;
/** Characters that a step carries; what is more goes with the next. */
const flushCharsMax = 1_000_000;

interface Buffered {
  readonly batch: Batch;
  readonly record?: RunRecord;
  readonly stored: PromiseWithResolvers<void>;
}
interface Told extends Waiting {
  readonly sent: Sent;
}

export class Activity {
  readonly key: RunKey;
  /** Batches that are stored and may not be seen yet by who reads the run from outside. */
  readonly tail: Batch[] = [];
  record: RunRecord | undefined;
  readonly #options: ActivityOptions;
  readonly #session: LocalSession;
  readonly #buffer: Buffered[] = [];
  #flushed: Buffered[] = [];
  #acks: { readonly ack: string; readonly acked: Acked }[] = [];
  #snapshot: Snapshot | undefined;
  #head = { seq: 0, hash: "" };
  #loaded: Loaded | undefined;
  #done: Flush["done"];
  #broken: { readonly error: unknown } | undefined;
  #heard = 0;
  #stopping = false;
  #lost = false;
  #started = false;
  #poke: (() => void) | undefined;
  /** Why driving stopped, when it did with an error. */
  failure: OrchestrationError | undefined;

  constructor(options: ActivityOptions) {
    const { key, clock, salt, host, onBatch } = options;
    this.#options = options;
    this.key = key;
    this.#session = new LocalSession({
      key: { tenant: key.tenant, kind: "run", id: key.runId },
      journal: this.#ownJournal(),
      clock,
      salt,
      host,
      onBatch,
      onRecord: (record) => {
        this.record = record;
      },
    });
    for (const sent of options.sent) this.push(sent);
  }

  /** An event from outside; one that has been given before is dropped by the run itself. */
  push(sent: Sent): void {
    // Too late for this session: the activation sees it by the number and gives it to the next.
    if (this.#done) return;
    this.#heard++;
    const { event, ack } = sent;
    const settle = (acked: Acked) => {
      if (ack === undefined) return;
      this.#acks.push({ ack, acked });
      this.#wakeUp();
    };
    const { waiting } = this.#session;
    const { mailbox } = this.#options;
    if (waiting >= mailbox) {
      const data = { address: this.key.runId, waiting, capacity: mailbox };
      return settle({ error: new OrchestrationError("bus/mailbox-full", data).toRecord() });
    }
    const told: Told = {
      event,
      sent,
      settle: { resolve: () => settle({}), reject: (error) => settle({ error: error.toRecord() }) },
    };
    this.#session.push(told);
  }

  /** The next thing to be stored; resolves when there is something, or nothing has been for a while. */
  async flush(): Promise<Flush> {
    if (!this.#started) {
      this.#started = true;
      void this.#run();
    }
    if (!this.#hasNews()) {
      await new Promise<void>((resolve) => {
        const { wall } = this.#options;
        const alive = wall.at(wall.now() + sayAliveMs, resolve);
        this.#poke = () => {
          alive.cancel();
          resolve();
        };
      });
      this.#poke = undefined;
    }
    if (this.#broken) throw this.#broken.error;
    return this.#take();
  }

  /** The last flush is stored. */
  stored(): void {
    const flushed = this.#flushed;
    this.#flushed = [];
    for (const { batch, stored } of flushed) {
      this.tail.push(batch);
      stored.resolve();
    }
  }

  /** Whoever drives the run next goes on from what is stored. */
  stop(): void {
    this.#stopping = true;
    this.#session.stop();
  }

  /** The activation goes on elsewhere, or was lost: nothing that happens here counts any more. */
  abandon(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#session.stop();
    const error = new OrchestrationError("journal/unavailable", { reason: "another worker drives the run by now" });
    for (const { stored } of [...this.#flushed, ...this.#buffer.splice(0)]) stored.reject(error);
    this.#flushed = [];
    this.#broken ??= { error };
    this.#wakeUp();
  }

  #hasNews(): boolean {
    return this.#buffer.length > 0 || this.#acks.length > 0 || this.#done !== undefined || this.#broken !== undefined;
  }

  #wakeUp(): void {
    this.#poke?.();
  }

  #take(): Flush {
    let chars = 0;
    let count = 0;
    for (const { batch } of this.#buffer) {
      chars += batch.lines.length;
      if (count > 0 && chars > flushCharsMax) break;
      count++;
    }
    const flushed = this.#buffer.splice(0, count);
    this.#flushed = flushed;
    const record = flushed.findLast((one) => one.record !== undefined)?.record;
    const all = this.#buffer.length === 0;
    const acks = all ? this.#acks : [];
    if (all) this.#acks = [];
    const snapshot = all ? this.#snapshot : undefined;
    if (all) this.#snapshot = undefined;
    return {
      batches: flushed.map(({ batch }) => batch),
      acks,
      ...(record === undefined ? {} : { record }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(all && this.#done ? { done: this.#done } : {}),
    };
  }

  async #run(): Promise<void> {
    const { load, turn, host, clock, key } = this.#options;
    const leave = await turn();
    let failure: OrchestrationError | undefined;
    try {
      this.#loaded = await load();
      const { batches, record, moved } = this.#loaded;
      if (moved !== undefined) {
        const actual = batches.at(-1)?.lastSeq ?? 0;
        throw new OrchestrationError("journal/conflict", { stream: key.runId, expected: 0, actual });
      }
      const last = batches.at(-1);
      if (last) this.#head = { seq: last.lastSeq, hash: last.hash };
      this.record ??= record;
      if (!this.#stopping && !this.#lost) await host.drive(this.#session);
    } catch (thrown) {
      failure = OrchestrationError.is(thrown)
        ? thrown
        : new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown });
    }
    leave();
    if (this.#lost) return;
    // What is away for a moment is waited for by the cluster, which tries the activation again.
    if (failure && isPassing(failure)) {
      this.#session.stop();
      this.#broken = { error: failure };
      return this.#wakeUp();
    }
    const dueAt = this.#session.nextDue;
    const left = this.#session.end(failure) as Told[];
    this.failure = failure;
    const wakesAt = failure || (this.record && !isUnfinished(this.record.status)) ? undefined : dueAt;
    this.#done = {
      left: left.map(({ sent }) => sent),
      heard: this.#heard,
      ...(wakesAt === undefined ? {} : { wake: { at: wakesAt, delayMs: Math.max(0, wakesAt - clock.now()) } }),
      ...(this.#stopping ? { handOver: true } : {}),
    };
    this.#wakeUp();
  }

  /** The engine's journal, with the run's own stream as this activation writes it. */
  #ownJournal(): Journal {
    const { journal, key } = this.#options;
    const isOwn = (stream: StreamKey) =>
      stream.kind === "run" && stream.tenant === key.tenant && stream.id === key.runId;
    return {
      ...journal,
      append: (stream, batch, expectedSeq, record) => {
        if (!isOwn(stream)) return journal.append(stream, batch, expectedSeq, record);
        assertAppend(stream, batch, expectedSeq, record);
        if (this.#lost) throw new OrchestrationError("journal/unavailable", { reason: "the activation was lost" });
        const { seq, hash } = this.#head;
        if (seq !== expectedSeq || !isLinked(hash, batch)) {
          throw new OrchestrationError("journal/conflict", conflictData(streamName(stream), expectedSeq, seq));
        }
        this.#head = { seq: batch.lastSeq, hash: batch.hash };
        const stored = Promise.withResolvers<void>();
        stored.promise.catch(() => {}); // Whoever awaits it is told; nobody may.
        this.#buffer.push({ batch, stored, ...(record === undefined ? {} : { record }) });
        this.#wakeUp();
        return stored.promise;
      },
      read: async (stream, fromSeq = 1, most) => {
        const loaded = isOwn(stream) ? this.#loaded : undefined;
        // Before its first append a run that is loaded is what was loaded.
        if (!loaded || this.tail.length > 0 || (loaded.snapshot && fromSeq < loaded.snapshot.seq))
          return journal.read(stream, fromSeq, most);
        return loaded.batches.filter(({ lastSeq }) => lastSeq >= fromSeq).slice(0, most);
      },
      loadSnapshot: async (stream) =>
        isOwn(stream) ? structuredClone(this.#loaded?.snapshot) : journal.loadSnapshot(stream),
      saveSnapshot: (stream, snapshot) => {
        if (!isOwn(stream)) return journal.saveSnapshot(stream, snapshot);
        // Written down at once: what it is of goes on to change.
        this.#snapshot = { ...snapshot, state: JSON.parse(JSON.stringify(snapshot.state)) as Json };
        return undefined;
      },
      findRun: async (tenant, runId) =>
        tenant === key.tenant && runId === key.runId ? this.record : journal.findRun(tenant, runId),
    };
  }
}

/** True for an error that is over when whatever is away is back. */
function isPassing({ code }: OrchestrationError): boolean {
  return code === "journal/unavailable" || (code.startsWith("engine/") && code !== "engine/closed");
}
