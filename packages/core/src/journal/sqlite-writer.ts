import { Worker } from "node:worker_threads";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Logger } from "../port/logger.ts";
import type { Answer, Failure, Fault, Request, Write } from "./sqlite-message.ts";

/** The calling thread's end of the writer thread: a queue that is sent in portions and answered in order. */
export interface Writer {
  /**
   * Queues one change; resolves when it is durable. `size` is roughly its characters.
   * @throws OrchestrationError `journal/conflict`, `journal/unavailable`
   */
  readonly write: (make: (known: number) => Write, size: number) => Promise<void>;
  /** Resolves when everything asked for so far is answered, well or badly; at once when nothing is open. */
  readonly settled: () => Promise<void> | undefined;
  /** Lets the thread finish and end. */
  readonly close: () => Promise<void>;
}

export interface WriterOptions {
  readonly path: string;
  readonly logger: Logger;
  /** Asked before each message to the thread; for tests. */
  readonly fault: () => Fault | undefined;
}

/** How much may be with the thread at a time; what is beyond waits here, and with it whoever awaits it. */
const sentWritesMax = 1024;
const sentSizeMax = 8 * 1024 * 1024;
/** So many writes set out at once to an idle thread, which commits them while this one goes on. */
const portion = 32;
/** So many of those that wait for an answer are told in one turn of the event loop: each of them goes on with a run at once. */
const toldPerTurn = 16;

// The thread's module lies beside this one, as .ts among the sources and as .js in the build.
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./sqlite-worker.${extension}`, import.meta.url);

interface Pending {
  readonly write: Write;
  readonly size: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: OrchestrationError) => void;
}

export function sqliteWriter({ path, logger, fault }: WriterOptions): Writer {
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
    for (const one of known) one();
    if (lost.length === 0) return;
    logger.error({ path, reason, writes: lost.length }, "The journal's writer thread stopped with writes open.");
    const cause = new OrchestrationError("journal/unavailable", { reason, path });
    for (const { reject } of lost) reject(cause);
  };

  const onAnswer = ({ count, failures }: Answer) => {
    const done = sent.splice(0, count);
    answered += count;
    let next = 0;
    const isTelling = untold.length > 0;
    for (const [position, { size, resolve, reject }] of done.entries()) {
      sentSize -= size;
      const failed = failures[next];
      if (failed?.position !== position) {
        untold.push(resolve);
        continue;
      }
      next++;
      untold.push(() => reject(new OrchestrationError(failed.failure.code, failed.failure.data)));
    }
    if (!isTelling) tell();
    const broken = failures.find(({ failure }) => failure.code === "journal/unavailable");
    if (broken) warn(broken.failure, failures.length);
    if (sent.length === 0 && waiting.length === 0) worker?.unref();
    else send();
  };

  const warn = ({ code, data }: Failure, writes: number) => {
    logger.warn({ code, path, reason: data.reason, writes }, "The journal could not write.");
  };

  const sendTurn = () => {
    scheduled = false;
    send();
  };

  const send = () => {
    let count = 0;
    while (count < waiting.length && sent.length < sentWritesMax && (sentSize < sentSizeMax || sent.length === 0)) {
      const pending = waiting[count++]!;
      sent.push(pending);
      sentSize += pending.size;
    }
    if (count === 0) return;
    const writes = waiting.splice(0, count).map(({ write }) => write);
    const simulated = fault();
    const request: Request = simulated ? { type: "write", writes, fault: simulated } : { type: "write", writes };
    worker ??= start();
    // An idle thread keeps no process alive, one with work does.
    worker.ref();
    worker.postMessage(request);
  };

  return {
    write: (make, size) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ write: make(answered), size, promise, resolve, reject });
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
