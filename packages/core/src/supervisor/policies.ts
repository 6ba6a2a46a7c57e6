import type { AnyAgent } from "../agent.ts";
import type { Policy } from "../policy/policy.ts";
import type { AnyTool } from "../tool.ts";
import { compensationAgent, undoToolsOf } from "../undo.ts";
import type { Judges, SupervisorDefinition } from "./compiled.ts";

/** What the policies of a tree of teams come to for one of them. */
export type Governed = Pick<
  SupervisorDefinition,
  "ownPolicies" | "policies" | "undoPolicies" | "policiesBefore" | "looksBack"
>;

/** Those of a team that has none, and no others around or inside of it. */
export const ungoverned = (): Governed => ({
  ownPolicies: [],
  policies: new Map(),
  undoPolicies: new Map(),
  policiesBefore: new Map(),
  looksBack: [],
});

/**
 * Who is under which policies, those of an inner team behind those of the teams around it, and what a run has to remember for
 * all of them. An agent that works in several teams, and a way back that several of them have, is under those of each: names are all
 * that a gate is told.
 */
export function policiesOf(
  own: readonly Policy[],
  agents: ReadonlyMap<string, AnyAgent>,
  judges: Judges,
  tools: ReadonlyMap<string, AnyTool>,
): Governed {
  const policies = new Map<string, readonly Policy[]>();
  const before = new Map<string, readonly Policy[]>();
  const undo = new Map([...undoToolsOf({ tools }).keys()].map((tool) => [tool, own]));
  for (const agent of [...agents.values(), judges.compliance, judges.reviewer]) {
    if (!agent) continue;
    add(policies, agent.name, own);
    before.set(agent.name, own);
    for (const [name, inner] of agent.team?.policies ?? []) add(policies, name, [...own, ...inner]);
    for (const [name, inner] of agent.team?.policiesBefore ?? []) before.set(name, [...own, ...inner]);
    for (const [tool, inner] of agent.team?.undoPolicies ?? []) add(undo, tool, [...own, ...inner]);
  }
  const all = new Set([...own, ...[...policies.values()].flat()]);
  return {
    ownPolicies: own,
    policies,
    undoPolicies: undo,
    policiesBefore: before,
    looksBack: [...all].flatMap(({ looksBack }) => looksBack ?? []),
  };
}

function add(to: Map<string, readonly Policy[]>, name: string, more: readonly Policy[]): void {
  const known = to.get(name);
  to.set(name, known ? [...new Set([...known, ...more])] : more);
}

/**
 * The policies that an agent is under.
 * @param tool what it calls, where it calls one: what undoes a write is under those of the teams that have that way back
 * @param inner false for what was decided when of several teams the last one held, and of what undoes the outermost
 */
export function policiesFor(
  { policies, policiesBefore, undoPolicies, ownPolicies }: Governed,
  agent: string,
  tool?: string,
  inner = true,
): readonly Policy[] {
  if (!inner) return policiesBefore.get(agent) ?? ownPolicies;
  if (agent === compensationAgent && tool !== undefined) return undoPolicies.get(tool) ?? ownPolicies;
  return policies.get(agent) ?? ownPolicies;
}
