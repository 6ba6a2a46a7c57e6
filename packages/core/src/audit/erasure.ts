import { leftStream } from "../approval/left.ts";
import { OrchestrationError } from "../errors.ts";
import { countBodies } from "../journal/erase.ts";
import { isUnfinished } from "../journal/listing.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, RunRecord, StreamKey } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { lettersStream } from "../remote/directory.ts";
import { classesOf, classStream, vaultStream } from "../seal/vault.ts";
import { type Fold, openStream } from "../stream/stream.ts";

/**
 * Erasing what runs hold, on the record. Bodies and salts go, payloads, snapshots and the values
 * that the run's tokens stand for with them; numbers, types, times and
 * hashes stay, and the chain goes on to hold (D5). A body is erased as a whole: it has no classes of data yet.
 *
 * X1 Who wants it and why is durable before anything goes; that it is gone, and how much, is said after. A request without
 *    its word of the end was cut off: the same call again makes it good.
 * X2 A run that has not ended is left alone: it could not go on.
 */

export interface ErasureOptions {
  readonly by: Principal;
  readonly reason: string;
  /** Only entries of before this time (epoch ms); all of them when absent. */
  readonly before?: number;
  /**
   * Only the values of these classes of data: their tokens stay where they are, and nobody knows any more what they stood
   * for. Runs that sealed nothing of them are left as they are.
   */
  readonly classes?: readonly string[];
  readonly now: () => number;
  readonly salt: () => string;
}

/** The stream in which a tenant's erasures stand. */
export function erasureStream(tenant: string): StreamKey {
  return { tenant, kind: "audit", id: "erasures" };
}

const nothing: Fold<undefined> = { initial: () => undefined, apply: () => undefined };

/**
 * Erases the bodies of an ended run, and what was left for it by other processes. Resolves with how many entries were emptied
 * when no byte of them is left in the journal.
 * @throws OrchestrationError `run/unknown`, `audit/run-not-ended`, `journal/unavailable`: ask again
 */
export async function eraseRun(journal: Journal, { tenant, runId }: RunKey, options: ErasureOptions): Promise<number> {
  const record = await journal.findRun(tenant, runId);
  if (!record) throw new OrchestrationError("run/unknown", { run: runId, tenant });
  return erase(journal, tenant, [record], options);
}

export interface RetentionOptions extends Omit<ErasureOptions, "before"> {
  /** Runs that ended before this time (epoch ms). */
  readonly endedBefore: number;
}

/** How many runs are erased with one pass over the file. */
const pageRuns = 200;

/**
 * Erases the bodies of all runs of a tenant that ended before a time, but for those of which the record says that all of
 * that is gone. Resolves with how many runs were erased.
 * @throws OrchestrationError `journal/unavailable`: ask again
 */
export async function eraseEndedRuns(journal: Journal, tenant: string, options: RetentionOptions): Promise<number> {
  const { endedBefore, ...rest } = options;
  const gone = await erasedRuns(journal, tenant, options);
  let erased = 0;
  const ended = {
    tenant,
    status: ["completed", "denied", "escalated", "failed", "cancelled"],
    most: pageRuns,
  } as const;
  // What has ended before has begun before.
  let page = await journal.listRuns({ ...ended, before: endedBefore });
  for (let last = page.at(-1); last; last = page.at(-1)) {
    const due = page.filter(({ runId, updatedAt }) => updatedAt < endedBefore && !gone.has(runId));
    if (due.length > 0) await erase(journal, tenant, due, rest);
    erased += due.length;
    page = await journal.listRuns({ ...ended, before: last.startedAt, beforeRunId: last.runId });
  }
  return erased;
}

async function erase(
  journal: Journal,
  tenant: string,
  runs: readonly RunRecord[],
  { by, reason, before, classes, now, salt }: ErasureOptions,
): Promise<number> {
  for (const { runId, status } of runs) {
    if (isUnfinished(status)) throw new OrchestrationError("audit/run-not-ended", { run: runId, status });
  }
  const stream = openStream({ journal, key: erasureStream(tenant), now, salt, fold: nothing });
  const bound = { ...(before === undefined ? {} : { before }), ...(classes === undefined ? {} : { classes }) };
  const principal = plainPrincipal(by);
  await stream.append(() => ({
    drafts: runs.map(({ runId: run }) => ({ type: "erasure.requested", body: { run, ...bound, reason, principal } })),
    answer: undefined,
  }));
  let sum = 0;
  const done: { readonly run: string; readonly entries: number; readonly through: number }[] = [];
  const streams: StreamKey[] = [];
  for (const { runId, lastSeq } of runs) {
    const key: RunKey = { tenant, runId };
    const held = (await classesOf(journal, key)).filter((kind) => classes?.includes(kind) ?? true);
    const sealed = held.map((kind) => classStream(key, kind));
    const run: StreamKey = { tenant, kind: "run", id: runId };
    const whole: StreamKey[] = [run, leftStream(key), lettersStream(key), vaultStream(key)];
    const own = classes === undefined ? [...whole, ...sealed] : sealed;
    let entries = 0;
    for (const one of own) for (const { lines } of await journal.read(one)) entries += countBodies(lines, before);
    done.push({ run: runId, entries, through: classes === undefined ? lastSeq : 0 });
    streams.push(...own);
    sum += entries;
  }
  await journal.erase(streams, before);
  await stream.append(() => ({
    drafts: done.map((body) => ({ type: "run.erased", body: { ...body, ...bound } })),
    answer: undefined,
  }));
  return sum;
}

/**
 * Runs of which the tenant's record says that everything, or all of these classes, is gone. Their entries do not say it: a
 * run may have lost its beginning alone, and a call that was cut off left no bodies and yet work to do (X1).
 */
async function erasedRuns(
  journal: Journal,
  tenant: string,
  { classes, now, salt }: Pick<ErasureOptions, "classes" | "now" | "salt">,
): Promise<ReadonlySet<string>> {
  const fold: Fold<Set<string>> = {
    initial: () => new Set(),
    apply: (runs, { type, body }) => {
      if (type !== "run.erased" || body.before !== undefined) return runs;
      const { classes: gone } = body;
      return gone === undefined || classes?.every((kind) => gone.includes(kind)) ? runs.add(body.run) : runs;
    },
  };
  return openStream({ journal, key: erasureStream(tenant), now, salt, fold }).state();
}
