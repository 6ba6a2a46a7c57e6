import type * as Sdk from "@restatedev/restate-sdk";
import { OrchestrationError } from "../../errors.ts";
import { eraseLines } from "../../journal/erase.ts";
import { isLinked } from "../../journal/link.ts";
import { isUnfinished } from "../../journal/listing.ts";
import type { Batch, RunFilter, RunRecord, Snapshot } from "../../port/journal.ts";
import {
  type Acked,
  type Activation,
  type Appended,
  type Ask,
  batchKey,
  batchPrefix,
  dayText,
  type Loaded,
  type Names,
  openText,
  runKeyOf,
  runPrefix,
  type Sent,
  streamsText,
  type Taken,
  tenantsText,
} from "./wire.ts";

/**
 * The objects that any worker serves, whatever definitions it has loaded: the runs' fronts, the streams that are no runs,
 * single values, and the index.
 *
 * O1 A run's front lets one activation be under way at a time. What comes in meanwhile rings its bell or waits for it.
 * O2 A stream is appended to by its own object alone, one append after the other; the same append twice is one.
 * O3 Nothing of an invocation stays behind once it has ended: what is to be kept is in an object's state.
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

/** What a front knows. */
interface Box {
  /** The definition that the run was last sent to. */
  readonly definition?: string;
  readonly active: boolean;
  /** Where the activation wants the next event. */
  readonly bell?: string;
  /** True when that was used and the activation has not come back yet. */
  readonly rung: boolean;
  /** True when a timer struck while an activation was under way: it may have been about to end. */
  readonly woken: boolean;
  readonly waiting: readonly Sent[];
  /** True when the run has ended. */
  readonly ended?: true;
}
const newBox: Box = { active: false, rung: false, woken: false, waiting: [] };

export interface Wake {
  readonly definition: string;
  /** Begins an activation although another one is said to be under way. */
  readonly force?: boolean;
}
export interface Delivery extends Sent {
  readonly definition: string;
}

