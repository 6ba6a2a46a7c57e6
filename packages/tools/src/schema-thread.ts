import { Worker } from "node:worker_threads";
import { type Clock, type JsonSchema, reasonOf } from "@remit/core";
import type { Dialect, Problem } from "./checker.ts";
import { ToolsError } from "./errors.ts";
import type { ThreadAnswer, ThreadRequest } from "./schema-message.ts";

/**
 * One thread that checks values by JSON Schema, for one owner. It is started by the first request and keeps no process
 * alive while it is idle.
 *
 * T1 A request is answered, or fails, within its budget of being sent; one that takes longer ends the thread with it.
 * T2 What waits behind such a request is not lost: it goes to the next thread.
 */
export interface SchemaThread {
  /** Resolves when the document is a schema. @throws ToolsError `schema/invalid`, `schema/check-timeout`, `schema/check-failed` */
  readonly compile: (schema: ThreadSchema) => Promise<void>;
  /** What does not fit; empty when all does. @throws ToolsError as `compile` */
  readonly check: (schema: ThreadSchema, value: unknown) => Promise<readonly Problem[]>;
  /** Ends the thread; what is open fails. Idempotent. */
  readonly close: () => Promise<void>;
  /** Threads started so far. */
  readonly starts: () => number;
}

export interface ThreadSchema {
  readonly id: number;
  readonly owner: string;
  readonly document: JsonSchema;
  readonly dialect: Dialect;
  /** Set when a check took too long: nothing is checked by it any more. */
  spent: boolean;
}

export interface SchemaThreadOptions {
  readonly clock: Clock;
  /** Milliseconds of one check. */
  readonly budgetMs: number;
}

/** Compiling happens once, before the first call, and may take this many times as long as a check. */
const compileFactor = 20;
/** Until a thread has loaded what it needs; a machine under load takes its time. */
const startMs = 30_000;
const heapMb = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };

// The thread's module lies beside this one, as .ts among the sources and as .js in the build.
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./schema-worker.${extension}`, import.meta.url);

interface Task {
  readonly schema: ThreadSchema;
  /** Absent: the schema is to be compiled. */
  readonly value?: { readonly given: unknown };
  readonly resolve: (problems: readonly Problem[]) => void;
  readonly reject: (error: ToolsError) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly known: Set<number>;
  ready: boolean;
}

export function createSchemaThread({ clock, budgetMs }: SchemaThreadOptions): SchemaThread {
  const waiting: Task[] = [];
  let thread: Thread | undefined;
  let current: Task | undefined;
  let timer: { readonly cancel: () => void } | undefined;
  let closed: Promise<unknown> | undefined;
  let starts = 0;

  const failure = ({ owner }: ThreadSchema, reason: string) => new ToolsError("schema/check-failed", { owner, reason });

  const start = (): Thread => {
    starts++;
    // Nothing of the caller's flags and loaders: the thread needs none.
    const worker = new Worker(workerUrl, { name: "remit-schema", execArgv: [], resourceLimits: heapMb });
    const started: Thread = { worker, known: new Set(), ready: false };
    let reason = "the thread has ended";
    worker.on("message", (answer: ThreadAnswer) => {
      if (thread === started) hear(started, answer);
    });
    worker.on("error", (thrown) => {
      reason = `the thread failed: ${reasonOf(thrown)}`;
    });
    worker.on("exit", () => {
      if (thread === started) drop((schema) => failure(schema, reason));
    });
    return started;
  };

  /** Gives up the thread and what it was at. */
  const drop = (errorOf: (schema: ThreadSchema) => ToolsError) => {
    timer?.cancel();
    const dropped = current;
    const begun = thread?.ready ?? false;
    void thread?.worker.terminate();
    thread = undefined;
    current = undefined;
    if (dropped) {
      dropped.schema.spent ||= begun;
      dropped.reject(errorOf(dropped.schema));
    }
    next();
  };

  const within = (limitMs: number, errorOf: (schema: ThreadSchema) => ToolsError) => {
    timer?.cancel();
    timer = clock.at(clock.now() + limitMs, () => drop(errorOf));
  };

  const settle = (settled: (task: Task) => void) => {
    timer?.cancel();
    const task = current;
    current = undefined;
    if (task) settled(task);
    next();
  };

  const hear = (from: Thread, answer: ThreadAnswer) => {
    switch (answer.type) {
      case "ready":
        from.ready = true;
        advance();
        return;
      case "compiled":
        if (current) from.known.add(current.schema.id);
        advance();
        return;
      case "refused":
        settle(({ schema, reject }) => {
          reject(new ToolsError("schema/invalid", { owner: schema.owner, reason: answer.reason }));
        });
        return;
      case "checked":
        settle(({ resolve }) => resolve(answer.problems));
    }
  };

  /** Sends what the current task needs next. */
  const advance = () => {
    if (!thread || !current) return;
    const { schema, value } = current;
    const tooLong = (limitMs: number) => () =>
      new ToolsError("schema/check-timeout", { owner: schema.owner, budgetMs: limitMs });
    if (!thread.ready) return within(startMs, () => failure(schema, `the thread did not start in ${startMs} ms`));
    if (!thread.known.has(schema.id)) {
      within(compileFactor * budgetMs, tooLong(compileFactor * budgetMs));
      const { id, document, dialect } = schema;
      return thread.worker.postMessage({ type: "compile", schema: id, document, dialect } satisfies ThreadRequest);
    }
    if (!value) return settle(({ resolve }) => resolve([]));
    within(budgetMs, tooLong(budgetMs));
    try {
      thread.worker.postMessage({ type: "check", schema: schema.id, value: value.given } satisfies ThreadRequest);
    } catch (thrown) {
      settle(({ reject }) => reject(failure(schema, `it cannot be handed over: ${reasonOf(thrown)}`)));
    }
  };

  const next = () => {
    if (current) return;
    current = waiting.shift();
    if (!current) {
      thread?.worker.unref();
      return;
    }
    const { schema, reject } = current;
    if (closed || schema.spent) {
      current = undefined;
      reject(closed ? failure(schema, "the connection is closed") : failure(schema, "an earlier check took too long"));
      next();
      return;
    }
    thread ??= start();
    // Idle it keeps no process alive, at work it does.
    thread.worker.ref();
    advance();
  };

  const ask = (schema: ThreadSchema, value?: { readonly given: unknown }) =>
    new Promise<readonly Problem[]>((resolve, reject) => {
      waiting.push({ schema, ...(value && { value }), resolve, reject });
      next();
    });

  return {
    compile: async (schema) => {
      await ask(schema);
    },
    check: (schema, value) => ask(schema, { given: value }),
    close: async () => {
      const worker = thread?.worker;
      closed ??= worker?.terminate() ?? Promise.resolve();
      drop((schema) => failure(schema, "the connection is closed"));
      await closed;
    },
    starts: () => starts,
  };
}
