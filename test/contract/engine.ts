import { describe } from "vitest";
import { approvalsContract } from "./engine-approvals.ts";
import { boundsContract } from "./engine-bounds.ts";
import { budgetsContract } from "./engine-budgets.ts";
import { closingContract } from "./engine-closing.ts";
import { eventsContract } from "./engine-events.ts";
import { type EngineUnderTest, engineKit } from "./engine-kit.ts";
import { policyContract } from "./engine-policy.ts";
import { questionsContract } from "./engine-questions.ts";
import { repairContract } from "./engine-repair.ts";
import { routesContract } from "./engine-routes.ts";
import { signalsContract } from "./engine-signals.ts";
import { specialistsContract } from "./engine-specialists.ts";
import { summariesContract } from "./engine-summaries.ts";
import { triesContract } from "./engine-tries.ts";

const themes = {
  signals: signalsContract,
  events: eventsContract,
  bounds: boundsContract,
  closing: closingContract,
  approvals: approvalsContract,
  tries: triesContract,
  budgets: budgetsContract,
  routes: routesContract,
  summaries: summariesContract,
  repair: repairContract,
  questions: questionsContract,
  policy: policyContract,
  specialists: specialistsContract,
};
export const engineThemes = Object.keys(themes) as (keyof typeof themes)[];

/**
 * What every engine keeps. `open` is called for each test; the engines that it made are closed after it.
 * @param only some of the themes, where they are spread over files
 */
export function engineContract(name: string, open: () => EngineUnderTest, only = engineThemes): void {
  describe(`engine contract: ${name}`, () => {
    const kit = engineKit(name, open);
    for (const theme of only) themes[theme](kit);
  });
}
