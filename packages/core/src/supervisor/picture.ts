import type { Edge } from "../handoff.ts";
import type { Json } from "../json.ts";
import type { SupervisorDefinition } from "./definition.ts";

/** The supervisor as a Mermaid state diagram: agents with their tools, edges with their guards. */
export function toMermaid(definition: SupervisorDefinition): string {
  const lines = ["stateDiagram-v2", "  direction LR"];
  const taken = new Set<string>();
  /** Ids of the diagram: what Mermaid allows, each once. */
  const claim = (wish: string) => {
    const plain = wish.replaceAll("-", "_");
    let id = plain;
    for (let twin = 2; taken.has(id); twin++) id = `${plain}_${twin}`;
    taken.add(id);
    return id;
  };
  const ids = new Map([...definition.agents.keys()].map((name) => [name, claim(name)]));
  const key = (name: string) => ids.get(name) ?? name;
  const label = (text: string) =>
    text
      .replace(/[:;#"<>]/g, " ")
      .replace(/\s+/g, " ")
      .trim();
  for (const agent of definition.agents.values()) {
    lines.push(`  state "${agent.name}" as ${key(agent.name)}`);
    const tools = agent.tools.map(({ name, effect }) => (effect === "write" ? `${name} (write)` : name));
    if (tools.length > 0) lines.push(`  ${key(agent.name)} : ${label(tools.join(", "))}`);
    if (agent.team)
      lines.push(`  ${key(agent.name)} : ${label(`team of ${[...agent.team.agents.keys()].join(", ")}`)}`);
    if (agent.remote) lines.push(`  ${key(agent.name)} : ${label(`elsewhere, ${agent.remote.specialist}`)}`);
  }
  lines.push(`  [*] --> ${key(definition.entry)}`);
  const arrow = (from: string, to: string, text: string) => {
    lines.push(`  ${from} --> ${to}${text === "" ? "" : ` : ${label(text)}`}`);
  };
  for (const [index, edge] of definition.edges.entries()) {
    const from = key(edge.from);
    const guard = guardText(edge);
    switch (edge.kind) {
      case "handoff":
        arrow(from, key(edge.to), guard);
        break;
      case "parallel": {
        const state = claim(`fork_${index}`);
        const join = claim(`fork_${index}_join`);
        lines.push(`  state ${state} <<fork>>`, `  state ${join} <<join>>`);
        arrow(from, state, guard);
        for (const branch of edge.branches) {
          arrow(state, key(branch.to), branch.key);
          arrow(key(branch.to), join, "");
        }
        arrow(join, key(edge.join.to), "");
        break;
      }
      case "question": {
        const state = claim(`question_${index}`);
        lines.push(`  state "${edge.of} answers" as ${state}`);
        arrow(from, state, guard);
        arrow(state, key(edge.to), "");
        break;
      }
      case "ending": {
        const end = claim(`end_${index}`);
        lines.push(`  state "${edge.status} ${label(edge.reason)}" as ${end}`);
        arrow(from, end, guard);
        arrow(end, "[*]", "");
        break;
      }
    }
  }
  for (const { agent, atLeast, stronger } of definition.thresholds.values()) {
    if (stronger !== undefined) arrow(key(agent), key(agent), `confidence below ${atLeast}, ask ${stronger}`);
    const low = claim(`low_${key(agent)}`);
    lines.push(`  state "escalated low confidence" as ${low}`);
    arrow(key(agent), low, `confidence below ${atLeast}`);
    arrow(low, "[*]", "");
  }
  for (const exit of definition.exits) arrow(key(exit), "[*]", "completed");
  return `${lines.join("\n")}\n`;
}

function guardText(edge: Edge): string {
  const bound = edge.max === undefined ? "" : ` (at most ${edge.max})`;
  const custom = edge.name.includes("->") ? "" : edge.name;
  return `${edge.when ? (custom === "" ? "if its guard says so" : custom) : custom}${bound}`.trim();
}

/**
 * The supervisor as XState machine JSON: states, targets, and guards and actions by name. It draws in every XState tool;
 * the functions stay here.
 */
export function toStateJson(definition: SupervisorDefinition): Json {
  return JSON.parse(JSON.stringify((definition.machine as { config: unknown }).config, describeFunctions)) as Json;
}

function describeFunctions(name: string, value: unknown): unknown {
  if (typeof value === "function") {
    // `assign` is an action creator with a type of its own; guards carry their edge's name.
    const { type } = value as { type?: unknown };
    if (typeof type === "string") return { type };
    return name === "params" ? undefined : { type: value.name };
  }
  return value;
}
