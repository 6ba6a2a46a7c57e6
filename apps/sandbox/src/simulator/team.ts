import {
  type AnyAgent,
  type AnySpecialist,
  type AnyTool,
  type ApprovalRule,
  approvalPacket,
  defineAgent,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  defineSpecialist,
  defineSupervisor,
  defineTool,
  type Edge,
  effectCase,
  effectVerdict,
  jsonSchemaOf,
  remoteAgent,
  type SupervisorDefinition,
  type ToolContext,
} from "@remit/core";
import { z } from "zod";
import type { Plant } from "./plant.ts";
import { draw, drawOne } from "./random.ts";
import { policyOf } from "./rules.ts";
import {
  budgetSpec,
  type GrantSpec,
  grantSpec,
  guardHolds,
  handoffsSpec,
  instructionsOf,
  isRemote,
  ruleSpecs,
  specialistAgent,
  type ToolSpec,
  toolSpecs,
  toolTimeoutMs,
} from "./specs.ts";
import type { World } from "./world.ts";

/** What crosses between agents. */
export const payload = z.object({ n: z.int(), text: z.string() });
type Payload = z.output<typeof payload>;
const loosePayload = z.looseObject({});
const toolInput = z.object({ id: z.string() });
const toolOutput = z.object({ value: z.int(), ref: z.string() });
// Made once: a seed has many agents and tools, and their schemas are always these.
const toolSchemas = {
  inputSchema: jsonSchemaOf(toolInput, "input", "tool"),
  outputSchema: jsonSchemaOf(toolOutput, "output", "tool"),
};
const blank = { description: "Plays.", model: "m", tools: [], instructions: "" } as const;
const player = defineAgent({ ...blank, name: "player", input: payload, output: payload });
const loosePlayer = defineAgent({ ...blank, name: "player", input: loosePayload, output: payload });
const nested = {
  inputSchema: player.inputSchema,
  outputSchema: jsonSchemaOf(payload, "input", "player", "output"),
};
const complianceJudge = defineAgent({
  ...blank,
  name: "compliance",
  effects: "read",
  input: effectCase,
  output: effectVerdict,
});
const reviewerJudge = defineAgent({
  ...blank,
  name: "reviewer",
  effects: "read",
  input: effectCase,
  output: approvalPacket,
});

export interface TeamOptions {
  readonly seed: number;
  /** Agents of one team at most, two at least. */
  readonly agents: number;
  /** Teams inside teams, 0 for a flat one. */
  readonly depth: number;
  /** Versions differ in what agents are told and in their guards, not in their shape. */
  readonly version: number;
  readonly world: World;
  readonly plant: Plant | undefined;
  /** Epoch ms; only a planted bug asks. */
  readonly now: () => number;
}

