import type { AnyAgent } from "../agent.ts";
import type { AnyTool } from "../tool.ts";
import type { SupervisorDefinition } from "./compiled.ts";

/** The tools that an agent may be granted: its own, its team's, or those that a specialist's contract names. */
export function grantable(agent: AnyAgent): ReadonlyMap<string, AnyTool> {
  if (agent.remote) return agent.remote.tools;
  return agent.team ? agent.team.tools : new Map(agent.tools.map((tool) => [tool.name, tool]));
}

/** All that anybody of a team may be granted, specialists elsewhere included. */
export function grantableOf(team: SupervisorDefinition): ReadonlyMap<string, AnyTool> {
  const found = new Map(team.tools);
  for (const agent of team.agents.values()) {
    const more = agent.team ? grantableOf(agent.team) : grantable(agent);
    for (const [name, tool] of more) if (!found.has(name)) found.set(name, tool);
  }
  return found;
}
