import type * as Sdk from "@restatedev/restate-sdk";
import { OrchestrationError } from "../../errors.ts";
import { sha256 } from "../../hash.ts";
import { isUnfinished } from "../../journal/listing.ts";
import type { Batch, RunFilter, RunRecord } from "../../port/journal.ts";
import { appendHere, type Erased, eraseHere, type Head, readHere } from "./object-state.ts";
import {
  type Acked,
  type Activation,
  type Appended,
  bellOf,
  dayOf,
  type Heard,
  type Listed,
  type Names,
  runKeyOf,
  runPrefix,
  type Sent,
  type Shut,
  shelfText,
  streamsText,
  tenantsText,
} from "./wire.ts";

/**
 * The objects that any worker serves, whatever definitions it has loaded: the runs' fronts, the streams that are no runs,
 * single values, and the index.
 *
 * O1 A run's front lets one activation be under way at a time. What comes in meanwhile is rung to it, and kept until it
 *    says that it has heard it.
 * O2 A stream is appended to by its own object alone, one append after the other; the same append twice is one.
 * O3 Nothing of an invocation stays behind once it has ended: what is to be kept is in an object's state.
 * O4 Where a run is driven its front knows: by its first start, and by a migration. What others take its definition for
 *    may be of before.
 */

/** What the cluster keeps of an invocation that has ended: nothing; its own default is a day. */
export const forgotten = { journalRetention: 0, idempotencyRetention: 0 } as const;
/** Tries at what fails go on for about a day, then the invocation is paused, which the operator's `paused` shows; the cluster's own default is 70. */
export const patience = {
  initialInterval: 50,
  exponentiationFactor: 2,
  maxInterval: 10_000,
  maxAttempts: 8_640,
  onMaxAttempts: "pause",
} as const;

/** Whoever only reads does not wait for a worker that never comes: it reads the cluster's tables, or asks again. */
export const brief = {
  retryPolicy: {
    initialInterval: 50,
    exponentiationFactor: 2,
    maxInterval: 2_000,
    maxAttempts: 12,
    onMaxAttempts: "kill",
  },
} as const;

/** A call of another object, in JSON. */
export function callObject<Answer>(
  sdk: typeof Sdk,
  ctx: Pick<Sdk.Context, "genericCall">,
  to: { readonly service: string; readonly method: string; readonly key: string; readonly parameter: unknown },
): Sdk.InvocationPromise<Answer> {
  const json = sdk.serde.json as Sdk.Serde<unknown>;
  return ctx.genericCall<unknown, Answer>({ ...to, inputSerde: json, outputSerde: json as Sdk.Serde<Answer> });
}

/** Sends to another object, in JSON, and does not wait. */
export function sendObject<Parameter>(
  sdk: typeof Sdk,
  ctx: Pick<Sdk.Context, "genericSend">,
  to: { readonly service: string; readonly method: string; readonly key: string; readonly parameter: Parameter },
): Sdk.InvocationHandle {
  return ctx.genericSend({ ...to, inputSerde: sdk.serde.json as Sdk.Serde<Parameter> });
}

/** What a front knows. */
interface Box {
  /** The definition that the run was last sent to. */
  readonly definition?: string;
  /** Invocation of the activation that is under way, or about to be. */
  readonly active?: string;
  /** How many of the events that were rung to it it has said to have heard, and those behind them. */
  readonly heard: number;
  readonly rung: readonly Sent[];
  /** True when a timer struck while an activation was under way: it may have been about to end. */
  readonly woken: boolean;
  /** True when the run has ended. */
  readonly ended?: true;
}
const newBox: Box = { heard: 0, rung: [], woken: false };
/** An activation says what it has heard whenever it is so many events more. */
export const hearMost = 16;

export interface Wake {
  readonly definition: string;
  /** Begins an activation although another one is said to be under way. */
  readonly force?: boolean;
}
export interface Delivery extends Sent {
  readonly definition: string;
}

