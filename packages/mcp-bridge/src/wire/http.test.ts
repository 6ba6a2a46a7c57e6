import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { silentLogger, systemClock } from "@remit/core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { defaultMcpLimits, type McpLimits } from "../limits.ts";
import { oauth } from "../oauth/oauth.ts";
import { patience } from "../testing/patience.ts";
import { type HttpOptions, http } from "../transport.ts";
import { addressKind } from "./addresses.ts";
import { openWire } from "./open-wire.ts";
import { WireError, type WireFault, type WireSession } from "./port.ts";
import { stopOf } from "./stop.ts";

/** Servers behind an address that play tricks. Each one is a real server; the trick is its answer to a call. */

type Answer = (response: ServerResponse, call: { readonly id: number; readonly request: IncomingMessage }) => void;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = (response: ServerResponse, value: object, headers: Record<string, string> = {}) =>
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

interface Heard {
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
}

/** A server of the elder era that is good but for its calls. */
async function tricky(answer: Answer): Promise<{ readonly url: string; readonly heard: Heard[] }> {
  const heard: Heard[] = [];
  const url = await listen(async (request, response): Promise<unknown> => {
    if (request.method !== "POST") return response.writeHead(405).end();
    let body = "";
    for await (const part of request) body += part;
    const { id, method, params } = JSON.parse(body);
    heard.push({ method, headers: request.headers });
    if (id === undefined) return response.writeHead(202).end();
    if (method === "initialize") {
      const { protocolVersion } = params;
      const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "tricky", version: "1" } };
      return json(response, { jsonrpc: "2.0", id, result }, { "mcp-session-id": "s1" });
    }
    return answer(response, { id, request });
  });
  return { url, heard };
}

async function connected(
  options: HttpOptions,
  limits: Partial<McpLimits> = {},
): Promise<{ readonly session: WireSession; readonly call: (signal?: AbortSignal) => Promise<unknown> }> {
  const transport = http({ protocol: "legacy", ...options });
  const resolved = { ...defaultMcpLimits, ...limits };
  const wire = openWire({ server: "tricky", transport, limits: resolved, clock: systemClock(), logger: silentLogger });
  const session = await wire.connect({ signal: never, noise: () => {}, fault: () => {} });
  cleanups.push(session.close);
  return {
    session,
    call: (signal = never) => session.request("tools/call", { name: "echo", arguments: {} }, { stop: stopOf(signal) }),
  };
}

const never = new AbortController().signal;

async function faultOf(promise: Promise<unknown>): Promise<WireFault> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof WireError) return thrown.fault;
    throw thrown;
  }
  throw new Error("it did not fail");
}

const result = (id: number, text: string) => ({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } });
const stream = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });

test.each<[string, Answer, object]>([
  [
    "401",
    (response) => response.writeHead(401, { "www-authenticate": 'Bearer scope="x"' }).end("no"),
    { kind: "unauthorised" },
  ],
  ["403", (response) => response.writeHead(403).end("no"), { kind: "unauthorised" }],
  ["404 with a session", (response) => response.writeHead(404).end("who?"), { kind: "session-lost" }],
  ["500", (response) => response.writeHead(500).end("sorry"), { kind: "http", status: 500 }],
  [
    "a page for people",
    (response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
    { kind: "malformed" },
  ],
  [
    "no JSON",
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("{"),
    { kind: "malformed" },
  ],
  [
    "an encoding nobody asked for",
    (response) => response.writeHead(200, { "content-type": "application/json", "content-encoding": "zstd" }).end("x"),
    { kind: "malformed" },
  ],
  ["a stream that ends without an answer", (response) => stream(response).end(), { kind: "broken" }],
  [
    "a stream that breaks",
    (response) => void stream(response).write(": hi\n\n", () => response.destroy()),
    { kind: "broken" },
  ],
  ["a connection that breaks before the answer", (response) => response.destroy(), { kind: "broken" }],
  [
    "an answer over the limit",
    (response, { id }) => json(response, result(id, "x".repeat(20_000))),
    { kind: "too-large", limit: 10_000 },
  ],
  [
    "an answer that is small until it is decoded",
    (response, { id }) => {
      const bomb = gzipSync(JSON.stringify(result(id, "x".repeat(50_000_000))));
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb);
    },
    { kind: "too-large", limit: 10_000 },
  ],
  [
    "an event over the limit",
    (response) => stream(response).write(`data: ${"x".repeat(20_000)}`),
    { kind: "too-large", limit: 10_000 },
  ],
  [
    "events without end",
    (response) => {
      const more = () => {
        while (response.write(`: ${"x".repeat(900)}\n\n`));
      };
      stream(response).on("drain", more);
      more();
    },
    { kind: "too-large", limit: 50_000 },
  ],
])("%s", async (_, answer, expected) => {
  const { url } = await tricky(answer);
  const { call } = await connected({ url }, { messageBytes: 10_000, responseBytes: 50_000 });
  expect(await faultOf(call())).toMatchObject(expected);
});

