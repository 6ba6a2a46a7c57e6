import type { RunStatus } from "../event.ts";
import type { RunFilter, RunRecord, UnfinishedFilter } from "../port/journal.ts";

/** The orders in which every journal lists runs. For people: newest first, and among runs of one millisecond by id, last first. */

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

export function newestFirst(
  left: Pick<RunRecord, "startedAt" | "runId">,
  right: Pick<RunRecord, "startedAt" | "runId">,
): number {
  if (left.startedAt !== right.startedAt) return right.startedAt - left.startedAt;
  return left.runId < right.runId ? 1 : left.runId > right.runId ? -1 : 0;
}

/** The name under which an engine has a run's definition. */
export function definitionOf({ supervisor, definitionHash }: RunRecord): string {
  return `${supervisor}@${definitionHash}`;
}

/** How the unfinished runs of `waitingDefinitions` are sampled. */
export const someMax = 20;

/** The statuses that a filter of unfinished runs takes. Only a parked run can be due. */
export function unfinishedStatuses({ status, dueAt }: UnfinishedFilter): readonly ("running" | "parked")[] {
  if (dueAt !== undefined) return status === "running" ? [] : ["parked"];
  return status ? [status] : ["running", "parked"];
}

/** The order of unfinished runs: by time, which is of waking when runs are asked for that are due, then by name. */
export function oldestFirst(timeOf: (run: RunRecord) => number): (left: RunRecord, right: RunRecord) => number {
  return (left, right) =>
    timeOf(left) - timeOf(right) || compareText(left.tenant, right.tenant) || compareText(left.runId, right.runId);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** True when a run comes behind the page's edge. */
export function pastPage(run: RunRecord, page: RunFilter): boolean {
  if (page.before === undefined) return true;
  if (run.startedAt !== page.before) return run.startedAt < page.before;
  return page.beforeRunId !== undefined && run.runId < page.beforeRunId;
}

/** How many runs a list may hold at most. */
export function mostOf(filter: { readonly most?: number }): number {
  const most = filter.most ?? 100;
  return most > 0 ? Math.floor(Math.min(most, Number.MAX_SAFE_INTEGER)) : 0;
}
