import { createHmac, randomUUID } from "node:crypto";
import type {
  CallModelCommand,
  CallToolCommand,
  Command,
  LookupCommand,
  StartTimerCommand,
} from "../../packages/core/src/command.ts";
import { OrchestrationError } from "../../packages/core/src/errors.ts";
import type { InputEvent, RunStatus } from "../../packages/core/src/event.ts";
import type { RunHost, RunKey, RunSession } from "../../packages/core/src/port/engine.ts";
import type { Batch, Journal, RunRecord, Snapshot } from "../../packages/core/src/port/journal.ts";

/**
 * `RunSession` on a Restate invocation. What it relies on, and the driver with it:
 *
 * E1  Restate runs the handler again from the start after a crash or a suspension and gives every awaited step the
 *     result it had. So whatever the driver sees must come from a step: events, times, salts, what was loaded.
 * E2  The object's own state holds the journal, one key a batch. The object is the single writer; a worker that lost
 *     its invocation can no longer set anything.
 * E3  A closure is not told that it was started before. Before anything that must not happen twice, one step records
 *     which attempt is about to do it (the claim). An attempt that finds another's claim does nothing and reports the
 *     command as lost; the core then settles it by key or lookup. The claim's own acknowledgement also means that
 *     everything set before it is durable, so it is the barrier of D2.
 * E4  Restate's own cancellation is not used: a cancel is an event like any other.
 */

/** A durable future, as far as it is used here. */
export interface Future<T> extends Promise<T> {
  map<U>(mapper: (value?: T) => U): Future<U>;
  orTimeout(delayMs: number): Future<T>;
}

/** The part of Restate's object context that is used here; the SDK's own type is checked against it. */
export interface DurableContext {
  readonly key: string;
  run<T>(name: string, action: () => Promise<T>): Future<T>;
  sleep(delayMs: number, name?: string): Future<void>;
  awakeable<T>(): { readonly id: string; readonly promise: Future<T> };
  get<T>(name: string): Promise<T | null>;
  set<T>(name: string, value: T): void;
  stateKeys(): Promise<string[]>;
  request(): { readonly attemptCompletedSignal: AbortSignal };
}

/** An event as the inbox hands it on, with the recorded time of its arrival. */
export interface Inbound {
  readonly event: InputEvent;
  /** Epoch ms. */
  readonly at: number;
}

export interface Ask {
  /** Where the next event shall go. */
  readonly bell?: string;
  /** True when a bell was left there before and nothing has come from it. */
  readonly listening: boolean;
}

export interface Taken {
  readonly events: readonly Inbound[];
  /** True when the bell of before has been rung: its event is on its way, ahead of the others. */
  readonly rung: boolean;
}

/** What one activation begins with; recorded by the inbox before the activation exists. */
export interface Activation {
  readonly events: readonly Inbound[];
  /** 16 random bytes as base64url, the source of this activation's salts. */
  readonly seed: string;
  /** `open` keeps a parked run's invocation, suspended; `end` leaves only state behind. */
  readonly whileParked: "end" | "open";
}

export interface SessionOptions {
  readonly ctx: DurableContext;
  readonly race: (futures: Future<Arrival>[]) => Promise<Arrival>;
  /** Takes what waits in the inbox. With a bell, the next event comes through that bell; without, the inbox closes. */
  readonly take: (ask: Ask) => Future<Taken>;
  /** Puts an event into the inbox after a delay; the event's id makes a second one harmless. */
  readonly sendLater: (event: InputEvent, delayMs: number) => void;
  readonly execute: RunHost["execute"];
  readonly key: RunKey;
  readonly activation: Activation;
  /** The salts of this activation, over all of its sessions: the same ones again in a replay. */
  readonly salt: () => string;
  /** The tenant's secret. Not through a step: it must not come to lie in Restate's log. */
  readonly tenantKey: string;
  readonly published?: (batch: Batch) => void;
}

export interface RestateSession extends RunSession {
  /** Shuts the inbox after the driver has returned. What it still held needs another round of the driver. */
  readonly close: () => Promise<readonly Inbound[]>;
}

type Effect = CallModelCommand | CallToolCommand | LookupCommand;
/** What a race can bring. */
export type Arrival =
  | { readonly kind: "outcome"; readonly command: string; readonly inbound: Inbound }
  | { readonly kind: "taken"; readonly events: readonly Inbound[] }
  | { readonly kind: "rung"; readonly inbound: Inbound };

