import { EventEmitter } from "eventemitter3";
import type { Command } from "./command.ts";
import { reasonOf } from "./errors.ts";
import type { Entry, EntryType, InputEvent } from "./event.ts";
import { openBatch } from "./journal/chain.ts";
import type { RunKey, RunSession } from "./port/engine.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "./port/journal.ts";
import type { Logger } from "./port/logger.ts";

type Listener = (entry: Entry, key: RunKey) => unknown;

/** Local observers of durable entries. They look on; nothing waits for them and nothing depends on them. */
export function observers(logger: Logger) {
  const emitter = new EventEmitter();

  const tell = (type: string, entry: Entry, key: RunKey) => {
    for (const listener of emitter.listeners(type) as Listener[]) {
      try {
        const outcome = listener(entry, key);
        if (outcome instanceof Promise) outcome.catch((thrown: unknown) => warn(thrown, entry));
      } catch (thrown) {
        warn(thrown, entry);
      }
    }
  };
  const warn = (thrown: unknown, entry: Entry) => {
    logger.warn({ type: entry.type, seq: entry.seq, reason: reasonOf(thrown) }, "an observer threw");
  };

  return {
    on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void): (() => void) => {
      emitter.on(type, listener as Listener);
      return () => emitter.off(type, listener as Listener);
    },
    /** The same session, whose published batches are also told to the observers. */
    around: (session: RunSession): RunSession => {
      const key: RunKey = { tenant: session.key.tenant, runId: session.key.id };
      return listening(session, (batch) => {
        if (emitter.eventNames().length === 0) return;
        for (const entry of openBatch(batch, session.key.id)) tell(entry.type, entry, key);
      });
    },
  };
}

/** The same session, whose published batches are also told to somebody. */
export function listening(session: RunSession, hear: (batch: Batch) => void): RunSession {
  return new ListeningSession(session, hear);
}

/** One for each run at work: its methods are shared. */
class ListeningSession implements RunSession {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly published: (batch: Batch) => void;
  readonly immediate?: (command: Command) => InputEvent | undefined;
  readonly awaits?: () => void;
  readonly #inner: RunSession;

  constructor(inner: RunSession, hear: (batch: Batch) => void) {
    this.key = inner.key;
    this.journal = inner.journal;
    this.#inner = inner;
    if (inner.immediate) this.immediate = (command) => inner.immediate?.(command);
    if (inner.awaits) this.awaits = () => inner.awaits?.();
    this.published = (batch) => {
      inner.published(batch);
      hear(batch);
    };
  }

  now(): number {
    return this.#inner.now();
  }

  salt(): string {
    return this.#inner.salt();
  }

  append(batch: Batch, expectedSeq: number, record?: RunRecord): void | Promise<void> {
    return this.#inner.append(batch, expectedSeq, record);
  }

  submit(command: Command): void {
    this.#inner.submit(command);
  }

  abort(commandId: string): void {
    this.#inner.abort(commandId);
  }

  next(): Promise<InputEvent | undefined> | InputEvent | undefined {
    return this.#inner.next();
  }
}
