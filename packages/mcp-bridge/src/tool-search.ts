import { type AnyTool, defineTool, type JsonSchema } from "@remit/core";
import MiniSearch from "minisearch";
import { z } from "zod";

/** Finds tools by words, among those that it was given and no others. */
export interface ToolIndex {
  /** The best first. @param most at most so many */
  readonly search: (query: string, most: number) => readonly AnyTool[];
}

/** An index over names, descriptions and arguments, ranked as BM25 ranks; small differences in spelling count less. */
export function toolIndex(tools: readonly AnyTool[]): ToolIndex {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const index = new MiniSearch<{ id: string; name: string; description: string; arguments: string }>({
    fields: ["name", "description", "arguments"],
    tokenize: wordsOf,
    searchOptions: { boost: { name: 3, description: 1, arguments: 0.5 }, prefix: true, fuzzy: 0.2, tokenize: wordsOf },
  });
  index.addAll(
    tools.map(({ name, description, inputSchema }) => ({
      id: name,
      name,
      description,
      arguments: argumentsOf(inputSchema).join(" "),
    })),
  );
  return {
    search: (query, most) =>
      index
        .search(query)
        .slice(0, most)
        .flatMap(({ id }) => byName.get(String(id)) ?? []),
  };
}

/** `readOrder`, `read_order` and `read-order` are the same words. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function argumentsOf({ properties }: JsonSchema): readonly string[] {
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}

export interface SearchToolsOptions {
  /** How many tools one search gives at most; 5 when absent. */
  readonly most?: number;
}

/**
 * A tool that finds tools in an agent's allowlist. What it finds comes with its schema.
 */
export function searchTools(tools: readonly AnyTool[], { most = 5 }: SearchToolsOptions = {}) {
  const index = toolIndex(tools);
  return defineTool({
    name: "search_tools",
    description: `Finds tools among ${tools.length} by words for what they do. Gives at most ${most}, with their arguments.`,
    input: z.object({ query: z.string().min(1).max(500) }),
    output: z.object({
      tools: z.array(
        z.object({ name: z.string(), description: z.string(), inputSchema: z.record(z.string(), z.json()) }),
      ),
    }),
    effect: "read",
    version: tools.map(({ name, version }) => `${name}@${version}`).join(","),
    execute: ({ query }) => ({
      tools: index.search(query, most).map(({ name, description, inputSchema }) => ({
        name,
        description,
        inputSchema: { ...inputSchema } as Record<string, z.core.util.JSONType>,
      })),
    }),
  });
}
