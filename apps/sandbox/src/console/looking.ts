import type { Journal } from "@remit/core";

/**
 * The journal for an engine that nobody shall find at work: it wakes no run, whichever waits. The supervisors of a console
 * that only looks stand on it, with tools and models that cannot be called.
 */
export function wakesNothing(journal: Journal): Journal {
  return {
    ...journal,
    unfinishedRuns: async () => [],
    unfinishedTenants: async () => [],
    nextWakeAt: async () => undefined,
  };
}

/**
 * The journal for an engine that acts for one tenant: it wakes runs of that one alone. Suites of one pack have the same
 * definition, so that without this their runs would be driven on each other's worlds.
 */
export function wakesOnly(journal: Journal, tenant: string): Journal {
  return {
    ...journal,
    unfinishedRuns: (page) => journal.unfinishedRuns({ ...page, tenant }),
    unfinishedTenants: (page) => journal.unfinishedTenants({ ...page, tenant }),
    // Of all tenants: one that is nobody's here wakes the engine to find nothing due.
    nextWakeAt: (after) => journal.nextWakeAt(after),
  };
}
