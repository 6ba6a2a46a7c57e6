import { OrchestrationError } from "../errors.ts";
import type { Journal, RunFilter, RunRecord } from "../port/journal.ts";
import { pastPage } from "./listing.ts";

const pageRuns = 100;

/** All runs that a filter lists, newest first, read page by page; `most` of them where it says so. */
export async function* listed(journal: Journal, filter: RunFilter): AsyncGenerator<RunRecord, void, void> {
  let page = filter;
  for (let left = filter.most ?? Number.POSITIVE_INFINITY; left > 0; ) {
    const most = Math.min(left, pageRuns);
    const records = await journal.listRuns({ ...page, most });
    yield* records;
    const last = records.at(-1);
    if (!last || records.length < most) return;
    if (!pastPage(last, page)) {
      throw new OrchestrationError("run/internal", { reason: "a journal lists a page of runs again" });
    }
    left -= records.length;
    page = { ...page, before: last.startedAt, beforeRunId: last.runId };
  }
}
