import type { z } from "zod";
import type { Audience } from "./audience.ts";
import type { Effect } from "./effect/effect.ts";
import { OrchestrationError } from "./errors.ts";
import type { JsonSchema } from "./json.ts";
import { isName } from "./name.ts";
import type { RemoteContract } from "./remote/contract.ts";
import { aSchema, assertSynchronous, jsonSchemaOf } from "./schema.ts";
import type { SupervisorDefinition } from "./supervisor/compiled.ts";
import type { AnyReadTool, AnyTool } from "./tool.ts";
import {
  assertKnown,
  assertOptions,
  type Known,
  list,
  made,
  object,
  oneOf,
  optional,
  text,
  type Wanted,
} from "./wanted.ts";

/** A named worker with typed input, output and tools. Made by {@link defineAgent}; plain data. */
export interface Agent<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Tools extends readonly AnyTool[] = readonly AnyTool[],
  Alias extends string = string,
> {
  readonly kind: "agent";
  readonly name: Name;
  readonly description: string;
  /** The alias of its model; the supervisor's `models` says which model that is. */
  readonly model: Alias;
  readonly input: Input;
  readonly output: Output;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** The allowlist: a tool that is not here does not exist for this agent (R4). */
  readonly tools: Tools;
  /** The strongest effect this role may ever hold. */
  readonly effects: Effect;
  readonly asks: readonly Audience[];
  /** Trusted text of ours alone; input travels beside it as data. */
  readonly instructions: string;
  readonly version: string;
  /** True: what it says is shown while it says it, redacted, and taken back when it does not stand (D9). */
  readonly streams?: boolean;
  /** A long allowlist, of which a model is offered what it has found. */
  readonly toolSearch?: ToolSearch;
  /** Its output is narrow: what it says of foreign text steers nobody. Made by `defineExtraction`. */
  readonly extracts?: boolean;
  /** A whole team behind this one name; made by `asAgent`. */
  readonly team?: SupervisorDefinition;
  /** It works in a deployment of its own, as a run of its own; made by `remoteAgent`. */
  readonly remote?: RemoteContract;
}

/**
 * Of its tools a model is offered this one and those in `always`, then also what the one has found: each `name` in the list
 * `tools` of its answers, as far as it is in the agent's own list. What is not offered is not forbidden by that, and what
 * is not in the list cannot be found (R4).
 */
export interface ToolSearch<Name extends string = string> {
  readonly tool: Name;
  readonly always?: readonly Name[];
}

/** Any agent at all. */
// biome-ignore lint/suspicious/noExplicitAny: a union of agents must accept every schema.
export type AnyAgent = Agent<string, any, any, readonly AnyTool[], string>;

export interface AgentOptions<
  Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  Tools extends readonly AnyTool[],
  Alias extends string,
> {
  readonly name: Name;
  readonly description: string;
  readonly model: Alias;
  readonly input: Input;
  readonly output: Output;
  readonly tools: Tools;
  readonly instructions: string;
  /** Audiences that the agent may put a question to; none when absent. */
  readonly asks?: readonly Audience[];
  /** Shows what it says while it says it, through the redaction window; when it has passed its contract, when absent. */
  readonly streams?: boolean;
  /** For long allowlists: the tool of the list that finds the others, such as `searchTools` of the MCP bridge makes it. */
  readonly toolSearch?: ToolSearch<NoInfer<Tools[number]["name"]>>;
  /** Raise it when the meaning of the agent changes beyond its data (D4). */
  readonly version?: string;
}

const wanted = {
  description: text,
  model: text,
  instructions: text,
  tools: list("a list of tools, as `defineTool` makes them", made("a tool, as `defineTool` makes it,", "tool")),
  input: aSchema,
  output: aSchema,
  asks: optional(list('a list of "customer" and "operator"', oneOf("customer", "operator"))),
  effects: optional(oneOf("read", "write")),
  toolSearch: optional(object("an object with `tool`")),
} as const satisfies Readonly<Record<string, Wanted>>;

