import { AsyncLocalStorage } from "node:async_hooks";
import { SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Clock } from "@remit/core";
import type { OAuth } from "../oauth/oauth.ts";
import { authFetch } from "./auth.ts";
import type { ChannelEnd, WireMessage } from "./channel.ts";
import { httpFetch } from "./http-fetch.ts";
import { type Wire, WireError, type WireOptions, type WireSession } from "./port.ts";
import { isPlainResult } from "./requests.ts";
import { connectV2, type V2Era, type V2Options } from "./v2.ts";
import { closedByUs, type DirectOptions, type Line, type TapScope } from "./v2-line.ts";

/**
 * Servers behind an address, over sockets of each connection's own. `auto` is tried as streamable HTTP; where the first
 * message is answered with 404 or 405, as the transport before it. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export interface HttpWireOptions extends V2Options {
  readonly url: URL;
  /** `sse`: the transport of 2024-11-05, and nothing else. */
  readonly transport: "http" | "sse";
  readonly era: Extract<V2Era, string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: OAuth | undefined;
  readonly allowPrivate: boolean;
  readonly messageBytes: number;
  readonly responseBytes: number;
  /** How long the server may take to end a session. */
  readonly closeGraceMs: number;
  /** Replaces secrets: a server may say back what it was told. */
  readonly mask: (text: string) => string;
}

/** How often a broken stream that can be resumed is asked for again. */
const resumes = {
  initialReconnectionDelay: 250,
  maxReconnectionDelay: 5_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 3,
};

export function wireHttp(options: HttpWireOptions): Wire {
  const { mask } = options;
  const masked = (thrown: unknown): never => {
    if (!(thrown instanceof WireError)) throw thrown;
    const { fault } = thrown;
    // Without its cause: what another library says of a request may hold all of it.
    if ("reason" in fault) throw new WireError({ ...fault, reason: mask(fault.reason) });
    if ("end" in fault && fault.end)
      throw new WireError({ ...fault, end: { ...fault.end, reason: mask(fault.end.reason) } });
    throw thrown;
  };
  return {
    connect: async (given) => {
      const wireOptions = { ...given, fault: (reason: string) => given.fault(mask(reason)) };
      const session = await connect(options, wireOptions).catch(masked);
      return { ...session, request: (method, params, asked) => session.request(method, params, asked).catch(masked) };
    },
  };
}

async function connect(options: HttpWireOptions, wireOptions: WireOptions): Promise<WireSession> {
  if (options.transport === "sse")
    return connectV2(httpLine(options, "sse", wireOptions), "legacy", options, wireOptions);
  try {
    return await connectV2(httpLine(options, "http", wireOptions), options.era, options, wireOptions);
  } catch (thrown) {
    const fault = thrown instanceof WireError ? thrown.fault : undefined;
    const elder = fault?.kind === "http" && (fault.status === 404 || fault.status === 405);
    if (!elder || options.era === "2026-07-28") throw thrown;
    try {
      return await connectV2(httpLine(options, "sse", wireOptions), "legacy", options, wireOptions);
    } catch (second) {
      // That it is aborted is news; that it is no elder server either is none.
      if (second instanceof WireError && second.fault.kind === "aborted") throw second;
      throw thrown;
    }
  }
}

