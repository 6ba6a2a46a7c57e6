import type { Command } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, RunStatus } from "../event.ts";
import { harmlessLogger } from "../harmless.ts";
import { type IdSource, randomIds } from "../ids.ts";
import type { Clock } from "../port/clock.ts";
import type { Engine, ResumeFilter, RunHost, RunKey, RunSession, RunWatcher } from "../port/engine.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";

/**
 * The engine of one process over any journal. What several processes may do to one run is settled by the journal's
 * compare-and-append: the loser of a race gets `journal/conflict` and lets go.
 *
 * L1 At most one session drives a run in this process.
 * L2 A session lives while something is in flight; a parked run holds no memory here.
 * L3 An event from outside is acknowledged when the driver has made it durable.
 * L4 A timer of this engine wakes parked runs that are due, never a run that another process may be driving.
 * L5 Who waits for a run is told when this engine closes.
 */
export interface LocalEngineOptions {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where salts come from; the operating system's randomness when absent. */
  readonly ids?: IdSource;
  /** Events from outside that may wait for one run. */
  readonly mailbox?: number;
}

export function localEngine(options: LocalEngineOptions): Engine {
  return new LocalEngine(options);
}

/** How many stopped runs an engine remembers the error of. */
const stoppedMax = 1024;

interface Waiting {
  readonly event: InputEvent;
  readonly settle?: { readonly resolve: () => void; readonly reject: (error: OrchestrationError) => void };
}

class LocalEngine implements Engine {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly #logger: Logger;
  readonly #mailbox: number;
  readonly #ids: IdSource;
  readonly #hosts = new Map<string, RunHost>();
  readonly #sessions = new Map<string, LocalSession>();
  readonly #watchers = new Map<string, Set<RunWatcher>>();
  /** Runs whose driving stopped with an error and was not taken up again here. */
  readonly #stopped = new Map<string, OrchestrationError>();
  #idle: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #wake: { readonly dueAt: number; readonly cancel: () => void } | undefined;

  constructor({ name, journal, clock, logger, mailbox, ids }: LocalEngineOptions) {
    this.#ids = ids ?? randomIds();
    this.name = name;
    this.journal = journal;
    this.clock = clock;
    this.#logger = harmlessLogger(logger);
    this.#mailbox = mailbox ?? 64;
  }

  register(definition: string, host: RunHost): void {
    this.#hosts.set(definition, host);
  }

  async deliver(key: RunKey, definition: string, event: InputEvent): Promise<void> {
    this.#assertOpen();
    const session = this.#sessions.get(nameOf(key));
    if (session && session.waiting >= this.#mailbox) {
      const data = { address: key.runId, waiting: session.waiting, capacity: this.#mailbox };
      throw new OrchestrationError("bus/mailbox-full", data);
    }
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { event, settle: { resolve, reject } };
      if (session) session.push(waiting);
      else this.#begin(key, definition, [waiting]);
    });
  }

  async resume(filter: ResumeFilter = {}): Promise<number> {
    this.#assertOpen();
    return this.#wakeRuns(filter, (status) => status === "running");
  }

  /** Begins a session for each parked run that is due, and for the others that the filter takes and `also` names. */
  async #wakeRuns(filter: ResumeFilter, also: (status: RunStatus) => boolean): Promise<number> {
    const records = await this.journal.unfinishedRuns();
    if (this.#closing) return 0;
    let woken = 0;
    for (const record of records) {
      const definition = `${record.supervisor}@${record.definitionHash}`;
      if (!this.#hosts.has(definition)) continue;
      if (filter.tenant !== undefined && record.tenant !== filter.tenant) continue;
      if (filter.runId !== undefined && record.runId !== filter.runId) continue;
      if (filter.definition !== undefined && definition !== filter.definition) continue;
      const due = record.wakeAt !== undefined && record.wakeAt <= this.clock.now();
      if (record.status === "parked" && !due) {
        this.#scheduleWake(record.wakeAt);
        continue;
      }
      if ((record.status !== "parked" && !also(record.status)) || this.#sessions.has(nameOf(record))) continue;
      this.#begin(record, definition, []);
      woken++;
    }
    return woken;
  }

  watch(key: RunKey, watcher: RunWatcher): () => void {
    const name = nameOf(key);
    const watchers = this.#watchers.get(name) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(name, watchers);
    if (this.#stopped.has(name)) {
      queueMicrotask(() => {
        const error = this.#stopped.get(name);
        if (error && watchers.has(watcher)) this.#tellOne(watcher, ({ stopped }) => stopped(error));
      });
    }
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(name);
    };
  }

  async idle(): Promise<void> {
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#wake?.cancel();
      for (const session of this.#sessions.values()) session.stop();
      await this.idle();
      const error = new OrchestrationError("engine/closed", { engine: this.name });
      for (const name of [...this.#watchers.keys()]) this.#tell(name, ({ stopped }) => stopped(error));
      await this.journal.close();
    })();
    return this.#closing;
  }

  #assertOpen(): void {
    if (this.#closing) throw new OrchestrationError("engine/closed", { engine: this.name });
  }

  #begin(key: RunKey, definition: string, events: Waiting[]): void {
    const host = this.#hosts.get(definition);
    const name = nameOf(key);
    if (!host) {
      const [supervisor = "", hash = ""] = definition.split("@");
      const error = new OrchestrationError("definition/unknown", { run: key.runId, supervisor, definition: hash });
      for (const { settle } of events) settle?.reject(error);
      return;
    }
    const stream: StreamKey = { tenant: key.tenant, kind: "run", id: key.runId };
    const session = new LocalSession({
      key: stream,
      journal: this.journal,
      clock: this.clock,
      salt: this.#ids.salt,
      host,
      onBatch: (batch) => this.#tell(name, ({ batch: onBatch }) => onBatch(batch)),
      onRecord: (record) => {
        if (record.status === "parked") this.#scheduleWake(record.wakeAt);
      },
    });
    this.#sessions.set(name, session);
    this.#stopped.delete(name);
    for (const event of events) session.push(event);
    void this.#run(name, key, definition, session, host);
  }

  async #run(name: string, key: RunKey, definition: string, session: LocalSession, host: RunHost): Promise<void> {
    let failure: OrchestrationError | undefined;
    try {
      await host.drive(session);
    } catch (thrown) {
      failure = OrchestrationError.is(thrown)
        ? thrown
        : new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown });
    }
    this.#sessions.delete(name);
    const left = session.end(failure);
    if (failure) {
      const error = failure;
      this.#remember(name, error);
      this.#logger.error({ runId: key.runId, code: error.code, reason: error.message }, "a run stopped being driven");
      this.#tell(name, ({ stopped }) => stopped(error));
    } else if (left.length > 0) {
      if (this.#closing) {
        for (const { settle } of left) settle?.reject(new OrchestrationError("engine/closed", { engine: this.name }));
      } else this.#begin(key, definition, left);
    }
    if (this.#sessions.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #tell(name: string, act: (watcher: RunWatcher) => void): void {
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) this.#tellOne(watcher, act);
  }

  #tellOne(watcher: RunWatcher, act: (watcher: RunWatcher) => void): void {
    try {
      act(watcher);
    } catch (thrown) {
      this.#logger.warn({ reason: reasonOf(thrown) }, "a watcher threw");
    }
  }

  /** So that who asks after a run stopped does not wait for ever; the oldest are forgotten first. */
  #remember(name: string, error: OrchestrationError): void {
    this.#stopped.set(name, error);
    const [oldest] = this.#stopped.keys();
    if (oldest !== undefined && this.#stopped.size > stoppedMax) this.#stopped.delete(oldest);
  }

  /** One timer for the earliest wake-up; the index knows the rest. */
  #scheduleWake(dueAt: number | undefined): void {
    if (dueAt === undefined || this.#closing || (this.#wake && this.#wake.dueAt <= dueAt)) return;
    this.#wake?.cancel();
    const timer = this.clock.at(dueAt, () => {
      this.#wake = undefined;
      this.#wakeRuns({}, () => false).catch((thrown: unknown) => {
        this.#logger.error({ reason: reasonOf(thrown) }, "parked runs could not be woken");
      });
    });
    this.#wake = { dueAt, cancel: timer.cancel };
  }
}

