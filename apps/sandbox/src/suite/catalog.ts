import type { AnyTool } from "@remit/core";
import { OrchestrationError } from "@remit/core";
import { schemaFromJson } from "@remit/tools";

/**
 * The data of a suite's tools, kept beside its journal: with it a run can be shown and decided again when the server is
 * not there. What is kept is what a definition's hash covers; the functions stay away.
 */
export type Catalog = readonly CatalogTool[];

type ToolData = Omit<AnyTool, "input" | "output" | "execute" | "lookup" | "undo">;

interface CatalogTool extends ToolData {
  /** Name of the tool that undoes it; one of the same catalog. */
  readonly undoneBy?: string;
}

export function catalogOf(tools: ReadonlyMap<string, AnyTool>): Catalog {
  return [...tools.values()].map(({ input: _i, output: _o, execute: _e, lookup: _l, undo, ...data }) => ({
    ...data,
    ...(undo === undefined ? {} : { undoneBy: undo.tool.name }),
  }));
}

/** The tools again, from their data. They check as before and refuse to be called. */
export function offlineTools(catalog: Catalog): ReadonlyMap<string, AnyTool> {
  const made = new Map<string, AnyTool>();
  const make = (data: CatalogTool): AnyTool => {
    const known = made.get(data.name);
    if (known) return known;
    const { undoneBy, ...about } = data;
    const refuse = (): never => {
      throw new OrchestrationError("tool/failed", {
        tool: data.name,
        reason: "this is a replay: nothing is called",
      });
    };
    // A catalog of an earlier release names none.
    const undoes = catalog.find(({ name }) => name === undoneBy && name !== data.name);
    const tool: AnyTool = {
      ...about,
      // JSON has no undefined: an absent member comes back absent.
      keyValidForMs: data.keyValidForMs,
      input: schemaFromJson(data.inputSchema),
      output: schemaFromJson(data.outputSchema),
      execute: refuse,
      lookup: undefined,
      undo: undoes === undefined ? undefined : { tool: make(undoes), input: refuse },
    };
    made.set(data.name, tool);
    return tool;
  };
  return new Map(catalog.map((data) => [data.name, make(data)]));
}
