import type { SupervisorDefinition } from "./supervisor/definition.ts";
import type { AnyTool } from "./tool.ts";

/** In whose name writes are undone. Its allowlist is what the tools of a team name as their undo, and nothing else. */
export const compensationAgent = "compensation";

/** The tools that undo others, by name. */
export function undoToolsOf(definition: Pick<SupervisorDefinition, "tools">): ReadonlyMap<string, AnyTool> {
  const found = new Map<string, AnyTool>();
  for (const { undo } of definition.tools.values()) if (undo) found.set(undo.tool.name, undo.tool);
  return found;
}