test("an answer in gzip within the limits is read", async () => {
  const { url } = await tricky((response, { id }) =>
    response
      .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
      .end(gzipSync(JSON.stringify(result(id, "fine")))),
  );
  const { call } = await connected({ url });
  expect(await call()).toMatchObject({ content: [{ text: "fine" }] });
});

test("an answer that drips is given up with the signal, and its socket is closed", async () => {
  const closed = vi.fn();
  const begun = Promise.withResolvers<void>();
  const { url } = await tricky((response) => {
    response.once("close", closed);
    begun.resolve();
    stream(response).write(": drip\n\n");
  });
  const { call } = await connected({ url });
  const controller = new AbortController();
  const calling = faultOf(call(controller.signal));
  await begun.promise;
  controller.abort();
  expect(await calling).toEqual({ kind: "aborted" });
  await vi.waitFor(() => expect(closed).toHaveBeenCalled(), patience);
});

test("H1 a redirect to another origin is not followed, and nobody there hears of our headers", async () => {
  const elsewhere = vi.fn();
  const other = await listen((request, response) => {
    elsewhere(request.headers);
    response.end();
  });
  const { url, heard } = await tricky((response) => response.writeHead(307, { location: `${other}/mcp` }).end());
  const { call } = await connected({ url, headers: { authorization: "Bearer secret-token" } });
  expect(await faultOf(call())).toMatchObject({ kind: "http", status: 307 });
  expect(elsewhere).not.toHaveBeenCalled();
  expect(heard.at(-1)?.headers).toMatchObject({ authorization: "Bearer secret-token", "mcp-session-id": "s1" });
});

test("what a server says back of our headers is masked", async () => {
  const { url } = await tricky((response, { request }) =>
    response.writeHead(500).end(`not ${request.headers["x-key"]}`),
  );
  const { call } = await connected({ url, headers: { "x-key": "0123456789" } });
  expect(await faultOf(call())).toMatchObject({ reason: expect.stringContaining("not [x-key]") });
});

test("H3 where we are to authorise ourselves is not asked at a link-local address", async () => {
  const opened = vi.fn();
  const auth = oauth({ redirectUrl: "http://127.0.0.1:1/back", openUrl: opened });
  const url = await listen((_, response) => {
    const challenge = 'Bearer resource_metadata="http://169.254.169.254/latest/meta-data"';
    response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  const fault = await faultOf(connected({ url, auth }));
  expect(fault).toMatchObject({
    kind: "unauthorised",
    reason: expect.stringContaining("169.254.169.254 is a link-local"),
  });
  expect(opened).not.toHaveBeenCalled();
});

test("H5 after close no socket is left, and the session was ended at the server", async () => {
  let ended = false;
  const sockets = new Set<unknown>();
  const url = await listen(async (request, response): Promise<unknown> => {
    sockets.add(request.socket);
    request.socket.once("close", () => sockets.delete(request.socket));
    if (request.method === "DELETE") {
      ended = request.headers["mcp-session-id"] === "s1";
      return response.writeHead(200).end();
    }
    if (request.method === "GET") return stream(response).write(": open\n\n");
    let body = "";
    for await (const part of request) body += part;
    const { id } = JSON.parse(body);
    if (id === undefined) return response.writeHead(202).end();
    const serverInfo = { name: "tricky", version: "1" };
    const value = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo };
    return json(response, { jsonrpc: "2.0", id, result: value }, { "mcp-session-id": "s1" });
  });
  const { session } = await connected({ url });
  await session.close();
  expect(ended).toBe(true);
  await vi.waitFor(() => expect(sockets.size).toBe(0), patience);
});

describe("addresses", () => {
  test.each([
    ["8.8.8.8", "public"],
    ["127.0.0.1", "private"],
    ["10.1.2.3", "private"],
    ["100.64.0.1", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.0", "public"],
    ["192.168.0.1", "private"],
    ["0.0.0.0", "private"],
    ["169.254.169.254", "link-local"],
    ["::1", "private"],
    ["fe80::1%eth0", "link-local"],
    ["fd00::1", "private"],
    ["2606:4700::1111", "public"],
    ["::ffff:127.0.0.1", "private"],
    ["::ffff:a9fe:a9fe", "link-local"],
    ["64:ff9b::10.0.0.1", "private"],
    ["64:ff9b::8.8.8.8", "public"],
    ["64:ff9b:1::8.8.8.8", "private"],
    ["64:ff9b:1:a00:0:100::", "private"],
    ["2002:a9fe:a9fe::1", "link-local"],
    ["::ffff:8.8.8.8", "public"],
  ] as const)("%s is %s", (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });
});
