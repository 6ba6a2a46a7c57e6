import type { JsonSchema } from "@remit/core";
import type { McpClient } from "./mcp-client.ts";
import type { CallMeta } from "./meta.ts";
import type { ClientAsks, InputRequired, Resumed } from "./rounds.ts";
import type { WireProgress } from "./wire/port.ts";
import type { ServedChange, ServedLogLevel, ServedPeer } from "./wire/serving.ts";

/**
 * What a server of ours offers, below the level of Remit's own tools: whatever a tool of MCP can do. Ordinary tools and
 * supervisors are adapted onto it, and a gateway hands on what it got.
 */
export interface ServedTool {
  readonly kind: "served-tool";
  readonly definition: ServedDefinition;
  /**
   * Does one call. A rejection is a failed call of which the client hears no reason, but for a `ServedError`, which is a
   * JSON-RPC error as it stands, and a `ToolRefusal`, whose message it hears.
   * @param input as it came: whether it fits the definition's schema the tool checks
   */
  readonly call: (input: unknown, context: ServedCallContext) => Promise<ServedResult | InputRequired>;
}

export interface ServedDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: ServedAnnotations;
  readonly icons?: readonly { readonly [key: string]: unknown }[];
  readonly _meta?: { readonly [key: string]: unknown };
}

export interface ServedAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A block of content as the protocol has it: `text`, `image`, `audio`, `resource_link`, `resource`. */
export type ServedContent = { readonly type: string; readonly [key: string]: unknown };

export interface ServedResult {
  readonly content: readonly ServedContent[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: { readonly [key: string]: unknown };
  /** What came of the call, for the audit; `returned` or `failed` when absent. Not sent. */
  readonly outcome?: string;
  /** For the audit as well: the run that did it. */
  readonly runId?: string;
}

/** What every request brings: who asks, and how they can be told something. */
export interface ServedRequestContext extends ClientAsks {
  readonly client: McpClient;
  readonly peer: ServedPeer;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** What came in `_meta`, as it came. */
  readonly rawMeta: { readonly [key: string]: unknown };
  /** Back with the answers to an `InputRequired` that was returned before. */
  readonly resumed: Resumed | undefined;
  /** Tells how far the work is. Dropped where the client did not ask for it, and where it does not grow. */
  readonly progress: (progress: Partial<WireProgress> & Pick<WireProgress, "progress">) => void;
  readonly log: (level: ServedLogLevel, data: unknown, logger?: string) => void;
}

export interface ServedCallContext extends ServedRequestContext {
  readonly meta: CallMeta;
  /** Names this request among all of its client; absent where the protocol gives none that is unique. */
  readonly requestKey: string | undefined;
}

/** Resources that are served. Who may see which is decided before it is asked. */
export interface ServedResources {
  readonly list: (context: ServedRequestContext) => Promise<readonly ServedResource[]>;
  readonly templates?: (context: ServedRequestContext) => Promise<readonly ServedResourceTemplate[]>;
  /** The contents of one resource; `undefined`: there is none of that URI. */
  readonly read: (
    uri: string,
    context: ServedRequestContext,
  ) => Promise<{ readonly contents: readonly ServedContents[] } | InputRequired | undefined>;
  /**
   * Present where `serving.changed({ kind: "resource-updated", uri })` is called when one changes. Called when a client
   * begins to listen for an address that it may read, each time.
   */
  readonly watch?: (uri: string) => Promise<void>;
  /** Called when nobody listens for an address any more. */
  readonly unwatch?: (uri: string) => Promise<void>;
}

export interface ServedResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly [key: string]: unknown;
}

export interface ServedResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly [key: string]: unknown;
}

export type ServedContents = { readonly uri: string; readonly mimeType?: string } & (
  | { readonly text: string }
  | { readonly blob: string }
);

/** Prompts that are served. */
export interface ServedPrompts {
  readonly list: (context: ServedRequestContext) => Promise<readonly ServedPrompt[]>;
  /** One prompt filled in; `undefined`: there is none of that name. */
  readonly get: (
    name: string,
    args: Readonly<Record<string, string>>,
    context: ServedRequestContext,
  ) => Promise<ServedPromptResult | InputRequired | undefined>;
}

export interface ServedPrompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly { readonly name: string; readonly description?: string; readonly required?: boolean }[];
  readonly [key: string]: unknown;
}

export interface ServedPromptResult {
  readonly description?: string;
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: ServedContent }[];
}

/** Completes an argument of a prompt or of a resource template. */
export type ServedCompletions = (
  asked: {
    readonly ref: { readonly type: "ref/prompt" | "ref/resource"; readonly name: string };
    readonly argument: { readonly name: string; readonly value: string };
    /** Arguments that are filled in already. */
    readonly filled: Readonly<Record<string, string>>;
  },
  context: ServedRequestContext,
) => Promise<{ readonly values: readonly string[]; readonly total?: number; readonly hasMore?: boolean }>;

export type { ServedChange };
