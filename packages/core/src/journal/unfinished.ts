import type { RunRecord, UnfinishedFilter, UnfinishedPage, WaitingDefinition } from "../port/journal.ts";
import { definitionOf, isUnfinished, mostOf, oldestFirst, someMax, unfinishedStatuses } from "./listing.ts";

/**
 * The unfinished runs of a memory journal in the orders in which they are asked for, so that a question walks over what
 * it finds and not over what waits.
 */
export interface UnfinishedRuns {
  /** Takes in a run's new record in the place of its last one. */
  readonly put: (before: RunRecord | undefined, after: RunRecord) => void;
  readonly page: (page: UnfinishedPage) => RunRecord[];
  readonly tenants: (page: UnfinishedFilter & { readonly most?: number; readonly after?: string }) => string[];
  readonly nextWakeAt: (after: number) => number | undefined;
  readonly definitions: () => WaitingDefinition[];
}

type Compare = (left: RunRecord, right: RunRecord) => number;
const byStart: Compare = oldestFirst(({ startedAt }) => startedAt);
const byWake: Compare = oldestFirst(({ wakeAt = 0 }) => wakeAt);

/** Lists of one tenant, or of all. */
interface Lists {
  readonly running: RunRecord[];
  readonly parked: RunRecord[];
  readonly due: RunRecord[];
}

export function unfinishedRuns(): UnfinishedRuns {
  const all: Lists = { running: [], parked: [], due: [] };
  const tenants = new Map<string, Lists>();

  const edit = (run: RunRecord | undefined, change: (list: RunRecord[], run: RunRecord, compare: Compare) => void) => {
    if (!run || !isUnfinished(run.status)) return;
    const own = tenants.get(run.tenant) ?? { running: [], parked: [], due: [] };
    tenants.set(run.tenant, own);
    for (const lists of [all, own]) {
      change(run.status === "parked" ? lists.parked : lists.running, run, byStart);
      if (run.status === "parked" && run.wakeAt !== undefined) change(lists.due, run, byWake);
    }
  };

  /** Those of one list that the filter takes, in its order. */
  function* found(list: RunRecord[], compare: Compare, page: UnfinishedPage, most = list.length): Generator<RunRecord> {
    const definitions = page.definitions && new Set(page.definitions);
    let index = page.after ? firstNotBefore(list, page.after, compare) : 0;
    const first = list[index];
    if (first && page.after && compare(first, page.after) === 0) index++;
    for (let left = most; index < list.length && left > 0; index++) {
      const run = list[index] as RunRecord;
      if (page.dueAt !== undefined && (run.wakeAt ?? Number.POSITIVE_INFINITY) > page.dueAt) return;
      if (page.runId !== undefined && run.runId !== page.runId) continue;
      if (definitions && !definitions.has(definitionOf(run))) continue;
      left--;
      yield run;
    }
  }
  const listsOf = (filter: UnfinishedFilter) => {
    const lists = filter.tenant === undefined ? all : tenants.get(filter.tenant);
    if (!lists) return [];
    return unfinishedStatuses(filter).map((status) => (filter.dueAt === undefined ? lists[status] : lists.due));
  };
  const orderOf = ({ dueAt }: UnfinishedFilter) => (dueAt === undefined ? byStart : byWake);
  const pageOf = (page: UnfinishedPage): RunRecord[] => {
    const most = mostOf(page);
    const compare = orderOf(page);
    const runs = listsOf(page).flatMap((list) => [...found(list, compare, page, most)]);
    return runs.sort(compare).slice(0, most);
  };

  return {
    put: (before, after) => {
      edit(before, remove);
      edit(after, insert);
    },
    page: pageOf,
    tenants: ({ after, ...page }) => {
      const names = new Set<string>();
      for (const list of listsOf(page)) {
        for (const { tenant } of found(list, orderOf(page), page)) if (tenant > (after ?? "")) names.add(tenant);
      }
      return [...names].sort().slice(0, mostOf(page));
    },
    nextWakeAt: (after) => {
      let [low, high] = [0, all.due.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((all.due[middle]?.wakeAt ?? 0) <= after) low = middle + 1;
        else high = middle;
      }
      return all.due[low]?.wakeAt;
    },
    definitions: () => {
      const counts = new Map<string, number>();
      for (const run of [...all.running, ...all.parked]) {
        counts.set(definitionOf(run), (counts.get(definitionOf(run)) ?? 0) + 1);
      }
      return [...counts]
        .map(([definition, runs]) => {
          const some = pageOf({ definitions: [definition], most: someMax });
          const { supervisor = "", definitionHash = "" } = some[0] ?? {};
          return { supervisor, definitionHash, runs, some: some.map(({ tenant, runId }) => ({ tenant, runId })) };
        })
        .sort(byDefinition);
    },
  };
}

/** The order of `waitingDefinitions`. */
function byDefinition(left: WaitingDefinition, right: WaitingDefinition): number {
  if (left.supervisor !== right.supervisor) return left.supervisor < right.supervisor ? -1 : 1;
  return left.definitionHash < right.definitionHash ? -1 : 1;
}

function firstNotBefore(list: readonly RunRecord[], run: RunRecord, compare: Compare): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as RunRecord, run) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(list: RunRecord[], run: RunRecord, compare: Compare): void {
  list.splice(firstNotBefore(list, run, compare), 0, run);
}

function remove(list: RunRecord[], run: RunRecord, compare: Compare): void {
  list.splice(firstNotBefore(list, run, compare), 1);
}
