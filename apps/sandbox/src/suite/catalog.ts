import type { AnyTool } from "@remit/core";
import { OrchestrationError } from "@remit/core";
import { schemaFromJson } from "@remit/tools";

/**
 * The data of a suite's tools, kept beside its journal: with it a run can be shown and decided again when the server is
 * not there. What is kept is what a definition's hash covers; the functions stay away.
 */
export type Catalog = readonly Omit<AnyTool, "input" | "output" | "execute" | "lookup" | "undo">[];

export function catalogOf(tools: ReadonlyMap<string, AnyTool>): Catalog {
  return [...tools.values()].map(({ input: _i, output: _o, execute: _e, lookup: _l, undo: _u, ...data }) => data);
}

/** The tools again, from their data. They check as before and refuse to be called. */
export function offlineTools(catalog: Catalog): ReadonlyMap<string, AnyTool> {
  return new Map(
    catalog.map((data): [string, AnyTool] => [
      data.name,
      {
        ...data,
        // JSON has no undefined: an absent member comes back absent.
        keyValidForMs: data.keyValidForMs,
        input: schemaFromJson(data.inputSchema),
        output: schemaFromJson(data.outputSchema),
        execute: () => {
          throw new OrchestrationError("tool/failed", {
            tool: data.name,
            reason: "this is a replay: nothing is called",
          });
        },
        lookup: undefined,
        undo: undefined,
      },
    ]),
  );
}
