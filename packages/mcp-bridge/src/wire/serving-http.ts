import {
  createMcpHandler,
  isLegacyRequest,
  type Server,
  type ServerEvent,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { Clock } from "@remit/core";
import {
  rpcCodes,
  type ServedApp,
  type ServedChange,
  ServedError,
  type ServedHttpRequest,
  type ServingHttp,
  type ServingHttpLimits,
  unwatchAll,
  watchedIn,
} from "./serving.ts";
import { serverV2, tell } from "./serving-v2.ts";

/**
 * Serving over streamable HTTP: requests of 2026-07-28 each by itself, those of earlier versions in sessions. A session
 * belongs to whoever opened it; to everybody else it does not exist.
 */
export function servingHttp(
  app: ServedApp,
  { limits, clock, newId }: { readonly limits: ServingHttpLimits; readonly clock: Clock; readonly newId: () => string },
): ServingHttp {
  const sessions = new Map<string, Session>();
  const listening = new Map<string, number>();
  const modern = createMcpHandler(() => serverV2(app), {
    legacy: "reject",
    maxSubscriptions: limits.subscriptions,
    onerror: (error) => app.fault(error.message),
  });
  const stopped = app.changes((change) => {
    modern.bus.publish(eventOf(change));
    for (const { server, watched } of sessions.values()) tell(app, server, watched, change);
  });
  let closed = false;
  /** Callers whose sessions are being opened. */
  const opening: string[] = [];

  const end = async (session: Session): Promise<void> => {
    if (session.id !== undefined && sessions.get(session.id) === session) sessions.delete(session.id);
    session.timer?.cancel();
    await session.server.close().catch((error: Error) => app.fault(error.message));
  };
  const arm = (session: Session): void => {
    session.timer = clock.at(session.usedAt + limits.sessionIdleMs, () => {
      if (session.open > 0) session.usedAt = clock.now();
      if (clock.now() - session.usedAt >= limits.sessionIdleMs) void end(session);
      else arm(session);
    });
  };

  const opened = async (request: Request, { body, caller, callerKey }: ServedHttpRequest): Promise<Response> => {
    const owners = [...opening, ...[...sessions.values()].map(({ owner }) => owner)];
    const own = owners.filter((owner) => owner === callerKey).length;
    if (owners.length >= limits.sessions || own >= limits.sessionsPerCaller) {
      return refusal(503, -32000, "Too many sessions", idOf(body));
    }
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: newId });
    const watched = new Set<string>();
    /** A call goes on when its client no longer listens, and its session with it. */
    const answer: ServedApp["answer"] = async (method, params, context) => {
      session.open += 1;
      try {
        return await app.answer(method, params, context);
      } finally {
        session.open -= 1;
        session.usedAt = clock.now();
      }
    };
    const server = serverV2({ ...app, answer }, { watched });
    const session: Session = {
      id: undefined,
      owner: callerKey,
      transport,
      server,
      watched,
      usedAt: clock.now(),
      open: 0,
      timer: undefined,
    };
    server.onclose = () => {
      if (session.id !== undefined && sessions.get(session.id) === session) sessions.delete(session.id);
      session.timer?.cancel();
      unwatchAll(watched, (uris) => app.unwatch(uris, caller));
    };
    opening.push(callerKey);
    let response: Response;
    try {
      await server.connect(transport);
      response = await transport.handleRequest(request, { authInfo: authInfoOf(caller), parsedBody: body });
    } finally {
      opening.splice(opening.indexOf(callerKey), 1);
    }
    if (transport.sessionId === undefined || closed) {
      await end(session);
      return closed ? refusal(503, -32000, "The server is closing", idOf(body)) : response;
    }
    session.id = transport.sessionId;
    sessions.set(session.id, session);
    arm(session);
    return used(session, response);
  };

  const used = (session: Session, response: Response): Response => {
    session.open += 1;
    return whenOver(response, limits.unreadBytes, () => {
      session.open -= 1;
      session.usedAt = clock.now();
    });
  };

  const inSession = async (request: Request, options: ServedHttpRequest): Promise<Response> => {
    const { body, caller, callerKey } = options;
    const id = request.headers.get("mcp-session-id");
    if (Array.isArray(body) && body.length > limits.batch) {
      return refusal(400, -32600, `A batch may hold at most ${limits.batch} messages`, null);
    }
    if (id === null) {
      if (isInitialize(body)) return opened(request, options);
      return refusal(400, -32000, "There is no session yet: initialize first", idOf(body));
    }
    const session = sessions.get(id);
    if (session?.owner !== callerKey) return refusal(404, -32001, "Session not found", idOf(body));
    session.usedAt = clock.now();
    const { transport } = session;
    const authInfo = authInfoOf(caller);
    return used(session, await transport.handleRequest(request, { authInfo, parsedBody: body }));
  };

  const stateless = async (request: Request, { body, caller, callerKey }: ServedHttpRequest): Promise<Response> => {
    const answer = () => modern.fetch(request, { authInfo: authInfoOf(caller), parsedBody: body });
    if ((body as { readonly method?: unknown } | null)?.method !== "subscriptions/listen") return answer();
    const watched = watchedIn(body);
    if (!watched.every((uri) => app.mayWatch(uri, caller))) {
      return refusal(400, rpcCodes.invalidParams, "Resource not found", idOf(body));
    }
    const own = listening.get(callerKey) ?? 0;
    if (own >= limits.sessionsPerCaller) return refusal(429, -32000, "Too many subscriptions", idOf(body));
    listening.set(callerKey, own + 1);
    const over = () => {
      const left = (listening.get(callerKey) ?? 1) - 1;
      if (left > 0) listening.set(callerKey, left);
      else listening.delete(callerKey);
    };
    try {
      await app.watch(watched, caller);
    } catch (thrown) {
      over();
      if (!(thrown instanceof ServedError)) throw thrown;
      return refusal(429, thrown.code, thrown.message, idOf(body));
    }
    const unwatched = () => {
      over();
      app.unwatch(watched, caller);
    };
    try {
      return whenOver(await answer(), limits.unreadBytes, unwatched);
    } catch (thrown) {
      unwatched();
      throw thrown;
    }
  };

  return {
    fetch: async (request, options) => {
      if (closed) return refusal(503, -32000, "The server is closing", idOf(options.body));
      try {
        const legacy = request.method !== "POST" || (await isLegacyRequest(request, options.body));
        return await (legacy ? inSession(request, options) : stateless(request, options));
      } catch (error) {
        app.fault(error instanceof Error ? error.message : String(error));
        return refusal(500, -32603, "Internal error", idOf(options.body));
      }
    },
    sessions: () => sessions.size,
    close: async () => {
      closed = true;
      stopped();
      await Promise.all([modern.close(), ...[...sessions.values()].map(end)]);
    },
  };
}

