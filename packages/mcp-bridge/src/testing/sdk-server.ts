import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { Server as ServerV1 } from "@modelcontextprotocol/sdk/server/index.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { createMcpHandler, Server as ServerV2 } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

/**
 * The SDKs' own servers with the same tools in them, for the contract of the wires. On standard input and output:
 * `sdk-server.ts <v1|v2> <log file>`; over HTTP in this process: {@link sessionServer}, {@link statelessServer}. What
 * happens to a call is a line in the log file.
 */

/** What a tool needs of whichever SDK serves it. */
interface Call {
  readonly signal: AbortSignal;
  readonly progress: (progress: number) => Promise<void>;
  readonly log: (text: string) => Promise<void>;
  /** Tells everybody that the list of tools and the resource `test://a` have changed. */
  readonly changed: () => Promise<void>;
  /** Asks, and gives the answer back; or ends this call so that it is made anew with the answer. */
  readonly ask: (method: string, params: object) => Promise<object>;
}

const names = ["echo", "slow", "progress", "log", "change", "form", "page", "sampling", "roots", "insist"];
const inputSchema = { type: "object" as const, properties: { text: { type: "string" } } };
const tools = names.map((name) => ({ name, description: `Tool ${name}.`, inputSchema }));
const capabilities = { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, logging: {} };
const info = { name: "sdk", version: "1.0.0" };
const form = { type: "object", properties: { name: { type: "string" }, size: { type: "string", default: "m" } } };

/** Thrown by `ask` where the answer comes with another call. */
class Wanted extends Error {
  readonly request: object;

  constructor(request: object) {
    super("more is wanted");
    this.request = request;
  }
}

async function callTool(name: string, input: object, call: Call, note: (word: string) => void): Promise<object> {
  const said = (value: unknown) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });
  note(`call ${name}`);
  switch (name) {
    case "slow":
      await new Promise<void>((resolve) => {
        call.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      note("cancelled slow");
      return said("too late");
    case "progress":
      for (const step of [1, 2, 3]) await call.progress(step);
      return said("done");
    case "log":
      await call.log("hello");
      return said("logged");
    case "change":
      await call.changed();
      return said("changed");
    case "form":
      return said(await call.ask("elicitation/create", { mode: "form", message: "Who?", requestedSchema: form }));
    case "page":
      return said(
        await call.ask("elicitation/create", {
          mode: "url",
          message: "Pay.",
          url: "https://pay.test/1",
          elicitationId: "e1",
        }),
      );
    case "sampling":
      return said(
        await call.ask("sampling/createMessage", {
          messages: [{ role: "user", content: { type: "text", text: "?" } }],
          maxTokens: 1,
        }),
      );
    case "roots":
      return said(await call.ask("roots/list", {}));
    default:
      return said(input);
  }
}

function noteTo(log: string): (word: string) => void {
  return (word) => appendFileSync(log, `${word}\n`);
}

/** What the server noted so far. */
export function noted(log: string): readonly string[] {
  return existsSync(log)
    ? readFileSync(log, "utf8")
        .split("\n")
        .filter((word) => word !== "")
    : [];
}

function serverV1(note: (word: string) => void): ServerV1 {
  const server = new ServerV1(info, { capabilities });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: [{ uri: params.uri, text: "words" }],
  }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    note(`subscribed ${params.uri}`);
    return {};
  });
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const token = extra._meta?.progressToken;
    const call: Call = {
      signal: extra.signal,
      progress: async (progress) => {
        if (token === undefined) return;
        await extra.sendNotification({ method: "notifications/progress", params: { progressToken: token, progress } });
      },
      log: (data) => extra.sendNotification({ method: "notifications/message", params: { level: "info", data } }),
      changed: async () => {
        await extra.sendNotification({ method: "notifications/tools/list_changed" });
        await extra.sendNotification({ method: "notifications/resources/updated", params: { uri: "test://a" } });
      },
      ask: async (method, asked) => {
        try {
          return await extra.sendRequest({ method, params: asked } as never, z.looseObject({}) as never);
        } catch (thrown) {
          return { refused: (thrown as { code?: unknown }).code };
        }
      },
    };
    return callTool(params.name, params.arguments ?? {}, call, note);
  });
  return server;
}

