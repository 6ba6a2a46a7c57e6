import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Logger, reasonOf } from "@remit/core";
import type { Authentication, ProtectedResource } from "./auth/authenticator.ts";
import { McpError } from "./errors.ts";
import { type HttpServerTransport, hostFits, originFits } from "./http-server-options.ts";
import { clientKey, type McpClient } from "./mcp-client.ts";
import type { ServingHttp } from "./wire/serving.ts";

/**
 * The door of a server of ours on HTTP. In this order, and each step before anything of the next is read:
 *
 *  D1  `Host` and `Origin` are ours, or 403.
 *  D2  Somebody we serve sends it, or 401 and 403; so nothing is told to strangers but where to get a token.
 *  D3  The body is short enough, or 413; is JSON, or 400; and is there in time, or the connection is closed.
 */
export interface HttpDoor {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Stops taking requests, waits for those under way while `drained` does, then ends all connections. Idempotent. */
  readonly close: () => Promise<void>;
}

const metadataPath = "/.well-known/oauth-protected-resource";
const methods = "GET, POST, DELETE, OPTIONS";

/**
 * @param local whoever calls where nobody is asked who they are
 * @param drained resolves when calls under way have had their time; never rejects
 * @throws McpError `mcp/listen-failed`
 */
export async function openHttpDoor(options: {
  readonly transport: HttpServerTransport;
  readonly serving: ServingHttp;
  readonly local: McpClient;
  readonly logger: Logger;
  readonly drained: () => Promise<void>;
}): Promise<HttpDoor> {
  const { transport, serving, local, logger, drained } = options;
  const { limits, authenticate, path } = transport;
  const resource = authenticate?.resource;
  let closing: Promise<void> | undefined;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("X-Content-Type-Options", "nosniff");
    const { host, origin, authorization } = request.headers;
    if (!hostFits(host, transport)) return refuse(response, 403, "This host is not served here"); // D1
    if (!originFits(origin, transport)) return refuse(response, 403, "This origin is not served here");
    if (origin !== undefined) allowOrigin(response, origin);
    if (closing) return refuse(response, 503, "The server is closing");
    const target = URL.parse(request.url ?? "/", "http://localhost");
    if (!target) return refuse(response, 400, "The request is for no address");
    const { pathname } = target;
    if (resource && (pathname === metadataPath || pathname === `${metadataPath}${path}`)) {
      return request.method === "GET" ? metadata(response, resource) : refuse(response, 405, "Only GET");
    }
    if (pathname !== path) return refuse(response, 404, "There is nothing here");
    if (request.method === "OPTIONS") return void response.writeHead(204, { Allow: methods }).end();
    if (!["GET", "POST", "DELETE"].includes(request.method ?? "")) {
      response.setHeader("Allow", methods);
      return refuse(response, 405, "This method is not served");
    }
    const known: Authentication = authenticate
      ? await authenticate.authenticate(authorization)
      : { ok: true, client: local };
    if (!known.ok) return challenge(response, known, metadataUrl(resource)); // D2
    const body = await bodyOf(request, response, limits.bodyBytes); // D3
    if (body === refused) return;

    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new DOMException("the client went away", "AbortError"));
    });
    const sent = await serving.fetch(asRequest(request, gone.signal), {
      body,
      caller: known.client,
      callerKey: clientKey(known.client),
    });
    await send(sent, response);
  };

  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
      keepAliveTimeout: 5_000,
      noDelay: true,
    },
    (request, response) => {
      handle(request, response).catch((thrown: unknown) => {
        const isGone = request.destroyed || response.destroyed; // That is no news.
        if (!isGone) logger.error({ reason: reasonOf(thrown) }, "A request of HTTP could not be answered.");
        if (isGone || response.headersSent) response.destroy();
        else refuse(response, 503, "The request could not be answered");
      });
    },
  );
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const { host, port } = transport;
      reject(new McpError("mcp/listen-failed", { host, port, reason: cause.message }, { cause }));
    });
    server.listen(transport.port, transport.host, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const shown = family === "IPv6" ? `[${address}]` : address;

  return {
    host: address,
    port,
    url: `http://${shown}:${port}${path}`,
    close: () => {
      closing ??= (async () => {
        const over = new Promise<void>((resolve) => server.close(() => resolve()));
        await drained();
        await serving.close();
        server.closeAllConnections();
        await over;
      })();
      return closing;
    },
  };
}

const refused = Symbol("refused");

/** The body, parsed; `undefined` for a request that has none. */
async function bodyOf(request: IncomingMessage, response: ServerResponse, most: number): Promise<unknown> {
  if (request.method !== "POST") return undefined;
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    refuse(response, 415, "Content-Type must be application/json", -32000);
    return refused;
  }
  if (request.headers["content-encoding"] !== undefined) {
    refuse(response, 415, "Bodies are taken as they are, not compressed", -32000);
    return refused;
  }
  const tooLong = () => {
    refuse(response, 413, `A body may have at most ${most} bytes`, -32000);
    return refused;
  };
  if (Number(request.headers["content-length"] ?? 0) > most) return tooLong();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) return tooLong();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))) as unknown;
  } catch {
    refuse(response, 400, "Parse error: the body is not JSON", -32700);
    return refused;
  }
}

/** An answer without a result. What was not read of the request is not read: the connection ends with it. */
function refuse(response: ServerResponse, status: number, message: string, code = -32000): void {
  if (!response.req.complete) response.setHeader("Connection", "close");
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }));
}

function challenge(
  response: ServerResponse,
  { error, description, scopes }: Extract<Authentication, { ok: false }>,
  metadata: string | undefined,
): void {
  const members = {
    ...(error === "missing" ? {} : { error, error_description: description }),
    ...(scopes && scopes.length > 0 ? { scope: scopes.join(" ") } : {}),
    ...(metadata === undefined ? {} : { resource_metadata: metadata }),
  };
  const said = Object.entries(members).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "")}"`);
  response.setHeader("WWW-Authenticate", ["Bearer", said.join(", ")].join(" ").trim());
  const status = error === "insufficient_scope" ? 403 : error === "invalid_request" ? 400 : 401;
  refuse(response, status, description);
}

/** Where the metadata is, by the address under which clients know the server (RFC 9728, 3.1). */
function metadataUrl(resource: ProtectedResource | undefined): string | undefined {
  if (!resource) return undefined;
  const { origin, pathname } = new URL(resource.resource);
  return `${origin}${metadataPath}${pathname === "/" ? "" : pathname}`;
}

function metadata(response: ServerResponse, { resource, authorizationServers, scopes }: ProtectedResource): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  const told = {
    resource,
    authorization_servers: authorizationServers,
    bearer_methods_supported: ["header"],
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
  };
  response.end(JSON.stringify(told));
}

function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Vary", "Origin");
  response.setHeader("Access-Control-Allow-Methods", methods);
  response.setHeader(
    "Access-Control-Allow-Headers",
    "Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name",
  );
  response.setHeader("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate");
}

/** The request as the web has it, without its body and without what proves who sends it. */
function asRequest(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name === "authorization" || name === "cookie" || name.startsWith(":")) continue;
    headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  headers.delete("content-length");
  return new Request(`http://localhost${request.url ?? "/"}`, { method: request.method ?? "GET", headers, signal });
}

async function send(sent: Response, response: ServerResponse): Promise<void> {
  for (const [name, value] of sent.headers) if (name !== "connection") response.setHeader(name, value);
  response.writeHead(sent.status);
  if (sent.body === null) return void response.end();
  response.flushHeaders();
  await pipeline(Readable.fromWeb(sent.body as never), response);
}
