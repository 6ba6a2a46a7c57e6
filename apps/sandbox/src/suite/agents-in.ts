import type { AnyAgent, SupervisorDefinition } from "@remit/core";

/** A team's agents and judges with those of the teams inside it, by name: a name is one agent in all of them. */
export function agentsIn({ agents, judges }: SupervisorDefinition): ReadonlyMap<string, AnyAgent> {
  const own = [...agents.values(), judges.compliance, judges.reviewer].flatMap((agent) => agent ?? []);
  return new Map(own.flatMap((agent) => [[agent.name, agent], ...(agent.team ? agentsIn(agent.team) : [])]));
}
