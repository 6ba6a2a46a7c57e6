import type * as Sdk from "@restatedev/restate-sdk";
import { isUnfinished } from "../../journal/listing.ts";
import type { RunKey } from "../../port/engine.ts";
import type { Batch, RunRecord } from "../../port/journal.ts";
import type { Activity } from "./activity.ts";
import {
  type Append,
  appendHere,
  brief,
  callObject,
  type Erased,
  eraseHere,
  forgotten,
  indexRun,
  loadHere,
  patience,
  type ReadAsk,
  readHere,
  setBatches,
} from "./objects.ts";
import {
  type Activation,
  type Appended,
  type Ask,
  type Flush,
  type Loaded,
  type Names,
  runKeyOf,
  type Sent,
  type Taken,
} from "./wire.ts";

/**
 * A run's own object, in a service of its definition: it holds the run's journal and drives the run.
 *
 * The handler below is a shell around an ordinary session. Only the shell is run again from the cluster's records; what it
 * does follows from the results of its steps alone.
 *
 * A1 A step is what the session wants stored; its result is the batches themselves. So one acknowledgement makes them
 *    durable, and the intent of a write is durable in a step of its own before the write is dispatched (R7).
 * A2 A step that was never acknowledged has stored nothing. Whoever runs the shell next loads what is stored and begins a
 *    new session; what was under way is lost to it, said so in the journal, and settled as after any crash (D7).
 * A3 The object is the run's single writer. A worker that has lost its activation can store nothing.
 * A4 The object belongs to a service that is named after the definition, so a run goes where its definition is deployed.
 * A5 A run that waits has no invocation. What wakes it is its front.
 */
export interface WorkerParts {
  /** Takes a run up in this process. */
  readonly open: (key: RunKey, definition: string, sent: readonly Sent[], load: () => Promise<Loaded>) => Activity;
  /** Told when an activity has ended, before the front hears of it, and when nothing of it is left, perhaps twice. */
  readonly ended: (activity: Activity, definition: string, wake: number | undefined) => void;
  readonly left: (activity: Activity) => void;
  /** The run's journal as it is in its object now. */
  readonly load: (service: string, key: string) => Promise<Loaded>;
  readonly isClosing: () => boolean;
  /** False where timers of parked runs are this process's own affair. */
  readonly timers: boolean;
}

/** How long an invocation may say nothing before the cluster takes the worker for dead; steps come back more often. */
const inactivityTimeout = { minutes: 5 } as const;
/** How long one that is to pause may go on with what it does; nothing that is durable is lost with it. */
const abortTimeout = { seconds: 5 } as const;

type Arrival =
  | { readonly kind: "flush"; readonly flush: Flush }
  | { readonly kind: "taken"; readonly taken: Taken }
  | { readonly kind: "rung"; readonly sent: Sent }
  | { readonly kind: "indexed" };

interface Door {
  /** `asked`: the front has not said yet whether something waits. */
  readonly stage: "asked" | "shut";
  readonly future: Sdk.RestatePromise<Arrival>;
  readonly bell: Sdk.RestatePromise<Arrival>;
}

