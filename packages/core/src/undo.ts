import type { AnyTool } from "./tool.ts";

/** In whose name the writes of an ended run are undone. It has no model, and no tools but those that undo others. */
export const compensationAgent = "compensation";

/** The tools that some tool of the definition names as its undo, by name. */
export function undoToolsOf({ tools }: { readonly tools: ReadonlyMap<string, AnyTool> }): ReadonlyMap<string, AnyTool> {
  const found = new Map<string, AnyTool>();
  for (const { undo } of tools.values()) if (undo) found.set(undo.tool.name, undo.tool);
  return found;
}
