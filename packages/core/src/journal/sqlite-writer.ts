import { Worker } from "node:worker_threads";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Batch, StreamKey } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { Head } from "./draft.ts";
import { sqliteCommitterHere } from "./sqlite-here.ts";
import {
  type Answer,
  type Failure,
  type Fault,
  type LateBatch,
  packed,
  type Request,
  type TimedAnswer,
  type Write,
} from "./sqlite-message.ts";
import { UnsealedBatch, UnsealedHead } from "./unsealed.ts";

/**
 * The calling thread's end of the writer thread: a queue that is sent in portions and answered in order.
 *
 * W1 What comes of one stream alone while the thread is idle, and is small, is committed here, as long as the disk is quick:
 *    to the thread and back costs more than such a commit. All else is the thread's.
 * W2 Never are both at it: what is committed here is committed while nothing is with the thread.
 * W3 What cannot be committed here at once, for whatever reason, goes to the thread, which answers for it.
 */
export interface Writer {
  /**
   * Queues one change; resolves when it is durable. `size` is roughly its characters; `ended` is called, and must not throw,
   * before whoever awaits it goes on.
   * @throws OrchestrationError `journal/conflict`, `journal/unavailable`
   */
  readonly write: (make: (known: number) => Write, size: number, ended?: () => void) => Promise<void>;
  /** Resolves when everything asked for so far is answered, well or badly; at once when nothing is open. */
  readonly settled: () => Promise<void> | undefined;
  /** Lets the thread finish and end. */
  readonly close: () => Promise<void>;
}

export interface WriterOptions {
  readonly path: string;
  readonly logger: Logger;
  /** Asked before each commit here and each message to the thread; for tests. */
  readonly fault: () => Fault | undefined;
  /** A stopwatch, in milliseconds from anywhere. */
  readonly elapsed?: () => number;
}

/** How much may be with the thread at a time; what is beyond waits here, and with it whoever awaits it. */
const sentWritesMax = 1024;
const sentSizeMax = 8 * 1024 * 1024;
/** So many writes set out at once to an idle thread, which commits them while this one goes on. */
const portion = 32;
/** So many of those that wait for an answer are told in one turn of the event loop: each of them goes on with a run at once. */
const toldPerTurn = 8;

/** What is committed here is at most so many writes of so many characters. */
const hereWritesMax = 16;
const hereSizeMax = 64 * 1024;
/** The disk is quick while commits take no longer than this on average, over about the last `memory` of them. */
const quickMs = 2;
const memory = 8;
/** One stall, as when the file is opened, does not count for more than this. */
const stallMs = 4;
/** So many commits here, and the thread gets the next group: only its commits fold the log into the file. */
const hereInARowMax = 100;

/** No late batch has this place: whatever stands behind one that was lost is refused. */
const nowhere = 0;

