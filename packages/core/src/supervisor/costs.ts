import type { Entry } from "../event.ts";
import type { Journal, RunFilter } from "../port/journal.ts";
import { addCosts, type Costs, costsOf, noCosts } from "../run/costs.ts";

/** Runs that are listed at once when their costs are summed. */
const costsPage = 100;

/** What all runs that a filter lists have cost, page by page: `most` of them. */
export async function listedCosts(
  journal: Journal,
  { most, ...filter }: RunFilter & { readonly most: number },
  entriesOf: (runId: string) => Promise<readonly Entry[]>,
): Promise<Costs> {
  let costs = noCosts;
  let page: RunFilter = filter;
  for (let left = most; left > 0; ) {
    const records = await journal.listRuns({ ...page, most: Math.min(left, costsPage) });
    for (const { runId } of records) {
      costs = addCosts(costs, costsOf(runId, await entriesOf(runId)));
    }
    const last = records.at(-1);
    if (!last || records.length < Math.min(left, costsPage)) break;
    left -= records.length;
    page = { ...page, before: last.startedAt, beforeRunId: last.runId };
  }
  return costs;
}
