import { OrchestrationError, ownError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { harmlessLogger } from "../harmless.ts";
import { type IdSource, randomIds } from "../ids.ts";
import { streamName } from "../journal/link.ts";
import { definitionOf } from "../journal/listing.ts";
import type { Clock } from "../port/clock.ts";
import type { Engine, ResumeFilter, RunHost, RunKey, RunWatcher } from "../port/engine.ts";
import type { Journal, RunRecord, StreamKey, UnfinishedFilter } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import { beginnerOf, isRecall } from "../remote/delegation.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { LocalSession, type SessionOwner, type Waiting } from "./session.ts";
import { pageRuns, type Sweep, sweep } from "./sweep.ts";
import { turns } from "./turns.ts";
import { runWatchers, type Watchers } from "./watchers.ts";

/**
 * The engine of one process over any journal. What several processes may do to one run is settled by the journal's
 * compare-and-append: the loser of a race gets `journal/conflict` and lets go.
 *
 * L1 At most one session drives a run in this process.
 * L2 A session lives while something is in flight or a timer holds it; a parked run holds no memory here.
 * L3 An event from outside is acknowledged when the driver has made it durable.
 * L4 A timer of this engine wakes parked runs that are due, never a run that another process may be driving.
 * L5 Who waits for a run is told when this engine closes.
 * L6 No more than so many runs are driven at a time; the others wait for their turn, and the tenants take turns. What a run
 *    that is driven waits for, because it has begun or stopped another one, takes no turn: it would wait for its own place.
 * L7 While a run is driven its process is kept alive, also where it waits for nothing but a timer. A parked one keeps none.
 */
export interface LocalEngineOptions {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Other processes may drive runs of the same journal; `false` when absent. */
  readonly shared?: boolean;
  /** Where salts come from; the operating system's randomness when absent. */
  readonly ids?: IdSource;
  /** Events from outside that may wait for one run; 64 when absent. */
  readonly mailbox?: number;
  /**
   * Runs that may be driven at a time; 256 when absent. A tool that waits for the end of another run of this engine takes
   * a place while it does.
   */
  readonly driving?: number;
}

/** @throws OrchestrationError `limits/not-a-bound` for a number of runs or events with which nothing would ever be driven */
export function localEngine(options: LocalEngineOptions): Engine {
  const { driving = 1, mailbox = 1 } = options;
  for (const [limit, value] of Object.entries({ driving, mailbox })) {
    if (!(value >= 1)) throw new OrchestrationError("limits/not-a-bound", { limit, value: String(value) });
  }
  return new LocalEngine(options);
}

/** How long after the journal was away an engine looks again for runs that are due. */
const lookAgainMs = 1_000;

/** A run that waits for its turn to be driven. */
interface Start {
  readonly key: RunKey;
  readonly definition: string;
  readonly events: Waiting[];
  readonly isNew?: boolean;
  /** False when the run needs no driving any more unless somebody has sent it something meanwhile. */
  readonly isWanted: (record: RunRecord) => boolean;
}

class LocalEngine implements Engine {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly shared: boolean;
  readonly routes = false;
  readonly #logger: Logger;
  readonly #mailbox: number;
  readonly #ids: IdSource;
  readonly #hosts = new Map<string, RunHost>();
  readonly #sessions = new Map<string, LocalSession>();
  readonly #watchers: Watchers;
  readonly #driving: number;
  readonly #turns = turns<Start>();
  /** Ways through the journal that have more to show than waits for a turn now. */
  readonly #sweeps = new Set<Sweep>();
  /** That of the timer: a later one goes over the same ground. */
  #dueSweep: Sweep | undefined;
  #filling = false;
  #looking = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  readonly #owner: SessionOwner = {
    published: ({ name }, batch) => this.#watchers.tell(name, (watcher) => watcher.batch(batch)),
    recorded: ({ status, wakeAt }) => {
      if (status === "parked") this.#scheduleWake(wakeAt);
    },
  };
  /** Keeps the process alive while there are sessions (L7). */
  #hold: { readonly cancel: () => void } | undefined;
  #wake: { readonly dueAt: number; readonly cancel: () => void } | undefined;

  constructor({ name, journal, clock, logger, mailbox, driving, shared, ids }: LocalEngineOptions) {
    this.#ids = ids ?? randomIds();
    this.name = name;
    this.journal = journal;
    this.clock = clock;
    this.shared = shared ?? false;
    this.#logger = harmlessLogger(logger);
    this.#watchers = runWatchers(this.#logger);
    this.#mailbox = mailbox ?? 64;
    this.#driving = driving ?? 256;
  }

  definitionOf(definition: string): SupervisorDefinition | undefined {
    return this.#hosts.get(definition)?.definition;
  }

  register(definition: string, host: RunHost): void {
    this.#hosts.set(definition, host);
  }

  isRegistered(definition: string): boolean {
    return this.#hosts.has(definition);
  }

  drives(key: RunKey): boolean {
    return this.#isKnown(key);
  }

  async deliver(key: RunKey, definition: string, event: InputEvent, isNew = false): Promise<void> {
    this.#assertOpen();
    this.#assertLoaded(key, definition);
    const name = nameOf(key);
    const session = this.#sessions.get(name);
    const start = this.#turns.find(name);
    if (isNew && (session || start)) {
      // Two runs were given one id, and the other one would take no notice of this one's start.
      const stream = streamName({ tenant: key.tenant, kind: "run", id: key.runId });
      throw new OrchestrationError("journal/conflict", { stream, expected: 0, actual: 1 });
    }
    const waiting = session?.waiting ?? start?.events.length ?? 0;
    if (waiting >= this.#mailbox) {
      throw new OrchestrationError("bus/mailbox-full", { address: key.runId, waiting, capacity: this.#mailbox });
    }
    await new Promise<void>((resolve, reject) => {
      const sent: Waiting = { event, settle: { resolve, reject } };
      if (session) return session.push(sent);
      if (start) start.events.push(sent);
      const next: Start = start ?? { key, definition, events: [sent], isNew, isWanted: always };
      if (this.#isWaitedFor(key, event)) {
        this.#turns.take(name);
        this.#open(next);
      } else if (!start) this.#begin(next);
    });
  }

  /** True for what a run that is driven here has sent, and waits for. */
  #isWaitedFor({ tenant }: RunKey, event: InputEvent): boolean {
    const runId = beginnerOf(event);
    return runId === undefined ? isRecall(event) : this.#sessions.has(nameOf({ tenant, runId }));
  }

  async resume({ tenant, runId, definition }: ResumeFilter = {}): Promise<number> {
    this.#assertOpen();
    const filter: UnfinishedFilter = {
      ...(tenant === undefined ? {} : { tenant }),
      ...(runId === undefined ? {} : { runId }),
      definitions: [...this.#hosts.keys()].filter((one) => one === (definition ?? one)),
    };
    return this.#look(async () => {
      const now = this.clock.now();
      let woken = 0;
      for (const kind of [{ status: "running" }, { dueAt: now }] as const) {
        const way = sweep(this.journal, { ...filter, ...kind });
        woken += this.#take(await way.page());
        if (this.#closing) return 0;
        if (way.done) continue;
        // Of what is behind the first page only the number is taken now; it comes page by page when there is room.
        for (const rest = way.rest(); !rest.done && !this.#closing; ) {
          woken += (await rest.page()).filter((run) => !this.#isKnown(run)).length;
        }
        this.#sweeps.add(way);
        this.#pump();
      }
      if (!this.#closing) this.#scheduleWake(await this.journal.nextWakeAt(now));
      return woken;
    });
  }

  /** Begins parked runs that are due, of every tenant. */
  async #wakeDue(): Promise<void> {
    await this.#look(async () => {
      const now = this.clock.now();
      const way = sweep(this.journal, { dueAt: now, definitions: [...this.#hosts.keys()] });
      if (this.#dueSweep) this.#sweeps.delete(this.#dueSweep);
      this.#dueSweep = way;
      this.#take(await way.page());
      if (!way.done && this.#dueSweep === way) this.#sweeps.add(way);
      this.#scheduleWake(await this.journal.nextWakeAt(now));
      this.#pump();
    });
  }

  /** Lets runs that a sweep has shown wait for their turns; returns how many were not known yet. */
  #take(runs: readonly RunRecord[]): number {
    if (this.#closing) return 0;
    const fresh = runs.filter((run) => !this.#isKnown(run));
    for (const run of fresh) {
      const { tenant, runId, status } = run;
      // Until its turn comes somebody else may have taken it up, which its record then says (L4).
      const isWanted = (now: RunRecord) =>
        now.status === status && (status === "running" || (now.wakeAt ?? Number.POSITIVE_INFINITY) <= this.clock.now());
      this.#turns.add(tenant, nameOf(run), {
        key: { tenant, runId },
        definition: definitionOf(run),
        events: [],
        isWanted,
      });
    }
    this.#pump();
    return fresh.length;
  }

  #isKnown(run: RunKey): boolean {
    const name = nameOf(run);
    return this.#sessions.has(name) || this.#turns.find(name) !== undefined;
  }

  /** Opens sessions for those whose turn it is, as far as there is room, and sees that there is always somebody waiting. */
  #pump(): void {
    while (this.#sessions.size < this.#driving) {
      const start = this.#turns.next();
      if (!start) break;
      this.#open(start);
    }
    if (this.#sweeps.size > 0 && this.#turns.size < pageRuns / 2 && !this.#filling) {
      this.#fill().catch((thrown: unknown) => this.#lookAgain(thrown));
    }
    this.#tellIdle();
  }

  /** Takes the next pages of what is left to show, from each sweep in turn. */
  async #fill(): Promise<void> {
    this.#filling = true;
    try {
      for (const way of this.#sweeps) {
        if (this.#turns.size >= pageRuns) break;
        const runs = await way.page();
        // Behind the others, unless it was given up meanwhile.
        if (this.#sweeps.delete(way) && !way.done) this.#sweeps.add(way);
        this.#take(runs);
      }
    } finally {
      this.#filling = false;
    }
    this.#pump();
  }

  /** So that nobody takes the engine for idle while it looks for work. */
  async #look<Found>(act: () => Promise<Found>): Promise<Found> {
    this.#looking++;
    try {
      return await act();
    } finally {
      this.#looking--;
      this.#tellIdle();
    }
  }

  /** The sweeps are where they were; the timer's next one takes what the journal would not show now. */
  #lookAgain(thrown: unknown): void {
    if (this.#closing) return;
    this.#logger.error({ reason: reasonOf(thrown) }, "parked runs could not be woken");
    this.#scheduleWake(this.clock.now() + lookAgainMs);
  }

  watch(key: RunKey, watcher: RunWatcher): () => void {
    return this.#watchers.watch(nameOf(key), watcher);
  }

  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#sessions.size === 0 && this.#turns.size === 0 && this.#sweeps.size === 0 && this.#looking === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#wake?.cancel();
      this.#sweeps.clear();
      const error = new OrchestrationError("engine/closed", { engine: this.name });
      for (const { events } of this.#turns.clear()) for (const { settle } of events) settle?.reject(error);
      for (const session of this.#sessions.values()) session.stop();
      await this.idle();
      this.#watchers.closed(error);
      await this.journal.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertOpen(): void {
    if (this.#closing) throw new OrchestrationError("engine/closed", { engine: this.name });
  }

  #assertLoaded({ runId }: RunKey, definition: string): void {
    if (this.#hosts.has(definition)) return;
    const [supervisor = "", hash = ""] = definition.split("@");
    throw new OrchestrationError("definition/unknown", { run: runId, supervisor, definition: hash });
  }

  #begin(start: Start): void {
    this.#turns.add(start.key.tenant, nameOf(start.key), start);
    this.#pump();
  }

  #open(start: Start): void {
    const { key, definition, events, isNew } = start;
    const name = nameOf(key);
    const host = this.#hosts.get(definition);
    if (!host) throw new OrchestrationError("run/internal", { reason: `no host is registered for ${definition}` });
    const stream: StreamKey = { tenant: key.tenant, kind: "run", id: key.runId };
    const session = new LocalSession({
      key: stream,
      name,
      journal: this.journal,
      clock: this.clock,
      salt: this.#ids.salt,
      ...(isNew ? { isNew } : {}),
      host,
      owner: this.#owner,
    });
    this.#sessions.set(name, session);
    this.#hold ??= this.clock.hold?.();
    this.#watchers.resumed(name);
    // What it begins with is the session's now, and in the journal soon: nothing holds it while the run is driven.
    for (const event of events.splice(0)) session.push(event);
    this.#run(start, session, host);
  }

  /** Nothing of its own waits here as long as a run is driven: only what comes behind it. */
  #run(start: Start, session: LocalSession, host: RunHost): void {
    const { key, definition } = start;
    this.#driven(start, session, host).then(
      () => this.#ended(key, definition, session, undefined),
      (thrown: unknown) => this.#ended(key, definition, session, ownError(thrown)),
    );
  }

  #driven(start: Start, session: LocalSession, host: RunHost): Promise<void> {
    if (session.waiting === 0) {
      return this.#needsDriving(start, session).then((needed) => (needed ? host.drive(session) : undefined));
    }
    try {
      return host.drive(session);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #ended(key: RunKey, definition: string, session: LocalSession, failure: OrchestrationError | undefined): void {
    const { name } = session;
    this.#sessions.delete(name);
    const left = session.end(failure);
    if (failure) {
      const { code, message: reason } = failure;
      this.#logger.error({ runId: key.runId, code, reason }, "a run stopped being driven");
      this.#watchers.stopped(name, failure);
      // What was due is due still, and no other timer knows of it.
      if (OrchestrationError.is(failure, "journal/unavailable")) this.#scheduleWake(this.clock.now() + lookAgainMs);
    } else if (left.length > 0) {
      if (this.#closing) {
        for (const { settle } of left) settle?.reject(new OrchestrationError("engine/closed", { engine: this.name }));
      } else this.#begin({ key, definition, events: left, isWanted: always });
    }
    this.#pump();
    if (this.#sessions.size > 0) return;
    this.#hold?.cancel();
    this.#hold = undefined;
  }

  async #needsDriving({ key, isWanted }: Start, session: LocalSession): Promise<boolean> {
    const record = await this.journal.findRun(key.tenant, key.runId);
    return session.waiting > 0 || (record !== undefined && isWanted(record));
  }

  /** One timer for the earliest wake-up; the index knows the rest. */
  #scheduleWake(dueAt: number | undefined): void {
    if (dueAt === undefined || this.#closing || (this.#wake && this.#wake.dueAt <= dueAt)) return;
    this.#wake?.cancel();
    const timer = this.clock.at(dueAt, () => {
      this.#wake = undefined;
      this.#wakeDue().catch((thrown: unknown) => this.#lookAgain(thrown));
    });
    this.#wake = { dueAt, cancel: timer.cancel };
  }
}

const always = () => true;

function nameOf({ tenant, runId }: RunKey): string {
  return `${tenant}\u0000${runId}`;
}
