import type * as Sdk from "@restatedev/restate-sdk";
import { definitionOf, isUnfinished } from "../../journal/listing.ts";
import type { RunKey } from "../../port/engine.ts";
import type { Batch, RunRecord } from "../../port/journal.ts";
import type { Activity } from "./activity.ts";
import { appendHere, type Erased, eraseHere, headHere, loadHere, readHere, setBatches } from "./object-state.ts";
import {
  type Append,
  brief,
  callObject,
  forgotten,
  hearMost,
  indexRun,
  patience,
  type ReadAsk,
  sendObject,
  sendToIndex,
} from "./objects.ts";
import {
  type Activation,
  type Appended,
  bellOf,
  type Flush,
  type Heard,
  type Loaded,
  type Names,
  runKeyOf,
  type Sent,
  type Shut,
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
 * A6 The shell waits for its steps, for what is rung to it, and for the index when the run rests. Otherwise the front and
 *    the index are sent to; who must not be told before the index knows that the run works is told by the index.
 * A7 What a step has stored that somebody waited for goes into the object's state behind it, with all before it; what
 *    nobody waited for within a moment, and before the activation ends. Until then it is in the steps' results, where the
 *    next attempt finds it.
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
  /** True for a tenant that the index is known to list. */
  readonly isNoted: (tenant: string) => boolean;
  /** False where timers of parked runs are this process's own affair. */
  readonly timers: boolean;
}

/** How long an invocation may say nothing before the cluster takes the worker for dead; steps come back more often. */
const inactivityTimeout = { minutes: 5 } as const;
/** How long one that is to pause may go on with what it does; nothing that is durable is lost with it. */
const abortTimeout = { seconds: 5 } as const;

type Arrival = { readonly kind: "flush"; readonly flush: Flush } | { readonly kind: "rung"; readonly sent: Sent };

