import type { AnyAgent } from "../agent.ts";
import type { LateRule } from "../policy/beforehand.ts";
import { compensationAgent } from "../undo.ts";
import { type Ground, leaving, reachedFrom, toolsOf } from "./ground.ts";
import type { Rule } from "./rule.ts";

/** What a policy keeps its agents from, whatever they do. Names that nobody has are refused before. */
export const checkPolicies: Rule = (ground, note) => {
  const { root, agents, visited } = ground;
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
  for (const policy of new Set([...root.policies.values()].flat())) {
    const under = [...root.policies].flatMap(([name, all]) => (all.includes(policy) ? [name] : []));
    for (const rule of policy.lateRules ?? []) {
      const tools = neverBefore(ground, rule, under);
      if (tools)
        note("check/after-never", [root.name, policy.name, rule.id], { policy: policy.name, rule: rule.id, tools });
    }
  }
};

/** Tools that a rule waits for and that nobody calls before any of those whom it is about; nothing where that can be. */
function neverBefore(ground: Ground, rule: LateRule, under: readonly string[]): readonly string[] | undefined {
  const about = rule.agents ?? under;
  // What undoes does so in a run of its own, and judges come whenever a write does.
  if (about.includes(compensationAgent)) return undefined;
  if (judgesIn(ground).some((judge) => about.includes(judge.name) && callsOne(judge, rule))) return undefined;
  let missing: readonly string[] | undefined;
  for (const node of about.flatMap((name) => nodesOf(ground, rule, name))) {
    const found = rule.after.find((tools) => !canComeBefore(ground, tools, node));
    if (!found) return undefined;
    missing ??= found;
  }
  return missing;
}

/** The nodes from which a rule is asked about an agent. */
function nodesOf({ agents, root }: Ground, rule: LateRule, name: string): string[] {
  const agent = agents.get(name)?.agent;
  if (!agent) return [];
  const calls = callsOne(agent, rule);
  const { on } = rule;
  const leaves = on.includes("handoff") || (on.includes("egress") && root.exits.has(name));
  return [...(calls ? [name] : []), ...(leaves ? [leaving(agent)] : [])];
}

function callsOne({ tools: own }: AnyAgent, { on, tools }: LateRule): boolean {
  return on.includes("tool") && own.some(({ name }) => tools?.includes(name) ?? true);
}

function judgesIn({ teams }: Ground): AnyAgent[] {
  return teams.flatMap(({ definition: { judges } }) => [judges.compliance ?? [], judges.reviewer ?? []].flat());
}

/** True where somebody may have called one of these tools before: on the way, or in a branch beside it. */
function canComeBefore(ground: Ground, tools: readonly string[], node: string): boolean {
  const has = (agent: AnyAgent) => agent.tools.some(({ name }) => tools.includes(name));
  if (judgesIn(ground).some(has)) return true;
  const holders = new Set([...ground.agents.values()].flatMap(({ agent }) => (has(agent) ? [agent.name] : [])));
  const starts = new Set(holders);
  for (const edge of ground.teams.flatMap(({ live }) => [...live.values()].flat())) {
    if (edge.kind !== "parallel") continue;
    const beside = edge.branches.some(({ to }) =>
      [...reachedFrom(ground, [to]).keys()].some((one) => holders.has(one)),
    );
    if (beside) for (const { to } of edge.branches) starts.add(to);
  }
  return reachedFrom(ground, starts).has(node);
}