// The thread's module lies beside this one, as .ts among the sources and as .js in the build.
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./sqlite-worker.${extension}`, import.meta.url);

interface Pending {
  readonly write: Write;
  /** A batch that is sealed where it is committed. */
  readonly late: UnsealedBatch | undefined;
  readonly size: number;
  readonly promise: Promise<void>;
  /** Ends it, well or with an error. */
  readonly end: (error?: OrchestrationError) => void;
}

export function sqliteWriter(options: WriterOptions): Writer {
  const { path, logger, fault, elapsed = () => performance.now() } = options;
  const here = sqliteCommitterHere(path);
  let hereInARow = 0;
  let averageMs = 0;
  let worker: Worker | undefined;
  let answered = 0;
  let scheduled = false;
  /** Asked for, not sent. */
  let waiting: Pending[] = [];
  /** Sent, not answered; oldest first. */
  let sent: Pending[] = [];
  let sentSize = 0;
  /** Answered, not told yet. */
  let untold: (() => void)[] = [];
  /** Ends of late batches that are not answered yet, and the places that name them. */
  const places = new Map<Head, number>();
  let lastPlace = nowhere;

  const tell = () => {
    for (const one of untold.splice(0, toldPerTurn)) one();
    if (untold.length > 0) setImmediate(tell);
  };

  const start = (): Worker => {
    // Nothing of the caller's flags and loaders: the thread needs none, and a preloaded module could hold the file.
    const thread = new Worker(workerUrl, { name: "remit-journal", workerData: { path }, execArgv: [] });
    let reason = "the writer thread has ended";
    thread.on("message", onAnswer);
    thread.on("error", (thrown) => {
      reason = `the writer thread failed: ${reasonOf(thrown)}`;
    });
    thread.on("exit", () => {
      if (worker !== thread) return;
      worker = undefined;
      answered = 0;
      failAll(reason);
    });
    return thread;
  };

  const failAll = (reason: string) => {
    const lost = [...sent, ...waiting];
    sent = [];
    waiting = [];
    sentSize = 0;
    const known = untold;
    untold = [];
    for (const { late } of lost) if (late) places.delete(late.head);
    for (const one of known) one();
    if (lost.length === 0) return;
    logger.error({ path, reason, writes: lost.length }, "The journal's writer thread stopped with writes open.");
    const cause = new OrchestrationError("journal/unavailable", { reason, path });
    for (const { end } of lost) end(cause);
  };

  const onAnswer = (answer: TimedAnswer) => {
    answered += answer.count;
    learn(answer.tookMs);
    settle(answer);
    if (sent.length === 0 && waiting.length === 0) worker?.unref();
    else send();
  };

  const learn = (tookMs: number) => {
    averageMs += (Math.min(tookMs, stallMs) - averageMs) / memory;
  };

  const settle = ({ count, failures, sealed }: Answer) => {
    const done = sent.splice(0, count);
    for (const { position, hash } of sealed) done[position]?.late?.head.sealedAs(hash);
    for (const { late } of done) if (late) places.delete(late.head);
    let next = 0;
    const isTelling = untold.length > 0;
    for (const [position, { size, end }] of done.entries()) {
      sentSize -= size;
      const failed = failures[next];
      if (failed?.position !== position) {
        untold.push(end);
        continue;
      }
      next++;
      untold.push(() => end(new OrchestrationError(failed.failure.code, failed.failure.data)));
    }
    if (!isTelling) tell();
    const broken = failures.find(({ failure }) => failure.code === "journal/unavailable");
    if (broken) warn(broken.failure, failures.length);
  };

  const warn = ({ code, data }: Failure, writes: number) => {
    logger.warn({ code, path, reason: data.reason, writes }, "The journal could not write.");
  };

  /** The write as data: what it is made behind is known as a hash by now, or has a place. */
  const plain = ({ write, late }: Pending): Write => {
    if (write.type !== "append") return write;
    if (!late) {
      if (!(write.batch instanceof UnsealedBatch)) return write;
      const { firstSeq, lastSeq, lines, hash } = write.batch;
      return { ...write, batch: { firstSeq, lastSeq, lines, hash } };
    }
    const { firstSeq, lastSeq, text, salts, behind, head } = late;
    const link = places.get(behind) ?? (behind instanceof UnsealedHead ? behind.known : behind.hash) ?? nowhere;
    const batch: LateBatch = {
      firstSeq,
      lastSeq,
      text,
      salts: salts.join("\n"),
      place: places.get(head) ?? nowhere,
      behind: link,
    };
    return { ...write, batch };
  };

  const sendTurn = () => {
    scheduled = false;
    if (!isForHere()) return send();
    const simulated = fault();
    if (simulated || !commitHere()) send(simulated);
  };

  const isForHere = (): boolean => {
    if (sent.length > 0 || untold.length > 0 || waiting.length === 0 || waiting.length > hereWritesMax) return false;
    if (averageMs > quickMs || hereInARow >= hereInARowMax) return false;
    let size = 0;
    let stream: StreamKey | undefined;
    for (const { write, size: more } of waiting) {
      if (write.type === "erase") return false;
      size += more;
      if (write.type !== "append") continue;
      const { tenant, kind, id } = write.key;
      stream ??= write.key;
      // Another run writes as well: the thread takes both, and they go on meanwhile.
      if (stream.id !== id || stream.kind !== kind || stream.tenant !== tenant) return false;
    }
    return size <= hereSizeMax;
  };

  const commitHere = (): boolean => {
    const began = elapsed();
    const answer = here.attempt(waiting.map(plain));
    learn(elapsed() - began);
    if (!answer) return false;
    hereInARow++;
    sent = waiting;
    waiting = [];
    for (const { size } of sent) sentSize += size;
    settle(answer);
    return true;
  };

  const send = (simulated?: Fault) => {
    let count = 0;
    while (count < waiting.length && sent.length < sentWritesMax && (sentSize < sentSizeMax || sent.length === 0)) {
      const pending = waiting[count++]!;
      sent.push(pending);
      sentSize += pending.size;
    }
    if (count === 0) return;
    const writes = waiting.splice(0, count).map((pending) => packed(plain(pending)));
    hereInARow = 0;
    const failing = simulated ?? fault();
    const request: Request = failing ? { type: "write", writes, fault: failing } : { type: "write", writes };
    worker ??= start();
    // An idle thread keeps no process alive, one with work does.
    worker.ref();
    worker.postMessage(request);
  };

  return {
    write: (make, size, ended) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const write = make(answered);
      const late = write.type === "append" ? lateOf(write.batch) : undefined;
      if (late) places.set(late.head, ++lastPlace);
      const end = (error?: OrchestrationError) => {
        ended?.();
        if (error) reject(error);
        else resolve();
      };
      waiting.push({ write, late, size, promise, end });
      if (!scheduled) {
        scheduled = true;
        // One message, and so one commit, for all that comes until the event loop turns: a run goes on to its next barrier.
        setImmediate(sendTurn);
      }
      if (sent.length === 0 && waiting.length >= portion) send();
      return promise;
    },
    settled: () => (waiting.at(-1) ?? sent.at(-1))?.promise.catch(() => {}),
    close: async () => {
      while (sent.length > 0 || waiting.length > 0) await (waiting.at(-1) ?? sent.at(-1))?.promise.catch(() => {});
      while (untold.length > 0) await new Promise(setImmediate);
      here.close();
      const thread = worker;
      worker = undefined;
      if (!thread) return;
      thread.ref();
      const ended = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
      thread.postMessage({ type: "close" } satisfies Request);
      await ended;
    },
  };
}

/** A batch that comes to be sealed; whoever has looked at its lines already has sealed it. */
function lateOf(batch: Batch | LateBatch): UnsealedBatch | undefined {
  return batch instanceof UnsealedBatch && !batch.isSealed ? batch : undefined;
}