/** A random team whose tools lead to the world. The same seed, sizes and version give the same definition hash. */
export function randomTeam(options: TeamOptions): SupervisorDefinition {
  const { seed, world, now, version, plant } = options;
  const tools = teamTools(seed, world, plant);
  const clocked = plant === "clock-in-contract";
  const next = ({ n, text }: Payload): Payload => ({ n: clocked ? now() % 1_000 : n + 1, text });

  const base = (plant === "contract-one-sided" ? loosePlayer : player) as AnyAgent;
  const agentOf = (name: string): AnyAgent => workerOf(seed, base, name, tools, version);

  const contract = isRemote(seed) ? contractOf(seed) : undefined;

  const team = (name: string, depth: number): SupervisorDefinition => {
    const count = Math.min(options.agents, 2 + Math.floor(draw(seed, "agents", name) * 3));
    const agents = Array.from({ length: count }, (_, index) => {
      const id = `${name}_${index}`;
      if (contract && name === "t" && index === 1) return remoteAgent(contract, { name: id }) as unknown as AnyAgent;
      if (depth === 0 || index === 0 || draw(seed, "nested", id) >= 0.3) return agentOf(id);
      const inner = team(`${id}t`, depth - 1);
      const { name: _name, tools: _tools, ...rest } = base;
      return { ...rest, ...nested, name: id, model: "", tools: [], team: inner };
    });
    const edges = agents.flatMap((from, index) => [
      ...sideEdges({ seed, team: name, agents, index, next, version }),
      ...(index === count - 1
        ? []
        : [
            defineHandoff({
              from,
              name: `${from.name}-on`,
              to: agents[index + 1] as AnyAgent,
              map: next,
              version: String(version),
              ...(plant === "delegation-wide" ? {} : grantedOn(seed, `${from.name}-on`, agents[index + 1] as AnyAgent)),
              ...(draw(seed, "later", from.name) < 0.15
                ? { afterMs: 2_000 + Math.floor(draw(seed, "after", from.name) * 300_000) }
                : {}),
            }) as Edge,
          ]),
    ]);
    const outermost = name === "t";
    const budget = outermost
      ? budgetSpec(
          seed,
          agents.filter((one) => !one.team).map((one) => one.name),
        ).definition
      : undefined;
    const held = new Set(outermost ? heldBy(agents) : []);
    const policy = outermost ? policyOf(seed, held, plant) : undefined;
    const judges = judgesOf(seed, tools, version);
    return defineSupervisor({
      name: name.replaceAll("_", "-"),
      version: String(version),
      agents: Object.fromEntries(agents.map((agent) => [agent.name, agent])),
      entry: (agents[0] as AnyAgent).name,
      exit: (agents.at(-1) as AnyAgent).name,
      handoffs: edges as never,
      onFailure: draw(seed, "failure", name) < 0.5 ? "fail" : "escalate",
      limits: {
        steps: 40,
        // A deep one may need more: a team that cannot reach its end is refused.
        handoffs: Math.max(handoffsSpec(seed), deliveriesOf(agents)),
        turns: 6,
        activeMs: draw(seed, "active", name) < 0.1 ? 20_000 : 900_000,
        deadlineMs: 4 * 3_600_000,
      },
      ...(budget === undefined ? {} : { budget: budget as never }),
      ...(policy === undefined ? {} : { policy }),
      ...(outermost
        ? {
            judges,
            approvals: approvalsOf(seed, tools, held, plant),
          }
        : {}),
    }) as unknown as SupervisorDefinition;
  };
  return team("t", options.depth);
}

function teamTools(seed: number, world: World, plant: Plant | undefined): AnyTool[] {
  const specs = toolSpecs(seed);
  const rules = ruleSpecs(seed, specs);
  return toolsOf(specs, world, plant, (name) => rules.get(name)?.tier === "person");
}

function workerOf(seed: number, base: AnyAgent, name: string, tools: readonly AnyTool[], version: number): AnyAgent {
  return {
    ...base,
    name,
    tools: tools.filter(({ name: tool }) => isOwned(seed, name, tool)),
    asks: draw(seed, "asks", name) < 0.5 ? ["customer"] : [],
    instructions: instructionsOf(version),
  };
}

function isOwned(seed: number, agent: string, tool: string): boolean {
  return tool !== "undo_it" && draw(seed, "owns", agent, tool) < 0.65;
}

function judgesOf(seed: number, tools: readonly AnyTool[], version: number) {
  const judge = (agent: AnyAgent): AnyAgent => ({
    ...agent,
    tools: tools.filter(({ name: tool }) => tool === "read_a"),
    instructions: instructionsOf(version),
  });
  return {
    ...(draw(seed, "compliance") < 0.65 ? { compliance: judge(complianceJudge as AnyAgent) } : {}),
    ...(draw(seed, "reviewer") < 0.5 ? { reviewer: judge(reviewerJudge as AnyAgent) } : {}),
  };
}

/** What the supervisor says of tools that somebody has. */
function approvalsOf(
  seed: number,
  tools: readonly AnyTool[],
  held: ReadonlySet<string>,
  plant: Plant | undefined,
): ApprovalRule[] {
  const named = new Map(tools.map((tool) => [tool.name, tool]));
  return [...ruleSpecs(seed).values()].flatMap(({ tool: rule, by, quorum, roles, expiresMs }): ApprovalRule[] => {
    const tool = named.get(rule);
    if (!tool || by === undefined || !held.has(rule)) return [];
    return [
      {
        tool,
        by,
        ...(quorum === 1 ? {} : { quorum }),
        ...(roles.length === 0 ? {} : { roles }),
        ...(plant === "expiry-ignored" ? {} : { expiresMs }),
      },
    ];
  });
}

/** What a specialist and its callers agree on. */
export function contractOf(seed: number): AnySpecialist {
  const owned = toolSpecs(seed).filter(({ name }) => isOwned(seed, specialistAgent, name));
  return defineSpecialist({
    name: "s",
    description: "Plays elsewhere.",
    input: payload,
    output: payload,
    tools: Object.fromEntries(
      owned.map(({ name, kind }) => [name, { effect: kind === "read" ? "read" : "write", input: toolInput } as const]),
    ),
  });
}

