import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type jsonSchemaValidator,
  type LoggingLevel,
  PROTOCOL_VERSION_META_KEY,
  Server,
  type ServerCapabilities,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import {
  type ChannelOwner,
  type ServedApp,
  type ServedChange,
  type ServedContext,
  ServedError,
  type ServedMethod,
  type ServedPeer,
  watching,
} from "./serving.ts";

/** Serving over version 2 of the MCP SDK: both eras. Of the SDK only framing, matching and versions are used. */

/** The SDK sets a timer for every request to the client; ours come as signals. */
const noTimeout = 2 ** 31 - 1;
const anything = z.unknown();
const firstStateless = "2026-07-28";

/** The SDK would make one for each server, and each request of 2026-07-28 has a server; what it would check is checked here. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

/** What the SDK asks as `capabilities`. */
export function declared({ capabilities }: ServedApp): ServerCapabilities {
  const { resources, subscriptions, prompts, completions, logging } = capabilities;
  return {
    tools: { listChanged: true },
    ...(resources ? { resources: { listChanged: true, ...(subscriptions ? { subscribe: true } : {}) } } : {}),
    ...(prompts ? { prompts: { listChanged: true } } : {}),
    ...(completions ? { completions: {} } : {}),
    ...(logging ? { logging: {} } : {}),
  };
}

/** The methods that an app answers. */
export function methodsOf({ capabilities }: ServedApp): readonly ServedMethod[] {
  const { resources, subscriptions, prompts, completions } = capabilities;
  return [
    "tools/list",
    "tools/call",
    ...(resources ? (["resources/list", "resources/templates/list", "resources/read"] as const) : []),
    ...(resources && subscriptions ? (["resources/subscribe", "resources/unsubscribe"] as const) : []),
    ...(prompts ? (["prompts/list", "prompts/get"] as const) : []),
    ...(completions ? (["completion/complete"] as const) : []),
  ];
}

/** The URIs of which a client wants to hear. */
export type WatchedResources = Set<string> | "all";

export interface ServerV2Options {
  /** Where the server has a channel of its own. */
  readonly owner?: ChannelOwner;
  /** Kept up to date with what the client subscribes to. */
  readonly watched?: WatchedResources;
}

/** A server of the SDK that answers from the app. */
export function serverV2(app: ServedApp, options: ServerV2Options = {}): Server {
  const { name, version, instructions } = app;
  const server = new Server(
    { name, version },
    {
      capabilities: declared(app),
      ...(instructions === undefined ? {} : { instructions }),
      // Questions to clients of the session era go out as requests; nothing is asked behind the app's back.
      inputRequired: { legacyShim: false },
      jsonSchemaValidator: noValidator,
    },
  );
  server.onerror = (error) => app.fault(error.message);
  for (const method of methodsOf(app)) {
    server.setRequestHandler(method, (async (request: { params?: object }, context: ServerContext) => {
      try {
        const params: { readonly [key: string]: unknown } = { ...request.params };
        const { watched, owner } = options;
        const answer = () => app.answer(method, params, contextOf(server, context, owner));
        if (!(watched instanceof Set)) return await answer();
        const uri = String(params.uri);
        const unwatch = (uris: readonly string[]) => app.unwatch(uris, callerOf(context, owner));
        if (method === "resources/subscribe") return await watching(watched, uri, answer, unwatch);
        const result = await answer();
        if (method === "resources/unsubscribe" && watched.delete(uri)) unwatch([uri]);
        return result;
      } catch (thrown) {
        throw errorOf(app, thrown);
      }
    }) as never);
  }
  return server;
}

/** Tells a client what changed, where it wants to hear of it. */
export function tell(app: ServedApp, server: Server, watched: WatchedResources, change: ServedChange): void {
  if (change.kind === "resource-updated" && watched !== "all" && !watched.has(change.uri)) return;
  const notification =
    change.kind === "resource-updated"
      ? { method: "notifications/resources/updated", params: { uri: change.uri } }
      : { method: `notifications/${change.of}/list_changed` };
  server.notification(notification).catch((error: Error) => app.fault(error.message));
}

/** What goes out for an error: its own words where it has any for a client, and none where it has not. */
export function errorOf(app: ServedApp, thrown: unknown): ServedError {
  if (thrown instanceof ServedError) return thrown;
  app.fault(`a request could not be answered: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  return new ServedError(-32603, "Internal error");
}

function callerOf({ http }: ServerContext, owner: ChannelOwner | undefined): unknown {
  return http?.authInfo?.extra?.caller ?? owner?.caller;
}

function contextOf(server: Server, context: ServerContext, owner: ChannelOwner | undefined): ServedContext {
  const { mcpReq, sessionId } = context;
  const stateless = (server.getNegotiatedProtocolVersion() ?? "") >= firstStateless;
  const state = mcpReq.requestState<unknown>();
  return {
    peer: peerOf(server, context),
    caller: callerOf(context, owner),
    // Ids of requests name them within one channel only, in either era.
    sessionId: sessionId ?? owner?.sessionId,
    requestId: String(mcpReq.id),
    meta: { ...mcpReq._meta },
    signal: mcpReq.signal,
    // A client that has gone is told nothing; its request hears of that by the signal.
    notify: (method, params) => void mcpReq.notify({ method, params: { ...params } }).catch(() => {}),
    log: (level, data, logger) => void mcpReq.log(level as LoggingLevel, data, logger).catch(() => {}),
    ask: stateless
      ? undefined
      : ({ method, params }, signal) =>
          mcpReq.send({ method, params: { ...params } } as never, anything, { signal, timeout: noTimeout }),
    responses: mcpReq.inputResponses,
    state: typeof state === "string" ? state : undefined,
  };
}

function peerOf(server: Server, { mcpReq }: ServerContext): ServedPeer {
  // The SDK has checked what stands in it.
  const envelope = (mcpReq.envelope ?? {}) as {
    readonly [CLIENT_INFO_META_KEY]?: { readonly name: string; readonly version: string };
    readonly [PROTOCOL_VERSION_META_KEY]?: string;
    readonly [CLIENT_CAPABILITIES_META_KEY]?: { readonly [name: string]: unknown };
  };
  const info = envelope[CLIENT_INFO_META_KEY] ?? server.getClientVersion();
  return {
    name: info?.name ?? "",
    version: info?.version ?? "",
    protocolVersion: envelope[PROTOCOL_VERSION_META_KEY] ?? server.getNegotiatedProtocolVersion() ?? "",
    capabilities: { ...(envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities()) },
  };
}