export function runObject(sdk: typeof Sdk, names: Names, definition: string, worker: WorkerParts) {
  const service = names.driveOf(definition);

  /** One session, from some events until it has nothing in flight. */
  const drive = async (ctx: Sdk.ObjectContext, { sent, fresh }: Activation): Promise<void> => {
    const key = runKeyOf(ctx.key);
    const { id, attemptCompletedSignal } = ctx.request();
    const given = [...sent];
    /** What the steps have stored, and how much of it is in the object's state. */
    const stored: Batch[] = [];
    let kept = 0;
    let heard = 0;
    let isEnded = false;
    let activity: Activity | undefined;
    // From here on the shell may never be heard of again: what it would say at its end is said now.
    const onAttemptEnd = () => {
      if (!activity) return;
      activity.abandon();
      worker.left(activity);
    };
    attemptCompletedSignal.addEventListener("abort", onAttemptEnd, { once: true });
    const load = async (): Promise<Loaded> => {
      if (fresh && stored.length === 0) return { batches: [] };
      const loaded = await worker.load(service, ctx.key);
      // What the last steps stored may still be on its way into the object's state.
      const known = loaded.batches.at(-1)?.lastSeq ?? loaded.snapshot?.seq ?? 0;
      return { ...loaded, batches: [...loaded.batches, ...stored.filter(({ firstSeq }) => firstSeq > known)] };
    };
    const flush = async (): Promise<Flush> => {
      if (worker.isClosing() && !activity) throw new Error("the worker is closing");
      activity ??= worker.open(key, definition, given, load);
      const next = await activity.flush();
      return next.listed && worker.isNoted(key.tenant) ? { ...next, noted: true } : next;
    };
    const nextStep = () => ctx.run("store", flush).map((done): Arrival => ({ kind: "flush", flush: done as Flush }));
    const nextBell = () =>
      ctx.signal<Sent>(bellOf(heard + 1)).map((rung): Arrival => ({ kind: "rung", sent: rung as Sent }));
    const keep = () => {
      setBatches(ctx, stored.slice(kept));
      kept = stored.length;
    };
    const front = <Parameter>(method: string, parameter: Parameter) =>
      sendObject(sdk, ctx, { service: names.front, method, key: ctx.key, parameter });

    try {
      let step = nextStep();
      let bell = nextBell();
      let done: Flush["done"];
      while (!done) {
        const arrival = await sdk.RestatePromise.race([step, bell]);
        if (arrival.kind === "rung") {
          heard++;
          given.push(arrival.sent);
          activity?.push(arrival.sent);
          if (heard % hearMost === 0) front("heard", { id, heard } satisfies Heard);
          bell = nextBell();
          continue;
        }
        const { batches, record, listed, snapshot, acks, noted, ...flushed } = arrival.flush;
        stored.push(...batches);
        if (flushed.keep) keep();
        if (snapshot) ctx.set("snapshot", snapshot);
        if (record) {
          ctx.set("record", record);
          isEnded = !isUnfinished(record.status);
        }
        // Whoever hears that a run rests may look for it at once; that it works, whoever waits is told by the index.
        if (listed && listed.status !== "running") await indexRun(sdk, names, ctx, listed);
        const isTold = listed?.status === "running";
        if (isTold) sendToIndex(sdk, names, ctx, { record: listed, acks, ...(noted ? { noted } : {}) });
        else for (const { ack, acked } of acks) ctx.resolveAwakeable(ack, acked);
        activity?.stored();
        done = flushed.done;
        if (!done) step = nextStep();
      }
      await activity?.rest();
      if (activity) worker.ended(activity, definition, done.wake?.at);

      const { wake, handOver } = done;
      const left = [...done.left, ...given.slice(done.heard)];
      front("shut", {
        id,
        heard,
        left,
        ...(handOver ? { handOver } : {}),
        ...(isEnded ? { ended: true } : {}),
        ...(fresh && stored.length === 0 ? { nothing: true } : {}),
      } satisfies Shut);
      if (!wake || !worker.timers || left.length > 0 || handOver) return;
      ctx.genericSend({
        service: names.front,
        method: "wake",
        key: ctx.key,
        parameter: { definition },
        inputSerde: sdk.serde.json as Sdk.Serde<{ readonly definition: string }>,
        delay: wake.delayMs,
        idempotencyKey: `wake ${wake.at}`,
      });
    } catch (thrown) {
      if (thrown instanceof sdk.TerminalError) {
        // Somebody has ended the invocation for good: its steps' results go with it, and whoever comes next begins anew.
        if (kept < stored.length) keep();
        activity?.abandon();
        front("shut", { id, heard, left: [], ...(isEnded ? { ended: true } : {}) } satisfies Shut);
      }
      throw thrown;
    } finally {
      attemptCompletedSignal.removeEventListener("abort", onAttemptEnd);
      if (activity) worker.left(activity);
    }
  };

  const handlers = {
    drive: sdk.handlers.object.exclusive(
      { enableLazyState: true, ingressPrivate: true, inactivityTimeout, abortTimeout },
      drive,
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
        const moved = await ctx.get<string>("moved");
        if (moved) return { ok: false, actual: 0, moved };
        const appended = await appendHere(ctx, await headHere(ctx), batch, expectedSeq);
        if (!appended.ok || appended.isKnown || !record) return appended;
        ctx.set("record", record);
        const to = definitionOf(record);
        if (to === definition) {
          await indexRun(sdk, names, ctx, record);
          return appended;
        }
        const parameter = { batches: await readHere(ctx), record } satisfies Loaded;
        await callObject(sdk, ctx, { service: names.driveOf(to), method: "adopt", key: ctx.key, parameter });
        ctx.clearAll();
        ctx.set("moved", to);
        return appended;
      },
    ),
    /** Takes a run over from another definition; once it has gone on here, a second time changes nothing. */
    adopt: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { batches, record }: Loaded): Promise<void> => {
        const head = await headHere(ctx);
        if (head.seq >= (batches.at(-1)?.lastSeq ?? 0)) return;
        ctx.clearAll();
        setBatches(ctx, batches);
        if (record) {
          ctx.set("record", record);
          await indexRun(sdk, names, ctx, record);
        }
        // Last: from here on the run may go on.
        await callObject(sdk, ctx, { service: names.front, method: "move", key: ctx.key, parameter: { definition } });
      },
    ),
    erase: (ctx: Sdk.ObjectContext, { before }: { readonly before?: number }): Promise<Erased> =>
      eraseHere(ctx, before),
  };
  return sdk.object({ name: service, handlers, options: { ...forgotten, retryPolicy: patience } });
}