/** What a specialist's owner decides on: the same rules as of the team, for an agent with tools of its own. */
export function randomSpecialist({ seed, world, plant }: Pick<TeamOptions, "seed" | "world" | "plant">) {
  if (!isRemote(seed)) return undefined;
  const tools = teamTools(seed, world, plant);
  const agent = workerOf(seed, player as AnyAgent, specialistAgent, tools, 0);
  const held = new Set(heldBy([agent]));
  const policy = policyOf(seed, held, plant);
  return {
    specialist: contractOf(seed),
    agent,
    approvals: approvalsOf(seed, tools, held, plant),
    judges: judgesOf(seed, tools, 0),
    onFailure: draw(seed, "failure", "s") < 0.5 ? "fail" : "escalate",
    limits: { steps: 40, handoffs: 20, turns: 6, activeMs: 900_000, deadlineMs: 4 * 3_600_000 },
    ...(policy === undefined ? {} : { policy }),
  } as const;
}

/** How often a payload is handed on from a team's entry to its exit, one agent after the other, and inside teams. */
function deliveriesOf(agents: Iterable<AnyAgent>): number {
  let count = 0;
  for (const { team } of agents) count += 1 + (team ? deliveriesOf(team.agents.values()) : 0);
  return count;
}

/** Names of all tools of a team, those that undo others included: rules may name no other. */
export function heldBy(agents: readonly AnyAgent[]): string[] {
  return agents.flatMap((agent) => {
    const own = agent.team ? [...agent.team.tools.values()] : [...agent.tools];
    return own.flatMap(({ name, undo }) => (undo ? [name, undo.tool.name] : [name]));
  });
}

/** Tools that an agent, or all of the team that it is, may be granted. */
function grantableOf({ tools, team, remote }: AnyAgent): string[] {
  if (remote) return [...remote.tools.keys()];
  return team ? [...team.tools.keys()] : tools.map(({ name }) => name);
}

function grantedOn(seed: number, edge: string, to: AnyAgent): { readonly grant?: never } {
  const grant = grantSpec(seed, edge, grantableOf(to));
  return grant === undefined ? {} : { grant: grant as never };
}

/** What the edges of a team and of those inside it grant, by their names. */
export function edgeGrants(seed: number, { agents }: SupervisorDefinition): ReadonlyMap<string, GrantSpec> {
  const grants = new Map<string, GrantSpec>();
  const all = [...agents.values()];
  for (const [index, agent] of all.entries()) {
    const edge = `${all[index - 1]?.name}-on`;
    const grant = index === 0 ? undefined : grantSpec(seed, edge, grantableOf(agent));
    if (grant) grants.set(edge, grant);
    if (agent.team) for (const [name, inner] of edgeGrants(seed, agent.team)) grants.set(name, inner);
  }
  return grants;
}

/** At most one edge beside the plain one to the next agent: of any kind there is, also the ones that go wrong. */
function sideEdges({
  seed,
  team,
  agents,
  index,
  next,
  version,
}: {
  readonly seed: number;
  readonly team: string;
  readonly agents: readonly AnyAgent[];
  readonly index: number;
  readonly next: (output: Payload) => Payload;
  readonly version: number;
}): Edge[] {
  const from = agents[index] as AnyAgent;
  const to = agents[(index + 1) % agents.length] as AnyAgent;
  const base = { from, name: `${from.name}-first`, version: String(version) };
  const when = ({ n }: Payload) => guardHolds(version, index, n);
  const others = agents.filter((one) => one !== from).slice(0, 2);
  switch (sideKind(seed, team, index)) {
    case "none":
      return [];
    case "guard":
      return [defineHandoff({ ...base, to, when, map: next }) as Edge];
    case "later":
      return [defineHandoff({ ...base, to, when, map: next, afterMs: 60_000 }) as Edge];
    case "back":
      return [defineHandoff({ ...base, to: agents[0] as AnyAgent, max: 1, when, map: next }) as Edge];
    case "question": {
      const map = (answer: string) => ({ n: 1, text: answer });
      return [defineQuestion({ ...base, to, max: 2, when, of: "customer", ask: () => "?", map }) as Edge];
    }
    case "parallel": {
      if (others.length < 2) return [];
      const branches = Object.fromEntries(others.map((one, at) => [`b${at}`, { to: one, map: next }]));
      const map = (results: Record<string, unknown>) => ({ n: Object.keys(results).length, text: "joined" });
      return [defineParallel({ ...base, when, max: 1, branches, join: { to, map } } as never) as Edge];
    }
    case "end": {
      const ending = draw(seed, "ending", team, index) < 0.5 ? defineEscalation : defineDenial;
      return [ending({ ...base, when, reason: "drawn" }) as Edge];
    }
    case "bad-map":
      return [defineHandoff({ ...base, to, when, map: () => ({ n: "no" }) as never }) as Edge];
    case "bad-guard": {
      const throws = ({ n }: Payload) => {
        if (n % 5 === 0) throw new Error("guard");
        return false;
      };
      return [defineHandoff({ ...base, to, when: throws, map: next }) as Edge];
    }
  }
}

