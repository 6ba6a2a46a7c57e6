import { AsyncLocalStorage } from "node:async_hooks";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import type { Channel, ChannelEnd, OpenChannel, WireMessage } from "./channel.ts";
import type { WireFault } from "./port.ts";

/** An exchange that waits for its answer, as what carries it sees it. */
export interface TapScope {
  readonly once: boolean;
  readonly tag: string | undefined;
  readonly fail: (fault: WireFault, cause?: unknown) => void;
}

/** What carries a session of the second SDK: a transport of its kind, and what we need to know of it. */
export interface Line {
  readonly transport: Transport;
  /** What `transport.send` does with a request of an elder era, where there is a shorter way. */
  readonly direct?: (message: JSONRPCMessage, options: DirectOptions) => Promise<void>;
  /** The exchange in whose course something runs. */
  readonly store: AsyncLocalStorage<TapScope>;
  readonly processId: () => number | undefined;
  /** How it ended, if it has. */
  readonly end: () => ChannelEnd | undefined;
  readonly ended: Promise<ChannelEnd>;
  /** Ends it for a reason of ours. */
  readonly close: (end?: ChannelEnd) => Promise<void>;
  /** The session's, where it has one. */
  readonly sessionId: () => string | undefined;
  /** Arguments of calls also go into headers. */
  readonly http: boolean;
}

export interface DirectOptions {
  readonly requestSignal: AbortSignal;
  readonly onRequestStreamEnd: () => void;
}

export const closedByUs: ChannelEnd = { cause: "closed", reason: "the connection was closed" };

/** A line over a channel. */
export function channelLine(open: OpenChannel, noise: (line: string) => void): Line {
  const ending = Promise.withResolvers<ChannelEnd>();
  let end: ChannelEnd | undefined;
  let channel: Channel | undefined;
  const transport: Transport = {
    start: async () => {
      channel = open({
        message: (message) => transport.onmessage?.(message as unknown as JSONRPCMessage),
        noise,
        end: (found) => {
          end = found;
          ending.resolve(found);
          transport.onclose?.();
        },
      });
    },
    send: (message) => channel?.send(message as unknown as WireMessage) ?? Promise.resolve(),
    close: () => channel?.close() ?? Promise.resolve(),
  };
  return {
    transport,
    store: new AsyncLocalStorage(),
    processId: () => channel?.processId,
    end: () => end,
    ended: ending.promise,
    close: async () => {
      await channel?.close();
      if (!channel) ending.resolve(closedByUs);
    },
    sessionId: () => undefined,
    http: false,
  };
}
