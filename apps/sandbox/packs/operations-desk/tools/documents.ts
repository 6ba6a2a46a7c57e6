import { z } from "zod";
import type { WorldTool } from "../../../src/world/world.ts";
import { alerts } from "../causes.ts";
import type { Library } from "../library.ts";
import { today } from "../library.ts";
import { refuse } from "../refuse.ts";
import { sourceIdOf, standingOf } from "../runbooks/index.ts";
import type { OperationsState } from "../state.ts";
import { operationsTool, runbookId } from "./tool.ts";

/** Runbooks and incidents of the past. */
export function documentTools(library: Library): readonly WorldTool<OperationsState>[] {
  const searchRunbooks = operationsTool({
    name: "search_runbooks",
    description:
      "Finds runbooks by words, best first, with source id, revision and the day of the last review. Outdated and retired ones are left out unless asked for.",
    input: z.strictObject({
      query: z.string().min(2).max(300),
      outdated: z.boolean().default(false).describe("Also those that may not be gone by."),
      most: z.int().min(1).max(20).default(5),
    }),
    effect: "read",
    run: (_, { query, outdated, most }) =>
      library
        .index()
        .search(query, { outdated, most })
        .map(({ reviewedOn, ...hit }) => ({ ...hit, reviewedOn: reviewedOn ?? null })),
  });
  const getRunbook = operationsTool({
    name: "get_runbook",
    description:
      "Shows a runbook: its steps with their operations, its warnings, its text, and whether it may be gone by.",
    input: z.strictObject({ runbookId }),
    effect: "read",
    run: (_, asked) => {
      const runbook = library.get(asked.runbookId) ?? refuse(`There is no runbook ${asked.runbookId}.`);
      return {
        runbookId: runbook.runbookId,
        sourceId: sourceIdOf(runbook),
        title: runbook.title,
        revision: runbook.revision,
        standing: standingOf(runbook, today),
        reviewedOn: runbook.reviewedOn ?? null,
        alerts: runbook.alerts,
        steps: runbook.steps.map(({ step, text, operation }) => ({
          step,
          operation: operation?.operation ?? null,
          setting: operation?.setting ?? null,
          text,
        })),
        warnings: runbook.warnings,
        text: runbook.text,
      };
    },
  });
  const findPast = operationsTool({
    name: "find_past_incidents",
    description:
      "Lists incidents of the past with the same alert, newest first: which runbook was used, and what came of it.",
    input: z.strictObject({ alert: z.enum(alerts), notBefore: z.iso.date().optional() }),
    effect: "read",
    run: (state, { alert, notBefore = "" }) =>
      Object.values(state.past)
        .filter((one) => one.alert === alert && one.endedOn >= notBefore)
        .sort((left, right) => (left.endedOn < right.endedOn ? 1 : -1))
        .slice(0, 10)
        .map((one) => ({ ...one, sourceId: one.pastId })),
  });
  return [searchRunbooks, getRunbook, findPast];
}
