import { hashJson } from "../hash.ts";

/** All that an approval is good for: another argument, agent, definition or policy is another approval (R8). */
export interface Bound {
  readonly tenant: string;
  readonly run: string;
  readonly effect: string;
  readonly agent: string;
  readonly tool: string;
  readonly inputHash: string;
  readonly definitionHash: string;
  readonly policyVersion: string;
}

/** The hash that stands for what a person saw when they decided (43 characters). */
export function bindingOf({
  tenant,
  run,
  effect,
  agent,
  tool,
  inputHash,
  definitionHash,
  policyVersion,
}: Bound): string {
  return hashJson(["remit approval 1", tenant, run, effect, agent, tool, inputHash, definitionHash, policyVersion]);
}