function httpLine(options: HttpWireOptions, kind: "http" | "sse", { person }: WireOptions): Line {
  const { url, headers, clock, auth, allowPrivate, messageBytes, responseBytes, closeGraceMs } = options;
  const store = new AsyncLocalStorage<TapScope>();
  const ending = Promise.withResolvers<ChannelEnd>();
  let end: ChannelEnd | undefined;
  let closing: Promise<void> | undefined;
  const sockets = httpFetch({
    clock,
    url,
    headers,
    messageBytes,
    responseBytes,
    allowPrivate,
    exchange: () => store.getStore(),
  });
  const waiting = person ?? (() => {});
  /** What has come for an exchange, and the SDK's transport is to read. */
  const come = new WeakMap<TapScope, Response>();
  const plainFetch = (target: string | URL, init?: RequestInit): Promise<Response> => {
    const scope = store.getStore();
    const response = scope && come.get(scope);
    if (!response) return sockets.fetch(target, init);
    come.delete(scope);
    return Promise.resolve(response);
  };
  const fetch = auth ? authFetch({ url, oauth: auth, fetch: sockets.fetch, clock, person: waiting }) : plainFetch;
  const transport =
    kind === "sse"
      ? new SSEClientTransport(url, { fetch })
      : new StreamableHTTPClientTransport(url, {
          fetch,
          reconnectionOptions: resumes,
          reconnectionScheduler: (reconnect, delayMs) => clock.at(clock.now() + delayMs, reconnect).cancel,
        });
  const sessionId = () =>
    transport instanceof StreamableHTTPClientTransport ? transport.sessionId : started ? "sse" : undefined;
  /** The stream on which an elder server answers has been there. */
  let started = false;

  const close = (why: ChannelEnd = closedByUs): Promise<void> => {
    closing ??= (async () => {
      end = why;
      ending.resolve(why);
      if (transport instanceof StreamableHTTPClientTransport && why.cause === "closed") {
        await leave(transport, closeGraceMs, clock);
      }
      await transport.close();
      sockets.close();
    })();
    return closing;
  };
  if (transport instanceof SSEClientTransport) watch(transport);

  /**
   * Sends a request as the SDK's transport does. An answer of one document that is the usual one is read here; whatever
   * else comes is given to the transport, as if it had asked for it.
   */
  const direct = async (stream: StreamableHTTPClientTransport, message: Message, options: DirectOptions) => {
    const signal = options.requestSignal;
    try {
      const { sessionId: id, protocolVersion: version } = stream;
      const answer = await sockets.post({
        body: JSON.stringify(message),
        signal,
        headers: {
          accept: "application/json, text/event-stream",
          "content-type": "application/json",
          ...(id ? { "mcp-session-id": id } : {}),
          ...(version ? { "mcp-protocol-version": version } : {}),
        },
      });
      const read = Buffer.isBuffer(answer) ? plainResultOf(answer) : undefined;
      if (read) return stream.onmessage?.(read);
      const scope = store.getStore();
      const headers = { "content-type": "application/json" };
      if (scope) come.set(scope, Buffer.isBuffer(answer) ? new Response(new Uint8Array(answer), { headers }) : answer);
    } catch (thrown) {
      if (!signal.aborted) stream.onerror?.(thrown as Error);
      throw thrown;
    }
    return stream.send(message, options);
  };

  /** Without its stream an elder server cannot answer any more, and a new stream would be another session. */
  function watch(stream: SSEClientTransport): void {
    const { start } = stream;
    stream.start = async () => {
      await start.call(stream);
      started = true;
      const told = stream.onerror;
      stream.onerror = (error) => {
        told?.(error);
        if (error.name === "SseError") void close({ cause: "lost", reason: `its stream broke: ${error.message}` });
      };
    };
  }

  return {
    transport,
    ...(auth || !(transport instanceof StreamableHTTPClientTransport)
      ? {}
      : { direct: (message, sending) => direct(transport, message, sending) }),
    store,
    processId: () => undefined,
    end: () => end,
    ended: ending.promise,
    close,
    sessionId,
    http: kind === "http",
  };
}

type Message = Parameters<StreamableHTTPClientTransport["send"]>[0];

/** The answer in a document, where it is the usual one. */
function plainResultOf(document: Buffer): Extract<Message, { readonly result: unknown }> | undefined {
  let message: unknown;
  try {
    message = JSON.parse(document.toString("utf8"));
  } catch {
    return undefined; // The transport says what is wrong with it.
  }
  const usual = typeof message === "object" && message !== null && isPlainResult(message as WireMessage);
  return usual ? (message as Extract<Message, { readonly result: unknown }>) : undefined;
}

/** Tells the server that its session is over. A server that does not care is not waited for. */
async function leave(transport: StreamableHTTPClientTransport, graceMs: number, clock: Clock): Promise<void> {
  if (transport.sessionId === undefined) return;
  const over = Promise.withResolvers<void>();
  const timer = clock.at(clock.now() + graceMs, over.resolve);
  // It is asked for as a courtesy: whatever it answers, nothing is sent in this session any more.
  await Promise.race([transport.terminateSession().catch(() => {}), over.promise]).finally(timer.cancel);
}
