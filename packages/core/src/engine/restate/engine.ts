import { errorFrom, OrchestrationError, reasonOf } from "../../errors.ts";
import type { InputEvent } from "../../event.ts";
import { harmlessLogger } from "../../harmless.ts";
import { type IdSource, randomIds } from "../../ids.ts";
import { definitionOf } from "../../journal/listing.ts";
import { type Clock, systemClock } from "../../port/clock.ts";
import type { Engine, ResumeFilter, RunHost, RunKey, RunWatcher } from "../../port/engine.ts";
import type { RunRecord, UnfinishedFilter } from "../../port/journal.ts";
import { type Logger, silentLogger } from "../../port/logger.ts";
import { beginnerOf } from "../../remote/delegation.ts";
import type { SupervisorDefinition } from "../../supervisor/definition.ts";
import { sweep } from "../sweep.ts";
import { turns } from "../turns.ts";
import { runWatchers, type Watchers } from "../watchers.ts";
import { Activity } from "./activity.ts";
import { callsUnderWay, strandedCalls } from "./bound.ts";
import { addressesOf, type RestateClient, restateClient, waitingClock } from "./client.ts";
import { type Drains, drains } from "./drain.ts";
import { type RestateJournal, restateJournal } from "./journal.ts";
import { type LatelyDriven, latelyDriven } from "./lately.ts";
import { cellObject, frontObject, indexObject, streamObject } from "./objects.ts";
import { operatorOf, type RestateOperator } from "./operator.ts";
import { runObject, type WorkerParts } from "./run-object.ts";
import { type Acked, type Loaded, type Names, namesOf, runText, type Sent } from "./wire.ts";
import { loadSdk, openPort, registerAt, type WorkerOptions, type WorkerPort } from "./worker.ts";

export interface RestateEngineOptions {
  /** Addresses of the cluster's ingress, one for each node or one of a load balancer: `http://127.0.0.1:8080`. */
  readonly ingress: string | readonly string[];
  /** Addresses of its admin port: `http://127.0.0.1:9070`. */
  readonly admin: string | readonly string[];
  /** Where the cluster calls this process to drive runs. Absent: it starts, answers and lists runs, and drives none. */
  readonly worker?: WorkerOptions;
  /** Keeps installations apart that share a cluster; `remit` when absent. A letter, then letters, digits, `_` and `-`. */
  readonly namespace?: string;
  /** A tenant's secret for argument hashes and addresses. Absent: made on first use, and kept in the cluster. */
  readonly tenantKey?: (tenant: string) => string | Promise<string>;
  /** How long a request may wait for its answer; 15,000 when absent. */
  readonly deadlineMs?: number;
  /** Runs that this process drives at a time; 256 when absent. */
  readonly driving?: number;
  /** Events from outside that may wait for one run; 64 when absent. */
  readonly mailbox?: number;
  readonly logger?: Logger;
  /** For tests: what runs go by. Timers of parked runs are then this process's own affair, and wait while it is away. */
  readonly clock?: Clock;
  readonly ids?: IdSource;
}

/** An engine of a cluster, with what only a cluster has. */
export interface RestateEngine extends Engine {
  /** Opens the worker's port and registers what it serves; done by itself when it is first needed. */
  readonly ready: () => Promise<void>;
  readonly operator: RestateOperator;
}

/** How long a closing worker waits for its runs to be handed over, and for the calls that are under way for it. */
const handOverMs = 5_000;
/** How often it looks whether there are such calls, at first and in the end; how long it waits for what it has taken last. */
const lookMs = 20;
const lookMsMax = 200;
const lastMs = 500;
/** How often who waits for a run is told when a call of it cannot be answered by anybody. */
const strandedMs = 15_000;
/** How long a run that was started is looked for here, how long its first batch when it is, and for how many starts not. */
const takenMs = 250;
const seenMs = 2_000;
const letDownMost = 64;
/** Tenants of which a process remembers that the index lists them; of others it is looked up at each start. */
const notedMax = 10_000;

/**
 * Runs on a Restate cluster: it replicates their journals, fails over, and keeps their timers. What a process drives it
 * drives as on any other engine; see `run-object.ts` for how the two meet.
 *
 * G1 A run is driven where its definition is deployed, by one worker at a time.
 * G2 An event from outside is acknowledged when it is durable in the run, whichever process sent it.
 * G3 A worker that closes hands its runs over; one that dies has them taken over.
 * G4 A worker that closes is called until the cluster has no calls under way for its deployment, as long as a hand-over may
 *    take: nothing is left that is bound to a place where nobody is. When it cannot be told, that is logged.
 * @throws OrchestrationError `run/id-invalid` for a namespace that is no name
 */
