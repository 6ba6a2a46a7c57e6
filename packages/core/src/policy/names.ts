import type { AnyAgent } from "../agent.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { compensationAgent } from "../undo.ts";

/** The names that a policy may speak of: those of a compiled supervisor, of the teams inside it, and of their judges. */
export interface Names {
  /** By name. What undoes writes asks for tools too, and is no agent that is defined. */
  readonly agents: ReadonlyMap<string, AnyAgent | undefined>;
  /** Names of edges, with those by which judges are asked. */
  readonly handoffs: ReadonlySet<string>;
}

export function namesIn(definition: SupervisorDefinition): Names {
  const agents = new Map<string, AnyAgent | undefined>([[compensationAgent, undefined]]);
  const handoffs = new Set<string>(["effect:compliance", "effect:reviewer"]);
  const enter = ({ agents: own, judges, edges }: SupervisorDefinition) => {
    for (const { name } of edges) handoffs.add(name);
    for (const judge of Object.values(judges) as (AnyAgent | undefined)[]) if (judge) agents.set(judge.name, judge);
    for (const agent of own.values()) {
      if (agents.has(agent.name)) continue;
      agents.set(agent.name, agent);
      if (agent.team) enter(agent.team);
    }
  };
  enter(definition);
  return { agents, handoffs };
}
