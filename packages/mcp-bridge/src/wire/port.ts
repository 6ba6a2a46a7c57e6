import type { ChannelEnd, OpenChannel } from "./channel.ts";

/**
 * The one way from the bridge to a server's protocol. Everything of an MCP SDK stays behind it; each adapter is a file
 * beside this one. It carries requests and answers and knows nothing of tools, pins, policy or time: deadlines come as
 * a signal.
 */
export interface Wire {
  /** Opens a channel and agrees on a protocol version. @throws WireError; the channel is closed then */
  readonly connect: (open: OpenChannel, options: WireOptions) => Promise<WireSession>;
}

export interface WireOptions {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** A line that is no message was dropped. */
  readonly noise: (line: string) => void;
  /** Something in the protocol went wrong that belongs to no request, such as an answer to none. */
  readonly fault: (reason: string) => void;
}

/** Who answered, in its own words. Never trusted for identity. */
export interface WirePeer {
  readonly name: string;
  readonly version: string;
  /** What both sides agreed on, such as 2025-11-25. */
  readonly protocolVersion: string;
  readonly instructions: string | undefined;
}

export interface WireSession {
  readonly peer: WirePeer;
  readonly processId: number | undefined;
  /**
   * One request. When `signal` aborts, the server is told to stop and the answer is not waited for.
   * @returns the result as it came, unchecked
   * @throws WireError
   */
  readonly request: (
    method: "tools/list" | "tools/call",
    params: { readonly [key: string]: unknown },
    options: { readonly signal: AbortSignal },
  ) => Promise<unknown>;
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
  | { readonly kind: "rejected"; readonly rpcCode: number; readonly reason: string }
  | { readonly kind: "version"; readonly offered: string; readonly supported: readonly string[] }
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
