import type { AnyAgent } from "../agent.ts";
import type { Json } from "../json.ts";
import type { Message } from "../port/model.ts";
import type { AnyTool } from "../tool.ts";

/**
 * The tools of its list that an agent's model is offered next. A pure function of what the model has seen, so that a replay
 * offers the same.
 */
export function offeredTools({ tools, toolSearch }: AnyAgent, messages: readonly Message[]): readonly AnyTool[] {
  if (!toolSearch) return tools;
  const offered = new Set([toolSearch.tool, ...(toolSearch.always ?? [])]);
  for (const message of messages) {
    if (message.role !== "tool") continue;
    for (const result of message.results) {
      // A model that has called a tool knows it, however it did.
      offered.add(result.tool);
      if (result.tool !== toolSearch.tool || result.status !== "done") continue;
      for (const name of foundIn(result.output)) offered.add(name);
    }
  }
  return tools.filter(({ name }) => offered.has(name));
}

function foundIn(output: Json): readonly string[] {
  const { tools } = (output ?? {}) as { readonly tools?: unknown };
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: { readonly name?: unknown } | null) =>
    typeof tool?.name === "string" ? [tool.name] : [],
  );
}
