import { EventEmitter } from "eventemitter3";
import { reasonOf } from "./errors.ts";
import type { Entry, EntryType } from "./event.ts";
import { openBatch } from "./journal/chain.ts";
import { PassingSession } from "./passing-session.ts";
import type { RunKey, RunSession } from "./port/engine.ts";
import type { Batch } from "./port/journal.ts";
import type { Logger } from "./port/logger.ts";
import { openBlobs } from "./run/blob.ts";

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

  const hearing: Hearing = {
    isAny: () => emitter.eventNames().length > 0,
    tell: (entries, key) => {
      for (const entry of entries) tell(entry.type, entry, key);
    },
    missed: ({ runId }, { firstSeq: seq }, thrown) => {
      const data = { runId, seq, reason: reasonOf(thrown) };
      logger.warn(data, "observers could not be told what is stored by reference");
    },
  };

  return {
    on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void): (() => void) => {
      emitter.on(type, listener as Listener);
      return () => emitter.off(type, listener as Listener);
    },
    /** The same session, whose published batches are also told to the observers. */
    around: (session: RunSession): RunSession => new ObservedSession(session, hearing),
  };
}

/** What the sessions of one supervisor share: one for each run at work is enough to pay for. */
interface Hearing {
  readonly isAny: () => boolean;
  readonly tell: (entries: readonly Entry[], key: RunKey) => void;
  readonly missed: (key: RunKey, batch: Batch, thrown: unknown) => void;
}

class ObservedSession extends PassingSession {
  readonly #hearing: Hearing;
  /** What is told when a long body has been fetched: whatever comes meanwhile is told behind it. */
  #telling: Promise<void> | undefined;

  constructor(inner: RunSession, hearing: Hearing) {
    super(inner);
    this.#hearing = hearing;
  }

  override published(batch: Batch): void {
    super.published(batch);
    if (this.#hearing.isAny()) this.#tell(batch);
  }

  #tell(batch: Batch): void {
    const key: RunKey = { tenant: this.key.tenant, runId: this.key.id };
    const { tell, missed } = this.#hearing;
    const open = () => openBlobs(openBatch(batch, key.runId), this.journal, this.key);
    const opened = this.#telling ? this.#telling.then(open) : open();
    if (!(opened instanceof Promise)) return tell(opened, key);
    const told = opened.then(
      (entries) => tell(entries, key),
      (thrown: unknown) => missed(key, batch, thrown),
    );
    this.#telling = told;
    void told.then(() => {
      if (this.#telling === told) this.#telling = undefined;
    });
  }
}

/** The same session, whose published batches are also told to somebody. */
export function listening(session: RunSession, hear: (batch: Batch) => void): RunSession {
  return new ListeningSession(session, hear);
}

class ListeningSession extends PassingSession {
  readonly #hear: (batch: Batch) => void;

  constructor(inner: RunSession, hear: (batch: Batch) => void) {
    super(inner);
    this.#hear = hear;
  }

  override published(batch: Batch): void {
    super.published(batch);
    this.#hear(batch);
  }
}