/**
 * Of an agent that was made already as well: who copies one writes `{ ...agent, tools: [] }`. Not of what is more than that:
 * a copy of a team would be an agent like any other, and of an extraction one whose words steer.
 */
const known: Known<
  Omit<AgentOptions<string, z.ZodType, z.ZodType, [], string> & Agent, "team" | "remote" | "extracts">
> = {
  ...{ kind: true, name: true, description: true, model: true, input: true, output: true, inputSchema: true },
  ...{ outputSchema: true, tools: true, effects: true, asks: true, instructions: true, version: true, streams: true },
  ...{ toolSearch: true },
};

/** What a role may hold, and what is known of it, by the strongest effect that it may have. */
interface Role {
  readonly read: { readonly tool: AnyReadTool; readonly known: { readonly effects: "read" } };
  readonly write: { readonly tool: AnyTool; readonly known: unknown };
}

/**
 * Defines an agent. With `effects: "read"` a tool that writes is a compile error, and refused at run time too.
 * @throws OrchestrationError `agent/name-invalid`, `agent/duplicate-tool`, `agent/write-not-allowed`,
 *   `agent/tool-search-unknown`, `tool/schema-not-representable`, `tool/schema-asynchronous`, `options/invalid` and
 *   `options/unknown` for what no compiler would take
 */
export function defineAgent<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  const Tools extends readonly Role[Kind]["tool"][],
  const Alias extends string,
  // One signature, as of `defineTool`: compilers tell of the last overload, which need not be the one that is meant.
  const Kind extends Effect = "write",
>(
  options: AgentOptions<Name, Input, Output, Tools, Alias> & { readonly effects?: Kind },
): Agent<Name, Input, Output, Tools, Alias> & Role[Kind]["known"];
export function defineAgent(
  options: AgentOptions<string, z.ZodType, z.ZodType, readonly AnyTool[], string> & { readonly effects?: Effect },
): Agent {
  assertOptions("defineAgent", options);
  const { name, tools } = options;
  if (!isName(name)) throw new OrchestrationError("agent/name-invalid", { agent: name });
  assertOptions(`the agent ${name}`, options, wanted);
  assertKnown(`the agent ${name}`, options, known);
  const effects = options.effects ?? "write";
  const seen = new Set<string>();
  for (const tool of tools) {
    if (seen.has(tool.name)) throw new OrchestrationError("agent/duplicate-tool", { agent: name, tool: tool.name });
    seen.add(tool.name);
    if (effects === "read" && tool.effect === "write") {
      throw new OrchestrationError("agent/write-not-allowed", { agent: name, tool: tool.name });
    }
  }
  for (const side of ["input", "output"] as const) assertSynchronous(options[side], side, name);
  const { toolSearch } = options;
  if (toolSearch) assertKnown(`the tool search of the agent ${name}`, toolSearch, { tool: true, always: true });
  const unknown = toolSearch && [toolSearch.tool, ...(toolSearch.always ?? [])].find((wanted) => !seen.has(wanted));
  if (unknown !== undefined) throw new OrchestrationError("agent/tool-search-unknown", { agent: name, tool: unknown });
  return {
    kind: "agent",
    name,
    description: options.description,
    model: options.model,
    input: options.input,
    output: options.output,
    inputSchema: jsonSchemaOf(options.input, "input", name),
    outputSchema: jsonSchemaOf(options.output, "input", name, "output"),
    tools,
    effects,
    asks: options.asks ?? [],
    instructions: options.instructions,
    version: options.version ?? "0",
    ...(options.streams === undefined ? {} : { streams: options.streams }),
    ...(toolSearch === undefined ? {} : { toolSearch }),
  };
}

/** What an agent takes, before its schema has read it. */
export type InputOf<Of extends { readonly input: z.ZodType }> = z.input<Of["input"]>;
/** What an agent gives, after its schema has read it. */
export type OutputOf<Of extends { readonly output: z.ZodType }> = z.output<Of["output"]>;