export function restateEngine(options: RestateEngineOptions): RestateEngine {
  return new ClusterEngine(options);
}

class ClusterEngine implements RestateEngine {
  readonly name = "restate";
  readonly shared = true;
  readonly routes = true;
  readonly storesEvents = true;
  readonly journal: RestateJournal;
  readonly clock: Clock;
  readonly operator: RestateOperator;
  readonly #options: RestateEngineOptions;
  readonly #names: Names;
  readonly #client: RestateClient;
  readonly #drains: Drains;
  readonly #logger: Logger;
  readonly #wall = systemClock();
  readonly #ids: IdSource;
  readonly #hosts = new Map<string, RunHost>();
  /** Services that other deployments were seen to have. */
  #served: ReadonlySet<string> = new Set();
  readonly #activities = new Map<string, Activity>();
  /** Activities of which the cluster has not heard everything yet. */
  readonly #open = new Set<Activity>();
  readonly #lately: LatelyDriven;
  /** Tenants that the index is known to list. */
  readonly #noted = new Set<string>();
  /** Awakeables of events whose senders wait in this process's fronts. */
  readonly #waiting = new Set<string>();
  #delivering = 0;
  /** So many starts more are not looked for here. */
  #letDown = 0;
  readonly #watchers: Watchers;
  #looking = false;
  readonly #turns = turns<() => void>();
  #driving = 0;
  #turnCount = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  /** Aborted when everything is handed over: who still waits for the cluster then is told. */
  readonly #closed = new AbortController();
  #port: Promise<WorkerPort> | undefined;
  /** The registration under way or done, and how many definitions it covers. */
  #registered: { readonly count: number; readonly done: Promise<void> } | undefined;
  #wake: { readonly dueAt: number; readonly cancel: () => void } | undefined;

