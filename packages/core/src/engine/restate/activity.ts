import { OrchestrationError, ownError } from "../../errors.ts";
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
 * Y2 A batch that somebody waits for leaves at once, with all that was appended before it; one that nobody waits for stays
 *    a moment for the next.
 * Y3 Nothing here is run again from records. After a crash another worker loads the journal and begins a new one, as
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
/** How long a batch that nobody waits for stays for others. */
const lingerMs = 10;
/** How long what nobody waited for stays in steps' results alone, and how many characters of it, before the object's state has it. */
const keepMs = 1_000;
const keepCharsMax = 200_000;
/** How long a run works before the index is told so, unless somebody elsewhere is about to be told. */
const listMs = 1_000;

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
  /** What the index is to say, as far as it is stored. */
  record: RunRecord | undefined;
  readonly #options: ActivityOptions;
  readonly #session: LocalSession;
  readonly #buffer: Buffered[] = [];
  #flushed: Buffered[] = [];
  #acks: { readonly ack: string; readonly acked: Acked }[] = [];
  #snapshot: Snapshot | undefined;
  /** What the index is to say, stored or not. */
  #appended: RunRecord | undefined;
  /** When the oldest batch in the buffer came, and whether somebody waits for one. */
  #bufferedAt = 0;
  #isAwaited = false;
  /** Characters that are in steps' results alone, and since when. */
  #unkept = 0;
  #keptAt = Number.NEGATIVE_INFINITY;
  /** What the index has not been told, and since when. */
  #unlisted: { readonly record: RunRecord; readonly since: number } | undefined;
  #head = { seq: 0, hash: "" };
  #loaded: Loaded | undefined;
  #done: Flush["done"];
  #broken: { readonly error: unknown } | undefined;
  #heard = 0;
  #stopping = false;
  #lost = false;
  #running: Promise<void> | undefined;
  #poke: (() => void) | undefined;
  /** Why driving stopped, when it did with an error. */
  failure: OrchestrationError | undefined;

  constructor(options: ActivityOptions) {
    const { key, clock, salt, host, onBatch } = options;
    this.#options = options;
    this.key = key;
    this.#session = new LocalSession({
      key: { tenant: key.tenant, kind: "run", id: key.runId },
      name: key.runId,
      journal: this.#ownJournal(),
      clock,
      salt,
      host,
      owner: {
        published: (_, batch) => onBatch(batch),
        recorded: (record) => {
          this.#appended = record;
        },
      },
      onAwaits: () => {
        if (this.#buffer.length === 0) return;
        this.#isAwaited = true;
        this.#wakeUp();
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
    this.#running ??= this.#run();
    const { wall } = this.#options;
    const aliveAt = wall.now() + sayAliveMs;
    for (let dueAt = this.#dueAt(aliveAt); dueAt > wall.now(); dueAt = this.#dueAt(aliveAt)) {
      await new Promise<void>((resolve) => {
        const timer = wall.at(dueAt, resolve);
        this.#poke = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#poke = undefined;
    }
    if (this.#broken) throw this.#broken.error;
    return this.#take();
  }

  /** Resolves when the driver has returned, whatever it came to; nobody waits for it before it was begun. */
  async rest(): Promise<void> {
    await this.#running;
  }

  /** True when somebody else may have the run by now. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** The last flush is stored. */
  stored(): void {
    const flushed = this.#flushed;
    this.#flushed = [];
    for (const { batch, record, stored } of flushed) {
      this.tail.push(batch);
      this.record = record ?? this.record;
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

  /** When the next step is due; what is due at once is due at the beginning of time. */
  #dueAt(latest: number): number {
    const hasNews = this.#acks.length > 0 || this.#done !== undefined || this.#broken !== undefined;
    if (hasNews || this.#isAwaited) return Number.NEGATIVE_INFINITY;
    return Math.min(
      latest,
      this.#buffer.length > 0 ? this.#bufferedAt + lingerMs : latest,
      this.#unkept > 0 ? this.#keptAt + keepMs : latest,
      this.#unlisted ? this.#unlisted.since + listMs : latest,
    );
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
    const isAwaited = this.#isAwaited;
    if (all) this.#isAwaited = false;
    const isEnd = all && record !== undefined && !isUnfinished(record.status);
    const isBeginning = flushed[0]?.batch.firstSeq === 1 && this.#session.current?.event.type === "run.started";
    // A run's first batch and its last hold all that comes of the event which the driver is at work on.
    if (isEnd || (all && isBeginning)) this.#session.settleCurrent();
    if (isEnd) this.#done ??= { left: this.#leftover(), heard: this.#heard };
    const acks = all ? this.#acks : [];
    if (all) this.#acks = [];
    const snapshot = all ? this.#snapshot : undefined;
    if (all) this.#snapshot = undefined;
    const done = all ? this.#done : undefined;
    const now = this.#options.wall.now();
    this.#unkept += chars;
    const keep =
      isAwaited ||
      done !== undefined ||
      snapshot !== undefined ||
      (this.#unkept > 0 && (now - this.#keptAt >= keepMs || this.#unkept > keepCharsMax));
    if (keep) {
      this.#unkept = 0;
      this.#keptAt = now;
    }
    if (record) this.#unlisted = { record, since: this.#unlisted?.since ?? now };
    const unlisted = this.#unlisted;
    const listed =
      unlisted && (unlisted.record.status !== "running" || acks.length > 0 || now - unlisted.since >= listMs)
        ? unlisted.record
        : undefined;
    if (listed) this.#unlisted = undefined;
    return {
      batches: flushed.map(({ batch }) => batch),
      acks,
      ...(record === undefined ? {} : { record }),
      ...(listed === undefined ? {} : { listed }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(keep ? { keep } : {}),
      ...(done === undefined ? {} : { done }),
    };
  }

  /** Events that the session will not hear; who sent them hears from the next one. */
  #leftover(): Sent[] {
    return (this.#session.leftover() as Told[]).map(({ sent }) => sent);
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
      this.#appended ??= record;
      // Whoever drove it before may have been lost before the index was told.
      if (record?.status === "running") this.#unlisted ??= { record, since: this.#options.wall.now() };
      if (!this.#stopping && !this.#lost) await host.drive(this.#session);
    } catch (thrown) {
      failure = ownError(thrown);
    }
    leave();
    // Of a run that has ended nothing is left to be said: its last step said it. Its timers go with the session.
    if (this.#lost || this.#done) return void this.#session.end(failure);
    // What is away for a moment is waited for by the cluster, which tries the activation again.
    if (failure && isPassing(failure)) {
      this.#broken = { error: failure };
      this.#session.end(failure);
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
        if (this.#buffer.length === 1) {
          this.#bufferedAt = this.#options.wall.now();
          this.#wakeUp();
        }
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
        tenant === key.tenant && runId === key.runId ? this.#appended : journal.findRun(tenant, runId),
    };
  }
}

/** True for an error that is over when whatever is away is back. */
function isPassing({ code }: OrchestrationError): boolean {
  return code === "journal/unavailable" || (code.startsWith("engine/") && code !== "engine/closed");
}
