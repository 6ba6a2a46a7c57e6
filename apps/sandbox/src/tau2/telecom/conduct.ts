import type { Scenario } from "@remit/core/testing";
import type { Conduct, Objection } from "../../model/conduct.ts";
import { askedIn } from "../conduct.ts";
import type { TelecomTask } from "./load.ts";
import { callerOf, needsConfirmation } from "./plan.ts";

/** What the carrier's judges go by: whose line it is, and that the customer was asked about what costs something. */
export function telecomConduct(
  tasks: ReadonlyMap<string, TelecomTask>,
  scenarios: ReadonlyMap<string, Scenario>,
): Conduct {
  return ({ scenario, tool, input }) => {
    const task = tasks.get(scenario);
    const caller = task && callerOf(task);
    const { customer_id: customer, line_id: line } = input as Readonly<Record<string, unknown>>;
    const objections: Objection[] = [];
    if (customer !== caller?.customer || (line !== undefined && line !== caller?.line)) {
      const reason = "It is not about the line that the customer called about.";
      objections.push({ judge: "compliance", ruleId: "own-line", reason });
    }
    if (needsConfirmation(tool) && !askedIn(scenarios.get(scenario), tool, input)) {
      const reason = "The customer was not asked about this change.";
      objections.push({ judge: "reviewer", ruleId: "confirmed", reason });
    }
    return objections;
  };
}
