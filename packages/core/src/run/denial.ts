import { OrchestrationError } from "../errors.ts";
import type { Decision } from "../event.ts";
import type { Work } from "./state.ts";

/** What a rule of the built-in policy has decided. */
export function ruledBy(work: Work, ruleId: string): Decision {
  return { ruleId, policyVersion: work.policyVersion };
}

export function revokedError(work: Work, target: string): OrchestrationError {
  return new OrchestrationError("policy/revoked", { target, tenant: work.state.tenant });
}
