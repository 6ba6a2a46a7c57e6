import type { AnyAgent } from "../agent.ts";
import type { Grant } from "../grant.ts";
import type { Edge } from "../handoff.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import type { AnyTool } from "../tool.ts";

/**
 * A compiled supervisor as `check` looks at it: its teams, the edges that can be taken, and one graph over the agents of the
 * whole tree. Made once; every rule reads it.
 *
 * G1 A node is an agent, by its name, which is one agent in the whole tree. A team has a second node, `name/`, which stands
 *    for its return: what is delivered to it goes to its entry, what its exits return goes on from there.
 * G2 Only edges that can be taken are in the graph, so that what is not reached in it is not reached at all.
 * G3 Nothing is looked at more often than the graph is large, for each rule and label; `visited` counts it.
 */
export interface Ground {
  readonly root: SupervisorDefinition;
  readonly teams: readonly Team[];
  /** By name; a further place of an agent that works in several teams by its path. */
  readonly agents: ReadonlyMap<string, Place>;
  readonly arrows: ReadonlyMap<string, readonly string[]>;
  readonly visited: Visited;
}

export interface Visited {
  agents: number;
  tools: number;
  edges: number;
}

/** One supervisor of the tree. */
export interface Team {
  readonly definition: SupervisorDefinition;
  /** Supervisors and agents on the way down to it. */
  readonly path: readonly string[];
  /** 1 for the outermost. */
  readonly depth: number;
  /** Edges that can be taken, by the agent that they leave. */
  readonly live: ReadonlyMap<string, readonly Edge[]>;
  /** Edges that are never tried, and the edge for which. */
  readonly shadowed: readonly { readonly edge: Edge; readonly by: Edge }[];
  /** Agents that only run as a branch: whatever they return goes to the join. */
  readonly branchOnly: ReadonlySet<string>;
  /** The grants under which each agent is delivered to; `undefined` bounds nothing. */
  readonly deliveries: ReadonlyMap<string, readonly Delivery[]>;
}

export interface Delivery {
  readonly from: string | undefined;
  readonly edge: string;
  readonly grant: Grant | undefined;
}

/** Where an agent is. */
export interface Place {
  readonly agent: AnyAgent;
  readonly team: Team;
  readonly path: readonly string[];
}

/** The node from which an agent's edges leave (G1). */
export const leaving = (agent: Pick<AnyAgent, "name" | "team">): string => (agent.team ? `${agent.name}/` : agent.name);

/** True for an edge that fits whatever an agent says, however often. */
export const alwaysFits = ({ when, max }: Edge): boolean => when === undefined && max === undefined;

/** @param nested called for a supervisor that is inside of itself; it is not gone into again */
export function survey(
  root: SupervisorDefinition,
  nested: (supervisor: string, path: readonly string[]) => void,
): Ground {
  const visited: Visited = { agents: 0, tools: 0, edges: 0 };
  const teams: Team[] = [];
  const agents = new Map<string, Place>();
  const arrows = new Map<string, string[]>();
  const add = (from: string, to: string) => {
    visited.edges++;
    const known = arrows.get(from);
    if (known) known.push(to);
    else arrows.set(from, [to]);
  };

  const enter = (definition: SupervisorDefinition, path: readonly string[], above: readonly SupervisorDefinition[]) => {
    const team = teamOf(definition, path, above.length + 1);
    teams.push(team);
    const inside = [...above, definition];
    for (const agent of definition.agents.values()) {
      visited.agents++;
      visited.tools += agent.tools.length;
      const place = [...path, agent.name];
      agents.set(agents.has(agent.name) ? place.join("/") : agent.name, { agent, team, path: place });
      const inner = agent.team;
      if (!inner) continue;
      if (inside.some(({ name }) => name === inner.name)) {
        nested(inner.name, [...path, agent.name, inner.name]);
        add(agent.name, leaving(agent));
        continue;
      }
      add(agent.name, inner.entry);
      const made = enter(inner, [...path, agent.name, inner.name], inside);
      for (const exit of inner.exits) {
        const left = inner.agents.get(exit);
        if (left && isExit(made, exit)) add(leaving(left), leaving(agent));
      }
    }
    for (const edges of team.live.values()) for (const edge of edges) addEdge(edge, definition, add);
    return team;
  };
  enter(root, [root.name], []);
  return { root, teams, agents, arrows, visited };
}

/** True for an exit at which a run can end as completed. */
export function isExit({ definition, live, branchOnly }: Team, agent: string): boolean {
  if (!definition.exits.has(agent) || branchOnly.has(agent)) return false;
  return !(live.get(agent) ?? []).some(alwaysFits);
}

