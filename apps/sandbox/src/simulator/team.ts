import {
  type AnyAgent,
  type AnyTool,
  asAgent,
  defineAgent,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  defineSupervisor,
  defineTool,
  type Edge,
  type SupervisorDefinition,
  type ToolContext,
} from "@remit/core";
import { z } from "zod";
import { draw, drawOne } from "./random.ts";
import { type ToolKind, toolTimeoutMs, type World } from "./world.ts";

const payload = z.object({ n: z.int(), text: z.string() });
type Payload = z.output<typeof payload>;
const toolInput = z.object({ id: z.string() });
const toolOutput = z.object({ value: z.int(), ref: z.string() });

const toolKinds = {
  read_a: "read",
  read_b: "read",
  write_key: "key",
  write_lookup: "lookup",
  write_none: "none",
} as const satisfies Record<string, ToolKind>;
export const toolNames = Object.keys(toolKinds);

export interface TeamOptions {
  readonly seed: number;
  /** Agents of one team at most, two at least. */
  readonly agents: number;
  /** Teams inside teams, 0 for a flat one. */
  readonly depth: number;
  readonly world: World;
  /** Epoch ms; only a planted bug asks. */
  readonly now?: (() => number) | undefined;
}

/** A random team whose tools lead to the world. The same seed and sizes give the same definition hash. */
export function randomTeam(options: TeamOptions): SupervisorDefinition {
  const { seed, world, now } = options;
  const tools = Object.entries(toolKinds).map(([name, kind]) => worldTool(name, kind, world));
  const next = ({ n, text }: Payload): Payload => ({ n: now ? now() % 1_000 : n + 1, text });

  const agentOf = (name: string): AnyAgent =>
    defineAgent({
      name,
      description: name,
      model: "m",
      tools: tools.filter(({ name: tool }) => draw(seed, "owns", name, tool) < 0.65),
      asks: draw(seed, "asks", name) < 0.5 ? ["customer"] : [],
      input: payload,
      output: payload,
      instructions: "Play.",
    }) as AnyAgent;

  const team = (name: string, depth: number): SupervisorDefinition => {
    const count = Math.min(options.agents, 2 + Math.floor(draw(seed, "agents", name) * 3));
    const agents = Array.from({ length: count }, (_, index) => {
      const id = `${name}_${index}`;
      if (depth === 0 || index === 0 || draw(seed, "nested", id) >= 0.3) return agentOf(id);
      const inner = team(`${id}t`, depth - 1);
      return asAgent(inner as never, { name: id, description: id, input: payload, output: payload }) as AnyAgent;
    });
    const edges = agents.flatMap((from, index) => [
      ...sideEdges(seed, name, agents, index, next),
      ...(index === count - 1
        ? []
        : [defineHandoff({ from, name: `${from.name}-on`, to: agents[index + 1] as AnyAgent, map: next }) as Edge]),
    ]);
    return defineSupervisor({
      name: name.replaceAll("_", "-"),
      agents: Object.fromEntries(agents.map((agent) => [agent.name, agent])),
      entry: (agents[0] as AnyAgent).name,
      exit: (agents.at(-1) as AnyAgent).name,
      handoffs: edges as never,
      onFailure: draw(seed, "failure", name) < 0.5 ? "fail" : "escalate",
      limits: {
        steps: 40,
        handoffs: 20,
        turns: 6,
        activeMs: draw(seed, "active", name) < 0.1 ? 20_000 : 900_000,
        deadlineMs: 4 * 3_600_000,
      },
    }) as unknown as SupervisorDefinition;
  };
  return team("t", options.depth);
}

/** At most one edge beside the plain one to the next agent: of any kind there is, also the ones that go wrong. */
function sideEdges(
  seed: number,
  team: string,
  agents: readonly AnyAgent[],
  index: number,
  next: (output: Payload) => Payload,
): Edge[] {
  const from = agents[index] as AnyAgent;
  const to = agents[(index + 1) % agents.length] as AnyAgent;
  const base = { from, name: `${from.name}-first` };
  const when = ({ n }: Payload) => (n * 7 + index) % 3 === 0;
  const kinds = ["plain", "guard", "back", "question", "parallel", "parallel", "end", "bad-map", "bad-guard"] as const;
  const others = agents.filter((one) => one !== from).slice(0, 2);
  if (draw(seed, "side", team, index) < 0.3) return [];
  switch (drawOne(kinds, seed, "edge", team, index)) {
    case "plain":
      return [];
    case "guard":
      return [defineHandoff({ ...base, to, when, map: next }) as Edge];
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

function worldTool(name: string, kind: ToolKind, world: World): AnyTool {
  const common = { name, description: name, input: toolInput, output: toolOutput, timeoutMs: toolTimeoutMs } as const;
  if (kind === "read") {
    return defineTool({ ...common, effect: "read", execute: ({ id }, context) => world.call(kind, name, id, context) });
  }
  return defineTool({
    ...common,
    effect: "write",
    risk: "low",
    idempotency: kind,
    ...(kind === "lookup" ? { lookup: (_: unknown, context: ToolContext) => world.lookup(name, context) } : {}),
    execute: ({ id }, context) => world.call(kind, name, id, context),
  });
}

/** An agent of a team or of a team inside it. */
export function agentNamed(definition: SupervisorDefinition, name: string): AnyAgent | undefined {
  const direct = definition.agents.get(name);
  if (direct && !direct.team) return direct;
  for (const { team } of definition.agents.values()) {
    const inner = team && agentNamed(team, name);
    if (inner) return inner;
  }
  return direct;
}