/** @param waiting awakeables of the events whose senders wait here until these are durable */
export function frontObject(sdk: typeof Sdk, names: Names, mailbox: number, waiting: Set<string>) {
  const activate = async (ctx: Sdk.ObjectContext, definition: string, parameter: Activation) => {
    const sent = sendObject(sdk, ctx, { service: names.driveOf(definition), method: "drive", key: ctx.key, parameter });
    ctx.set("box", { ...newBox, definition, active: await sent.invocationId } satisfies Box);
  };
  /** Gives an event to the activation under way: the n-th is a signal of its own, so none takes another's place. */
  const ring = (ctx: Sdk.ObjectContext, active: string, box: Box, sent: Sent): Box => {
    const count = box.heard + box.rung.length + 1;
    ctx
      .invocation(active as Sdk.InvocationId)
      .signal<Sent>(bellOf(count))
      .resolve(sent);
    return { ...box, rung: [...box.rung, sent] };
  };
  const boxOf = async (ctx: Sdk.ObjectContext | Sdk.ObjectSharedContext) => (await ctx.get<Box>("box")) ?? newBox;
  /** What was rung to an activation and not heard by it. */
  const unheard = (box: Box, heard: number) => box.rung.slice(Math.max(0, heard - box.heard));
  const refuse = (ctx: Sdk.ObjectContext, { ack }: Sent, error: OrchestrationError) => {
    if (ack !== undefined) ctx.resolveAwakeable(ack, { error: error.toRecord() } satisfies Acked);
  };
  const put = async (ctx: Sdk.ObjectContext, { definition, ...sent }: Delivery): Promise<void> => {
    const box = await boxOf(ctx);
    const { runId } = runKeyOf(ctx.key);
    const home = box.definition ?? definition;
    if (sent.event.type === "run.started" && home !== definition) {
      // Two versions begin it under one key: whoever was second has lost it, as everywhere.
      const data = { stream: runId, expected: 0, actual: 1 };
      refuse(ctx, sent, new OrchestrationError("journal/conflict", data));
    } else if (box.active === undefined) {
      await activate(ctx, home, { sent: [sent], fresh: box.definition === undefined });
    } else if (box.rung.length < mailbox + hearMost) ctx.set("box", ring(ctx, box.active, box, sent));
    else {
      const data = { address: runId, waiting: box.rung.length, capacity: mailbox };
      refuse(ctx, sent, new OrchestrationError("bus/mailbox-full", data));
    }
  };
  const front = {
    /** Puts an event into the run and waits until it is durable there. */
    deliver: sdk.handlers.object.shared(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext, { definition, event }: Delivery): Promise<Acked> => {
        const { id: ack, promise } = ctx.awakeable<Acked>();
        const parameter = { definition, event, ack } satisfies Delivery;
        sendObject(sdk, ctx, { service: names.front, method: "put", key: ctx.key, parameter });
        const { attemptCompletedSignal } = ctx.request();
        const onAttemptEnd = () => waiting.delete(ack);
        attemptCompletedSignal.addEventListener("abort", onAttemptEnd, { once: true });
        waiting.add(ack);
        try {
          return await promise;
        } finally {
          attemptCompletedSignal.removeEventListener("abort", onAttemptEnd);
          onAttemptEnd();
        }
      },
    ),
    put: sdk.handlers.object.exclusive({ ingressPrivate: true }, put),
    /** Begins a run and does not wait: for who sees by other means what becomes of it. */
    begin: async (ctx: Sdk.ObjectContext, { definition, event }: Delivery): Promise<void> => {
      if (event?.type !== "run.started" || typeof definition !== "string") {
        throw new sdk.TerminalError("a run begins with its start", { errorCode: 400 });
      }
      await put(ctx, { definition, event });
    },
    /** A timer of a parked run has struck, or somebody wants the run to be looked at. Says whether that is news. */
    wake: async (ctx: Sdk.ObjectContext, { definition, force }: Wake): Promise<boolean> => {
      const box = await boxOf(ctx);
      // Deadlines of an ended run stay scheduled until they are due; to call one off would cost every end a step.
      if (box.ended && !force) return false;
      if (box.active === undefined || force) {
        // Whoever had the bell may be gone; if not, the next one comes behind it and hears the same again, which a run knows.
        await activate(ctx, box.definition ?? definition, { sent: box.rung, fresh: false });
        return true;
      }
      if (!box.woken) ctx.set("box", { ...box, woken: true } satisfies Box);
      return false;
    },
    heard: sdk.handlers.object.exclusive(
      { ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, { id, heard }: Heard): Promise<void> => {
        const box = await boxOf(ctx);
        if (box.active !== id) return;
        ctx.set("box", { ...box, heard: Math.max(heard, box.heard), rung: unheard(box, heard) } satisfies Box);
      },
    ),
    /** An activation has ended; what it did not hear is what the next one begins with. */
    shut: sdk.handlers.object.exclusive(
      { ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, { id, heard, left, handOver, ended, nothing }: Shut): Promise<void> => {
        const box = await boxOf(ctx);
        const { active, definition = "" } = box;
        if (active !== undefined && active !== id) {
          // Another one was sent behind it, and has been given what was rung.
          const rung = left.reduce<Box>((before, sent) => ring(ctx, active, before, sent), box);
          if (left.length > 0) ctx.set("box", rung);
          return;
        }
        const sent = [...left, ...unheard(box, heard)];
        if (sent.length > 0 || box.woken || handOver) await activate(ctx, definition, { sent, fresh: false });
        else if (nothing) ctx.clear("box");
        else ctx.set("box", { ...newBox, definition, ...(ended ? { ended } : {}) } satisfies Box);
      },
    ),
    /** The definition that the run was last sent to. */
    home: sdk.handlers.object.shared(
      { ...brief, enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext): Promise<string | null> => (await boxOf(ctx)).definition ?? null,
    ),
    /** A migration sends what comes from now on to another definition, and what an activation of before has not heard. */
    move: async (ctx: Sdk.ObjectContext, { definition }: { readonly definition: string }): Promise<void> => {
      const box = await boxOf(ctx);
      if (box.definition === definition) return;
      // Whoever had the bell drives nothing any more, and perhaps nobody serves it.
      if (box.active !== undefined) await activate(ctx, definition, { sent: box.rung, fresh: false });
      else ctx.set("box", { ...box, definition } satisfies Box);
    },
  };
  return sdk.object({ name: names.front, handlers: front, options: { ...forgotten, retryPolicy: patience } });
}

