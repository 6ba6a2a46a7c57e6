import type { AnyTool } from "@remit/core";
import { ToolsError } from "./errors.ts";

/** A set of tools by name. What is not in it does not exist. */
export interface Registry<Tools extends AnyTool = AnyTool> {
  /** In the order in which they were given. */
  readonly tools: readonly Tools[];
  readonly names: readonly Tools["name"][];
  /** The tool of a name that comes from outside, such as from a model. */
  readonly find: (name: string) => Tools | undefined;
  /**
   * The tool of a name that is written in code.
   * @throws ToolsError `registry/tool-unknown` when a cast brought in another name
   */
  readonly get: <Name extends Tools["name"]>(name: Name) => Extract<Tools, { readonly name: Name }>;
  /**
   * A view that holds only these tools, in this order: an allowlist.
   * @throws ToolsError `registry/tool-unknown`, `registry/duplicate-tool`
   */
  readonly allow: <const Names extends readonly Tools["name"][]>(
    names: Names,
  ) => Registry<Extract<Tools, { readonly name: Names[number] }>>;
}

/**
 * Makes a registry of tools.
 * @throws ToolsError `registry/duplicate-tool` when two have one name
 */
export function createRegistry<const Tools extends readonly AnyTool[]>(tools: Tools): Registry<Tools[number]> {
  const byName = new Map<string, Tools[number]>();
  for (const tool of tools) {
    if (byName.has(tool.name)) throw new ToolsError("registry/duplicate-tool", { tool: tool.name });
    byName.set(tool.name, tool);
  }
  const known = (name: string): Tools[number] => {
    const tool = byName.get(name);
    if (!tool) throw new ToolsError("registry/tool-unknown", { tool: name, known: [...byName.keys()].slice(0, 50) });
    return tool;
  };
  const registry: Registry = {
    tools: [...tools],
    names: [...byName.keys()],
    find: (name) => byName.get(name),
    get: known as Registry["get"],
    allow: ((names: readonly string[]) => createRegistry(names.map(known))) as Registry["allow"],
  };
  return registry as unknown as Registry<Tools[number]>;
}
