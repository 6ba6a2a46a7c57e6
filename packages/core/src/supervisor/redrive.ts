import type { InputBodies } from "../event.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { Journal } from "../port/journal.ts";
import type { Principal } from "../principal.ts";
import { ownRunId } from "../run/run-id.ts";
import type { RunBounds } from "./bounds.ts";
import { nextUndoOf, undoStateOf } from "./compensate.ts";
import type { SupervisorDefinition } from "./definition.ts";
import { type DeadLetters, deadLetters } from "./letters.ts";
import type { Starts } from "./starts.ts";

type Started = InputBodies["run.started"];

export interface RedriveParts {
  readonly definition: SupervisorDefinition;
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
  readonly current: () => Principal;
  /** Refuses whoever may not do something with letters. */
  readonly may: AssertOperator;
  readonly bounds: RunBounds;
  readonly starts: Starts;
}

/** The dead letters of a supervisor, for those who may see them and deal with them. */
export function lettersToRedrive({
  definition,
  journal,
  now,
  salt,
  current,
  may,
  bounds: { grantsOf, budgetOf },
  starts: { begin, handedOver },
}: RedriveParts): DeadLetters {
  /** Others may have undone what a run that undoes was given up on, or be at it: all of them ask for the same run. */
  const nextUndo = (tenant: string, { run, undos }: NonNullable<Started["compensates"]>) =>
    nextUndoOf(journal, definition, { tenant, run, only: undos.map(({ effect }) => effect) });
  const letters = deadLetters({
    definition,
    journal,
    now,
    salt,
    current,
    nameOf: async ({ tenant, run }, { body: { compensates } }) =>
      compensates ? (await nextUndo(tenant, compensates)).runId : ownRunId(tenant, definition.name, `redrive:${run}`),
    start: async ({ tenant, run }, { body }, runId) => {
      if (await journal.findRun(tenant, runId)) return;
      const { principal, labels, conversationId, compensates } = body;
      const { input, attributes } = await handedOver(tenant, run, runId, {
        input: body.input,
        attributes: body.attributes,
      });
      const { left = [] } = compensates ? await nextUndo(tenant, compensates) : {};
      const undos = compensates && (await handedOver(tenant, compensates.run, runId, left));
      // What whoever started it allowed still holds; what the tenant may, and has to spend, is that of today (R6, R10).
      const grants = grantsOf(
        { tenant, ...(body.grants?.run === undefined ? {} : { grant: body.grants.run }) },
        principal,
      );
      const own = body.budget?.run === undefined ? {} : { budget: body.budget.run };
      const budget = budgetOf({ tenant, ...own }, grants);
      await begin(
        { tenant, runId },
        {
          input,
          principal,
          labels,
          redrives: run,
          ...(conversationId === undefined ? {} : { conversationId }),
          ...(grants === undefined ? {} : { grants }),
          ...(attributes === undefined ? {} : { attributes }),
          ...(compensates && undos ? { compensates: { run: compensates.run, undos } } : {}),
          ...(budget === undefined ? {} : { budget }),
        },
      );
    },
    undone: async (tenant, run) => (await undoStateOf(journal, { tenant, runId: run }, definition.name)).undone,
  });

  return {
    list: async (filter) => {
      may("see");
      return letters.list(filter);
    },
    inspect: async (tenant, run) => {
      may("see");
      return letters.inspect(tenant, run);
    },
    redrive: async (tenant, run, as) => {
      may("operate", as?.principal);
      return letters.redrive(tenant, run, as);
    },
    dismiss: async (tenant, run, word) => {
      may("operate", word.principal);
      return letters.dismiss(tenant, run, word);
    },
  };
}