const batchKey = (firstSeq: number): string => `batch/${String(firstSeq).padStart(9, "0")}`;

/** Opens the session of one activation. */
export function restateSession(options: SessionOptions): RestateSession {
  const { ctx, race, take, sendLater, execute, key, activation, salt, tenantKey } = options;
  const attempt = randomUUID();
  const queue = [...activation.events];
  const running = new Map<string, Future<Arrival>>();
  const timers = new Map<string, Future<Arrival>>();
  const controllers = new Map<string, AbortController>();
  const submitted: Command[] = [];
  const stream = { tenant: key.tenant, kind: "run", id: key.runId } as const;
  let now = queue[0]?.at ?? 0;
  let headSeq = 0;
  let status: RunStatus | undefined;
  // The way in for signals: first the inbox's answer to "anything there? else ring", then the bell with the event.
  let door: { readonly stage: "asked" | "shut"; readonly future: Future<Arrival> } | undefined;
  let shut = false;
  let bell: Future<Arrival> | undefined;

  // When Restate ends this attempt, whatever it was doing goes on elsewhere.
  ctx.request().attemptCompletedSignal.addEventListener("abort", () => {
    for (const controller of controllers.values()) controller.abort();
  });

  const read = async (fromSeq = 1): Promise<Batch[]> => {
    const batches = await readBatches(ctx);
    headSeq = batches.at(-1)?.lastSeq ?? 0;
    return batches.filter(({ lastSeq }) => lastSeq >= fromSeq);
  };

  const append = (batch: Batch, expectedSeq: number, record?: RunRecord): void => {
    if (expectedSeq !== headSeq) {
      throw new OrchestrationError("journal/conflict", { stream: key.runId, expected: expectedSeq, actual: headSeq });
    }
    // Nothing to wait for: what the batch was made from is durable, so a replay makes this very batch again (E1).
    ctx.set(batchKey(batch.firstSeq), batch);
    headSeq = batch.lastSeq;
    // The index entry is written when the status changes, not with every batch: that would be half the cost of a step.
    if (record === undefined || record.status === status) return;
    status = record.status;
    ctx.set("record", record);
  };

  /** Starts what was submitted, with one claim for all that must not happen twice (E3). */
  const launch = async (): Promise<void> => {
    if (submitted.length === 0) return;
    const commands = submitted.splice(0);
    const claimedBy = commands.some(isOnce) ? await ctx.run("claim", async () => attempt) : undefined;
    for (const command of commands) {
      if (command.type === "startTimer") startTimer(command);
      else startEffect(command, isOnce(command) ? claimedBy : attempt);
    }
  };

  const startTimer = ({ id, path, dueAt, durable }: StartTimerCommand): void => {
    const event: InputEvent = { id: `${id}@${dueAt}`, type: "timer.fired", path, body: { timer: id } };
    if (dueAt <= now) queue.push({ event, at: now });
    else if (durable) sendLater(event, dueAt - now);
    else {
      const arrival: Arrival = { kind: "outcome", command: id, inbound: { event, at: dueAt } };
      timers.set(
        id,
        ctx.sleep(dueAt - now, id).map(() => arrival),
      );
    }
  };

  const startEffect = (command: Effect, claimedBy: string | undefined): void => {
    const { id } = command;
    const outcome = ctx.run(id, async (): Promise<Inbound> => {
      if (claimedBy !== attempt) {
        return { event: { id: `lost/${id}`, type: "run.resumed", path: "", body: { lost: [id] } }, at: Date.now() };
      }
      return { event: await execute(key, command, controllerOf(id).signal), at: Date.now() };
    });
    running.set(
      id,
      outcome.map((inbound) => ({ kind: "outcome", command: id, inbound: inbound! })),
    );
  };

  const controllerOf = (id: string): AbortController => {
    const controller = controllers.get(id) ?? new AbortController();
    controllers.set(id, controller);
    return controller;
  };

  const openDoor = (): void => {
    const { id, promise } = ctx.awakeable<Inbound>();
    bell = promise.map((inbound) => ({ kind: "rung", inbound: inbound! }));
    door = {
      stage: "asked",
      future: take({ bell: id, listening: false }).map((taken) => ({ kind: "taken", events: taken!.events })),
    };
  };

  const onArrival = (arrival: Arrival): void => {
    if (arrival.kind === "outcome") {
      running.delete(arrival.command);
      timers.delete(arrival.command);
      controllers.delete(arrival.command);
      queue.push(arrival.inbound);
    } else if (arrival.kind === "rung") {
      queue.push(arrival.inbound);
      door = undefined;
    } else if (arrival.events.length === 0) {
      door = { stage: "shut", future: bell! };
    } else {
      queue.push(...arrival.events);
      door = undefined;
    }
  };

  /** Closes the inbox, unless something is in it or on its way from it; that is in the queue then. */
  const closeDoor = async (): Promise<void> => {
    if (door?.stage === "asked") onArrival(await door.future);
    if (queue.length > 0) return;
    const { events, rung } = await take({ listening: door !== undefined });
    if (door !== undefined && rung) onArrival(await door.future);
    door = undefined;
    queue.push(...events);
    shut = queue.length === 0;
  };

  const next = async (): Promise<InputEvent | undefined> => {
    await launch();
    while (queue.length === 0) {
      const idle = running.size === 0 && !(status === "parked" && activation.whileParked === "open");
      if (idle) {
        await closeDoor();
        if (shut) return undefined;
      } else {
        if (door === undefined) openDoor();
        onArrival(await race([...running.values(), ...timers.values(), door!.future]));
      }
    }
    const { event, at } = queue.shift()!;
    now = Math.max(now, at);
    return event;
  };

  const close = async (): Promise<readonly Inbound[]> => {
    for (const controller of controllers.values()) controller.abort();
    if (!shut) await closeDoor();
    return queue;
  };

  return {
    key: stream,
    journal: stateJournal(ctx, read, append, tenantKey),
    now: () => now,
    salt,
    append,
    submit: (command) => void submitted.push(command),
    abort: (id) => {
      controllerOf(id).abort();
      // A sleep cannot be taken back; nobody waits for it any more.
      timers.delete(id);
    },
    next,
    published: options.published ?? (() => {}),
    close,
  };
}

