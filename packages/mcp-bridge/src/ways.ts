import { canonicalJson, type Json, partsOfPointer } from "@remit/core";
import { isPointer, type McpArguments } from "./mapped.ts";
import type { McpToolConfig, McpToolConfigs, McpWriteConfig } from "./tool-config.ts";

/** What is wrong with how a write is looked up or undone, and where it is said. */
export interface WayComplaint {
  /** Of the tool that is wrong, by its key. */
  readonly tool: string;
  /** Inside what is said of it. */
  readonly at: readonly string[];
  readonly reason: string;
}

const lookupRoots = ["input", "idempotencyKey"];
const undoRoots = ["input", "output"];

/**
 * Looks at each `lookup` and `undo` that is said as data: the tool that it names is there and is what it must be, pointers
 * are some, and an answer can be told from another one. The first mistake; nothing where there is none.
 */
export function wayComplaint(tools: McpToolConfigs): WayComplaint | undefined {
  for (const [tool, config] of Object.entries(tools)) {
    if (config.effect !== "write") continue;
    const found = lookupComplaint(tool, config, tools) ?? undoComplaint(tool, config, tools);
    if (found) return { tool, ...found };
  }
  return undefined;
}

type Found = Omit<WayComplaint, "tool"> | undefined;

function lookupComplaint(tool: string, config: McpWriteConfig, tools: McpToolConfigs): Found {
  const { lookup, idempotency, settlesWithinMs } = config;
  if (typeof lookup !== "object") return undefined;
  const wrong = (at: readonly string[], reason: string): Found => ({ at: ["lookup", ...at], reason });
  if (idempotency !== "lookup") return wrong([], `nobody asks it: the idempotency of ${tool} is not "lookup"`);
  const read = own(tools, lookup.tool);
  if (!read) return wrong(["tool"], `"${lookup.tool}" is no tool that is named here`);
  if (read.effect !== "read")
    return wrong(["tool"], `"${lookup.tool}" writes; only a tool that reads looks something up`);
  const untold = read.labels?.find((label) => !config.labels?.includes(label));
  if (untold !== undefined) {
    return wrong(["tool"], `answers of "${lookup.tool}" have the label ${untold}; give it to ${tool}, too`);
  }
  const mapped = mappingComplaint(lookup.input, lookupRoots);
  if (mapped) return wrong(["input", ...mapped.at], mapped.reason);
  const { found, never, output } = lookup;
  const pointers: Readonly<Record<string, string | undefined>> = { found: found.at, never: never?.at, output };
  for (const [member, pointer] of Object.entries(pointers)) {
    if (pointer === undefined || isPointer(pointer)) continue;
    return wrong(member === "output" ? [member] : [member, "at"], `"${pointer}" is no JSON pointer`);
  }
  if (!never) return undefined;
  if (canonicalJson(found as unknown as Json) === canonicalJson(never as unknown as Json)) {
    return wrong(["never"], "it is what `found` is, so no answer would say anything");
  }
  if (settlesWithinMs === undefined) {
    return wrong(["never"], `\`settlesWithinMs\` of ${tool} must say how long it may be before a write shows itself`);
  }
  return undefined;
}

function undoComplaint(tool: string, { undo }: McpWriteConfig, tools: McpToolConfigs): Found {
  if (!undo || typeof undo.input === "function") return undefined;
  const wrong = (at: readonly string[], reason: string): Found => ({ at: ["undo", ...at], reason });
  const back = own(tools, undo.tool);
  if (!back) return wrong(["tool"], `"${undo.tool}" is no tool that is named here`);
  if (back.effect !== "write") return wrong(["tool"], `"${undo.tool}" reads, and so undoes nothing`);
  const seen = new Set<string>();
  for (let at: string | undefined = undo.tool; at !== undefined && !seen.has(at); at = undoOf(own(tools, at))) {
    if (at === tool) return wrong(["tool"], `${tool} would in the end be undone by itself`);
    seen.add(at);
  }
  const mapped = mappingComplaint(undo.input, undoRoots);
  return mapped && wrong(["input", ...mapped.at], mapped.reason);
}

function mappingComplaint(mapping: McpArguments, roots: readonly string[]): Found {
  for (const [name, from] of Object.entries(mapping)) {
    if (typeof from !== "string") continue;
    if (!isPointer(from)) return { at: [name], reason: `"${from}" is no JSON pointer` };
    if (roots.includes(partsOfPointer(from)[0] ?? "")) continue;
    return { at: [name], reason: `"${from}" begins with none of ${roots.map((root) => `/${root}`).join(" and ")}` };
  }
  return undefined;
}

/** The arguments that a tool of the connection names as data, of others and of its own, by the key of whose they are. */
export function mappedArguments(
  key: string,
  config: McpToolConfig,
): readonly { readonly tool: string; readonly names: readonly string[] }[] {
  if (config.effect !== "write") return [];
  const { lookup, undo } = config;
  const mappings: { readonly tool: string; readonly input: McpArguments }[] = [];
  if (typeof lookup === "object") mappings.push(lookup);
  if (undo && typeof undo.input !== "function") mappings.push({ tool: undo.tool, input: undo.input });
  return mappings.flatMap(({ tool, input }) => [
    { tool, names: Object.keys(input) },
    { tool: key, names: Object.values(input).flatMap(ownArgument) },
  ]);
}

function ownArgument(from: McpArguments[string]): readonly string[] {
  const [root, name] = typeof from === "string" ? partsOfPointer(from) : [];
  return root === "input" && name !== undefined ? [name] : [];
}

function undoOf(config: McpToolConfig | undefined): string | undefined {
  return config?.effect === "write" ? config.undo?.tool : undefined;
}

function own(tools: McpToolConfigs, name: string): McpToolConfig | undefined {
  return Object.hasOwn(tools, name) ? tools[name] : undefined;
}
