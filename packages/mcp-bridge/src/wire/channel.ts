/** How messages of JSON-RPC get to a server and back, whatever carries them. */

/** One message of JSON-RPC 2.0 that was read from or goes to the wire. */
export type WireMessage = { readonly jsonrpc: "2.0"; readonly [key: string]: unknown };

/** How a channel ended. */
export interface ChannelEnd {
  /**
   * `closed` by us; `exited` or `spawn-failed`: the process; `lost`: the stream broke; `overflow`: a message was too
   * long; `forgotten`: the server is there and does not know the session any more.
   */
  readonly cause: "closed" | "exited" | "spawn-failed" | "lost" | "overflow" | "forgotten";
  readonly reason: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** The last words of the process on standard error, at most 2,000 bytes, secrets masked. */
  readonly stderr?: string;
}

/** What the owner of a channel hears. None of these may throw. */
export interface ChannelListener {
  readonly message: (message: WireMessage) => void;
  /** A line that is no message of JSON-RPC; it was dropped. */
  readonly noise: (line: string) => void;
  /** Once, and last. */
  readonly end: (end: ChannelEnd) => void;
}

export interface Channel {
  /**
   * Writes a message, and nobody waits for it. What is posted in one go of the event loop leaves in one piece, but for what
   * is `alone`: that leaves at once. @throws when it is none of JSON; nothing is written then
   */
  readonly post: (message: WireMessage, alone: boolean) => void;
  /** Resolves when the message has left us, or when the channel has ended. Never rejects: `end` tells what happened. */
  readonly send: (message: WireMessage) => Promise<void>;
  /** Ends the channel and whatever is behind it. Resolves when all of it is gone; a second call waits for the first. */
  readonly close: () => Promise<void>;
  readonly processId: number | undefined;
}

/** Opens a channel; failures are told by `end`. */
export type OpenChannel = (listener: ChannelListener) => Channel;
