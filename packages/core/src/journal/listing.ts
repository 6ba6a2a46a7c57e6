import type { RunStatus } from "../event.ts";
import type { RunFilter, RunRecord } from "../port/journal.ts";

/** The order in which every journal lists runs: newest first, and among runs of one millisecond by id, last first. */

/** Every status a run can have. */
export const runStatuses = [
  "running",
  "parked",
  "completed",
  "denied",
  "escalated",
  "failed",
  "cancelled",
] as const satisfies readonly RunStatus[];

/** True for a run that a restart has to look at. */
export function isUnfinished(status: RunStatus): boolean {
  return status === "running" || status === "parked";
}

/** Where a page of the list begins: behind this run, which was the last of the page before. */
export interface RunPage {
  readonly before?: number;
  /** With `before`: of the runs started at that very millisecond, those behind this id. Without it, none of them. */
  readonly beforeRunId?: string;
}

export function newestFirst(left: RunRecord, right: RunRecord): number {
  if (left.startedAt !== right.startedAt) return right.startedAt - left.startedAt;
  return left.runId < right.runId ? 1 : left.runId > right.runId ? -1 : 0;
}

/** True when a run comes behind the page's edge. */
export function pastPage(run: RunRecord, page: RunPage): boolean {
  if (page.before === undefined) return true;
  if (run.startedAt !== page.before) return run.startedAt < page.before;
  return page.beforeRunId !== undefined && run.runId < page.beforeRunId;
}

/** How many runs a list may hold at most. */
export function mostOf(filter: RunFilter): number {
  const most = filter.most ?? 100;
  return most > 0 ? Math.floor(Math.min(most, Number.MAX_SAFE_INTEGER)) : 0;
}
