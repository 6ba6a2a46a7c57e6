import type { Json, JsonSchema } from "@remit/core";
import type { ChannelEnd, OpenChannel } from "./channel.ts";

/**
 * The one way from a client's protocol to the bridge, as {@link Wire} is for servers. Each adapter is a file beside this
 * one, and nothing of an MCP SDK is seen on this side of it.
 */
export interface ServingWire {
  readonly serve: (open: OpenChannel, options: ServingOptions) => Promise<ServingSession>;
}

export interface ServingOptions {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | undefined;
  readonly list: () => readonly ServedDefinition[];
  /** Answers one call. Never rejects; `undefined`: there is no such tool. */
  readonly call: (call: ServedCall) => Promise<ServedResult | undefined>;
  readonly fault: (reason: string) => void;
}

export interface ServingSession {
  readonly ended: Promise<ChannelEnd>;
  readonly close: () => Promise<void>;
}

export interface ServedDefinition {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
  };
}

export interface ServedCall {
  readonly tool: string;
  readonly input: unknown;
  readonly meta: Readonly<Record<string, unknown>>;
  /** What the client calls itself; untrusted. */
  readonly client: string;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
}

export interface ServedResult {
  readonly isError: boolean;
  readonly text: string;
  readonly structured?: { readonly [key: string]: Json };
  readonly meta?: { readonly [key: string]: Json };
}
