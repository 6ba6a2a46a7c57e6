import type { ChannelEnd } from "./channel.ts";
import type { Stop } from "./stop.ts";

/**
 * The one way from the bridge to a server's protocol. Everything of an MCP SDK stays behind it; each adapter is a file
 * beside this one. It carries requests and answers and knows nothing of tools, pins, policy or time: deadlines come as
 * what stops it.
 */
export interface Wire {
  /** Reaches the server and agrees on a protocol version. @throws WireError; nothing is left open then */
  readonly connect: (options: WireOptions) => Promise<WireSession>;
}

export interface WireOptions {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** A line that is no message was dropped. */
  readonly noise: (line: string) => void;
  /** Something in the protocol went wrong that belongs to no request, such as an answer to none. */
  readonly fault: (reason: string) => void;
  /** What the server tells us unasked. May come at any rate; must not throw. */
  readonly notice?: (notice: WireNotice) => void;
  /**
   * What the server may ask us. A kind that is absent is not declared as a capability, and asking it is answered with
   * -32601. Questions come as requests of their own (sessions) or as `input_required` results (2026-07-28): no difference
   * is seen here.
   */
  readonly asks?: WireAsks;
  /** A person is asked to authorise us, or is not any more: nothing is late meanwhile. */
  readonly person?: (waiting: boolean) => void;
}

/** What a server says unasked, in either era. */
export type WireNotice =
  | { readonly kind: "list-changed"; readonly of: "tools" | "resources" | "prompts" }
  | { readonly kind: "resource-updated"; readonly uri: string }
  | { readonly kind: "log"; readonly level: string; readonly logger: string | undefined; readonly data: unknown };

/** Answers to what a server asks. Each may reject: the server is told that it was refused, and no reason. */
export interface WireAsks {
  readonly elicit?: (ask: WireElicitation, context: WireAskContext) => Promise<WireElicitationAnswer>;
  /** The parameters of `sampling/createMessage` as they came; the result as it goes out. */
  readonly sample?: (params: unknown, context: WireAskContext) => Promise<{ readonly [key: string]: unknown }>;
  readonly roots?: (context: WireAskContext) => Promise<readonly { readonly uri: string; readonly name?: string }[]>;
}

export interface WireAskContext {
  /** Aborts when the server takes its question back, or the session ends. */
  readonly signal: AbortSignal;
  /** The `tag` of the request in whose course it is asked, where that is known. */
  readonly tag: string | undefined;
  /** What the server calls its question (2026-07-28), for whoever hands it on. */
  readonly key?: string;
}

/** What can be asked in the course of one request. */
export interface WireAskable {
  readonly form: boolean;
  readonly url: boolean;
  readonly sample: boolean;
  readonly roots: boolean;
}

/** A question to a person. Everything in it is text of the server: untrusted. */
export type WireElicitation =
  | { readonly mode: "form"; readonly message: string; readonly schema: { readonly [key: string]: unknown } }
  | {
      readonly mode: "url";
      readonly message: string;
      readonly url: string;
      readonly elicitationId: string | undefined;
    };

export interface WireElicitationAnswer {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: { readonly [key: string]: unknown };
}

/** Who answered, in its own words. Never trusted for identity. */
export interface WirePeer {
  readonly name: string;
  readonly version: string;
  /** What both sides agreed on, such as 2025-11-25. */
  readonly protocolVersion: string;
  /** What it says it can do, as it said it: `tools`, `resources`, `prompts`, `completions`, `logging` … */
  readonly capabilities: { readonly [name: string]: unknown };
  readonly instructions: string | undefined;
}

export type WireMethod =
  | "tools/list"
  | "tools/call"
  | "resources/list"
  | "resources/templates/list"
  | "resources/read"
  | "resources/subscribe"
  | "resources/unsubscribe"
  | "prompts/list"
  | "prompts/get"
  | "completion/complete"
  | "logging/setLevel"
  | "ping";

export interface WireRequestOptions {
  readonly stop: Stop;
  /** Ours for this request, given back with what is asked in its course. */
  readonly tag?: string | undefined;
  /** Declared for this request where that is possible (2026-07-28); what `asks` can answer when absent. */
  readonly can?: WireAskable | undefined;
  /** The server gave a sign of life for this request. With it the server is asked to do so. */
  readonly onProgress?: (progress: WireProgress) => void;
}

export interface WireProgress {
  readonly progress: number;
  readonly total: number | undefined;
  /** Untrusted text. */
  readonly message: string | undefined;
}

export interface WireSession {
  readonly peer: WirePeer;
  readonly processId: number | undefined;
  /**
   * One request. When `stop` says so, the server is told to stop and the answer is not waited for.
   * @returns the result as it came, unchecked
   * @throws WireError
   */
  readonly request: (
    method: WireMethod,
    params: { readonly [key: string]: unknown },
    options: WireRequestOptions,
  ) => Promise<unknown>;
  /** Why a tool of its list cannot be called over this wire, or nothing. @param listed as it came, unchecked */
  readonly objectionTo: (listed: unknown) => string | undefined;
  /** Resolves once, when the session is over for whatever reason. */
  readonly ended: Promise<ChannelEnd>;
  readonly close: () => Promise<void>;
}

export type WireFault =
  /** The signal aborted; `end` where that ended the session too. */
  | { readonly kind: "aborted"; readonly end?: ChannelEnd }
  /** The session ended; what was under way is lost. */
  | { readonly kind: "ended"; readonly end: ChannelEnd }
  /** The server answered with a JSON-RPC error. */
  | {
      readonly kind: "rejected";
      readonly rpcCode: number;
      readonly reason: string;
      /** What the server says beside it; unchecked. */
      readonly data?: unknown;
    }
  | { readonly kind: "version"; readonly offered: string; readonly supported: readonly string[] }
  /**
   * The server wants us to authorise ourselves first (401, or 403 with a challenge). It took nothing. `scope` is what it
   * asks for.
   */
  | { readonly kind: "unauthorised"; readonly reason: string; readonly scope: string | undefined }
  /** The server no longer knows the session (404): it took nothing, and the session is over. */
  | { readonly kind: "session-lost"; readonly end: ChannelEnd }
  /** The request did not reach the server (nobody listens, a name that does not resolve, an address that is barred). */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** The server has too much to do and took nothing (429); not before so many milliseconds it would. */
  | { readonly kind: "busy"; readonly reason: string; readonly retryAfterMs: number }
  /** The answer of HTTP is none of the protocol's. It may have been carried out, unless the status is 4xx. */
  | { readonly kind: "http"; readonly status: number; readonly reason: string }
  /** The stream that carried the answer broke, and the session goes on. It may have been carried out. */
  | { readonly kind: "broken"; readonly reason: string }
  /** A message of the answer was too long. It may have been carried out. */
  | { readonly kind: "too-large"; readonly bytes: number; readonly limit: number }
  /** It asked again and again for more before it would answer (`rounds` times). It may have been carried out. */
  | { readonly kind: "rounds"; readonly rounds: number }
  /** It asked for something that it may not ask of us, and waits for it. It may have been carried out in part. */
  | { readonly kind: "asked"; readonly reason: string }
  /** The server answered with something that is not what was asked for. */
  | { readonly kind: "malformed"; readonly reason: string };

/** What a wire throws; never seen outside of the bridge. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly fault: WireFault;

  constructor(fault: WireFault, options?: { readonly cause?: unknown }) {
    super(`wire fault: ${fault.kind}`, options);
    this.fault = fault;
  }
}
