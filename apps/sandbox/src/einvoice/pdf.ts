import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { InvoiceError } from "./errors.ts";
import { type PdfAnswer, type PdfContent, type PdfLimits, type PdfRequest, pdfStages } from "./pdf-message.ts";

/**
 * Reads PDFs from anybody in a thread of its own, one at a time. The thread is started by the first PDF and keeps no
 * process alive. What a PDF says may be anything; what reading it costs is bounded:
 *
 * P1 A PDF that takes longer than its time, or more than its memory, ends the thread with it; the next has another thread.
 * P2 What comes back is a PDF's whole text, or an error: nothing is left out because it was hard to read.
 */
export interface PdfReader {
  /** @throws InvoiceError `invoice/pdf-*`, `invoice/too-large`; what the signal gives when it is aborted */
  readonly read: (source: Uint8Array, options?: { readonly signal?: AbortSignal }) => Promise<PdfContent>;
  /** The same, while everything else here waits. @throws InvoiceError */
  readonly readNow: (source: Uint8Array) => PdfContent;
  /** Ends the thread. Idempotent. */
  readonly close: () => void;
}

export const pdfLimits: PdfLimits = {
  bytes: 20 * 1024 * 1024,
  pages: 100,
  characters: 300_000,
  lines: 8_000,
  cells: 100,
  attachments: 50,
  attachedBytes: 20 * 1024 * 1024,
  memoryBytes: 512 * 1024 * 1024,
  limitMs: 10_000,
};

/** How often somebody looks after the thread. */
const lookMs = 25;
/** Until a thread has loaded what it needs; a machine under load takes its time. */
const startMs = 60_000;
const heapMb = { maxOldGenerationSizeMb: 1_024, maxYoungGenerationSizeMb: 64 };

