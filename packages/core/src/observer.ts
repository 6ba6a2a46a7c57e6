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

  return {
    on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void): (() => void) => {
      emitter.on(type, listener as Listener);
      return () => emitter.off(type, listener as Listener);
    },
    /** The same session, whose published batches are also told to the observers. */
    around: (session: RunSession): RunSession => {
      const key: RunKey = { tenant: session.key.tenant, runId: session.key.id };
      const tellAll = (entries: readonly Entry[]) => {
        for (const entry of entries) tell(entry.type, entry, key);
      };
      /** What is told when a long body has been fetched: whatever comes meanwhile is told behind it. */
      let telling: Promise<void> | undefined;
      return listening(session, (batch) => {
        if (emitter.eventNames().length === 0) return;
        const open = () => openBlobs(openBatch(batch, session.key.id), session.journal, session.key);
        const opened = telling ? telling.then(open) : open();
        if (!(opened instanceof Promise)) return tellAll(opened);
        const told = opened.then(tellAll, (thrown: unknown) => {
          const data = { runId: key.runId, seq: batch.firstSeq, reason: reasonOf(thrown) };
          logger.warn(data, "observers could not be told what is stored by reference");
        });
        telling = told;
        void told.then(() => {
          if (telling === told) telling = undefined;
        });
      });
    },
  };
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