function addEdge(edge: Edge, { agents }: SupervisorDefinition, add: (from: string, to: string) => void): void {
  const from = leaving(edge.fromAgent);
  switch (edge.kind) {
    case "handoff":
    case "question":
      return add(from, edge.to);
    case "parallel":
      for (const { to, toAgent } of edge.branches) {
        add(from, to);
        add(leaving(agents.get(to) ?? toAgent), edge.join.to);
      }
      return;
    case "ending":
  }
}

function teamOf(definition: SupervisorDefinition, path: readonly string[], depth: number): Team {
  const byAgent = Map.groupBy(definition.edges, ({ from }) => from);
  const tried = new Map<string, Edge[]>();
  const shadowed: { edge: Edge; by: Edge }[] = [];
  for (const [from, edges] of byAgent) {
    const by = edges.findIndex(alwaysFits);
    const kept = by < 0 ? edges : edges.slice(0, by + 1);
    tried.set(from, kept);
    for (const edge of edges.slice(kept.length)) shadowed.push({ edge, by: edges[by] as Edge });
  }
  // Branches return to their join: only who is reached some other way leaves by an edge of its own.
  const others = new Set([definition.entry]);
  const branches = new Set<string>();
  for (const agent of others) {
    for (const edge of tried.get(agent) ?? []) {
      if (edge.kind === "ending") continue;
      if (edge.kind !== "parallel") others.add(edge.to);
      else {
        others.add(edge.join.to);
        for (const { to } of edge.branches) branches.add(to);
      }
    }
  }
  const live = new Map([...tried].filter(([from]) => others.has(from)));
  const deliveries = new Map<string, Delivery[]>([
    [definition.entry, [{ from: undefined, edge: "the start", grant: undefined }]],
  ]);
  const deliver = (to: string, edge: Edge, grant: Grant | undefined) => {
    const known = deliveries.get(to);
    const delivery = { from: edge.from, edge: edge.name, grant };
    if (known) known.push(delivery);
    else deliveries.set(to, [delivery]);
  };
  for (const edge of [...live.values()].flat()) {
    if (edge.kind === "parallel") {
      for (const branch of edge.branches) deliver(branch.to, edge, branch.grant);
      deliver(edge.join.to, edge, edge.join.grant);
    } else if (edge.kind !== "ending") deliver(edge.to, edge, edge.grant);
  }
  const branchOnly = new Set([...branches].filter((name) => !others.has(name)));
  return { definition, path, depth, live, shadowed, branchOnly, deliveries };
}

/** For every node that can be reached from some of these: the node before it on a shortest way; nothing for a beginning. */
export function reachedFrom(ground: Ground, starts: Iterable<string>): ReadonlyMap<string, string | undefined> {
  const before = new Map<string, string | undefined>();
  for (const start of starts) before.set(start, undefined);
  // A map goes on to what is put into it meanwhile.
  for (const [node] of before) {
    for (const next of ground.arrows.get(node) ?? []) {
      ground.visited.edges++;
      if (!before.has(next)) before.set(next, node);
    }
  }
  return before;
}

/** The way that led to a node, by names of agents. */
export function wayTo(before: ReadonlyMap<string, string | undefined>, node: string): string[] {
  const way: string[] = [];
  for (let at: string | undefined = node; at !== undefined; at = before.get(at)) {
    if (!at.endsWith("/")) way.push(at);
  }
  return way.reverse();
}

/** The least that a way from the entry to a node weighs, both ends included; undefined where there is none. Weights are 0 or 1. */
export function leastWeight(
  ground: Ground,
  weightOf: (node: string) => number,
  isEnd: (node: string) => boolean,
): number | undefined {
  const { entry } = ground.root;
  let layer = new Set([entry]);
  const done = new Set<string>();
  for (let weight = weightOf(entry); layer.size > 0; weight++) {
    const next = new Set<string>();
    for (const node of layer) {
      if (done.has(node)) continue;
      done.add(node);
      if (isEnd(node)) return weight;
      for (const to of ground.arrows.get(node) ?? []) {
        ground.visited.edges++;
        (weightOf(to) === 0 ? layer : next).add(to);
      }
    }
    layer = next;
  }
  return undefined;
}

/** Tools of an agent, or of the team behind it; of a specialist elsewhere none is known here. */
export function toolsOf(agent: AnyAgent): Iterable<AnyTool> {
  return agent.team ? agent.team.tools.values() : agent.tools;
}
