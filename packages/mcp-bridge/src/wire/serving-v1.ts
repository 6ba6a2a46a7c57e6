import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type {
  JSONRPCMessage,
  ServerNotification,
  ServerRequest,
  ServerResult,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Channel, ChannelEnd, OpenChannel, WireMessage } from "./channel.ts";
import {
  type ChannelOwner,
  type ServedApp,
  type ServedContext,
  type ServedLogLevel,
  type ServingSession,
  type ServingWire,
  unwatchAll,
  watching,
} from "./serving.ts";
import { declared, errorOf, methodsOf } from "./serving-v2.ts";

/**
 * Serving over version 1 of the MCP SDK: sessions on a channel, protocol versions up to 2025-11-25, at half the price of
 * version 2. Only its handshake and its matching of requests are used, and nothing else of it.
 */
export function servingV1(options: ChannelOwner): ServingWire {
  return { serve: (open, app) => serve(open, app, options) };
}

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const noTimeout = 2 ** 31 - 1;
const anything = z.unknown();
const levels: readonly ServedLogLevel[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

async function serve(open: OpenChannel, app: ServedApp, owner: ChannelOwner): Promise<ServingSession> {
  const { name, version, instructions } = app;
  const ending = Promise.withResolvers<ChannelEnd>();
  const server = new Server(
    { name, version },
    { capabilities: declared(app) as never, ...(instructions === undefined ? {} : { instructions }) },
  );
  server.onerror = (error) => app.fault(error.message);
  let threshold: ServedLogLevel = "debug";
  if (app.capabilities.logging) {
    const setLevel = z.looseObject({
      method: z.literal("logging/setLevel"),
      params: z.looseObject({ level: z.enum(levels) }),
    });
    server.setRequestHandler(setLevel, ({ params }) => {
      threshold = params.level;
      return {};
    });
  }
  const watched = new Set<string>();
  const unwatch = (uris: readonly string[]) => app.unwatch(uris, owner.caller);
  const contextOf = (params: { readonly _meta?: object | undefined }, extra: Extra): ServedContext => ({
    peer: {
      name: server.getClientVersion()?.name ?? "",
      version: server.getClientVersion()?.version ?? "",
      protocolVersion,
      capabilities: { ...server.getClientCapabilities() },
    },
    ...owner,
    requestId: String(extra.requestId),
    meta: { ...params._meta },
    signal: extra.signal,
    // A client that has gone is told nothing; its request hears of that by the signal.
    notify: (method, sent) => void extra.sendNotification({ method, params: sent } as never).catch(() => {}),
    log: (level, data, logger) => {
      if (levels.indexOf(level) < levels.indexOf(threshold)) return;
      const sent = { level, data, ...(logger === undefined ? {} : { logger }) };
      void extra.sendNotification({ method: "notifications/message", params: sent } as never).catch(() => {});
    },
    ask: ({ method, params: asked }, signal) =>
      extra.sendRequest({ method, params: asked } as never, anything, { signal, timeout: noTimeout }),
    responses: undefined,
    state: undefined,
  });
  for (const method of methodsOf(app)) {
    const request = z.looseObject({ method: z.literal(method), params: z.looseObject({}).optional() });
    server.setRequestHandler(request, async ({ params = {} }, extra): Promise<ServerResult> => {
      try {
        const answer = () => app.answer(method, params, contextOf(params, extra));
        const subscribes = method === "resources/subscribe";
        const uri = String(params.uri);
        const result = await (subscribes ? watching(watched, uri, answer, unwatch) : answer());
        if (method === "resources/unsubscribe" && watched.delete(uri)) unwatch([uri]);
        return result as ServerResult;
      } catch (thrown) {
        throw errorOf(app, thrown);
      }
    });
  }
  let channel: Channel | undefined;
  let protocolVersion = "";
  const stopped = app.changes((change) => {
    if (protocolVersion === "") return; // Before the handshake there is nobody to tell.
    if (change.kind === "resource-updated" && !watched.has(change.uri)) return;
    const notification =
      change.kind === "list-changed"
        ? { method: `notifications/${change.of}/list_changed` }
        : { method: "notifications/resources/updated", params: { uri: change.uri } };
    server.notification(notification as ServerNotification).catch((error: Error) => app.fault(error.message));
  });
  const transport: Transport = {
    start: async () => {
      channel = open({
        message: (message) => transport.onmessage?.(message as unknown as JSONRPCMessage),
        noise: () => app.fault("a line is no message of JSON-RPC"),
        end: (end) => {
          stopped();
          unwatchAll(watched, unwatch);
          ending.resolve(end);
          transport.onclose?.();
        },
      });
    },
    send: (message) => {
      const result = "result" in message ? (message.result as { readonly protocolVersion?: unknown }) : undefined;
      if (protocolVersion === "" && typeof result?.protocolVersion === "string")
        protocolVersion = result.protocolVersion;
      return channel?.send(message as unknown as WireMessage) ?? Promise.resolve();
    },
    close: () => channel?.close() ?? Promise.resolve(),
  };
  await server.connect(transport);
  return { ended: ending.promise, close: () => transport.close() };
}
