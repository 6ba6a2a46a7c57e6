import { toolsOf } from "./ground.ts";
import type { Rule } from "./rule.ts";

/** Tools that a policy keeps their agents from, whatever they are called with. Names that nobody has are refused before. */
export const checkPolicies: Rule = ({ root, agents, visited }, note) => {
  for (const { agent, path } of agents.values()) {
    for (const policy of root.policies.get(agent.name) ?? []) {
      if (!policy.neverAllows || agent.team) continue;
      for (const { name } of toolsOf(agent)) {
        visited.tools++;
        if (!policy.neverAllows(agent.name, name)) continue;
        note("check/policy-never-allows", [...path, name], { agent: agent.name, tool: name, policy: policy.name });
      }
    }
  }
};