export interface Append {
  readonly batch: Batch;
  readonly expectedSeq: number;
  readonly record?: RunRecord;
}
export interface ReadAsk {
  readonly fromSeq?: number;
  readonly most?: number;
}

export function streamObject(sdk: typeof Sdk, names: Names) {
  const stream = {
    append: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { batch, expectedSeq, record }: Append): Promise<Appended> => {
        const head = (await ctx.get<Head>("head")) ?? { seq: 0, hash: "" };
        const appended = await appendHere(ctx, head, batch, expectedSeq);
        // What came with one that is known was done with it, and the stream may have gone on since.
        if (!appended.ok || appended.isKnown) return appended;
        ctx.set("head", { seq: batch.lastSeq, hash: batch.hash } satisfies Head);
        if (record) {
          ctx.set("record", record);
          await indexRun(sdk, names, ctx, record);
        }
        if (expectedSeq === 0) {
          const [tenant = ""] = ctx.key.split("/");
          await note(sdk, names, ctx, streamsText(tenant), ctx.key.slice(tenant.length + 1));
        }
        return appended;
      },
    ),
    read: sdk.handlers.object.shared(
      { ...brief },
      (ctx: Sdk.ObjectSharedContext, { fromSeq, most }: ReadAsk): Promise<Batch[]> => readHere(ctx, fromSeq, most),
    ),
    record: sdk.handlers.object.shared(
      { ...brief, enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext): Promise<RunRecord | null> => ctx.get<RunRecord>("record"),
    ),
    erase: (ctx: Sdk.ObjectContext, { before }: { readonly before?: number }): Promise<Erased> =>
      eraseHere(ctx, before),
  };
  return sdk.object({ name: names.stream, handlers: stream, options: { ...forgotten, retryPolicy: patience } });
}

export function cellObject(sdk: typeof Sdk, names: Names) {
  const cell = {
    /** Keeps the first value that comes, and says which that is. */
    claim: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { value, quietly }: { readonly value: string; readonly quietly?: boolean }) => {
        const known = await ctx.get<string>("value");
        if (known === null) ctx.set("value", value);
        return quietly ? null : (known ?? value);
      },
    ),
    put: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { value }: { readonly value: string }): Promise<void> => {
        ctx.set("value", value);
      },
    ),
    get: sdk.handlers.object.shared({ ...brief }, (ctx: Sdk.ObjectSharedContext) => ctx.get<string>("value")),
    drop: sdk.handlers.object.exclusive({ enableLazyState: true }, async (ctx: Sdk.ObjectContext): Promise<void> => {
      ctx.clearAll();
    }),
  };
  return sdk.object({ name: names.cell, handlers: cell, options: { ...forgotten, retryPolicy: patience } });
}

const endedPrefix = "ended/";
const notePrefix = "note/";
/** So many runs, or as many as chance will have it, end in a tenant before they are put to those of their days. */
const shelvedTogether = 64;

/** What one object of the index knows. */
export interface Shelf {
  readonly runs: readonly RunRecord[];
  readonly notes: readonly string[];
}

