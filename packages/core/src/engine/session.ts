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

/** Whoever has sessions is told of what they write: one for all of them, so that no run has functions of its own for it. */
export interface SessionOwner {
  readonly published: (session: LocalSession, batch: Batch) => void;
  readonly recorded: (record: RunRecord) => void;
}

export interface SessionOptions {
  readonly key: StreamKey;
  /** What the owner calls the run. */
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly salt: () => string;
  /** Nobody can have begun the run before. */
  readonly isNew?: boolean;
  readonly host: RunHost;
  readonly owner: SessionOwner;
  /** Told before the driver waits until what it has appended is durable. */
  readonly onAwaits?: () => void;
}

interface Timed {
  readonly timer: { readonly cancel: () => void };
  readonly dueAt: number;
}

/**
 * One run at work in this process: its queue of events, and what is in flight for it. It is there as long as the run waits
 * for a model, so it holds little: no closures but those of what is under way, and one table.
 */
export class LocalSession implements RunSession {
  readonly key: StreamKey;
  readonly name: string;
  readonly journal: Journal;
  readonly salt: () => string;
  readonly isNew: boolean;
  readonly awaits?: () => void;
  readonly #clock: Clock;
  readonly #host: RunHost;
  readonly #owner: SessionOwner;
  readonly #runKey: RunKey;
  readonly #queue: Waiting[] = [];
  /** Commands and timers by their ids, of which no command has one of a timer's. */
  readonly #underWay = new Map<string, Stop | Timed>();
  /** So many of them are commands. */
  #flights = 0;
  /** Timers that the run is at work for until they fire. */
  #holding: Set<string> | undefined;
  #current: Waiting | undefined;
  #wake: ((event: InputEvent | undefined) => void) | undefined;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.key = options.key;
    this.name = options.name;
    this.#runKey = { tenant: options.key.tenant, runId: options.key.id };
    this.journal = options.journal;
    this.salt = options.salt;
    this.isNew = options.isNew === true;
    this.#clock = options.clock;
    this.#host = options.host;
    this.#owner = options.owner;
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
    let next: number | undefined;
    for (const one of this.#underWay.values()) {
      if (!(one instanceof Stop)) next = Math.min(next ?? one.dueAt, one.dueAt);
    }
    return next;
  }

  now(): number {
    return this.#clock.now();
  }

  append(batch: Batch, expectedSeq: number, record?: RunRecord): void | Promise<void> {
    if (record) this.#owner.recorded(record);
    return this.journal.append(this.key, batch, expectedSeq, record);
  }

  published(batch: Batch): void {
    this.#owner.published(this, batch);
  }

  submit(command: Command): void {
    if (this.#stopped) return;
    if (command.type === "startTimer") this.#startTimer(command);
    else this.#carryOut(command);
  }

  immediate(command: Command): InputEvent | undefined {
    return this.#stopped ? undefined : this.#host.immediate?.(this.#runKey, command);
  }

  abort(commandId: string): void {
    const one = this.#underWay.get(commandId);
    if (one instanceof Stop) one.abort();
    else this.#stopTimer(commandId);
  }

  #carryOut(command: Exclude<Command, StartTimerCommand>): void {
    const stop = new Stop();
    // Whoever submits one that is under way waits for one outcome, not for two.
    if (!this.#underWay.has(command.id)) this.#flights++;
    this.#underWay.set(command.id, stop);
    const done = (event: InputEvent) => this.#done(command.id, event);
    // A host never rejects; if one does all the same, the run is told and does not wait for ever (R11).
    const broken = (thrown: unknown) => this.#done(command.id, failureOf(command, thrown));
    try {
      this.#host.execute(this.#runKey, command, stop).then(done, broken);
    } catch (thrown) {
      broken(thrown);
    }
  }

  /** The first that comes of a command counts, and nothing once the session has ended. */
  #done(id: string, event: InputEvent): void {
    if (!this.#underWay.delete(id)) return;
    this.#flights--;
    this.push({ event });
  }

  #startTimer(command: StartTimerCommand): void {
    const { id, dueAt, holds } = command;
    this.#stopTimer(id);
    if (dueAt <= this.now()) return this.push({ event: firedOf(command) });
    const timer = this.#clock.at(dueAt, () => this.#fired(command));
    this.#underWay.set(id, { timer, dueAt });
    if (!holds) return;
    this.#holding ??= new Set();
    this.#holding.add(id);
  }

  #fired(command: StartTimerCommand): void {
    this.#underWay.delete(command.id);
    this.#holding?.delete(command.id);
    this.push({ event: firedOf(command) });
  }

  #stopTimer(id: string): void {
    const one = this.#underWay.get(id);
    if (!one || one instanceof Stop) return;
    one.timer.cancel();
    this.#underWay.delete(id);
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
    if (this.#flights === 0 && !this.#holding?.size) return undefined;
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
    this.#abortAll();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(undefined);
  }

  #abortAll(): void {
    for (const one of this.#underWay.values()) if (one instanceof Stop) one.abort();
  }

  /** Ends the session. Returns what came in too late for it; on failure everybody who waits is told. */
  end(failure: OrchestrationError | undefined): Waiting[] {
    this.#stopped = true;
    this.#abortAll();
    for (const one of this.#underWay.values()) if (!(one instanceof Stop)) one.timer.cancel();
    this.#underWay.clear();
    this.#flights = 0;
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
