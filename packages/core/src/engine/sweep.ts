import type { Journal, RunRecord, UnfinishedFilter } from "../port/journal.ts";

/** Runs that a page holds, roughly: what an engine knows at a time of runs that it does not drive. */
export const pageRuns = 500;
/** Tenants that share a page; the others follow as these come to their end. */
const tenantsMax = 100;

/**
 * A way through unfinished runs, page by page. Each page is shared by the tenants, so that nobody's thousands stand
 * before another's one; within a tenant the journal's order holds. What changes on the way may be missed or met again.
 */
export interface Sweep {
  readonly done: boolean;
  readonly page: () => Promise<readonly RunRecord[]>;
  /** Another way through what this one has not shown. */
  readonly rest: () => Sweep;
}

interface Place {
  readonly tenant: string;
  readonly after?: RunRecord;
}
interface Position {
  readonly places: readonly Place[];
  /** The last tenant that was taken in, "" at the start; nothing when there are no more. */
  readonly lastTenant: string | undefined;
}

export function sweep(journal: Journal, filter: UnfinishedFilter, from?: Position): Sweep {
  const { tenant } = filter;
  const start = tenant === undefined ? { places: [], lastTenant: "" } : { places: [{ tenant }], lastTenant: undefined };
  let { places, lastTenant }: Position = from ?? start;

  const takeInTenants = async () => {
    if (lastTenant === undefined || places.length >= tenantsMax) return;
    const most = tenantsMax - places.length;
    const names = await journal.unfinishedTenants({ ...filter, after: lastTenant, most });
    lastTenant = names.length < most ? undefined : names.at(-1);
    places = [...places, ...names.map((name) => ({ tenant: name }))];
  };

  return {
    get done() {
      return lastTenant === undefined && places.length === 0;
    },
    page: async () => {
      await takeInTenants();
      const most = Math.max(1, Math.floor(pageRuns / Math.max(1, places.length)));
      const runs: RunRecord[] = [];
      const left: Place[] = [];
      for (const place of places) {
        const found = await journal.unfinishedRuns({ ...filter, ...place, most });
        runs.push(...found);
        const after = found.at(-1);
        if (after && found.length >= most) left.push({ tenant: place.tenant, after });
      }
      places = left;
      return runs;
    },
    rest: () => sweep(journal, filter, { places, lastTenant }),
  };
}
