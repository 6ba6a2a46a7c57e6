import type { ChannelEnd, OpenChannel } from "./channel.ts";

/**
 * The one way from a client's protocol to the bridge, as {@link Wire} is for servers. Each adapter is a file beside this
 * one, and nothing of an MCP SDK is seen on this side of it. An adapter carries requests and answers, matches them, and
 * agrees on a version. What a request means, who may make it and what is answered is decided behind `answer`, once for
 * both eras of the protocol.
 */
export interface ServingWire {
  /** Serves one client on one channel. */
  readonly serve: (open: OpenChannel, app: ServedApp) => Promise<ServingSession>;
}

/** Whose a channel is. */
export interface ChannelOwner {
  readonly caller: unknown;
  /** Names this channel among all there ever are. */
  readonly sessionId: string;
}

/** What there is to serve. */
export interface ServedApp {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | undefined;
  readonly capabilities: ServedCapabilities;
  /**
   * Answers one request with a result of the protocol. The parameters are as they came and fit the protocol's own schema.
   * @throws ServedError what the client gets as a JSON-RPC error; anything else is `-32603` without a reason
   */
  readonly answer: (
    method: ServedMethod,
    params: { readonly [key: string]: unknown },
    context: ServedContext,
  ) => Promise<{ readonly [key: string]: unknown }>;
  /** True where a caller may hear of changes of this resource. */
  readonly mayWatch: (uri: string, caller: unknown) => boolean;
  /**
   * Somebody who may begins to listen for changes of these. Subscribing by `answer` does so too.
   * @throws ServedError where a caller would listen for too many
   */
  readonly watch: (uris: readonly string[], caller: unknown) => Promise<void>;
  /** One who listened for these no longer does: each time that they were watched is taken back once. */
  readonly unwatch: (uris: readonly string[], caller: unknown) => void;
  /** Hears what changes until the function that it gives is called. */
  readonly changes: (listener: (change: ServedChange) => void) => () => void;
  /** Something in the protocol went wrong that belongs to no request. */
  readonly fault: (reason: string) => void;
}

/** What is declared in the handshake. Tools always are. */
export interface ServedCapabilities {
  readonly resources: boolean;
  readonly subscriptions: boolean;
  readonly prompts: boolean;
  readonly completions: boolean;
  readonly logging: boolean;
}

export type ServedMethod =
  | "tools/list"
  | "tools/call"
  | "resources/list"
  | "resources/templates/list"
  | "resources/read"
  | "resources/subscribe"
  | "resources/unsubscribe"
  | "prompts/list"
  | "prompts/get"
  | "completion/complete";

export type ServedChange =
  | { readonly kind: "list-changed"; readonly of: "tools" | "resources" | "prompts" }
  | { readonly kind: "resource-updated"; readonly uri: string };

/** Who is at the other end, in its own words. Never trusted for identity. */
export interface ServedPeer {
  readonly name: string;
  readonly version: string;
  readonly protocolVersion: string;
  /** What it says it can do: `elicitation`, `sampling`, `roots` … */
  readonly capabilities: { readonly [name: string]: unknown };
}

/** One request under way. */
export interface ServedContext {
  readonly peer: ServedPeer;
  /** Who the transport found to be calling, as it was given with the request; `undefined` where nobody asked. */
  readonly caller: unknown;
  /** The session in whose course it is asked; `undefined` where the protocol has none. */
  readonly sessionId: string | undefined;
  readonly requestId: string;
  readonly meta: { readonly [key: string]: unknown };
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** Tells the client something in the course of this request. Never rejects; after the answer it is dropped. */
  readonly notify: (method: "notifications/progress", params: { readonly [key: string]: unknown }) => void;
  /** Tells the client a log line, where it asked for lines of that level. Never rejects. */
  readonly log: (level: ServedLogLevel, data: unknown, logger: string | undefined) => void;
  /**
   * Asks the client something in the course of this request and waits for its answer. Absent where the protocol has no
   * such way (2026-07-28): what is needed is then answered as `input_required`.
   */
  readonly ask: ((request: ServedAsk, signal: AbortSignal) => Promise<unknown>) | undefined;
  /** What the client answered to an `input_required` result, by the key of each question. Unchecked. */
  readonly responses: { readonly [key: string]: unknown } | undefined;
  /** The state that came back with it, as it came: the client could have written anything. */
  readonly state: string | undefined;
}