const sideKinds = [
  "none",
  "guard",
  "later",
  "back",
  "question",
  "parallel",
  "parallel",
  "end",
  "bad-map",
  "bad-guard",
] as const;
export type SideKind = (typeof sideKinds)[number];

/** What kind of edge an agent has beside the plain one. */
export function sideKind(seed: number, team: string, index: number): SideKind {
  if (draw(seed, "side", team, index) < 0.3) return "none";
  return drawOne(sideKinds, seed, "edge", team, index);
}

function toolsOf(
  specs: readonly ToolSpec[],
  world: World,
  plant: Plant | undefined,
  approved: (tool: string) => boolean,
): AnyTool[] {
  const made = new Map<string, AnyTool>();
  // What undoes others comes first, so that they can name it.
  for (const spec of [...specs].sort(
    (left, right) => Number(right.name === "undo_it") - Number(left.name === "undo_it"),
  )) {
    made.set(spec.name, worldTool(spec, world, made, plant === "approval-unbound" && approved(spec.name)));
  }
  return specs.map(({ name }) => made.get(name) as AnyTool);
}

function worldTool(spec: ToolSpec, world: World, made: ReadonlyMap<string, AnyTool>, unbound: boolean): AnyTool {
  const { name, kind, breaker, retry } = spec;
  const common = {
    name,
    description: name,
    input: toolInput,
    output: toolOutput,
    ...toolSchemas,
    timeoutMs: toolTimeoutMs,
    breaker,
    ...(retry === undefined ? {} : { retry }),
  } as const;
  if (kind === "read") {
    return defineTool({ ...common, effect: "read", execute: ({ id }, context) => world.call(spec, id, context) });
  }
  const undo = spec.undo === undefined ? undefined : made.get(spec.undo);
  return defineTool({
    ...common,
    effect: "write",
    risk: spec.risk,
    idempotency: kind,
    ...(spec.keyValidForMs === undefined ? {} : { keyValidForMs: spec.keyValidForMs }),
    ...(spec.settlesWithinMs === undefined ? {} : { settlesWithinMs: spec.settlesWithinMs }),
    ...(undo === undefined
      ? {}
      : {
          undo: {
            tool: undo,
            input: (asked: { id: string }, { ref }: { ref: string }) => ({ id: `${asked.id} ${ref}` }),
          },
        }),
    ...(kind === "lookup" ? { lookup: (_: unknown, context: ToolContext) => world.lookup(spec, context) } : {}),
    execute: ({ id }, context) => world.call(spec, unbound ? `${id}!` : id, context),
  });
}

/** Names of all agents that have a model, and of the judges. */
export function agentNamesOf(definition: SupervisorDefinition): string[] {
  const { judges, agents } = definition;
  return [
    ...[...agents.values()].flatMap(({ name, team, remote }) =>
      team ? agentNamesOf(team) : remote ? [name, specialistAgent] : [name],
    ),
    ...[judges.compliance, judges.reviewer].flatMap((judge) => (judge ? [judge.name] : [])),
  ];
}

/** An agent of a team or of a team inside it, or one of its judges. */
export function agentNamed(definition: SupervisorDefinition, name: string): AnyAgent | undefined {
  const direct = definition.agents.get(name);
  if (direct && !direct.team) return direct;
  const judge = [definition.judges.compliance, definition.judges.reviewer].find((one) => one?.name === name);
  if (judge) return judge;
  for (const { team } of definition.agents.values()) {
    const inner = team && agentNamed(team, name);
    if (inner) return inner;
  }
  return direct;
}
