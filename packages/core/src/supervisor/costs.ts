import type { Entry } from "../event.ts";
import { listed } from "../journal/listed.ts";
import type { Journal, RunFilter } from "../port/journal.ts";
import { addCosts, type Costs, costsOf, noCosts } from "../run/costs.ts";

/** What the runs that a filter lists have cost. */
export async function listedCosts(
  journal: Journal,
  filter: RunFilter,
  entriesOf: (runId: string) => Promise<readonly Entry[]>,
): Promise<Costs> {
  let costs = noCosts;
  for await (const { runId } of listed(journal, filter)) {
    costs = addCosts(costs, costsOf(runId, await entriesOf(runId)));
  }
  return costs;
}
