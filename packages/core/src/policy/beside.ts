import { canonicalJson, type Json } from "../json.ts";
import type { AnyTool } from "../tool.ts";
import type { EdgeRequest } from "./request.ts";

/** What a call is beside a call: a look into a source, a use of a memory. Asked before it, in the run and at the gate. */
export function edgesBeside(
  { source, memory }: Pick<AnyTool, "source" | "memory">,
  args: Json,
): readonly EdgeRequest[] {
  const edges: EdgeRequest[] = [];
  if (source !== undefined) edges.push({ edge: "source", source, query: canonicalJson(args) });
  if (memory) {
    const { value, id, about } = (args ?? {}) as {
      readonly value?: Json;
      readonly id?: string;
      readonly about?: string;
    };
    const said = value === undefined ? {} : { value };
    edges.push({ edge: `memory.${memory.access}`, scope: memory.name, key: id ?? about ?? "", ...said });
  }
  return edges;
}
