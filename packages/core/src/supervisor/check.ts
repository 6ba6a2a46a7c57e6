import type { AnyAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import { checkGrant, type Grant } from "../grant.ts";
import type { Edge } from "../handoff.ts";
import { assertBound } from "../limits.ts";
import type { Threshold } from "../threshold.ts";
import type { AnyTool } from "../tool.ts";
import type { Judges } from "./compiled.ts";
import { grantable } from "./grantable.ts";

/** What is proved about a graph before it may start. */
export interface Graph {
  readonly name: string;
  readonly agents: ReadonlyMap<string, AnyAgent>;
  readonly entry: string;
  readonly exits: ReadonlySet<string>;
  readonly edges: readonly Edge[];
  readonly thresholds: ReadonlyMap<string, Threshold>;
}

/**
 * Proves that a graph can work: every name is known, every agent can be reached, every path can end, every payload
 * that a contract reads was made before on each path that leads to it.
 * @throws OrchestrationError the first `supervisor/*` that does not hold
 */
export function checkGraph(graph: Graph): void {
  const { agents, edges, entry, exits, thresholds } = graph;
  const known = (agent: string, where: string) => {
    if (!agents.has(agent)) throw new OrchestrationError("supervisor/agent-unknown", { agent, where });
  };
  known(entry, "`entry`");
  for (const exit of exits) known(exit, "`exit`");
  const names = new Set<string>();
  for (const edge of edges) {
    if (names.has(edge.name)) throw new OrchestrationError("supervisor/duplicate-edge", { edge: edge.name });
    names.add(edge.name);
    for (const end of endsOf(edge)) {
      known(end.name, `the edge ${edge.name}`);
      if (agents.get(end.name) !== end) {
        throw new OrchestrationError("supervisor/agent-mismatch", { key: end.name, agent: end.name, edge: edge.name });
      }
    }
    for (const { toAgent, grant } of deliveriesOf(edge)) {
      checkGrant(grant, grantable(toAgent), `the edge ${edge.name}`);
    }
    for (const { agent } of Object.values(edge.sources)) {
      known(agent.name, `the edge ${edge.name} (with)`);
      if (agents.get(agent.name) !== agent) {
        throw new OrchestrationError("supervisor/agent-mismatch", {
          key: agent.name,
          agent: agent.name,
          edge: edge.name,
        });
      }
    }
    if (edge.max !== undefined) assertBound(`max of ${edge.name}`, edge.max);
    if (edge.kind === "parallel" && edge.branches.length === 0) {
      throw new OrchestrationError("supervisor/no-branches", { edge: edge.name });
    }
  }
  for (const [agent, { agentValue, atLeast, stronger }] of thresholds) {
    known(agent, "`thresholds`");
    if (agents.get(agent) !== agentValue)
      throw new OrchestrationError("supervisor/agent-mismatch", { key: agent, agent });
    if (!(atLeast >= 0 && atLeast <= 1)) {
      throw new OrchestrationError("supervisor/threshold-invalid", { agent, value: String(atLeast) });
    }
    if (stronger !== undefined && (agentValue.team || agentValue.remote))
      throw new OrchestrationError("supervisor/threshold-on-team", { agent });
    const edge = edges.find((one) => one.kind === "parallel" && one.branches.some(({ to }) => to === agent));
    if (edge) throw new OrchestrationError("supervisor/threshold-on-branch", { agent, edge: edge.name });
  }
  checkReach(graph);
  checkSources(graph);
}

/**
 * A name means one agent in the whole tree of teams, judges included, and one tool, ways back included: journals, scripts,
 * allowlists, approvals and gates go by names.
 * @throws OrchestrationError `supervisor/agent-mismatch`, `supervisor/duplicate-tool`
 */
export function checkTwins(agents: ReadonlyMap<string, AnyAgent>, judges: Judges): void {
  checkNames(agents, judges, new Map());
  checkTools([...agents.values(), ...judgesIn(judges)]);
}

function judgesIn({ compliance, reviewer }: Judges): AnyAgent[] {
  return [compliance, reviewer].filter((judge) => judge !== undefined);
}

function checkNames(agents: ReadonlyMap<string, AnyAgent>, judges: Judges, seen: Map<string, AnyAgent>): void {
  for (const agent of [...agents.values(), ...judgesIn(judges)]) {
    const twin = seen.get(agent.name);
    if (twin && twin !== agent) {
      throw new OrchestrationError("supervisor/agent-mismatch", { key: agent.name, agent: agent.name });
    }
    seen.set(agent.name, agent);
    if (agent.team) checkNames(agent.team.agents, agent.team.judges, seen);
  }
}

function endsOf(edge: Edge): AnyAgent[] {
  switch (edge.kind) {
    case "handoff":
    case "question":
      return [edge.fromAgent, edge.toAgent];
    case "parallel":
      return [edge.fromAgent, ...edge.branches.map(({ toAgent }) => toAgent), edge.join.toAgent];
    case "ending":
      return [edge.fromAgent];
  }
}

/** What an edge hands over, and with what authority. */
function deliveriesOf(edge: Edge): readonly { readonly toAgent: AnyAgent; readonly grant: Grant | undefined }[] {
  switch (edge.kind) {
    case "handoff":
    case "question":
      return [edge];
    case "parallel":
      return [...edge.branches, edge.join];
    case "ending":
      return [];
  }
}

/** Where an edge leads; a parallel delegation passes through all of its branches. */
export function targetsOf(edge: Edge): string[] {
  switch (edge.kind) {
    case "handoff":
    case "question":
      return [edge.to];
    case "parallel":
      return [...edge.branches.map(({ to }) => to), edge.join.to];
    case "ending":
      return [];
  }
}

function checkTools(agents: readonly AnyAgent[]): void {
  const owners = new Map<string, { tool: AnyTool; agent: string }>();
  const own = (tool: AnyTool, agent: string) => {
    const earlier = owners.get(tool.name);
    if (earlier && earlier.tool !== tool) {
      const names = `${earlier.agent}, ${agent}`;
      throw new OrchestrationError("supervisor/duplicate-tool", { tool: tool.name, agents: names });
    }
    owners.set(tool.name, { tool, agent });
  };
  for (const { name, tools, team } of agents)
    for (const tool of [...tools, ...(team?.tools.values() ?? [])]) own(tool, name);
  for (const { tool } of [...owners.values()]) {
    const back = tool.undo?.tool;
    const twin = back && owners.get(back.name)?.tool;
    // A copy of the same tool, such as one that is wrapped, passes the same gates.
    if (back && !(twin && twin.effect === back.effect && twin.risk === back.risk))
      own(back, `the way back of ${tool.name}`);
  }
}

function checkReach({ agents, edges, entry, exits, thresholds }: Graph): void {
  // An agent that only runs as a branch returns to its join: it needs no edge of its own, and one that it has, or an
  // exit that it is, is never taken.
  const branches = new Set<string>();
  const others = new Set<string>([entry]);
  for (const agent of others) {
    for (const edge of edges) {
      if (edge.from !== agent) continue;
      if (edge.kind === "parallel") {
        for (const { to } of edge.branches) branches.add(to);
        others.add(edge.join.to);
      } else for (const target of targetsOf(edge)) others.add(target);
    }
  }
  for (const agent of agents.keys()) {
    if (!others.has(agent) && !branches.has(agent)) {
      throw new OrchestrationError("supervisor/agent-unreachable", { agent, entry });
    }
  }
  for (const agent of agents.keys()) {
    const leaves =
      exits.has(agent) || edges.some((edge) => edge.from === agent) || (branches.has(agent) && !others.has(agent));
    if (!leaves) throw new OrchestrationError("supervisor/dead-end", { agent });
  }
  // From each agent, not only from the first: a loop that nothing leaves would run into its limit every time.
  const ending = new Set(
    [...others].filter(
      (agent) =>
        exits.has(agent) ||
        thresholds.has(agent) ||
        edges.some(({ kind, from }) => kind === "ending" && from === agent),
    ),
  );
  for (const agent of ending) {
    for (const edge of edges) {
      const leads = edge.kind === "parallel" ? edge.join.to === agent : targetsOf(edge).includes(agent);
      if (leads && others.has(edge.from)) ending.add(edge.from);
    }
  }
  for (const agent of others) {
    if (!ending.has(agent)) throw new OrchestrationError("supervisor/exit-unreachable", { entry: agent });
  }
}

/**
 * A contract may read an agent's payload only where every path to it passes through that agent. `before` is the
 * greatest solution of: an agent is preceded by itself and by what precedes all of its ways in.
 */
function checkSources({ agents, edges, entry }: Graph): void {
  const all = new Set(agents.keys());
  const before = new Map<string, Set<string>>();
  for (const agent of agents.keys()) before.set(agent, new Set(agent === entry ? [entry] : all));
  const ways = (agent: string): Set<string>[] => {
    const found: Set<string>[] = agent === entry ? [new Set()] : [];
    for (const edge of edges) {
      const start = before.get(edge.from) ?? new Set<string>();
      if (edge.kind === "parallel") {
        if (edge.branches.some(({ to }) => to === agent)) found.push(start);
        if (edge.join.to === agent) found.push(new Set([...start, ...edge.branches.map(({ to }) => to)]));
      } else if (edge.kind !== "ending" && edge.to === agent) found.push(start);
    }
    return found;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const agent of agents.keys()) {
      const [first = new Set<string>(), ...rest] = ways(agent);
      const next = new Set([...first].filter((name) => rest.every((way) => way.has(name))));
      next.add(agent);
      if (next.size !== before.get(agent)?.size) {
        before.set(agent, next);
        changed = true;
      }
    }
  }
  for (const edge of edges) {
    for (const [key, source] of Object.entries(edge.sources)) {
      if (source.optional || before.get(edge.from)?.has(source.agent.name)) continue;
      throw new OrchestrationError("supervisor/source-not-guaranteed", {
        contract: edge.name,
        source: key,
        from: edge.from,
        path: pathWithout(edges, entry, edge.from, source.agent.name).join(" -> "),
      });
    }
  }
}

/** A shortest path from entry to an agent that does not pass through another. */
function pathWithout(edges: readonly Edge[], entry: string, to: string, without: string): string[] {
  const queue: string[][] = [[entry]];
  const seen = new Set([entry]);
  for (const path of queue) {
    const last = path.at(-1);
    if (last === undefined || last === without) continue;
    if (last === to) return path;
    for (const edge of edges) {
      if (edge.from !== last) continue;
      // A join is reached through all branches of its delegation.
      const isThrough = edge.kind === "parallel" && edge.branches.some((branch) => branch.to === without);
      for (const target of isThrough ? targetsOf(edge).filter((name) => name !== edge.join.to) : targetsOf(edge)) {
        if (seen.has(target)) continue;
        seen.add(target);
        queue.push([...path, target]);
      }
    }
  }
  return [entry, "…", to];
}
