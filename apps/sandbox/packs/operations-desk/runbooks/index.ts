import { openLibrary, type Standing, sourceIdOf as sourceOf } from "@remit/tools/library";
import { daysBetween } from "../../../src/world/calendar.ts";
import { runbookDaysMax } from "../operations.ts";
import type { Runbook } from "./read.ts";

/** One runbook that fits a search, with where it comes from and whether it may be gone by. */
export interface RunbookHit {
  /** `RB-101@7`: id and revision. */
  readonly sourceId: string;
  readonly runbookId: string;
  readonly title: string;
  readonly revision: number;
  readonly reviewedOn: string | undefined;
  readonly standing: Standing;
}

export interface RunbookIndex {
  /**
   * Runbooks that share words with the query, best first. What is outdated or retired is left out unless it is asked for.
   * @param options.most 1 to 50; 5 when absent
   */
  readonly search: (
    query: string,
    options?: { readonly most?: number; readonly outdated?: boolean },
  ) => readonly RunbookHit[];
  readonly get: (runbookId: string) => Runbook | undefined;
  readonly close: () => void;
}

/** Whether a runbook may be gone by on a day. One that does not say when it was reviewed counts as its status says. */
export function standingOf({ status, reviewedOn }: Pick<Runbook, "status" | "reviewedOn">, today: string): Standing {
  if (status === "retired") return "retired";
  return reviewedOn !== undefined && daysBetween(reviewedOn, today) > runbookDaysMax ? "outdated" : "current";
}

export function sourceIdOf({ runbookId, revision }: Pick<Runbook, "runbookId" | "revision">): string {
  return sourceOf({ id: runbookId, revision });
}

/** Runbooks as a library: found by their titles, their alerts and their text, with what day it is. */
export function openRunbookIndex(runbooks: readonly Runbook[], today: string): RunbookIndex {
  const byId = new Map(runbooks.map((one) => [one.runbookId, one]));
  const library = openLibrary({
    name: "runbooks",
    documents: runbooks.map(({ runbookId, title, alerts, text, revision, reviewedOn, status }) => ({
      ...{ id: runbookId, title, names: alerts, text, revision, status },
      ...(reviewedOn === undefined ? {} : { reviewedOn }),
    })),
    freshForDays: runbookDaysMax,
    clock: { now: () => Date.parse(today) },
  });
  return {
    get: (runbookId) => byId.get(runbookId),
    search: (query, { most = 5, outdated = false } = {}) =>
      library
        .find(query, { most: Math.min(Math.max(1, most), 50), outdated })
        .map(({ sourceId, documentId, title, revision = 0, reviewedOn, standing }) => ({
          ...{ sourceId, runbookId: documentId, title, revision, reviewedOn, standing },
        })),
    close: library.close,
  };
}
