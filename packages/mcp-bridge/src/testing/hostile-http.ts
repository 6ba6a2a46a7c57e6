import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";

/**
 * A server behind an address that is good but for its calls, in sessions (2025-11-25) and spoken by hand, so that anything
 * can be answered. The name of the tool that is called says which trick is played.
 */
export interface HostileHttp {
  readonly url: string;
  /** Keys of the calls it took, oldest first: its own ledger. */
  readonly ledger: readonly string[];
  /** Paths that were asked for besides the server's own. */
  readonly elsewhere: readonly string[];
  readonly sockets: () => number;
  /** Forgets every session, as after a start of the process. */
  readonly forget: () => void;
  /** Cuts every connection and listens no more. */
  readonly stop: () => Promise<void>;
  /** Listens again, at the same address, and knows no session. */
  readonly start: () => Promise<void>;
}

interface Call {
  readonly id: number | string;
  readonly text: string;
  readonly url: string;
  readonly request: IncomingMessage;
}

type Trick = (response: ServerResponse, call: Call) => unknown;

const block = (text: string) => ({ type: "text", text });
const said = (id: unknown, text: string) => ({ jsonrpc: "2.0", id, result: { content: [block(text)] } });
const structured = (id: unknown, value: object) => ({
  jsonrpc: "2.0",
  id,
  result: { content: [], structuredContent: value },
});
const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
const stream = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });
const event = (value: unknown) => `event: message\ndata: ${JSON.stringify(value)}\n\n`;
/** Writes the same again and again, as fast as it is read. */
const endlessly = (response: ServerResponse, part: string) => {
  const more = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on("drain", more);
  more();
};
/** Writes bytes to the socket as they are, headers and all. */
const raw = ({ socket }: ServerResponse, text: string, end = true) => {
  socket?.write(text);
  if (end) socket?.end();
};
/** 200 MB of spaces. Made once: what it takes is no work of whoever reads it. */
const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20, " "));
const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

