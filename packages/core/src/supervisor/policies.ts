import type { AnyAgent } from "../agent.ts";
import type { Policy } from "../policy/policy.ts";
import type { Judges, SupervisorDefinition } from "./compiled.ts";

/**
 * Who is under which policies, those of an inner team behind those of the teams around it, and what a run has to remember for
 * all of them.
 */
export function policiesOf(
  own: readonly Policy[],
  agents: ReadonlyMap<string, AnyAgent>,
  judges: Judges,
): Pick<SupervisorDefinition, "policies" | "looksBack"> {
  const policies = new Map<string, readonly Policy[]>();
  for (const agent of [...agents.values(), judges.compliance, judges.reviewer]) {
    if (!agent) continue;
    policies.set(agent.name, own);
    for (const [name, inner] of agent.team?.policies ?? []) policies.set(name, [...own, ...inner]);
  }
  const all = new Set([...own, ...[...policies.values()].flat()]);
  return { policies, looksBack: [...all].flatMap(({ looksBack }) => looksBack ?? []) };
}