/** Has an object of the index remember a name. */
function note(
  sdk: typeof Sdk,
  names: Names,
  ctx: Pick<Sdk.Context, "genericCall">,
  shelf: string,
  name: string,
): Sdk.InvocationPromise<void> {
  return callObject<void>(sdk, ctx, {
    service: names.index,
    method: "note",
    key: shelf,
    parameter: { name },
  });
}

/** Has the index know of a run what its own object says by now. */
export function indexRun(
  sdk: typeof Sdk,
  names: Names,
  ctx: Pick<Sdk.Context, "genericCall">,
  record: RunRecord,
): Sdk.InvocationPromise<void> {
  const parameter = { record } satisfies Listed;
  return callObject<void>(sdk, ctx, { service: names.index, method: "put", key: shelfText(record), parameter });
}

/** The same, without waiting for it. */
export function sendToIndex(
  sdk: typeof Sdk,
  names: Names,
  ctx: Pick<Sdk.Context, "genericSend">,
  parameter: Listed,
): void {
  sendObject(sdk, ctx, { service: names.index, method: "put", key: shelfText(parameter.record), parameter });
}

/** @param onNoted told of tenants that are known to be listed */
export function indexObject(sdk: typeof Sdk, names: Names, onNoted: (tenant: string) => void = () => {}) {
  /** Puts ended runs to those of their days, which know them before they are forgotten here. */
  const shelve = async (ctx: Sdk.ObjectContext, tenant: string) => {
    const keys = (await ctx.stateKeys()).filter((key) => key.startsWith(endedPrefix));
    const records = await sdk.RestatePromise.all(
      keys.map((key) => ctx.get<RunRecord>(key) as Sdk.RestatePromise<RunRecord>),
    );
    const days = Map.groupBy(records, ({ startedAt }) => dayOf(startedAt));
    for (const [day, parameter] of days) {
      ctx.set(`${notePrefix}${day}`, true);
      await callObject<void>(sdk, ctx, { service: names.index, method: "keep", key: `${tenant}/${day}`, parameter });
    }
    for (const key of keys) ctx.clear(key);
  };
  const index = {
    put: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, { record, acks = [], noted }: Listed): Promise<void> => {
        const { tenant, runId } = record;
        if (isUnfinished(record.status)) {
          if (!noted && !(await ctx.get("noted"))) {
            await note(sdk, names, ctx, tenantsText, tenant);
            ctx.set("noted", true);
          }
          onNoted(tenant);
          ctx.set(`${runPrefix}${runId}`, record);
        } else {
          ctx.clear(`${runPrefix}${runId}`);
          ctx.set(`${endedPrefix}${runId}`, record);
        }
        for (const { ack, acked } of acks) ctx.resolveAwakeable(ack, acked);
        if (!isUnfinished(record.status) && isLast(runId)) await shelve(ctx, tenant);
      },
    ),
    keep: sdk.handlers.object.exclusive(
      { enableLazyState: true, ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, records: readonly RunRecord[]): Promise<void> => {
        for (const record of records) ctx.set(`${runPrefix}${record.runId}`, record);
      },
    ),
    note: sdk.handlers.object.exclusive(
      { enableLazyState: true, ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, { name }: { readonly name: string }): Promise<void> => {
        ctx.set(`${notePrefix}${name}`, true);
      },
    ),
    read: sdk.handlers.object.shared({ ...brief }, async (ctx: Sdk.ObjectSharedContext): Promise<Shelf> => {
      const keys = await ctx.stateKeys();
      const runs: RunRecord[] = [];
      for (const key of keys) {
        if (key.startsWith(runPrefix) || key.startsWith(endedPrefix))
          runs.push((await ctx.get<RunRecord>(key)) as RunRecord);
      }
      const notes = keys.filter((key) => key.startsWith(notePrefix)).map((key) => key.slice(notePrefix.length));
      return { runs, notes: notes.sort() };
    }),
  };
  return sdk.object({ name: names.index, handlers: index, options: { ...forgotten, retryPolicy: patience } });
}

/** True for the run behind which the ended ones are put to their days: by its name, so that nobody has to count. */
function isLast(runId: string): boolean {
  const [, second = 0] = Buffer.from(sha256(runId), "base64url");
  return second % shelvedTogether === 0;
}

/** True for a run that a list is to hold; its page is cut elsewhere. */
export function isListed(run: RunRecord, filter: RunFilter): boolean {
  return (
    (filter.status === undefined || filter.status.includes(run.status)) &&
    (filter.supervisor === undefined || filter.supervisor === run.supervisor) &&
    (filter.conversationId === undefined || filter.conversationId === run.conversationId) &&
    (filter.waitingFor === undefined || (run.waits?.includes(filter.waitingFor) ?? false))
  );
}
