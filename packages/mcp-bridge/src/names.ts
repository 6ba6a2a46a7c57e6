import { sha256 } from "@remit/core";
import { McpError } from "./errors.ts";
import { type LookAlike, lookAlikes } from "./look-alike.ts";

/**
 * Names of tools, ours and the servers'. A name for models has 1 to 64 letters, digits, `_` and `-`; a server may call its
 * tool anything. Which name stands for what is a map in both directions, the same in every process.
 */
export interface NamedTool {
  readonly server: string;
  /** The name before it is made to fit: ours for it where we have one, the server's otherwise. */
  readonly tool: string;
}

const formMax = 64;
const suffixLength = 8;
const outside = /[^A-Za-z0-9_-]/g;

export interface ExposedNameOptions {
  /** Puts the server's name and `_` before it. */
  readonly prefix: boolean;
}

/**
 * The name under which a tool is offered to models: itself where it fits, otherwise what fits of it and a hash over
 * server and tool, so that it never depends on what else there is.
 */
export function exposedName({ server, tool }: NamedTool, { prefix }: ExposedNameOptions): string {
  const wished = prefix ? `${server}_${tool}` : tool;
  const fitting = wished.replace(outside, "_");
  if (fitting === wished && wished.length <= formMax && wished !== "") return wished;
  const suffix = sha256(`${server}\0${tool}`).slice(0, suffixLength);
  return `${fitting.slice(0, formMax - suffixLength - 1)}_${suffix}`;
}

/** Which look-alikes are refused and which are only told. */
export interface NamePolicy {
  /** The same but for upper and lower case, for letters that look alike, or for what joins the words. */
  readonly confusable: "refuse" | "warn";
  /** At most two letters apart, on two servers or from a reserved name. */
  readonly near: "refuse" | "warn";
  /** Names that no tool of a server may have or look like, beside those of the ready-made tools. */
  readonly reserved: readonly string[];
}

export const defaultNamePolicy: NamePolicy = { confusable: "refuse", near: "warn", reserved: [] };

/** The ready-made tools; a model that knows them would take a server's for one of them. */
export const builtInNames: readonly string[] = [
  "calculate",
  "current_time",
  "read_artifact",
  "read_resource",
  "search_tools",
];

export interface NameMap {
  /** By the name that models know. */
  readonly sourceOf: (exposed: string) => NamedTool | undefined;
  readonly exposedOf: (source: NamedTool) => string | undefined;
  readonly names: readonly string[];
  /** Names that look like another one and are let through. */
  readonly warnings: readonly LookAlike[];
}

/**
 * The map of a set of tools.
 * @throws McpError `mcp/name-refused` when two have one name, one has a reserved name, or one looks like another one and
 *   the policy does not let it
 */
export function createNameMap(
  tools: readonly (NamedTool & ExposedNameOptions)[],
  policy: NamePolicy = defaultNamePolicy,
): NameMap {
  const reserved = [...builtInNames, ...policy.reserved];
  const byName = new Map<string, NamedTool>();
  const bySource = new Map<string, string>();
  for (const { server, tool, prefix } of tools) {
    const name = exposedName({ server, tool }, { prefix });
    const refused = (reason: string) => new McpError("mcp/name-refused", { server, tool, name, reason });
    const other = byName.get(name);
    if (other) throw refused(`${other.tool} of ${other.server} has it`);
    if (reserved.includes(name)) throw refused("it is the name of a ready-made tool");
    byName.set(name, { server, tool });
    bySource.set(keyOf({ server, tool }), name);
  }
  const found = lookAlikes(
    [...byName].map(([name, source]) => ({ name, ...source })),
    reserved,
  );
  for (const { server, tool, name, like, kind } of found) {
    if (policy[kind] === "warn") continue;
    const reason = kind === "near" ? `it is close to ${like}` : `it looks like ${like}`;
    throw new McpError("mcp/name-refused", { server, tool, name, reason });
  }
  return {
    sourceOf: (exposed) => byName.get(exposed),
    exposedOf: (source) => bySource.get(keyOf(source)),
    names: [...byName.keys()],
    warnings: found,
  };
}

function keyOf({ server, tool }: NamedTool): string {
  return `${server}\0${tool}`;
}
