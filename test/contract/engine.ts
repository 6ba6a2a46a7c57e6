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
import { summariesContract } from "./engine-summaries.ts";
import { triesContract } from "./engine-tries.ts";

/** What every engine keeps. `open` is called for each test; the engines that it made are closed after it. */
export function engineContract(name: string, open: () => EngineUnderTest): void {
  describe(`engine contract: ${name}`, () => {
    const kit = engineKit(name, open);
    signalsContract(kit);
    eventsContract(kit);
    boundsContract(kit);
    closingContract(kit);
    approvalsContract(kit);
    triesContract(kit);
    budgetsContract(kit);
    routesContract(kit);
    summariesContract(kit);
    repairContract(kit);
    questionsContract(kit);
    policyContract(kit);
  });
}
