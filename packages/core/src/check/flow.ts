import type { Edge } from "../handoff.ts";
import { targetsOf } from "../supervisor/check.ts";
import { alwaysFits, type Ground, isExit, leastWeight, leaving, reachedFrom, type Team } from "./ground.ts";
import type { Note, Rule } from "./rule.ts";

/** What is reached, what ends, and what goes round. */
export const checkFlow: Rule = (ground, note) => {
  for (const team of ground.teams) {
    const { path } = team;
    for (const { edge, by } of team.shadowed) {
      note("check/edge-shadowed", [...path, edge.from, edge.name], { edge: edge.name, by: by.name });
    }
    checkExits(team, note);
    for (const agent of team.branchOnly) {
      for (const edge of team.definition.edges) {
        if (edge.from === agent)
          note("check/branch-leaves", [...path, agent], { agent, what: `the edge ${edge.name}` });
      }
    }
    checkLoops(team, ground, note);
  }
  checkEnds(ground, note);
};

function checkExits({ definition, path, live, branchOnly }: Team, note: Note): void {
  for (const agent of definition.exits) {
    if (branchOnly.has(agent)) {
      note("check/branch-leaves", [...path, agent], { agent, what: "that it is an exit" });
      continue;
    }
    const by = live.get(agent)?.find(alwaysFits);
    if (by) note("check/exit-shadowed", [...path, agent], { agent, by: by.name });
  }
}

/** From where runs can end, and complete; and who is not come to at all. */
function checkEnds(ground: Ground, note: Note): void {
  const { root, agents } = ground;
  const reached = reachedFrom(ground, [root.entry]);
  const ending = new Set<string>();
  const completing = new Set<string>();
  for (const { agent, team } of agents.values()) {
    const { definition, live } = team;
    const { name } = agent;
    const isOwnExit = isExit(team, name);
    if (isOwnExit && definition === root) completing.add(leaving(agent));
    const isLast = (live.get(name) ?? []).some(({ kind }) => kind === "ending") || definition.thresholds.has(name);
    if (isLast) ending.add(leaving(agent));
  }
  const back = reversed(ground);
  const canComplete = reachedFrom(back, completing);
  const canEnd = reachedFrom(back, [...completing, ...ending]);
  for (const { agent, path } of agents.values()) {
    const { name } = agent;
    if (!reached.has(name)) note("check/agent-dead", path, { agent: name });
    else if (!canEnd.has(name)) note("check/never-ends", path, { agent: name });
  }
  // A team that lists no exit means never to complete.
  if (root.exits.size > 0 && canEnd.has(root.entry) && !canComplete.has(root.entry)) {
    note("check/never-completes", [root.name, root.entry], { agent: root.entry });
  }
  checkLeast(ground, completing, note);
}

/** Whether limits let any run complete: each delivery counts for `handoffs`, each agent that is no team is a step at least. */
function checkLeast(ground: Ground, completing: ReadonlySet<string>, note: Note): void {
  const { root, agents } = ground;
  const isEnd = (node: string) => completing.has(node);
  const deliveries = leastWeight(ground, (node) => (node.endsWith("/") ? 0 : 1), isEnd);
  const steps = leastWeight(
    ground,
    (node) => (agents.get(node)?.agent.team === undefined && !node.endsWith("/") ? 1 : 0),
    isEnd,
  );
  for (const [limit, least] of [
    ["handoffs", deliveries],
    ["steps", steps],
  ] as const) {
    const bound = root.limits[limit];
    if (least !== undefined && least > bound)
      note("check/limits-too-small", [root.name, limit], { least, limit: `limits.${limit}`, bound });
  }
}

function reversed(ground: Ground): Ground {
  const arrows = new Map<string, string[]>();
  for (const [from, all] of ground.arrows) {
    for (const to of all) {
      const known = arrows.get(to);
      if (known) known.push(from);
      else arrows.set(to, [from]);
    }
  }
  return { ...ground, arrows };
}

function checkLoops(team: Team, ground: Ground, note: Note): void {
  const { live, path } = team;
  const bound = ground.root.limits.handoffs;
  for (const edges of live.values()) {
    for (const { name, from, max } of edges) {
      if (max !== undefined && max > bound)
        note("check/loop-beyond-limits", [...path, from, name], { edge: name, max, bound });
    }
  }
  for (const loop of loopsIn(live, ground, ({ max }) => max === undefined)) {
    const shown = [...loop, loop[0] as string];
    note("check/loop-unbounded", [...path, ...shown], { loop: shown.join(" -> "), bound });
  }
  const inLoops = new Set(loopsIn(live, ground, () => true).flat());
  for (const agent of inLoops) {
    const edges = live.get(agent) ?? [];
    if (isExit(team, agent) || edges.some(alwaysFits)) continue;
    // Guards may be made so that one of them always says yes; an edge without a guard was meant to catch the rest.
    const last = edges.findLast(({ when }) => when === undefined);
    if (last?.max === undefined) continue;
    note("check/edge-runs-out", [...path, agent, last.name], { agent, edge: last.name, max: last.max });
  }
}

/** Loops over some of the edges, one for each that is left when those found before are taken apart. */
function loopsIn(
  live: ReadonlyMap<string, readonly Edge[]>,
  { visited }: Ground,
  counts: (edge: Edge) => boolean,
): string[][] {
  const next = new Map<string, Set<string>>();
  for (const [from, edges] of live) {
    const to = edges.filter(counts).flatMap((edge) => (edge.kind === "parallel" ? [edge.join.to] : targetsOf(edge)));
    next.set(from, new Set(to));
  }
  const loops: string[][] = [];
  const done = new Set<string>();
  for (const start of live.keys()) {
    // Depth first, without recursion; what is on the way twice is a loop.
    const way: { readonly node: string; readonly left: string[] }[] = [];
    const enter = (node: string) => way.push({ node, left: [...(next.get(node) ?? [])] });
    if (!done.has(start)) enter(start);
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const to = top.left.pop();
      if (to === undefined) {
        done.add(top.node);
        way.pop();
        continue;
      }
      visited.edges++;
      const again = way.findIndex(({ node }) => node === to);
      if (again >= 0) loops.push(way.slice(again).map(({ node }) => node));
      else if (!done.has(to)) enter(to);
    }
  }
  return loops;
}