interface SessionOptions {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly salt: () => string;
  readonly host: RunHost;
  readonly onBatch: (batch: Batch) => void;
  readonly onRecord: (record: RunRecord) => void;
}

class LocalSession implements RunSession {
  readonly key: StreamKey;
  readonly journal: Journal;
  readonly #options: SessionOptions;
  readonly #queue: Waiting[] = [];
  readonly #inFlight = new Map<string, AbortController>();
  readonly #timers = new Map<string, { cancel: () => void }>();
  #current: Waiting | undefined;
  #wake: ((event: InputEvent | undefined) => void) | undefined;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.key = options.key;
    this.journal = options.journal;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  now(): number {
    return this.#options.clock.now();
  }

  salt(): string {
    return this.#options.salt();
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
      const { id, path, dueAt } = command;
      const event: InputEvent = { id: `${id}@${dueAt}`, type: "timer.fired", path, body: { timer: id } };
      this.#timers.get(id)?.cancel();
      if (dueAt <= this.now()) return this.push({ event });
      this.#timers.set(
        id,
        this.#options.clock.at(dueAt, () => {
          this.#timers.delete(id);
          this.push({ event });
        }),
      );
      return;
    }
    const controller = new AbortController();
    this.#inFlight.set(command.id, controller);
    const { tenant, id: runId } = this.key;
    const done = (event: InputEvent) => {
      if (this.#inFlight.delete(command.id)) this.push({ event });
    };
    // A host never rejects; if one does all the same, the run is told and does not wait for ever (R11).
    const broken = (thrown: unknown) => done(failureOf(command, thrown));
    try {
      this.#options.host.execute({ tenant, runId }, command, controller.signal).then(done, broken);
    } catch (thrown) {
      broken(thrown);
    }
  }

  abort(commandId: string): void {
    this.#timers.get(commandId)?.cancel();
    this.#timers.delete(commandId);
    this.#inFlight.get(commandId)?.abort();
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
    if (this.#inFlight.size === 0) return undefined;
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
    for (const controller of this.#inFlight.values()) controller.abort();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(undefined);
  }

  /** Ends the session. Returns what came in too late for it; on failure everybody who waits is told. */
  end(failure: OrchestrationError | undefined): Waiting[] {
    this.#stopped = true;
    for (const controller of this.#inFlight.values()) controller.abort();
    this.#inFlight.clear();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
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
    case "reserve":
      return { id, path, type: "budget.refused", body: { command: id, scope: "tenant", error } };
    case "returnBudget":
      return { id, path, type: "budget.returned", body: { command: id, spent: command.spent } };
  }
}

function nameOf({ tenant, runId }: RunKey): string {
  return `${tenant}\u0000${runId}`;
}
