import type { RunStatus } from "../event.ts";
import { pastPage } from "../journal/listing.ts";
import type { Principal } from "../principal.ts";
import type { Supervisor } from "../supervisor/services.ts";
import type { KpiRun } from "./facts.ts";

/** Which runs of a tenant are read; all of them where nothing is said. */
export interface RunsFilter {
  readonly tenant: string;
  /** Only runs that began at this time (epoch ms) or later. */
  readonly since?: number;
  /** Only runs that began before this. */
  readonly until?: number;
  readonly status?: readonly RunStatus[];
  readonly conversationId?: string;
  /** At most so many, the newest. */
  readonly most?: number;
  /** Who looks. */
  readonly principal?: Principal;
}

const pageRuns = 100;

/**
 * Runs of a supervisor with their entries, newest first, read page by page: one run is in memory at a time, and the list of
 * 100 others. A run that begins meanwhile is not among them; one that is under way comes as it stands when it is read.
 * @throws OrchestrationError `policy/operator-not-allowed`, `run/id-invalid`, and as `entries()` of a run
 */
export async function* runsOf(
  supervisor: Pick<Supervisor<never, unknown>, "list" | "find">,
  { since = Number.NEGATIVE_INFINITY, until, most = Number.POSITIVE_INFINITY, principal, ...filter }: RunsFilter,
): AsyncGenerator<KpiRun, void, void> {
  const { tenant } = filter;
  const who = principal === undefined ? {} : { principal };
  let page: { readonly before?: number; readonly beforeRunId?: string } = until === undefined ? {} : { before: until };
  for (let left = most; left > 0; ) {
    const records = await supervisor.list({ ...filter, ...who, ...page, most: Math.min(left, pageRuns) });
    for (const { runId, startedAt } of records) {
      // They come newest first.
      if (startedAt < since) return;
      const run = await supervisor.find(runId, { tenant, ...who });
      yield { runId, tenant, entries: await run.entries() };
    }
    const last = records.at(-1);
    // A page that is no later than the one before would be read for ever.
    if (!last || records.length < Math.min(left, pageRuns) || !pastPage(last, { tenant, ...page })) return;
    left -= records.length;
    page = { before: last.startedAt, beforeRunId: last.runId };
  }
}