/** Salts of one activation: the same in every replay, unknown to whoever has not the seed. */
export function seededSalts(seed: string): () => string {
  let count = 0;
  return () => createHmac("sha256", seed).update(String(count++)).digest("base64url").slice(0, 22);
}

/** All batches in the object's state, in order. */
export async function readBatches(ctx: Pick<DurableContext, "get" | "stateKeys">): Promise<Batch[]> {
  const keys = (await ctx.stateKeys()).filter((name) => name.startsWith("batch/")).sort();
  const batches: Batch[] = [];
  for (const name of keys) batches.push((await ctx.get<Batch>(name))!);
  return batches;
}

/** Writes, and paid model calls with their cost: what the core wants to hear of when it was lost. */
const isOnce = (command: Command): boolean =>
  command.type === "callModel" || (command.type === "callTool" && command.effect === "write");

function stateJournal(
  ctx: DurableContext,
  read: (fromSeq?: number) => Promise<Batch[]>,
  append: RunSession["append"],
  tenantKey: string,
): Journal {
  const elsewhere = (): never => {
    throw new OrchestrationError("journal/unavailable", { reason: "this proof holds one run's stream only" });
  };
  return {
    read: (_key, fromSeq) => read(fromSeq),
    append: (_key, batch, expectedSeq, record) => append(batch, expectedSeq, record),
    putBlob: (_tenant, address, body) => ctx.set(`blob/${address}`, body),
    getBlob: async (_tenant, address) => (await ctx.get<string>(`blob/${address}`)) ?? undefined,
    saveSnapshot: (_key, snapshot) => ctx.set("snapshot", snapshot),
    loadSnapshot: async () => (await ctx.get<Snapshot>("snapshot")) ?? undefined,
    findRun: async () => (await ctx.get<RunRecord>("record")) ?? undefined,
    listRuns: elsewhere,
    unfinishedRuns: elsewhere,
    unfinishedTenants: elsewhere,
    nextWakeAt: elsewhere,
    waitingDefinitions: elsewhere,
    listStreams: elsewhere,
    tenantKey: async () => tenantKey,
    close: async () => {},
  };
}