export function frontObject(sdk: typeof Sdk, names: Names, mailbox: number) {
  const drive = (ctx: Sdk.ObjectContext, definition: string, parameter: Activation) =>
    ctx.genericSend({
      service: names.driveOf(definition),
      method: "drive",
      key: ctx.key,
      parameter,
      inputSerde: sdk.serde.json as Sdk.Serde<Activation>,
    });
  const boxOf = async (ctx: Sdk.ObjectContext | Sdk.ObjectSharedContext) => (await ctx.get<Box>("box")) ?? newBox;
  const front = {
    /** Puts an event into the run and waits until it is durable there. */
    deliver: sdk.handlers.object.shared(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext, { definition, event }: Delivery): Promise<Acked> => {
        const { id: ack, promise } = ctx.awakeable<Acked>();
        const full = await callObject<Acked>(sdk, ctx, {
          service: names.front,
          method: "put",
          key: ctx.key,
          parameter: { definition, event, ack } satisfies Delivery,
        });
        return full.error ? full : promise;
      },
    ),
    put: sdk.handlers.object.exclusive(
      { ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, { definition, ...sent }: Delivery): Promise<Acked> => {
        const { bell, ...box } = await boxOf(ctx);
        if (!box.active) {
          ctx.set("box", { ...box, definition, active: true });
          drive(ctx, definition, { sent: [sent], fresh: box.definition === undefined });
        } else if (bell !== undefined) {
          ctx.resolveAwakeable(bell, sent);
          ctx.set("box", { ...box, rung: true });
        } else if (box.waiting.length >= mailbox) {
          const { runId } = runKeyOf(ctx.key);
          const data = { address: runId, waiting: box.waiting.length, capacity: mailbox };
          return { error: new OrchestrationError("bus/mailbox-full", data).toRecord() };
        } else ctx.set("box", { ...box, waiting: [...box.waiting, sent] });
        return {};
      },
    ),
    /** A timer of a parked run has struck, or somebody wants the run to be looked at. Says whether that is news. */
    wake: async (ctx: Sdk.ObjectContext, { definition, force }: Wake): Promise<boolean> => {
      const box = await boxOf(ctx);
      if (force) {
        const { bell: _, ...rest } = box;
        // Whoever had the bell may be gone; if not, it finds what waits when it ends, and the next one comes behind it.
        ctx.set("box", { ...rest, definition, active: true, rung: false, woken: box.active });
        drive(ctx, definition, { sent: [], fresh: false });
        return true;
      }
      // Deadlines of an ended run stay scheduled until they are due; to call one off would cost every end a step.
      if (box.ended) return false;
      if (box.active) {
        ctx.set("box", { ...box, woken: true });
        return false;
      }
      ctx.set("box", { ...box, definition, active: true });
      drive(ctx, definition, { sent: [], fresh: false });
      return true;
    },
    /** What waits; asked by the activation that is under way. */
    take: sdk.handlers.object.exclusive(
      { ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, { bell, listening, goesOn, handOver, ended }: Ask): Promise<Taken> => {
        const { bell: _, ...box } = await boxOf(ctx);
        const { waiting, woken } = box;
        const rung = box.rung && listening;
        const kept = { ...box, rung: false, waiting: [], ...(ended ? { ended } : {}) };
        if (bell !== undefined) {
          ctx.set("box", { ...kept, ...(waiting.length === 0 ? { bell } : {}) });
          return { sent: waiting, rung, woken: false };
        }
        if (handOver) {
          // Whoever is behind the bell must be fetched first; then this is asked again.
          if (rung) ctx.set("box", { ...box, rung: false });
          else {
            ctx.set("box", { ...kept, woken: false });
            drive(ctx, box.definition ?? "", { sent: [...handOver, ...waiting], fresh: false });
          }
          return { sent: [], rung, woken: false };
        }
        const active = rung || woken || goesOn === true || waiting.length > 0;
        ctx.set("box", { ...kept, woken: false, active });
        return { sent: waiting, rung, woken };
      },
    ),
    /** The definition that the run was last sent to. */
    home: sdk.handlers.object.shared(
      { ...brief, enableLazyState: true },
      async (ctx: Sdk.ObjectSharedContext): Promise<string | null> => (await boxOf(ctx)).definition ?? null,
    ),
    /** A migration sends what comes from now on to another definition. */
    move: async (ctx: Sdk.ObjectContext, { definition }: { readonly definition: string }): Promise<void> => {
      ctx.set("box", { ...(await boxOf(ctx)), definition });
    },
  };
  return sdk.object({ name: names.front, handlers: front, options: { ...forgotten, retryPolicy: patience } });
}

/** Where a stream ends, so that an append need not read it. */
interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** Appends to the state of a stream's own object; its batches, head and record are all that is touched (O2). */
export async function appendHere(
  ctx: Pick<Sdk.ObjectContext, "get" | "set">,
  batch: Batch,
  expectedSeq: number,
): Promise<Appended> {
  const head = (await ctx.get<Head>("head")) ?? { seq: 0, hash: "" };
  if (head.seq !== expectedSeq || !isLinked(head.hash, batch)) {
    const known = await ctx.get<readonly Batch[]>(batchKey(batch.firstSeq));
    if (known?.some(({ hash }) => hash === batch.hash)) return { ok: true };
    return { ok: false, actual: head.seq };
  }
  setBatches(ctx, [batch]);
  return { ok: true };
}

export function setBatches(ctx: Pick<Sdk.ObjectContext, "set">, batches: readonly Batch[]): void {
  const [first] = batches;
  const last = batches.at(-1);
  if (!first || !last) return;
  ctx.set(batchKey(first.firstSeq), batches);
  ctx.set("head", { seq: last.lastSeq, hash: last.hash } satisfies Head);
}

/** Batches in an object's state, in order, from the one that holds `fromSeq` on. */
export async function readHere(
  ctx: Pick<Sdk.ObjectSharedContext, "get" | "stateKeys">,
  fromSeq = 1,
  most = Number.POSITIVE_INFINITY,
): Promise<Batch[]> {
  const keys = (await ctx.stateKeys()).filter((key) => key.startsWith(batchPrefix)).sort();
  // A key says where its batches begin: what lies before the last one that begins early enough is not wanted.
  const first = keys.findLastIndex((key) => key <= batchKey(fromSeq));
  const batches: Batch[] = [];
  for (const key of keys.slice(Math.max(0, first))) {
    if (batches.length >= most) break;
    const found = (await ctx.get<readonly Batch[]>(key)) ?? [];
    batches.push(...found.filter(({ lastSeq }) => lastSeq >= fromSeq));
  }
  return batches.slice(0, most);
}

