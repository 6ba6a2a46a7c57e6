import { PROTOCOL_VERSION_META_KEY, type Server, type Transport } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Channel, ChannelEnd, OpenChannel, WireMessage } from "./channel.ts";
import {
  type ChannelOwner,
  type ServedApp,
  type ServingSession,
  type ServingWire,
  unwatchAll,
  watchedIn,
} from "./serving.ts";
import { servingV1 } from "./serving-v1.ts";
import { serverV2, tell, type WatchedResources } from "./serving-v2.ts";

/**
 * Serving on one channel in either era. The first message says which: one that names its version in `_meta` is of
 * 2026-07-28, everything else is of the time of sessions.
 */
export function servingStdio(owner: ChannelOwner): ServingWire {
  return { serve: (open, app) => serve(open, app, owner) };
}

async function serve(open: OpenChannel, app: ServedApp, owner: ChannelOwner): Promise<ServingSession> {
  const ending = Promise.withResolvers<ChannelEnd>();
  let begun = false;
  let inner: Parameters<OpenChannel>[0] | undefined;
  let end: ChannelEnd | undefined;
  const queued: WireMessage[] = [];
  const channel: Channel = open({
    message: (message) => {
      if (inner) return inner.message(message);
      queued.push(message);
      if (!begun) void begin(message);
      begun = true;
    },
    noise: (line) => (inner ? inner.noise(line) : app.fault("a line is no message of JSON-RPC")),
    end: (found) => {
      end = found;
      ending.resolve(found);
      inner?.end(found);
    },
  });
  /** The same channel for whoever speaks the client's era. */
  const reopen: OpenChannel = (listener) => {
    inner = listener;
    for (const message of queued.splice(0)) listener.message(message);
    if (end) listener.end(end);
    return channel;
  };
  const begin = async (first: WireMessage): Promise<void> => {
    if (namesVersion(first)) serveV2(reopen, app, owner);
    else await servingV1(owner).serve(reopen, app);
  };
  return { ended: ending.promise, close: () => channel.close() };
}

function namesVersion(message: WireMessage): boolean {
  const meta = (message.params as { readonly _meta?: { readonly [key: string]: unknown } } | undefined)?._meta;
  return typeof meta === "object" && meta !== null && typeof meta[PROTOCOL_VERSION_META_KEY] === "string";
}

function serveV2(open: OpenChannel, app: ServedApp, owner: ChannelOwner): void {
  const servers = new Map<Server, WatchedResources>();
  const stopped = app.changes((change) => {
    if (change.kind === "resource-updated" && !app.mayWatch(change.uri, owner.caller)) return;
    for (const [server, watched] of servers) tell(app, server, watched, change);
  });
  /** What each request that listens listens for. */
  const listening = new Map<unknown, readonly string[]>();
  const listen = async (id: unknown, uris: readonly string[]): Promise<void> => {
    unlisten(id);
    listening.set(id, uris);
    try {
      await app.watch(uris, owner.caller);
    } catch (error) {
      listening.delete(id);
      app.fault(String(error));
    }
  };
  const unlisten = (id: unknown): void => {
    const uris = listening.get(id);
    if (!uris) return;
    listening.delete(id);
    app.unwatch(uris, owner.caller);
  };
  let channel: Channel | undefined;
  const transport: Transport = {
    start: async () => {
      channel = open({
        message: (message) => {
          if (message.method === "subscriptions/listen") {
            const uris = watchedIn(message).filter((uri) => app.mayWatch(uri, owner.caller));
            void listen(message.id, uris);
          }
          if (message.method === "notifications/cancelled") {
            unlisten((message.params as { readonly requestId?: unknown } | undefined)?.requestId);
          }
          transport.onmessage?.(message as never);
        },
        noise: () => app.fault("a line is no message of JSON-RPC"),
        end: () => {
          stopped();
          for (const id of [...listening.keys()]) unlisten(id);
          transport.onclose?.();
        },
      });
    },
    send: (message) => channel?.send(message as unknown as WireMessage) ?? Promise.resolve(),
    close: () => channel?.close() ?? Promise.resolve(),
  };
  serveStdio(
    ({ era }) => {
      // Who listens in the modern era has said to what; the SDK picks it out.
      const watched: WatchedResources = era === "modern" ? "all" : new Set();
      const server = serverV2(app, { owner, watched });
      servers.set(server, watched);
      server.onclose = () => {
        servers.delete(server);
        if (watched !== "all") unwatchAll(watched, (uris) => app.unwatch(uris, owner.caller));
      };
      return server;
    },
    { transport, onerror: (error) => app.fault(error.message) },
  );
}