export function runObject(sdk: typeof Sdk, names: Names, definition: string, worker: WorkerParts) {
  const service = names.driveOf(definition);

  const take = (ctx: Sdk.ObjectContext, ask: Ask) =>
    callObject<Taken>(sdk, ctx, {
      service: names.front,
      method: "take",
      key: ctx.key,
      parameter: ask,
    });

  /** One session, from some events until it has nothing in flight. Returns what the next one begins with, if there is one. */
  const round = async (
    ctx: Sdk.ObjectContext,
    events: readonly Sent[],
    isNew: boolean,
    seen: Batch[],
  ): Promise<readonly Sent[] | undefined> => {
    const key = runKeyOf(ctx.key);
    const given = [...events];
    let activity: Activity | undefined;
    // From here on the shell may never be heard of again: what it would say at its end is said now.
    const onAttemptEnd = () => {
      if (!activity) return;
      activity.abandon();
      worker.left(activity);
    };
    const { attemptCompletedSignal } = ctx.request();
    attemptCompletedSignal.addEventListener("abort", onAttemptEnd, { once: true });
    const load = async (): Promise<Loaded> => {
      if (isNew && seen.length === 0) return { batches: [] };
      const loaded = await worker.load(service, ctx.key);
      // What the last steps stored may still be on its way into the object's state.
      const known = loaded.batches.at(-1)?.lastSeq ?? loaded.snapshot?.seq ?? 0;
      return { ...loaded, batches: [...loaded.batches, ...seen.filter(({ firstSeq }) => firstSeq > known)] };
    };
    const flush = async (): Promise<Flush> => {
      if (worker.isClosing() && !activity) throw new Error("the worker is closing");
      activity ??= worker.open(key, definition, given, load);
      return activity.flush();
    };
    const nextStep = () => ctx.run("store", flush).map((done): Arrival => ({ kind: "flush", flush: done as Flush }));
    const openDoor = (): Door => {
      const { id, promise } = ctx.awakeable<Sent>();
      const bell = promise.map((sent): Arrival => ({ kind: "rung", sent: sent as Sent }));
      const asked = take(ctx, { bell: id, listening: false });
      return { stage: "asked", bell, future: asked.map((taken) => ({ kind: "taken", taken: taken as Taken })) };
    };
    const hear = (sent: Sent) => {
      given.push(sent);
      activity?.push(sent);
    };
    let indexing: Sdk.RestatePromise<Arrival> | undefined;
    let unsaid: Flush["acks"] = [];
    const say = () => {
      for (const { ack, acked } of unsaid) ctx.resolveAwakeable(ack, acked);
      unsaid = [];
    };

    try {
      let step = nextStep();
      let door = openDoor();
      let done: Flush["done"];
      let ended = false;
      while (!done) {
        const arrival = await sdk.RestatePromise.race([step, door.future, ...(indexing ? [indexing] : [])]);
        if (arrival.kind === "rung") {
          hear(arrival.sent);
          door = openDoor();
        } else if (arrival.kind === "taken") {
          for (const sent of arrival.taken.sent) hear(sent);
          door = arrival.taken.sent.length > 0 ? openDoor() : { ...door, stage: "shut", future: door.bell };
        } else if (arrival.kind === "indexed") {
          indexing = undefined;
          say();
        } else {
          const { batches, record, snapshot, acks } = arrival.flush;
          setBatches(ctx, batches);
          seen.push(...batches);
          if (snapshot) ctx.set("snapshot", snapshot);
          if (record) {
            ended = !isUnfinished(record.status);
            ctx.set("record", record);
            const indexed = indexRun(sdk, names, ctx, record);
            // Whoever hears that a run rests may look for it at once; that it works is told when the index knows it, too.
            if (record.status === "running") indexing = indexed.map((): Arrival => ({ kind: "indexed" }));
            else await indexed;
          }
          unsaid = [...unsaid, ...acks];
          if (!indexing) say();
          activity?.stored();
          done = arrival.flush.done;
          if (!done) step = nextStep();
        }
      }
      if (indexing) {
        await indexing;
        say();
      }
      if (activity) worker.ended(activity, definition, done.wake?.at);

      const late: Sent[] = [];
      if (door.stage === "asked") {
        const asked = await door.future;
        if (asked.kind === "taken") late.push(...asked.taken.sent);
        // Whoever waited came instead of the bell, which nobody has then.
      }
      const left = [...done.left, ...given.slice(done.heard), ...late];
      return await close(ctx, late.length > 0 ? undefined : door.bell, left, done, ended);
    } finally {
      attemptCompletedSignal.removeEventListener("abort", onAttemptEnd);
      if (activity) worker.left(activity);
    }
  };

  /** Shuts the run's front behind a session. What it still held needs another round. */
  const close = async (
    ctx: Sdk.ObjectContext,
    bell: Sdk.RestatePromise<Arrival> | undefined,
    left: readonly Sent[],
    { wake, handOver }: NonNullable<Flush["done"]>,
    ended: boolean,
  ): Promise<readonly Sent[] | undefined> => {
    let events = left;
    const hearBell = async () => {
      const arrival = await (bell as Sdk.RestatePromise<Arrival>);
      if (arrival.kind === "rung") events = [...events, arrival.sent];
    };
    if (handOver) {
      const taken = await take(ctx, { listening: bell !== undefined, handOver: events });
      if (!taken.rung) return undefined;
      await hearBell();
      await take(ctx, { listening: false, handOver: events });
      return undefined;
    }
    const goesOn = events.length > 0;
    const taken = await take(ctx, { listening: bell !== undefined, goesOn, ...(ended ? { ended } : {}) });
    if (taken.rung) await hearBell();
    events = [...events, ...taken.sent];
    if (events.length > 0 || taken.woken) return events;
    if (wake && worker.timers) {
      ctx.genericSend({
        service: names.front,
        method: "wake",
        key: ctx.key,
        parameter: { definition },
        inputSerde: sdk.serde.json as Sdk.Serde<{ readonly definition: string }>,
        delay: wake.delayMs,
        idempotencyKey: `wake ${wake.at}`,
      });
    }
    return undefined;
  };

  const handlers = {
    drive: sdk.handlers.object.exclusive(
      { enableLazyState: true, ingressPrivate: true, inactivityTimeout, abortTimeout },
      async (ctx: Sdk.ObjectContext, { sent, fresh }: Activation): Promise<void> => {
        const seen: Batch[] = [];
        let events: readonly Sent[] | undefined = sent;
        for (let isNew = fresh; events; isNew = false) events = await round(ctx, events, isNew, seen);
      },
    ),
    load: sdk.handlers.object.shared({ ...brief }, loadHere),
    read: sdk.handlers.object.shared(
      { ...brief },
      async (ctx: Sdk.ObjectSharedContext, ask: ReadAsk): Promise<Loaded> => {
        const moved = await ctx.get<string>("moved");
        return moved ? { batches: [], moved } : { batches: await readHere(ctx, ask.fromSeq, ask.most) };
      },
    ),
    record: sdk.handlers.object.shared(
      { ...brief, enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext): Promise<Loaded> => {
        const record = await ctx.get<RunRecord>("record");
        if (record) return { batches: [], record };
        const moved = await ctx.get<string>("moved");
        return { batches: [], ...(moved ? { moved } : {}) };
      },
    ),
    /** Appends from outside, while nobody drives the run: a migration, which hands the run to its new definition. */
    append: sdk.handlers.object.exclusive(
      {},
      async (ctx: Sdk.ObjectContext, { batch, expectedSeq, record }: Append): Promise<Appended> => {
        const appended = await appendHere(ctx, batch, expectedSeq);
        if (!appended.ok || !record) return appended;
        ctx.set("record", record);
        const to = `${record.supervisor}@${record.definitionHash}`;
        if (to !== definition) {
          const batches = await readHere(ctx);
          await callObject(sdk, ctx, {
            service: names.driveOf(to),
            method: "adopt",
            key: ctx.key,
            parameter: { batches, record } satisfies Loaded,
          });
          ctx.clearAll();
          ctx.set("moved", to);
        }
        await indexRun(sdk, names, ctx, record);
        return appended;
      },
    ),
    /** Takes a run over from another definition; once it has gone on here, a second time changes nothing. */
    adopt: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { batches, record }: Loaded): Promise<void> => {
        const head = await ctx.get<{ readonly seq: number }>("head");
        if ((head?.seq ?? 0) >= (batches.at(-1)?.lastSeq ?? 0)) return;
        ctx.clearAll();
        for (const batch of batches) setBatches(ctx, [batch]);
        if (record) ctx.set("record", record);
      },
    ),
    erase: (ctx: Sdk.ObjectContext, { before }: { readonly before?: number }): Promise<Erased> =>
      eraseHere(ctx, before),
  };
  return sdk.object({ name: service, handlers, options: { ...forgotten, retryPolicy: patience } });
}

/** True for a record that a deployment is still needed for. */
export function needsDeployment({ status }: RunRecord): boolean {
  return isUnfinished(status);
}
