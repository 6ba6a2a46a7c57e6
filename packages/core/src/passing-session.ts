import type { Command } from "./command.ts";
import type { InputEvent } from "./event.ts";
import type { RunSession } from "./port/engine.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "./port/journal.ts";

/** Another session, passed on as it is: for whoever changes a part of it. One for each run at work: its methods are shared. */
export class PassingSession implements RunSession {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly salt: () => string;
  readonly isNew: boolean;
  readonly immediate?: (command: Command) => InputEvent | undefined;
  readonly awaits?: () => void;
  readonly #inner: RunSession;

  constructor(inner: RunSession) {
    this.key = inner.key;
    this.journal = inner.journal;
    this.salt = inner.salt;
    this.isNew = inner.isNew === true;
    this.#inner = inner;
    // Where the other has none, this one has none; what it has is shared, as its methods are.
    if (inner.immediate) this.immediate = this.#immediate;
    if (inner.awaits) this.awaits = this.#awaits;
  }

  #immediate(command: Command): InputEvent | undefined {
    return this.#inner.immediate?.(command);
  }

  #awaits(): void {
    this.#inner.awaits?.();
  }

  now(): number {
    return this.#inner.now();
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

  published(batch: Batch): void {
    this.#inner.published(batch);
  }
}
