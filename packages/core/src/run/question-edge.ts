import type { Entry } from "../event.ts";
import type { Edge } from "../handoff.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";

/** The edge whose question it is. A supervisor's question names its edge just before it; an agent's own question is on none. */
export function questionEdge(
  definition: SupervisorDefinition,
  entries: readonly Entry[],
  ask: string,
): Extract<Edge, { kind: "question" }> | undefined {
  const index = entries.findIndex((entry) => entry.type === "input.requested" && entry.body.ask === ask);
  const before = entries[index - 1];
  if (before?.type !== "edge.chosen") return undefined;
  const edge = teamAt(definition, before.path)?.edgeByName.get(before.body.edge);
  return edge?.kind === "question" ? edge : undefined;
}

/** The team that works under a path: `office#1/desk#2/` is the team behind `desk` in the team behind `office`. */
function teamAt(definition: SupervisorDefinition, path: string): SupervisorDefinition | undefined {
  let team: SupervisorDefinition | undefined = definition;
  for (const part of path.split("/")) if (part !== "") team = team?.agents.get(part.split("#")[0] ?? "")?.team;
  return team;
}
