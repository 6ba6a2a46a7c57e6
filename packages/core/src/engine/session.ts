import type { Command, StartTimerCommand } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import type { Clock } from "../port/clock.ts";
import type { RunHost, RunKey, RunSession } from "../port/engine.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "../port/journal.ts";
import { Stop } from "./stop.ts";

/** An event on its way into a run, and who waits until it is durable. */
export interface Waiting {
  readonly event: InputEvent;
  readonly settle?: { readonly resolve: () => void; readonly reject: (error: OrchestrationError) => void };
}

export interface SessionOptions {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly salt: () => string;
  /** Nobody can have begun the run before. */
  readonly isNew?: boolean;
  readonly host: RunHost;
  readonly onBatch: (batch: Batch) => void;
  readonly onRecord: (record: RunRecord) => void;
  /** Told before the driver waits until what it has appended is durable. */
  readonly onAwaits?: () => void;
}

/** One run at work in this process: its queue of events, and what is in flight for it. */
export class LocalSession implements RunSession {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly salt: () => string;
  readonly isNew: boolean;
  readonly awaits?: () => void;
  readonly #options: SessionOptions;
  readonly #runKey: RunKey;
  readonly #queue: Waiting[] = [];
  readonly #inFlight = new Map<string, Stop>();
  readonly #timers = new Map<string, { readonly timer: { readonly cancel: () => void }; readonly dueAt: number }>();
  /** Timers that the run is at work for until they fire. */
  #holding: Set<string> | undefined;
  #current: Waiting | undefined;
  #wake: ((event: InputEvent | undefined) => void) | undefined;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.key = options.key;
    this.#runKey = { tenant: options.key.tenant, runId: options.key.id };
    this.journal = options.journal;
    this.salt = options.salt;
    this.isNew = options.isNew === true;
    if (options.onAwaits) this.awaits = options.onAwaits;
  }

  /** The event that the driver is at work on. */
  get current(): Waiting | undefined {
    return this.#current;
  }

  /** Tells who sent the event that the driver is at work on before the driver asks for the next one. */
  settleCurrent(): void {
    const current = this.#current;
    if (!current?.settle) return;
    this.#current = { event: current.event };
    current.settle.resolve();
  }

  /** What came from outside and will not be heard any more. */
  leftover(): Waiting[] {
    return this.#queue.splice(0).filter(({ settle }) => settle);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** When the next timer of the run is due (epoch ms); they are gone with the session's end. */
  get nextDue(): number | undefined {
    const due = [...this.#timers.values()].map(({ dueAt }) => dueAt);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  now(): number {
    return this.#options.clock.now();
  }

  append(batch: Batch, expectedSeq: number, record?: RunRecord): void | Promise<void> {
    if (record) this.#options.onRecord(record);
    return this.journal.append(this.key, batch, expectedSeq, record);
  }

  published(batch: Batch): void {
    this.#options.onBatch(batch);
  }

  submit(command: Command): void {
    if (this.#stopped) return;
    if (command.type === "startTimer") {
      const { id, dueAt, holds } = command;
      this.#stopTimer(id);
      if (dueAt <= this.now()) return this.push({ event: firedOf(command) });
      const timer = this.#options.clock.at(dueAt, () => {
        this.#timers.delete(id);
        this.#holding?.delete(id);
        this.push({ event: firedOf(command) });
      });
      this.#timers.set(id, { timer, dueAt });
      if (!holds) return;
      this.#holding ??= new Set();
      this.#holding.add(id);
      return;
    }
    const stop = new Stop();
    this.#inFlight.set(command.id, stop);
    const done = (event: InputEvent) => {
      if (this.#inFlight.delete(command.id)) this.push({ event });
    };
    // A host never rejects; if one does all the same, the run is told and does not wait for ever (R11).
    const broken = (thrown: unknown) => done(failureOf(command, thrown));
    try {
      this.#options.host.execute(this.#runKey, command, stop).then(done, broken);
    } catch (thrown) {
      broken(thrown);
    }
  }

  immediate(command: Command): InputEvent | undefined {
    return this.#stopped ? undefined : this.#options.host.immediate?.(this.#runKey, command);
  }

  abort(commandId: string): void {
    this.#stopTimer(commandId);
    this.#inFlight.get(commandId)?.abort();
  }

  #stopTimer(id: string): void {
    this.#timers.get(id)?.timer.cancel();
    this.#timers.delete(id);
    this.#holding?.delete(id);
  }

  next(): Promise<InputEvent | undefined> | InputEvent | undefined {
    this.#current?.settle?.resolve();
    this.#current = undefined;
    if (this.#stopped) return undefined;
    const waiting = this.#queue.shift();
    if (waiting) {
      this.#current = waiting;
      return waiting.event;
    }
    if (this.#inFlight.size === 0 && !this.#holding?.size) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  push(waiting: Waiting): void {
    const wake = this.#wake;
    if (!wake) {
      this.#queue.push(waiting);
      return;
    }
    this.#wake = undefined;
    this.#current = waiting;
    wake(waiting.event);
  }

  /** Makes `next` say that there is nothing more; what is under way is lost to this process. */
  stop(): void {
    this.#stopped = true;
    for (const stop of this.#inFlight.values()) stop.abort();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(undefined);
  }

  /** Ends the session. Returns what came in too late for it; on failure everybody who waits is told. */
  end(failure: OrchestrationError | undefined): Waiting[] {
    this.#stopped = true;
    for (const stop of this.#inFlight.values()) stop.abort();
    this.#inFlight.clear();
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#holding?.clear();
    const left = this.#queue.splice(0);
    if (failure) {
      this.#current?.settle?.reject(failure);
      for (const { settle } of left) settle?.reject(failure);
      return [];
    }
    this.#current?.settle?.resolve();
    // Completions and timers of an ended session mean nothing to the next one; signals from outside do.
    return left.filter(({ settle }) => settle);
  }
}

function firedOf({ id, path, dueAt }: StartTimerCommand): InputEvent {
  return { id: `${id}@${dueAt}`, type: "timer.fired", path, body: { timer: id } };
}

function failureOf(command: Exclude<Command, { type: "startTimer" }>, thrown: unknown): InputEvent {
  const { id, path } = command;
  const error = new OrchestrationError("run/internal", { reason: reasonOf(thrown) }).toRecord();
  switch (command.type) {
    case "callModel":
      return { id, path, type: "model.failed", body: { command: id, model: command.alias, error } };
    case "callTool":
      return { id, path, type: "tool.failed", body: { command: id, error, mayHaveExecuted: true, durationMs: 0 } };
    case "lookup":
      return { id, path, type: "effect.looked-up", body: { command: id, outcome: "unknown" } };
    case "delegate":
      return { id, path, type: "delegation.refused", body: { command: id, error } };
    case "recall":
      return { id, path, type: "delegation.recalled", body: { command: id, run: command.run } };
    case "reserve":
      return { id, path, type: "budget.refused", body: { command: id, scope: "tenant", error } };
    case "returnBudget":
      return { id, path, type: "budget.returned", body: { command: id, spent: command.spent } };
  }
}