function serverV2(note: (word: string) => void, changed: () => void): ServerV2 {
  const server = new ServerV2(info, { capabilities });
  server.setRequestHandler("tools/list", () => ({ tools }));
  server.setRequestHandler("resources/read", ({ params }) => ({ contents: [{ uri: params.uri, text: "words" }] }));
  server.setRequestHandler("tools/call", (async (
    request: { params: { name: string; arguments?: object } },
    context: {
      mcpReq: {
        signal: AbortSignal;
        _meta?: { progressToken?: string | number };
        inputResponses?: { readonly [key: string]: object };
        notify: (notification: object) => Promise<void>;
      };
    },
  ) => {
    const { params } = request;
    const { signal, _meta, inputResponses, notify } = context.mcpReq;
    const call: Call = {
      signal,
      progress: async (progress) => {
        if (_meta?.progressToken === undefined) return;
        await notify({ method: "notifications/progress", params: { progressToken: _meta.progressToken, progress } });
      },
      log: (data) => notify({ method: "notifications/message", params: { level: "info", data } }),
      changed: async () => changed(),
      ask: async (method, asked) => {
        const given = inputResponses?.asked;
        if (given) return given;
        throw new Wanted({ method, params: asked });
      },
    };
    try {
      if (params.name === "insist")
        throw new Wanted({
          method: "elicitation/create",
          params: { mode: "form", message: "?", requestedSchema: form },
        });
      return await callTool(params.name, params.arguments ?? {}, call, note);
    } catch (thrown) {
      if (!(thrown instanceof Wanted)) throw thrown;
      return { resultType: "input_required", inputRequests: { asked: thrown.request }, requestState: "s1" };
    }
  }) as never);
  return server;
}

/** A server behind an address of this machine. */
export interface SdkHttpServer {
  readonly url: string;
  /** Forgets every session. */
  readonly forget: () => void;
  readonly sockets: () => Promise<number>;
  readonly close: () => Promise<void>;
}

async function listening(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  forget: () => void,
): Promise<SdkHttpServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    forget,
    sockets: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Sessions, up to 2025-11-25: streamable HTTP, or with `sse` the transport before it. */
export function sessionServer(log: string, { sse = false } = {}): Promise<SdkHttpServer> {
  const note = noteTo(log);
  const sessions = new Map<string, StreamableHTTPServerTransport | SSEServerTransport>();
  let next = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "", "http://localhost");
    if (sse) {
      if (request.method === "GET") {
        const transport = new SSEServerTransport("/messages", response);
        sessions.set(transport.sessionId, transport);
        await serverV1(note).connect(transport);
        return;
      }
      const transport = sessions.get(url.searchParams.get("sessionId") ?? "");
      if (url.pathname === "/messages" && transport instanceof SSEServerTransport) {
        await transport.handlePostMessage(request, response);
        return;
      }
      response.writeHead(url.pathname === "/messages" ? 404 : 405).end("no such session");
      return;
    }
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? sessions.get(id) : undefined;
    if (known instanceof StreamableHTTPServerTransport) {
      await known.handleRequest(request, response);
      return;
    }
    if (id !== undefined) {
      response.writeHead(404).end("session not found");
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => `session-${++next}`,
      onsessioninitialized: (session) => {
        note(`session ${session}`);
        sessions.set(session, transport);
      },
      onsessionclosed: (session) => {
        note(`left ${session}`);
        sessions.delete(session);
      },
    });
    await serverV1(note).connect(transport as never);
    await transport.handleRequest(request, response);
  };
  return listening(
    (request, response) => void answer(request, response),
    () => {
      // Without their streams, as after a start of the process.
      const gone = [...sessions.values()];
      sessions.clear();
      for (const transport of gone) void transport.close();
    },
  );
}

/** Stateless, 2026-07-28. */
export function statelessServer(log: string): Promise<SdkHttpServer> {
  const note = noteTo(log);
  const changed = () => {
    handler.notify.toolsChanged();
    handler.notify.resourceUpdated("test://a");
  };
  const handler = createMcpHandler(() => serverV2(note, changed));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const { method = "GET" } = request;
    const asked = new Request(new URL(request.url ?? "", "http://127.0.0.1"), {
      method,
      headers: new Headers(request.headers as Record<string, string>),
      signal: gone.signal,
      ...(method === "GET" || method === "HEAD"
        ? {}
        : { body: Readable.toWeb(request) as never, duplex: "half" as const }),
    });
    const given = await handler.fetch(asked);
    response.writeHead(given.status, Object.fromEntries(given.headers));
    response.flushHeaders();
    const reader = given.body?.getReader();
    gone.signal.addEventListener("abort", () => void reader?.cancel().catch(() => {}));
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) response.write(part.value);
    response.end();
  };
  return listening(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
    () => {},
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , sdk, log = "/dev/null"] = process.argv;
  const note = noteTo(log);
  if (sdk === "v1") await serverV1(note).connect(new StdioServerTransport());
  else {
    serveStdio(() => {
      const server = serverV2(note, () => {
        void server.sendToolListChanged();
        void server.sendResourceUpdated({ uri: "test://a" });
      });
      return server;
    });
  }
}
