import { openRunbookIndex, type RunbookIndex, sourceIdOf, standingOf } from "./runbooks/index.ts";
import { type Runbook, type RunbookStep, readRunbook } from "./runbooks/read.ts";
import { writeRunbooks } from "./runbooks/write.ts";

/** Today at Ferrywise, always. */
export const today = "2026-06-08";

/** The runbooks that this desk goes by. They are the operator's own, and no part of what incidents change. */
export interface Library {
  readonly runbooks: readonly Runbook[];
  readonly get: (runbookId: string) => Runbook | undefined;
  /** The step of a runbook that may be gone by in this revision; nothing where there is none. */
  readonly step: (runbookId: string, revision: number, step: number) => RunbookStep | undefined;
  /** Made with the first search. */
  readonly index: () => RunbookIndex;
}

export function openLibrary(seed: number): Library {
  return libraryOf(writeRunbooks(seed, today).map(({ path, markdown }) => readRunbook(markdown, path, path)));
}

export function libraryOf(runbooks: readonly Runbook[]): Library {
  const byId = new Map(runbooks.map((one) => [one.runbookId, one]));
  let index: RunbookIndex | undefined;
  return {
    runbooks,
    get: (runbookId) => byId.get(runbookId),
    step: (runbookId, revision, step) => {
      const runbook = byId.get(runbookId);
      if (runbook === undefined || runbook.revision !== revision) return undefined;
      return standingOf(runbook, today) === "current" ? runbook.steps.find((one) => one.step === step) : undefined;
    },
    index: () => {
      index ??= openRunbookIndex(runbooks, today);
      return index;
    },
  };
}

/** Ids and revisions, for whoever must notice that the library is another one. */
export function editionOf({ runbooks }: Library): string {
  return runbooks.map(sourceIdOf).sort().join(" ");
}