interface Session {
  id: string | undefined;
  readonly owner: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: Server;
  readonly watched: Set<string>;
  usedAt: number;
  /** Calls under way and answers that are still being sent. */
  open: number;
  timer: { readonly cancel: () => void } | undefined;
}

/** The SDK hands on whatever stands in here; its own checks of tokens are not used. */
function authInfoOf(caller: unknown) {
  return { token: "", clientId: "", scopes: [], extra: { caller } };
}

function isInitialize(body: unknown): boolean {
  return !Array.isArray(body) && (body as { readonly method?: unknown } | null | undefined)?.method === "initialize";
}

function eventOf(change: ServedChange): ServerEvent {
  return change.kind === "resource-updated"
    ? { kind: "resource_updated", uri: change.uri }
    : { kind: `${change.of}_list_changed` };
}

/** An answer that is an error of JSON-RPC. */
function refusal(status: number, code: number, message: string, id: string | number | null): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id }, { status });
}

function idOf(body: unknown): string | number | null {
  const id = (body as { readonly id?: unknown } | null | undefined)?.id;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

/**
 * The same answer; `over` is called once, when it is over or nobody wants it any more. What its client has not read yet is
 * held, and that has an end: beyond `unreadBytes` the answer is broken off.
 */
function whenOver(response: Response, unreadBytes: number, over: () => void): Response {
  if (response.body === null) {
    over();
    return response;
  }
  const reader = response.body.getReader();
  let isOver = false;
  const once = () => {
    if (!isOver) over();
    isOver = true;
  };
  const handOn = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (isOver) return;
      if (done) return controller.close();
      // Asked before it is held, so that one long message is no reason.
      if ((controller.desiredSize ?? 0) < 0) {
        await reader.cancel("its client does not read");
        throw new Error("its client does not read what it is told");
      }
      controller.enqueue(value);
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        // What comes is taken at once: whoever tells something does not see that nobody reads it.
        void handOn(controller)
          .catch((error) => controller.error(error))
          .finally(once);
      },
      cancel: (reason) => {
        once();
        return reader.cancel(reason);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: unreadBytes }),
  );
  return new Response(body, response);
}