  constructor(options: RestateEngineOptions) {
    const { namespace = "remit", ingress, admin, deadlineMs = 15_000, tenantKey } = options;
    this.#options = options;
    this.#names = namesOf(namespace);
    this.#logger = harmlessLogger(options.logger ?? silentLogger);
    this.#watchers = runWatchers(this.#logger);
    this.#ids = options.ids ?? randomIds();
    this.clock = options.clock ?? systemClock();
    this.#lately = latelyDriven(this.#wall);
    this.#client = restateClient({
      ingress: addressesOf(ingress),
      admin: addressesOf(admin),
      clock: waitingClock,
      deadlineMs,
      closed: this.#closed.signal,
    });
    const journal = restateJournal({
      client: this.#client,
      names: this.#names,
      ...(tenantKey === undefined ? {} : { tenantKey }),
      ready: () => this.#ready(),
      engineClosed: this.#closed.signal,
      recent: (key) => {
        const activity = this.#activities.get(runText(key));
        if (!activity) return this.#lately.recent(runText(key));
        return { batches: activity.tail, record: activity.record, isWhole: true };
      },
      recentRuns: () => {
        const runs = [...this.#activities.values()].flatMap(({ record }) => (record ? [record] : []));
        return [...runs, ...this.#lately.runs()];
      },
      pause: (delayMs) => this.#pause(delayMs),
      forget: (key) => this.#lately.forget(runText(key)),
    });
    this.journal = {
      ...journal,
      waitingDefinitions: async () => {
        const waiting = await journal.waitingDefinitions();
        const homeless = waiting.some((one) => !this.#hosts.has(`${one.supervisor}@${one.definitionHash}`));
        if (homeless) this.#served = await this.operator.served();
        return waiting;
      },
    };
    const shared = { client: this.#client, names: this.#names, clock: waitingClock };
    this.#drains = drains(shared);
    this.operator = operatorOf({ ...shared, namespace, drains: this.#drains });
  }

  definitionOf(definition: string): SupervisorDefinition | undefined {
    return this.#hosts.get(definition)?.definition;
  }

  register(definition: string, host: RunHost): void {
    this.#hosts.set(definition, host);
  }

  /** Also of what another deployment serves, as far as was known when the unfinished runs were last looked over. */
  isRegistered(definition: string): boolean {
    return this.#hosts.has(definition) || this.#served.has(this.#names.driveOf(definition));
  }

  /** Whatever is sent to a run reaches whoever drives it. */
  drives(): boolean {
    return true;
  }

  async ready(): Promise<void> {
    this.#assertOpen();
    await this.#ready();
  }

  async #ready(): Promise<void> {
    const { worker } = this.#options;
    if (!worker || this.#registered?.count === this.#hosts.size) return this.#registered?.done;
    const definitions = [...this.#hosts.keys()];
    const before = this.#registered?.done.catch(() => {});
    const done = (async () => {
      await before;
      const sdk = await loadSdk();
      this.#port ??= openPort(sdk, worker, this.#logger).catch((thrown: unknown) => {
        this.#port = undefined; // Whoever has it now may be gone the next time.
        throw thrown;
      });
      const port = await this.#port;
      const parts = this.#workerParts();
      const { mailbox = 64 } = this.#options;
      const services = [
        frontObject(sdk, this.#names, mailbox, this.#waiting),
        streamObject(sdk, this.#names),
        cellObject(sdk, this.#names),
        indexObject(sdk, this.#names, (tenant) => {
          if (this.#noted.size < notedMax) this.#noted.add(tenant);
        }),
        ...definitions.map((definition) => runObject(sdk, this.#names, definition, parts)),
      ];
      port.serve(services);
      if (worker.register ?? true) {
        await registerAt(
          this.#client,
          port.uri(),
          services.map(({ name }) => name),
        );
      }
    })();
    this.#registered = { count: definitions.length, done };
    done.catch(() => {
      // A cluster that was away may be there the next time.
      if (this.#registered?.done === done) this.#registered = undefined;
    });
    return done;
  }

  async deliver(key: RunKey, definition: string, event: InputEvent): Promise<void> {
    this.#assertOpen();
    const [supervisor = "", hash = ""] = definition.split("@");
    if (this.#options.worker && !this.isRegistered(definition)) {
      this.#served = await this.operator.served();
      if (!this.isRegistered(definition)) {
        throw new OrchestrationError("definition/unknown", { run: key.runId, supervisor, definition: hash });
      }
    }
    this.#delivering++;
    try {
      await this.ready();
      if (event.type === "run.started") await this.#drains.assertOpen(key, definition);
      this.#watchers.resumed(runText(key));
      if (event.type !== "run.started" || !(await this.#beginHere(key, definition, event))) {
        const to = { service: this.#names.front, key: runText(key), handler: "deliver" };
        let acked = await this.#client.call<Acked>(to, { definition, event });
        // The worker at which it waited closes: it waits at another one.
        while (acked.error?.code === "engine/closed") {
          this.#assertOpen();
          acked = await this.#client.call<Acked>(to, { definition, event });
        }
        if (acked.error) throw errorFrom(acked.error);
        // Not before: another version may have begun the run, which is then where that is.
        if (event.type === "run.started") this.journal.noteHome(key, definition);
      }
    } finally {
      this.#delivering--;
      this.#tellIdle();
    }
  }

  /**
   * Starts a run and sees here that its first batch is stored, which takes the cluster less than telling somebody who waits.
   * False when it seems to be driven elsewhere, or is not begun for a while: then it is to be delivered as any event, and a
   * second time is none. Whoever was let down goes the other way for some time.
   */
  async #beginHere(key: RunKey, definition: string, event: InputEvent): Promise<boolean> {
    if (!this.#options.worker) return false;
    if (this.#letDown > 0) {
      this.#letDown--;
      return false;
    }
    const name = runText(key);
    let unwatch: (() => void) | undefined;
    let late: { readonly cancel: () => void } | undefined;
    try {
      const begun = new Promise<boolean>((resolve, reject) => {
        unwatch = this.#watchers.watch(name, { batch: () => resolve(true), stopped: reject });
      });
      begun.catch(() => {});
      await this.#client.call<void>({ service: this.#names.front, key: name, handler: "begin" }, { definition, event });
      const taken = new Promise<boolean>((resolve) => {
        const look = (waitMs: number) => {
          late = this.#wall.at(this.#wall.now() + waitMs, () => {
            if (this.#activities.has(name) && waitMs < seenMs) look(seenMs);
            else resolve(false);
          });
        };
        look(takenMs);
      });
      const isHere = await Promise.race([begun, taken]);
      this.#letDown = isHere ? 0 : letDownMost;
      return isHere;
    } finally {
      late?.cancel();
      unwatch?.();
    }
  }

  async resume({ tenant, runId, definition }: ResumeFilter = {}): Promise<number> {
    this.#assertOpen();
    await this.ready();
    const filter: UnfinishedFilter = {
      ...(tenant === undefined ? {} : { tenant }),
      ...(runId === undefined ? {} : { runId }),
      definitions: [...this.#hosts.keys()].filter((one) => one === (definition ?? one)),
    };
    const now = this.clock.now();
    let woken = 0;
    this.#delivering++;
    try {
      for (const kind of [{ status: "running" }, { dueAt: now }] as const) {
        const way = sweep(this.journal, { ...filter, ...kind });
        do {
          for (const run of await way.page()) if (await this.#wakeRun(run, runId !== undefined)) woken++;
        } while (!way.done && !this.#closing);
      }
      if (this.#ownTimers && !this.#closing) this.#scheduleWake(await this.journal.nextWakeAt(now));
    } finally {
      this.#delivering--;
      this.#tellIdle();
    }
    return woken;
  }

  /** Has a run looked at, unless somebody does so anyway; with `force` also when an activation that is gone is said to. */
  #wakeRun(run: RunRecord, force: boolean): Promise<boolean> {
    const key = runText(run);
    if (this.#activities.has(key)) return Promise.resolve(false);
    this.#watchers.resumed(key);
    return this.#client.call<boolean>(
      { service: this.#names.front, key, handler: "wake" },
      { definition: definitionOf(run), force },
    );
  }

  get #ownTimers(): boolean {
    return this.#options.clock !== undefined && this.#options.worker !== undefined;
  }

  #scheduleWake(dueAt: number | undefined): void {
    if (dueAt === undefined || this.#closing || (this.#wake && this.#wake.dueAt <= dueAt)) return;
    this.#wake?.cancel();
    const timer = this.clock.at(dueAt, () => {
      this.#wake = undefined;
      this.resume().catch((thrown: unknown) => {
        this.#logger.error({ reason: reasonOf(thrown) }, "parked runs could not be woken");
      });
    });
    this.#wake = { dueAt, cancel: timer.cancel };
  }

  #workerParts(): WorkerParts {
    const { driving = 256, mailbox = 64 } = this.#options;
    const next = () => {
      while (this.#driving < driving) {
        const begin = this.#turns.next();
        if (!begin) return;
        this.#driving++;
        begin();
      }
    };
    // Whoever has begun it from here holds a place until its start is durable: it would wait for that one (L6).
    const isBegunHere = ({ tenant }: RunKey, event: InputEvent) => {
      const runId = beginnerOf(event);
      return runId !== undefined && this.#activities.has(runText({ tenant, runId }));
    };
    const noTurn = async () => () => {};
    const turn = (key: RunKey) => () =>
      new Promise<() => void>((resolve) => {
        let left = false;
        const leave = () => {
          if (left) return;
          left = true;
          this.#driving--;
          next();
        };
        this.#turns.add(key.tenant, `${runText(key)}#${this.#turnCount++}`, () => resolve(leave));
        next();
      });
    return {
      timers: !this.#ownTimers,
      isNoted: (tenant) => this.#noted.has(tenant),
      isClosing: () => this.#closing !== undefined,
      load: (service, key) => this.#client.call<Loaded>({ service, key, handler: "load" }),
      open: (key: RunKey, definition: string, sent: readonly Sent[], load: () => Promise<Loaded>) => {
        const host = this.#hosts.get(definition);
        if (!host) throw new OrchestrationError("run/internal", { reason: `no host is registered for ${definition}` });
        const name = runText(key);
        this.#activities.get(name)?.abandon();
        this.#watchers.resumed(name);
        this.journal.noteHome(key, definition);
        const activity = new Activity({
          key,
          host,
          journal: this.journal,
          clock: this.clock,
          wall: this.#wall,
          salt: this.#ids.salt,
          mailbox,
          sent,
          load,
          turn: sent.some(({ event }) => isBegunHere(key, event)) ? noTurn : turn(key),
          onBatch: (batch) => this.#watchers.tell(name, (watcher) => watcher.batch(batch)),
        });
        this.#activities.set(name, activity);
        this.#open.add(activity);
        return activity;
      },
      ended: (activity, _definition, wake) => {
        const { failure, key } = activity;
        if (failure) {
          const { code, message: reason } = failure;
          this.#logger.error({ runId: key.runId, code, reason }, "a run stopped being driven");
          this.#watchers.stopped(runText(key), failure);
        } else if (this.#ownTimers) this.#scheduleWake(wake);
      },
      left: (activity) => {
        const name = runText(activity.key);
        if (this.#activities.get(name) === activity) {
          this.#activities.delete(name);
          if (!activity.isLost) this.#lately.put(name, activity.record, activity.tail);
        }
        this.#open.delete(activity);
        this.#tellIdle();
      },
    };
  }

  watch(key: RunKey, watcher: RunWatcher): () => void {
    const unwatch = this.#watchers.watch(runText(key), watcher);
    this.#lookForStranded();
    return unwatch;
  }

  /** While somebody waits for runs that others drive, looks now and then whether a call of theirs is bound to nobody. */
  #lookForStranded(): void {
    if (this.#looking || this.#closing) return;
    this.#looking = true;
    this.#wall.at(this.#wall.now() + strandedMs, () => {
      this.#looking = false;
      if (this.#closing || !this.#watchers.isAny()) return;
      this.#tellStranded()
        .catch((thrown: unknown) => {
          this.#logger.debug({ reason: reasonOf(thrown) }, "it was not seen whether calls of runs are stranded");
        })
        .finally(() => this.#lookForStranded());
    });
  }

  async #tellStranded(): Promise<void> {
    const { namespace = "remit" } = this.#options;
    const parts = { client: this.#client, names: this.#names };
    for (const { key, service, deployment } of await strandedCalls(parts, namespace)) {
      const reason = `a call of it is bound to ${deployment}, which was taken away by force; \`resumePaused\` moves it`;
      const error = new OrchestrationError("engine/no-worker", { service, key, reason });
      // Not remembered: once the call has been moved the run goes on, wherever that is.
      this.#watchers.tell(key, (watcher) => watcher.stopped(error));
    }
  }

  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Resolves when nobody drives anything here; who delivers something may wait for others. */
  async #handedOver(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#open.size === 0 && this.#delivering === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle() || (this.#closing && this.#open.size === 0))
      for (const resolve of this.#idle.splice(0)) resolve();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#wake?.cancel();
      const error = new OrchestrationError("engine/closed", { engine: this.name });
      const port = await this.#port?.catch(() => undefined);
      const { drives, front } = this.#names;
      const isDrive = (path: string) => path.includes(`/${drives}`) && path.endsWith("/drive");
      // Who would wait here for a run that nobody drives here any more waits at another worker.
      port?.refuse((path) => isDrive(path) || path.endsWith(`/${front}/deliver`));
      for (const activity of this.#activities.values()) activity.stop();
      const until = this.#wall.now() + handOverMs;
      const late = this.#pause(handOverMs);
      await Promise.race([this.#handedOver().then(() => port?.rests(isDrive)), late]);
      if (port) {
        await Promise.all([...this.#waiting].map((ack) => this.#sendAway(ack, error, until)));
        await this.#rests(port.uri(), until);
      }
      this.#closed.abort(error);
      this.#watchers.closed(error);
      for (const activity of this.#activities.values()) activity.abandon();
      await this.#registered?.done.catch(() => {});
      // What is turned away from here on is bound to nobody; what was taken is answered.
      port?.refuse(() => true);
      if (port) await Promise.race([port.rests(() => true), this.#pause(lastMs)]);
      await port?.close();
      await this.journal.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Tells who waits here for an event to become durable to ask again; another worker has it meanwhile. */
  async #sendAway(ack: string, error: OrchestrationError, until: number): Promise<void> {
    const acked = { error: error.toRecord() } satisfies Acked;
    const leftMs = Math.max(lookMs, until - this.#wall.now());
    try {
      await this.#client.call<void>({ service: "restate/awakeables", key: ack, handler: "resolve" }, acked, leftMs);
    } catch (thrown) {
      this.#logger.warn({ reason: reasonOf(thrown) }, "who waits for an event at a closing worker was not told");
    }
  }

  /** Resolves when the cluster has no calls under way for what is served at an address, or when it is late. */
  async #rests(uri: string, until: number): Promise<void> {
    let left: number | undefined;
    let reason = "";
    for (let waitMs = lookMs; ; waitMs = Math.min(waitMs * 2, lookMsMax)) {
      const late = this.#pause(Math.max(lookMs, until - this.#wall.now())).then(() => undefined);
      try {
        left = await Promise.race([callsUnderWay({ client: this.#client, names: this.#names }, uri), late]);
        reason = left === undefined ? "the cluster gives no answer" : "";
      } catch (thrown) {
        left = undefined;
        reason = reasonOf(thrown);
      }
      if (left === 0) return;
      if (this.#wall.now() + waitMs >= until) break;
      await this.#pause(waitMs);
    }
    const data = { uri, ...(left === undefined ? { reason } : { calls: left }) };
    this.#logger.warn(data, "a worker closes while calls of the cluster may be under way for it");
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#wall.at(this.#wall.now() + delayMs, resolve));
  }

  #assertOpen(): void {
    if (this.#closing) throw new OrchestrationError("engine/closed", { engine: this.name });
  }
}