// The thread's module lies beside this one, as .ts among the sources and as .js in the build.
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./pdf-worker.${extension}`, import.meta.url);

/** Whether a file says that it is a PDF; some have a few bytes of something else before. */
export function isPdf(source: Uint8Array): boolean {
  return headOf(source) >= 0;
}

function headOf(source: Uint8Array): number {
  return Buffer.from(source.buffer, source.byteOffset, Math.min(source.length, 1024)).indexOf("%PDF-");
}

export function openPdfReader(limits: Partial<PdfLimits> = {}): PdfReader {
  const bounds = { ...pdfLimits, ...limits };
  let thread: Worker | undefined;
  /** It has been asked before. One that ended since, or is stuck, has nothing to do with what it is asked now. */
  let used = false;
  let last: Promise<unknown> = Promise.resolve();

  const close = () => {
    void thread?.terminate();
    thread = undefined;
  };

  const start = (): Worker => {
    const worker = startThread();
    worker.once("exit", () => {
      if (thread === worker) thread = undefined;
    });
    used = false;
    return worker;
  };

  const begin = (source: Uint8Array): Asked => {
    checkEnds(source, bounds);
    const worker = thread ?? start();
    thread = worker;
    const isFresh = !used;
    used = true;
    const { port1, port2 } = new MessageChannel();
    const stage = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const request: PdfRequest = { bytes: Uint8Array.from(source), limits: bounds, port: port2, stage };
    worker.postMessage(request, [port2]);
    return { port: port1, stage, worker, isFresh };
  };

  const readNow = (source: Uint8Array): PdfContent => {
    const { port, stage, isFresh } = begin(source);
    const look = watch(stage, bounds, isFresh);
    for (;;) {
      const before = Atomics.load(stage, 0);
      if (before !== pdfStages.answered) Atomics.wait(stage, 0, before, lookMs);
      const answer = receiveMessageOnPort(port) as { readonly message: PdfAnswer } | undefined;
      const error = answer ? undefined : look();
      if (!answer && !error) continue;
      port.close();
      if (answer) return contentOf(answer.message);
      close();
      if (!isFresh && isUnheard(stage)) return readNow(source);
      throw error;
    }
  };

  const readOne = async (source: Uint8Array, signal: AbortSignal | undefined): Promise<PdfContent> => {
    signal?.throwIfAborted();
    const { port, stage, worker, isFresh } = begin(source);
    const look = watch(stage, bounds, isFresh);
    const ended = Promise.withResolvers<PdfAnswer>();
    port.once("message", ended.resolve);
    const failed = (thrown: Error & { readonly code?: string }) => ended.reject(threadError(thrown, bounds));
    const exited = () => failed(new Error("the thread has ended"));
    const aborted = () => ended.reject(signal?.reason);
    const timer = setInterval(() => {
      const error = look();
      if (error) ended.reject(error);
    }, lookMs);
    worker.on("error", failed).on("exit", exited);
    signal?.addEventListener("abort", aborted, { once: true });
    let answer: PdfAnswer;
    try {
      answer = await ended.promise;
    } catch (error) {
      if (thread === worker) close();
      throw error;
    } finally {
      clearInterval(timer);
      worker.off("error", failed).off("exit", exited);
      signal?.removeEventListener("abort", aborted);
      port.close();
    }
    return contentOf(answer);
  };

  return {
    readNow,
    read: (source, { signal } = {}) => {
      const mine = last.then(() => readOne(source, signal));
      last = mine.catch(() => undefined);
      return mine;
    },
    close,
  };
}

interface Asked {
  readonly port: MessagePort;
  readonly stage: Int32Array;
  readonly worker: Worker;
  /** The thread is asked for the first time. */
  readonly isFresh: boolean;
}

const isUnheard = (stage: Int32Array): boolean => Atomics.load(stage, 0) === pdfStages.asked;

function startThread(): Worker {
  // Nothing of the caller's flags and loaders: the thread needs none. What it prints is nobody's.
  const worker = new Worker(workerUrl, {
    name: "remit-pdf",
    execArgv: [],
    resourceLimits: heapMb,
    stdout: true,
    stderr: true,
  });
  // A thread that fails is given up by whoever waits for it.
  worker.on("error", () => undefined);
  worker.unref();
  return worker;
}

/** To be asked every `lookMs`: why the thread is to be ended, if it is. */
function watch(
  stage: Int32Array,
  { memoryBytes, limitMs }: PdfLimits,
  isFresh: boolean,
): () => InvoiceError | undefined {
  const before = process.memoryUsage.rss();
  const hearsMs = isFresh ? startMs : limitMs;
  let [startingMs, readingMs] = [0, 0];
  return () => {
    if (isUnheard(stage)) startingMs += lookMs;
    else readingMs += lookMs;
    if (readingMs > limitMs || startingMs > hearsMs) return new InvoiceError("invoice/pdf-too-slow", { limitMs });
    if (process.memoryUsage.rss() - before <= memoryBytes) return undefined;
    return new InvoiceError("invoice/too-large", { what: "bytes in memory", limit: memoryBytes });
  };
}

function threadError(thrown: Error & { readonly code?: string }, { memoryBytes }: PdfLimits): InvoiceError {
  return thrown.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new InvoiceError("invoice/too-large", { what: "bytes in memory", limit: memoryBytes })
    : new InvoiceError("invoice/pdf-malformed", { reason: "the thread that read it failed" }, { cause: thrown });
}

function contentOf(answer: PdfAnswer): PdfContent {
  if ("content" in answer) return answer.content;
  throw new InvoiceError(answer.code, answer.data);
}

/**
 * What can be seen from outside: how large it is, that it begins and ends as a PDF, and that its table of objects is where
 * it says. A reader that mends a torn PDF would show what is left of it as if it were all.
 */
function checkEnds(source: Uint8Array, { bytes }: PdfLimits): void {
  if (source.length > bytes) throw new InvoiceError("invoice/too-large", { what: "bytes", limit: bytes });
  const head = headOf(source);
  if (head < 0) throw new InvoiceError("invoice/pdf-not-one", {});
  const tail = Buffer.from(source.subarray(-tailBytes)).toString("latin1");
  const [, at] = /startxref\s+(\d{1,10})\s+%%EOF\s*$/.exec(tail) ?? [];
  if (at === undefined) throw new InvoiceError("invoice/pdf-truncated", {});
  const table = Buffer.from(source.subarray(head + Number(at), head + Number(at) + 40)).toString("latin1");
  const other = Buffer.from(source.subarray(Number(at), Number(at) + 40)).toString("latin1");
  if (![table, other].some((text) => /^\s*(xref|\d+ \d+ obj)\b/.test(text))) {
    throw new InvoiceError("invoice/pdf-malformed", { reason: "its table of objects is not where it says" });
  }
}

const tailBytes = 1_024;
