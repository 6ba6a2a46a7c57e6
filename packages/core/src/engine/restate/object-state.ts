import type * as Sdk from "@restatedev/restate-sdk";
import { eraseLines } from "../../journal/erase.ts";
import { isLinked } from "../../journal/link.ts";
import type { Batch, RunRecord, Snapshot } from "../../port/journal.ts";
import { type Appended, batchKey, batchPrefix, type Loaded } from "./wire.ts";

/** The batches of a stream in the state of one object: of a run's own, or of a stream that is none. */

/** Where a stream ends, so that an append need not read it. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** Where the batches in an object's state end. */
export async function headHere(ctx: Pick<Sdk.ObjectContext, "get" | "stateKeys">): Promise<Head> {
  const [key] = (await ctx.stateKeys())
    .filter((name) => name.startsWith(batchPrefix))
    .sort()
    .slice(-1);
  const last = key === undefined ? undefined : (await ctx.get<readonly Batch[]>(key))?.at(-1);
  return { seq: last?.lastSeq ?? 0, hash: last?.hash ?? "" };
}

/** Appends to the state of an object that ends at `head`; its batches are all that is touched (O2). */
export async function appendHere(
  ctx: Pick<Sdk.ObjectContext, "get" | "set">,
  head: Head,
  batch: Batch,
  expectedSeq: number,
): Promise<Appended> {
  if (head.seq !== expectedSeq || !isLinked(head.hash, batch)) {
    if (head.hash === batch.hash) return { ok: true, isKnown: true };
    const known = await ctx.get<readonly Batch[]>(batchKey(batch.firstSeq));
    if (known?.some(({ hash }) => hash === batch.hash)) return { ok: true, isKnown: true };
    return { ok: false, actual: head.seq };
  }
  setBatches(ctx, [batch]);
  return { ok: true };
}

/** Batches that follow one another, under one key. */
export function setBatches(ctx: Pick<Sdk.ObjectContext, "set">, batches: readonly Batch[]): void {
  const [first] = batches;
  if (first) ctx.set(batchKey(first.firstSeq), batches);
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
