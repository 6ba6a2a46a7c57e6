import type { Idempotency, Json, LookupAnswer, RetryPolicy, Risk, Tool, ToolContext } from "@remit/core";
import type { JsonObject } from "@remit/tools";
import type { z } from "zod";
import type { PinnedDefinition } from "./definition.ts";
import type { McpArguments, McpLookup } from "./mapped.ts";
import type { Known } from "./strange.ts";

/**
 * What we say about one tool of a server. What it does to the outside (`effect`, and on writes `risk` and
 * `idempotency`) is ours to say and required by type; the server's own hints decide nothing.
 */
interface CommonToolConfig {
  /** The server's name for it; the key in `tools` when absent. */
  readonly remoteName?: string;
  /** Ours, for the model. When absent, the server's, with hidden characters written out. */
  readonly description?: string;
  /** The arguments. When absent, the server's own JSON Schema decides. */
  readonly input?: z.ZodType;
  /** The answer. When absent, the server's own JSON Schema decides, or any JSON is taken where it has none. */
  readonly output?: z.ZodType;
  /** The definition that was accepted, as `inspectMcp` shows it. With the definition beside it a change can be shown. */
  readonly pin?: string | PinnedDefinition;
  /**
   * Bytes of one answer that go to the model, media apart; 262,144 when absent. Of a longer one it gets the beginning, and
   * the whole is kept as an artifact. With an `output` of ours a longer one is `mcp/result-too-large`.
   */
  readonly resultBytes?: number;
  /**
   * Milliseconds that the server may be silent in one call, connecting again included; 30,000 when absent. Progress begins
   * them anew, up to `limits.callMsMax` for all of it, and they stand still while it waits for an answer of ours.
   */
  readonly timeoutMs?: number;
  /** Arguments that untrusted data may not fill. */
  readonly protect?: readonly string[];
  /** Origin labels of its answers, beside `mcp:<name of the connection>`. */
  readonly labels?: readonly string[];
  /** Classes of data that the server gets in the clear (`["email"]`), where values are sealed; none when absent, `*`: all. */
  readonly reveals?: readonly string[];
  /** How a failed call is tried again, where that is safe. */
  readonly retry?: Partial<RetryPolicy>;
  /** What the breaker before it is shared with; all tools of the connection when absent. */
  readonly breaker?: string;
  /** The pin when absent: another definition is another tool. */
  readonly version?: string;
}

export interface McpReadConfig extends CommonToolConfig {
  readonly effect: "read";
  readonly risk?: Risk;
}

export interface McpWriteConfig extends CommonToolConfig {
  readonly effect: "write";
  readonly risk: Risk;
  /** `key`: the server does a write once per `_meta["remit/idempotencyKey"]`. Say so only when it is known to. */
  readonly idempotency: Idempotency;
  readonly reversible?: boolean;
  readonly keyValidForMs?: number;
  /** Milliseconds after which a write that has not shown itself never will. */
  readonly settlesWithinMs?: number;
  /**
   * The tool of the same connection that undoes this one, by its key in `tools`, and its arguments: made by a function, or
   * by pointers into `{ input, output }` of this one.
   */
  readonly undo?: {
    readonly tool: string;
    readonly input: ((input: JsonObject, output: Json) => Json) | McpArguments;
  };
  /** Required with idempotency `lookup`. `call` calls a read tool of the same connection by its key in `tools`. */
  readonly lookup?:
    | ((
        input: JsonObject,
        context: ToolContext,
        call: (tool: string, input: JsonObject) => Promise<Json>,
      ) => LookupAnswer<Json> | Promise<LookupAnswer<Json>>)
    | McpLookup;
}

export type McpToolConfig = McpReadConfig | McpWriteConfig;

export const knownOfTool: Known<Omit<McpReadConfig, "effect"> & McpWriteConfig> = {
  ...{ effect: true, risk: true, idempotency: true, lookup: true, undo: true, pin: true, input: true, output: true },
  ...{
    remoteName: true,
    description: true,
    resultBytes: true,
    timeoutMs: true,
    protect: true,
    labels: true,
    reveals: true,
  },
  ...{ retry: true, breaker: true, version: true, reversible: true, keyValidForMs: true, settlesWithinMs: true },
};

export type McpToolConfigs = Readonly<Record<string, McpToolConfig>>;

type InputOf<Config> = Config extends { readonly input: infer Schema extends z.ZodType }
  ? Schema
  : z.ZodType<JsonObject, JsonObject>;
type OutputOf<Config> = Config extends { readonly output: infer Schema extends z.ZodType }
  ? Schema
  : z.ZodType<Json, Json>;

/** The tools of a connection, by the keys of its configuration. */
export type McpTools<Configs extends McpToolConfigs> = {
  readonly [Name in keyof Configs & string]: Tool<
    Name,
    InputOf<Configs[Name]>,
    OutputOf<Configs[Name]>,
    Configs[Name]["effect"]
  >;
};