export interface Erased {
  readonly entries: number;
  readonly addresses: readonly string[];
}

/** Empties entries in an object's state, and drops the snapshot. */
export async function eraseHere(ctx: Sdk.ObjectContext, before: number | undefined): Promise<Erased> {
  let entries = 0;
  const addresses: string[] = [];
  for (const key of (await ctx.stateKeys()).filter((name) => name.startsWith(batchPrefix))) {
    const batches = (await ctx.get<readonly Batch[]>(key)) ?? [];
    const emptied = batches.map((batch) => ({ batch, erased: eraseLines(batch.lines, before) }));
    const count = emptied.reduce((sum, { erased }) => sum + erased.entries, 0);
    if (count === 0) continue;
    entries += count;
    addresses.push(...emptied.flatMap(({ erased }) => erased.addresses));
    ctx.set(
      key,
      emptied.map(({ batch, erased }) => ({ ...batch, lines: erased.lines })),
    );
  }
  ctx.clear("snapshot");
  return { entries, addresses };
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
        const appended = await appendHere(ctx, batch, expectedSeq);
        if (appended.ok && record) {
          ctx.set("record", record);
          await indexRun(sdk, names, ctx, record);
        }
        if (appended.ok && expectedSeq === 0) {
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

const notePrefix = "note/";

/** What one object of the index knows. */
export interface Shelf {
  readonly runs: readonly RunRecord[];
  readonly notes: readonly string[];
}

/** Has an object of the index remember a name. */
export function note(
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
  return callObject<void>(sdk, ctx, {
    service: names.index,
    method: "put",
    key: isUnfinished(record.status) ? openText(record.tenant) : dayText(record),
    parameter: record,
  });
}

export function indexObject(sdk: typeof Sdk, names: Names) {
  const index = {
    put: sdk.handlers.object.exclusive(
      { enableLazyState: true },
      async (ctx: Sdk.ObjectContext, record: RunRecord): Promise<void> => {
        ctx.set(`${runPrefix}${record.runId}`, record);
        const { tenant } = record;
        const isOpen = isUnfinished(record.status);
        if (!(await ctx.get("noted"))) {
          if (isOpen) await note(sdk, names, ctx, tenantsText, tenant);
          else await note(sdk, names, ctx, openText(tenant), ctx.key.slice(tenant.length + 1));
          ctx.set("noted", true);
        }
        // In this order a run on its way from one shelf to the other is on both, never on none.
        if (isOpen) return;
        await callObject(sdk, ctx, {
          service: names.index,
          method: "drop",
          key: openText(tenant),
          parameter: record.runId,
        });
      },
    ),
    drop: sdk.handlers.object.exclusive(
      { enableLazyState: true, ingressPrivate: true },
      async (ctx: Sdk.ObjectContext, runId: string): Promise<void> => {
        ctx.clear(`${runPrefix}${runId}`);
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
      for (const key of keys) if (key.startsWith(runPrefix)) runs.push((await ctx.get<RunRecord>(key)) as RunRecord);
      const notes = keys.filter((key) => key.startsWith(notePrefix)).map((key) => key.slice(notePrefix.length));
      return { runs, notes: notes.sort() };
    }),
  };
  return sdk.object({ name: names.index, handlers: index, options: { ...forgotten, retryPolicy: patience } });
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

/** What a run's own object says when it is loaded. */
export async function loadHere(ctx: Sdk.ObjectSharedContext): Promise<Loaded> {
  const record = await ctx.get<RunRecord>("record");
  const snapshot = await ctx.get<Snapshot>("snapshot");
  const moved = await ctx.get<string>("moved");
  return {
    batches: await readHere(ctx, snapshot?.seq),
    ...(record ? { record } : {}),
    ...(snapshot ? { snapshot } : {}),
    ...(moved ? { moved } : {}),
  };
}