/** A request to the client. */
export interface ServedAsk {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: { readonly [key: string]: unknown };
}

export type ServedLogLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";

/** A request that is answered with an error of JSON-RPC. `code`, `message` and `data` go out as they are. */
export class ServedError extends Error {
  override readonly name = "ServedError";
  readonly code: number;
  readonly data: { readonly [key: string]: unknown } | undefined;

  constructor(code: number, message: string, data?: { readonly [key: string]: unknown }) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const rpcCodes = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Up to 2025-11-25; later it is an invalid parameter. */
  resourceNotFound: -32002,
  missingCapability: -32021,
} as const;

export interface ServingSession {
  readonly ended: Promise<ChannelEnd>;
  readonly close: () => Promise<void>;
}

/** Serving over streamable HTTP, both eras on one address. Who may ask was found out before. */
export interface ServingHttp {
  /**
   * Answers one request of HTTP. Never rejects.
   * @param body the request's body, parsed already; `undefined` for a request without one
   */
  readonly fetch: (request: Request, options: ServedHttpRequest) => Promise<Response>;
  /** Sessions there are. */
  readonly sessions: () => number;
  /** Ends every session and stream. Idempotent. */
  readonly close: () => Promise<void>;
}

export interface ServedHttpRequest {
  readonly body: unknown;
  readonly caller: unknown;
  /** Says of whom the request is; a session serves nobody but who opened it. */
  readonly callerKey: string;
}

export interface ServingHttpLimits {
  /** Sessions at once; one more is refused with 503. */
  readonly sessions: number;
  /** Sessions at once of one caller. */
  readonly sessionsPerCaller: number;
  /** Milliseconds after which a session in which nothing happens ends. */
  readonly sessionIdleMs: number;
  /** Streams of `subscriptions/listen` at once. */
  readonly subscriptions: number;
  /** Messages of one JSON-RPC batch, which only 2025-03-26 knows. */
  readonly batch: number;
  /** Bytes of one answer that its client has not read yet; beyond it the answer is broken off. */
  readonly unreadBytes: number;
}

/** Resources that one session watches at once. */
const watchedMax = 1_000;

/**
 * Subscribes a session, and takes that back where the request fails. It counts before anything is waited for.
 * @throws ServedError where one more would be too many
 */
export async function watching<Result>(
  watched: Set<string>,
  uri: string,
  work: () => Promise<Result>,
  unwatch: (uris: readonly string[]) => void,
): Promise<Result> {
  if (watched.has(uri)) {
    const result = await work();
    unwatch([uri]); // Once for each session.
    return result;
  }
  if (watched.size >= watchedMax) throw new ServedError(rpcCodes.internal, "Too many resources are watched");
  watched.add(uri);
  try {
    return await work();
  } catch (thrown) {
    watched.delete(uri);
    throw thrown;
  }
}

/** Gives back all that a session watched. */
export function unwatchAll(watched: Set<string>, unwatch: (uris: readonly string[]) => void): void {
  const uris = [...watched];
  watched.clear();
  unwatch(uris);
}

/** The resources that a `subscriptions/listen` names. */
export function watchedIn(body: unknown): readonly string[] {
  const { params } = body as {
    readonly params?: { readonly notifications?: { readonly resourceSubscriptions?: unknown } };
  };
  const named = params?.notifications?.resourceSubscriptions;
  return Array.isArray(named) ? named.filter((uri) => typeof uri === "string") : [];
}