export const tricks: Readonly<Record<string, Trick>> = {
  echo: (response, { id, text }) => json(response, structured(id, { text })),
  stream_echo: (response, { id, text }) => stream(response).end(event(structured(id, { text }))),
  hang: () => undefined,
  // Statuses.
  status_400: (response) => response.writeHead(400).end("no"),
  status_401: (response) => response.writeHead(401, { "www-authenticate": 'Bearer scope="all"' }).end("who?"),
  status_403: (response) => response.writeHead(403).end("not you"),
  status_404: (response) => response.writeHead(404).end("session not found"),
  status_429: (response) => response.writeHead(429, { "retry-after": "86400" }).end("slow down"),
  status_500: (response) => response.writeHead(500).end("sorry ".repeat(200_000)),
  status_202: (response) => response.writeHead(202).end(),
  status_204: (response) => response.writeHead(204).end(),
  status_100: (response) => raw(response, "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000), false),
  status_999: (response) => raw(response, "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"),
  // Places.
  redirect_origin: (response) => response.writeHead(307, { location: "http://elsewhere.test/steal" }).end(),
  redirect_private: (response) =>
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
  redirect_loop: (response, { url }) =>
    response.writeHead(308, { location: `${url.replace(/\/again$/, "")}/again` }).end(),
  // What comes in place of an answer.
  page: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<script>alert(1)</script>"),
  untyped: (response, { id }) => response.writeHead(200).end(JSON.stringify(said(id, "untyped"))),
  no_json: (response) => response.writeHead(200, { "content-type": "application/json" }).end("{"),
  empty: (response) => response.writeHead(200, { "content-type": "application/json" }).end(),
  null_body: (response) => json(response, null),
  gzip_bomb: (response) =>
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb),
  gzip_bomb_error: (response) => response.writeHead(500, { "content-encoding": "gzip" }).end(bomb),
  gzip_broken: (response) =>
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end("no gzip"),
  other_encoding: (response) =>
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "zstd" }).end("x"),
  huge_headers: (response) => raw(response, `${head}${`x-more: ${"x".repeat(8_000)}\r\n`.repeat(100)}\r\n{}`),
  many_headers: (response) => raw(response, `${head}${"a: b\r\n".repeat(100_000)}\r\n{}`),
  endless_headers: (response) => headersWithoutEnd(response),
  two_lengths: (response, { id }) => {
    const body = JSON.stringify(said(id, "?"));
    raw(response, `${head}content-length: ${body.length}\r\ncontent-length: 3\r\n\r\n${body}`);
  },
  length_and_chunks: (response) =>
    raw(response, `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`),
  long_length: (response) => raw(response, `${head}content-length: 1000\r\n\r\n{}`),
  bad_chunks: (response) => raw(response, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`),
  no_http: (response) => raw(response, "SSH-2.0-OpenSSH_9.9\r\n"),
  trailing_garbage: (response, { id }) => {
    const body = JSON.stringify(said(id, "good"));
    raw(response, `${head}content-length: ${body.length}\r\n\r\n${body}HTTP/1.1 200 OK\r\n\r\nmore`);
  },
  cut: (response) => response.destroy(),
  half_closed: (response) => raw(response, `${head}content-length: 1000\r\n\r\n{"jsonrpc"`),
  // Slow and endless.
  drip_json: (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    drip(response, " ");
  },
  drip_headers: (response) => {
    const { socket } = response;
    socket?.write("HTTP/1.1 200 OK\r\nx: ");
    const timer = setInterval(() => socket?.write("x"), 20);
    socket?.once("close", () => clearInterval(timer));
  },
  drip_comments: (response) => drip(stream(response), ": still here\n\n"),
  drip_line: (response) => {
    stream(response).write("data: ");
    drip(response, "x");
  },
  endless_json: (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    endlessly(response, " ".repeat(65_536));
  },
  endless_comments: (response) => endlessly(stream(response), `: ${"x".repeat(900)}\n\n`.repeat(64)),
  endless_line: (response) => {
    stream(response).write("data: ");
    endlessly(response, "x".repeat(65_536));
  },
  endless_event: (response) => endlessly(stream(response), `data: ${"x".repeat(900)}\n`.repeat(64)),
  endless_notices: (response) => {
    const notice = { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "spam" } };
    endlessly(stream(response), event(notice).repeat(64));
  },
  // Messages.
  stream_ends: (response) => stream(response).end(),
  stream_breaks: (response) => void stream(response).write(": hi\n\n", () => response.destroy()),
  stream_no_json: (response) => stream(response).end("data: {\n\n"),
  stream_other_id: (response) => stream(response).end(event(said(987_654, "not yours"))),
  stream_twice: (response, { id }) => stream(response).end(event(said(id, "first")) + event(said(id, "second"))),
  stream_carriage_returns: (response, { id }) =>
    stream(response).end(`\ufeffevent: message\r\ndata: ${JSON.stringify(said(id, "first"))}\r\n\r\n`),
  batch: (response, { id }) => json(response, [said(id, "first")]),
  other_id: (response) => json(response, said(987_654, "not yours")),
  text_id: (response, { id }) => json(response, said(`${id}`, "not yours")),
  bom: (response, { id }) =>
    response.writeHead(200, { "content-type": "application/json" }).end(`\ufeff${JSON.stringify(said(id, "first"))}`),
  request_in_place: (response, { id }) => json(response, { jsonrpc: "2.0", id, method: "tools/call", params: {} }),
};

function drip(response: ServerResponse, part: string): void {
  const timer = setInterval(() => response.write(part), 20);
  response.once("close", () => clearInterval(timer));
}

function headersWithoutEnd({ socket }: ServerResponse): void {
  if (!socket) return;
  socket.write(head);
  const more = () => {
    while (!socket.destroyed && socket.write(`x-more: ${"x".repeat(8_000)}\r\n`));
  };
  socket.on("drain", more);
  more();
}

const text = { type: "object", properties: { text: { type: "string" } } };

export async function hostileHttp(): Promise<HostileHttp> {
  const ledger: string[] = [];
  const elsewhere: string[] = [];
  const open = new Set<Socket>();
  let sessions = new Set<string>();
  let next = 0;
  let port = 0;
  const url = () => `http://127.0.0.1:${port}/mcp`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    response.on("error", () => {}); // Nobody reads any more.
    if (request.url !== "/mcp") elsewhere.push(String(request.url));
    const session = String(request.headers["mcp-session-id"]);
    if (request.method === "DELETE") {
      sessions.delete(session);
      return response.writeHead(200).end();
    }
    if (request.method !== "POST") return response.writeHead(405).end();
    let body = "";
    for await (const part of request) body += part;
    const { id, method, params } = JSON.parse(body);
    if (method === "initialize") {
      const name = `session-${++next}`;
      sessions.add(name);
      const { protocolVersion } = params;
      const result = {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "hostile", version: "6.6.6" },
      };
      return json(response, { jsonrpc: "2.0", id, result }, { "mcp-session-id": name });
    }
    if (!sessions.has(session)) return response.writeHead(404).end("session not found");
    if (id === undefined) return response.writeHead(202).end();
    if (method === "tools/list") {
      const tools = Object.keys(tricks).map((name) => ({ name, description: `Tool ${name}.`, inputSchema: text }));
      return json(response, { jsonrpc: "2.0", id, result: { tools } });
    }
    ledger.push(String(params._meta?.["remit/idempotencyKey"] ?? params.name));
    const words = String(params.arguments?.text ?? "");
    return tricks[String(params.name)]?.(response, { id, text: words, url: url(), request });
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("error", () => {}); // It was cut off.
    socket.once("close", () => open.delete(socket));
  });
  const start = () =>
    new Promise<void>((resolve) => {
      sessions = new Set();
      server.listen(port, "127.0.0.1", () => {
        ({ port } = server.address() as AddressInfo);
        resolve();
      });
    });
  await start();
  return {
    url: url(),
    ledger,
    elsewhere,
    sockets: () => open.size,
    forget: () => {
      sessions = new Set();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of open) socket.destroy();
      }),
    start,
  };
}
