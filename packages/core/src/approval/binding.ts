import { hashJson } from "../hash.ts";

/** All that an approval is for. A change of any member makes it worth nothing (R8). */
export interface Bound {
  readonly tenant: string;
  readonly run: string;
  /** Path of the effect in its run. */
  readonly effect: string;
  readonly agent: string;
  readonly tool: string;
  /** HMAC of the exact arguments under the tenant's key. */
  readonly inputHash: string;
  readonly definitionHash: string;
  readonly policyVersion: string;
}

/** The hash that stands for it; made where an approval is asked for, and again at the gate. */
export function bindingOf(bound: Bound): string {
  const { tenant, run, effect, agent, tool, inputHash, definitionHash, policyVersion } = bound;
  // The label keeps this hash apart from every other that the project makes.
  return hashJson(["remit.approval/1", { tenant, run, effect, agent, tool, inputHash, definitionHash, policyVersion }]);
}
