import { once } from "node:events";
import { connect } from "node:net";
import { defineTool, service, user } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { bearerTokens } from "./auth/bearer.ts";
import type { McpError } from "./errors.ts";
import { type HttpServerOptions, httpServer } from "./http-server-options.ts";
import type { McpClient } from "./mcp-client.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
import type { McpAuditEntry } from "./serve-app.ts";
import type { ServedTool } from "./served.ts";
import { openSession, send, sendRaw, statelessClient } from "./testing/http-client.ts";
import { patience } from "./testing/patience.ts";

const servings: McpServing[] = [];
afterEach(async () => {
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

const echo = defineTool({
  name: "echo",
  description: "Gives back a text.",
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string(), tenant: z.string() }),
  effect: "read",
  execute: ({ text }, { tenant }) => ({ text, tenant }),
});
const secret = defineTool({
  name: "secret",
  description: "Not for everybody.",
  input: z.object({}),
  output: z.object({}),
  effect: "read",
  execute: () => ({}),
});

async function served(options: Partial<ServeMcpOptions> & { readonly http?: HttpServerOptions } = {}) {
  const { http, ...rest } = options;
  const audit: McpAuditEntry[] = [];
  const serving = await serveMcp({
    name: "shop",
    version: "1",
    tools: [echo, secret],
    transport: httpServer(http),
    audit: (entry) => void audit.push(entry),
    ...rest,
  });
  servings.push(serving);
  return { serving, url: serving.address?.url ?? "", audit };
}

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } },
};
const namesOf = ({ body }: { readonly body: { readonly result: { readonly tools: readonly { name: string }[] } } }) =>
  body.result.tools.map(({ name }) => name);

const ann: McpClient = { principal: user("ann"), tenant: "acme", tools: ["echo"] };
const bot: McpClient = { principal: service("bot"), tenant: "beta", budget: { callsPerMinute: 2 } };
const [annToken, botToken] = ["ann-token-0123456789", "bot-token-0123456789"];
const tokens = bearerTokens([
  { token: annToken, client: ann },
  { token: botToken, client: bot },
]);

test("both eras list and call over one address", async () => {
  const { url } = await served();
  const stateless = statelessClient(url);
  expect(namesOf(await stateless("tools/list"))).toEqual(["echo", "secret"]);
  expect((await stateless("tools/call", { name: "echo", arguments: { text: "a" } })).body.result).toMatchObject({
    content: [{ type: "text", text: '{"text":"a","tenant":"local"}' }],
    structuredContent: { text: "a", tenant: "local" },
  });
  const { request, opened } = await openSession(url);
  expect(opened.body.result).toMatchObject({ protocolVersion: "2025-11-25", serverInfo: { name: "shop" } });
  expect(namesOf(await request("tools/list"))).toEqual(["echo", "secret"]);
  expect(
    (await request("tools/call", { name: "echo", arguments: { text: "b" } })).body.result.structuredContent,
  ).toEqual({ text: "b", tenant: "local" });
});

test("D1 a foreign host or origin is 403 on every path, before anything else", async () => {
  const { url, serving } = await served({ http: { authenticate: tokens } });
  const { port = 0 } = serving.address ?? {};
  const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
  const status = async (extra: Readonly<Record<string, string>>, path = "") => {
    const { status } = await sendRaw(`${url}${path}`, { ...headers, ...extra }, (write, end) => {
      write(JSON.stringify(initialize));
      end();
    });
    return status;
  };
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "127.0.0.1.evil",
    "[::2]",
    "a@localhost",
  ]) {
    expect(await status({ Host: host })).toBe(403);
    expect(await status({ Host: host }, "/other")).toBe(403);
  }
  for (const origin of [
    "http://evil.example",
    "https://localhost.evil.example",
    "null",
    "file://",
    "http://localhost/x",
  ]) {
    expect(await status({ Origin: origin, Authorization: `Bearer ${annToken}` })).toBe(403);
  }
  for (const host of [`127.0.0.1:${port}`, "localhost", "LOCALHOST:80", "[::1]:9"])
    expect(await status({ Host: host })).toBe(401);
  const known = { Authorization: `Bearer ${annToken}` };
  for (const origin of ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:8443"]) {
    expect(await status({ Origin: origin, ...known })).toBe(200);
  }
});

test("D2 strangers are told nothing: neither tools, nor names, nor whether a session exists", async () => {
  const { url } = await served({ http: { authenticate: tokens } });
  const { sessionId } = await openSession(url, { token: annToken });
  for (const Authorization of [
    undefined,
    "Bearer wrong-token-0123456789",
    `Bearer ${annToken}x`,
    `Basic ${annToken}`,
    "Bearer",
  ]) {
    const headers: Record<string, string> = Authorization === undefined ? {} : { Authorization };
    const answers = [
      await statelessClient(url)("tools/list", {}, { headers }),
      await statelessClient(url)("server/discover", {}, { headers }),
      await send(url, initialize, { headers }),
      await send(
        url,
        { jsonrpc: "2.0", id: 1, method: "tools/list" },
        { headers: { ...headers, "Mcp-Session-Id": sessionId } },
      ),
      await send(url, undefined, { method: "GET", headers: { ...headers, "Mcp-Session-Id": sessionId } }),
      await send(url, undefined, { method: "DELETE", headers: { ...headers, "Mcp-Session-Id": sessionId } }),
    ];
    for (const answer of answers) {
      expect([400, 401]).toContain(answer.status);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(JSON.stringify(answer.body)).not.toMatch(/echo|secret|shop/);
    }
  }
});

test("A1 each client has its own tools, listed and called; its tenant is the operator's word", async () => {
  const { url, audit } = await served({ http: { authenticate: tokens } });
  const asAnn = statelessClient(url, { token: annToken, name: "ann's editor" });
  expect(namesOf(await asAnn("tools/list"))).toEqual(["echo"]);
  expect(namesOf(await statelessClient(url, { token: botToken })("tools/list"))).toEqual(["echo", "secret"]);
  const denied = await asAnn("tools/call", { name: "secret", arguments: {} });
  const unknown = await asAnn("tools/call", { name: "nothing", arguments: {} });
  expect(denied.body.error).toEqual({ code: -32602, message: "Unknown tool: secret" });
  expect(unknown.body.error.code).toBe(-32602);
  const _meta = { "remit/tenant": "beta" };
  const called = await asAnn("tools/call", { name: "echo", arguments: { text: "" }, _meta });
  expect(called.body.result.structuredContent.tenant).toBe("acme");
  const { request } = await openSession(url, { token: annToken });
  expect(namesOf(await request("tools/list"))).toEqual(["echo"]);
  expect((await request("tools/call", { name: "secret" })).body.error.code).toBe(-32602);
  expect(audit.map(({ principal, tenant, tool, status }) => [principal, tenant, tool, status])).toEqual([
    ["ann", "acme", "secret", "denied"],
    ["ann", "acme", "nothing", "denied"],
    ["ann", "acme", "echo", "returned"],
    ["ann", "acme", "secret", "denied"],
  ]);
  expect(audit[0]).toMatchObject({ peer: "ann's editor", protocolVersion: "2026-07-28", authenticated: true });
});

test("A2 a client's budget is its own, and fills again with time", async () => {
  const clock = fakeClock();
  const { url, audit } = await served({ http: { authenticate: tokens }, clock });
  const call = async (token: string) => {
    const { body } = await statelessClient(url, { token })("tools/call", { name: "echo", arguments: { text: "" } });
    return body.result.isError ? body.result.content[0].text : "called";
  };
  expect([await call(botToken), await call(botToken)]).toEqual(["called", "called"]);
  expect(await call(botToken)).toBe(
    "Your budget is used up: callsPerMinute is 2. Nothing was done. Try again in 60 s.",
  );
  expect(await call(annToken)).toBe("called");
  clock.advance(60_000);
  expect(await call(botToken)).toBe("called");
  expect(audit.map(({ status }) => status)).toEqual(["returned", "returned", "over-budget", "returned", "returned"]);
});

test("a session serves nobody but who opened it", async () => {
  const { url } = await served({ http: { authenticate: tokens } });
  const mine = await openSession(url, { token: annToken });
  const foreign = { headers: { Authorization: `Bearer ${botToken}`, "Mcp-Session-Id": mine.sessionId } };
  const list = { jsonrpc: "2.0", id: 9, method: "tools/list" };
  expect((await send(url, list, foreign)).status).toBe(404);
  expect((await send(url, undefined, { ...foreign, method: "GET" })).status).toBe(404);
  expect((await send(url, undefined, { ...foreign, method: "DELETE" })).status).toBe(404);
  expect((await send(url, list, { headers: { ...foreign.headers, "Mcp-Session-Id": "made-up" } })).status).toBe(404);
  expect((await mine.request("tools/list")).status).toBe(200);
  expect((await send(url, undefined, { headers: mine.headers, method: "DELETE" })).status).toBe(200);
  expect((await mine.request("tools/list")).status).toBe(404);
});

test("one client's sessions are bounded apart from those of others", async () => {
  const { url } = await served({ http: { authenticate: tokens, limits: { sessionsPerClient: 1 } } });
  const open = async (token: string) => (await openSession(url, { token })).opened.status;
  expect([await open(annToken), await open(annToken), await open(botToken)]).toEqual([200, 503, 200]);
});

test("D3 bodies that are too long, no JSON, compressed or of another type are refused unread", async () => {
  const { url } = await served({ http: { limits: { bodyBytes: 1_000 } } });
  const long = JSON.stringify({ ...initialize, filler: "x".repeat(2_000) });
  expect((await send(url, long)).status).toBe(413);
  const headers = { "Content-Type": "application/json" };
  const chunked = await sendRaw(url, { ...headers, "Transfer-Encoding": "chunked" }, (write) => write(long));
  expect(chunked.status).toBe(413); // The rest was never sent.
  const lying = await sendRaw(url, { ...headers, "Content-Length": "5000000000" }, (write) => write("{"));
  expect(lying.status).toBe(413);
  for (const body of ["{", "", "[", '{"jsonrpc":', "\u0000", "nul"]) {
    expect((await send(url, body)).status).toBe(400);
  }
  expect((await send(url, "{}", { headers: { "Content-Type": "text/plain" } })).status).toBe(415);
  expect((await send(url, "{}", { headers: { "Content-Encoding": "gzip" } })).status).toBe(415);
  expect((await send(url, initialize, { headers: { "X-Long": "x".repeat(20_000) } })).status).toBe(431);
});

test("D3 what is JSON and no message of the protocol is an error of the protocol", async () => {
  const { url } = await served();
  const bodies = [
    1,
    "text",
    null,
    {},
    [],
    [1],
    { jsonrpc: "1.0", id: 1, method: "ping" },
    { jsonrpc: "2.0", id: {}, method: "ping" },
  ];
  for (const body of bodies) {
    const { status } = await send(url, JSON.stringify(body));
    expect(status).toBe(400);
  }
  const { request, headers } = await openSession(url);
  for (const body of bodies.slice(0, 6)) expect((await send(url, JSON.stringify(body), { headers })).status).toBe(400);
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  const batch = await send(
    url,
    Array.from({ length: 17 }, (_, id) => ({ ...ping, id })),
    { headers },
  );
  expect([batch.status, batch.body.error.message]).toEqual([400, "A batch may hold at most 16 messages"]);
  expect((await request("ping")).body.result).toEqual({});
  for (const params of [{ name: 1 }, { name: "echo", arguments: 5 }, {}]) {
    expect((await request("tools/call", params)).body.error.code).toBe(-32602);
  }
});

test("D3 a body that does not come in time is cut off, and others are served meanwhile", async () => {
  const limits = { requestTimeoutMs: 200, headersTimeoutMs: 200, timeoutCheckMs: 50 };
  const { url } = await served({ http: { limits } });
  const slow = sendRaw(url, { "Content-Type": "application/json", "Content-Length": "900" }, (write) => write("{"));
  expect((await statelessClient(url)("tools/list")).status).toBe(200);
  const { status, error } = await slow;
  expect(status === 408 || error !== undefined).toBe(true);
});

test("connections are bounded", async () => {
  const { serving } = await served({ http: { limits: { connections: 2 } } });
  const { port = 0 } = serving.address ?? {};
  const sockets = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const third = connect(port, "127.0.0.1").resume();
  third.on("error", () => {});
  await once(third, "close");
  for (const socket of sockets) socket.destroy();
});

test("whoever listens where others can reach it has to ask who they are", async () => {
  const thrown = (options: HttpServerOptions) => {
    try {
      httpServer(options);
    } catch (error) {
      return error as McpError;
    }
    return undefined;
  };
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "shop.example"]) {
    expect(thrown({ host })).toMatchObject({ code: "mcp/serving-unguarded", data: { host } });
    expect(thrown({ host, authenticate: tokens })).toBeUndefined();
  }
  for (const host of ["127.0.0.1", "127.3.2.1", "localhost", "::1"]) expect(thrown({ host })).toBeUndefined();
  for (const wrong of [
    { port: -1 },
    { port: 70_000 },
    { path: "mcp" },
    { path: "/a?b" },
    { limits: { bodyBytes: 0 } },
    { origins: ["x"] },
  ]) {
    expect(thrown(wrong)).toMatchObject({ code: "mcp/serving-invalid" });
  }
  const { serving } = await served();
  const { port = 0 } = serving.address ?? {};
  await expect(serveMcp({ name: "b", version: "1", tools: [], transport: httpServer({ port }) })).rejects.toMatchObject(
    {
      code: "mcp/listen-failed",
    },
  );
});

/** A tool that waits until it is told to go on. */
function gate() {
  const begun = Promise.withResolvers<AbortSignal>();
  const go = Promise.withResolvers<void>();
  const tool: ServedTool = {
    kind: "served-tool",
    definition: { name: "wait", inputSchema: { type: "object" } },
    call: async (_, { signal, progress }) => {
      progress({ progress: 1, total: 2, message: "half" });
      progress({ progress: 1 }); // Does not grow: dropped.
      begun.resolve(signal);
      await go.promise;
      return { content: [{ type: "text", text: "done" }] };
    },
  };
  return { tool, begun: begun.promise, go: go.resolve };
}

test("progress goes to the call that asked for it", async () => {
  const { tool, begun, go } = gate();
  const { url } = await served({ tools: [tool] });
  const called = statelessClient(url)("tools/call", { name: "wait", _meta: { progressToken: "p" } });
  await begun;
  go();
  const { before } = await called;
  expect(before.map(({ method, params }) => [method, params])).toEqual([
    ["notifications/progress", { progressToken: "p", progress: 1, total: 2, message: "half" }],
  ]);
  const { request } = await openSession(url);
  expect((await request("tools/call", { name: "wait" })).before).toEqual([]);
});

test("a client that goes away aborts its call (2026-07-28), and one that cancels does in a session", async () => {
  const first = gate();
  const one = await served({ tools: [first.tool] });
  const stop = new AbortController();
  const gone = statelessClient(one.url)("tools/call", { name: "wait" }, { signal: stop.signal }).catch(() => "gone");
  const signal = await first.begun;
  stop.abort();
  expect(await gone).toBe("gone");
  await vi.waitFor(() => expect(signal.aborted).toBe(true), patience);
  first.go();

  const second = gate();
  const two = await served({ tools: [second.tool] });
  const { request, headers } = await openSession(two.url);
  const leave = new AbortController();
  const called = request("tools/call", { name: "wait" }, { signal: leave.signal }).catch(() => "left");
  const cancelled = await second.begun;
  expect(cancelled.aborted).toBe(false);
  await send(two.url, { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, { headers });
  await vi.waitFor(() => expect(cancelled.aborted).toBe(true), patience);
  leave.abort();
  await called;
  second.go();
});

test("resources and prompts are a client's own as well: listed, read, watched and completed", async () => {
  const cat: McpClient = { principal: user("cat"), tenant: "acme", resources: ["shop:open*"], prompts: ["greet"] };
  const authenticate = bearerTokens([{ token: annToken, client: cat }]);
  const uris = ["shop:open/1", "shop:ledger"];
  const asked: string[] = [];
  const { url } = await served({
    http: { authenticate },
    resources: {
      watch: async () => {},
      list: async () => uris.map((uri) => ({ uri, name: uri })),
      templates: async () =>
        ["shop:{any}", "shop:open/{id}", "shop:ledger/{year}"].map((uriTemplate) => ({ uriTemplate, name: "t" })),
      read: async (uri) => {
        asked.push(uri);
        return uris.includes(uri) ? { contents: [{ uri, text: "x" }] } : undefined;
      },
    },
    prompts: {
      list: async () => [{ name: "greet" }, { name: "fire" }],
      get: async (name) => ({ messages: [{ role: "user", content: { type: "text", text: name } }] }),
    },
    completions: async () => ({ values: Array.from({ length: 150 }, (_, index) => `${index}`) }),
  });
  const request = statelessClient(url, { token: annToken });
  const error = async (method: string, params: { readonly [key: string]: unknown }) =>
    (await request(method, params)).body.error?.code;
  expect((await request("resources/list")).body.result.resources).toEqual([
    { uri: "shop:open/1", name: "shop:open/1" },
  ]);
  const { resourceTemplates } = (await request("resources/templates/list")).body.result;
  expect(resourceTemplates.map(({ uriTemplate }: { uriTemplate: string }) => uriTemplate)).toEqual([
    "shop:{any}",
    "shop:open/{id}",
  ]);
  expect((await request("resources/read", { uri: "shop:open/1" })).body.result.contents[0].text).toBe("x");
  expect(await error("resources/read", { uri: "shop:ledger" })).toBe(-32602);
  expect(await error("resources/read", { uri: "shop:open/2" })).toBe(-32602);
  expect(asked).toEqual(["shop:open/1", "shop:open/2"]);
  const notifications = { resourceSubscriptions: ["shop:open/1", "shop:ledger"] };
  expect(await error("subscriptions/listen", { notifications })).toBe(-32602);
  expect((await request("prompts/list")).body.result.prompts).toEqual([{ name: "greet" }]);
  expect((await request("prompts/get", { name: "greet" })).body.result.messages).toHaveLength(1);
  expect(await error("prompts/get", { name: "fire" })).toBe(-32602);
  const complete = async (name: string) => {
    const params = { ref: { type: "ref/prompt", name }, argument: { name: "a", value: "" } };
    const { completion } = (await request("completion/complete", params)).body.result;
    return [completion.values.length, completion.total, completion.hasMore];
  };
  expect([await complete("greet"), await complete("fire")]).toEqual([
    [100, 150, true],
    [0, undefined, undefined],
  ]);
  const { request: inSession } = await openSession(url, { token: annToken });
  expect((await inSession("resources/read", { uri: "shop:ledger" })).body.error.code).toBe(-32602);
  expect((await inSession("resources/subscribe", { uri: "shop:ledger" })).body.error.code).toBe(-32602);
});

test("what a client no longer listens for is given back: unsubscribed, with its session, with its stream", async () => {
  const told: string[] = [];
  const { url } = await served({
    resources: {
      watch: async (uri) => void told.push(`+${uri}`),
      unwatch: async (uri) => void told.push(`-${uri}`),
      list: async () => [],
      read: async () => undefined,
    },
  });
  const { headers, request } = await openSession(url);
  for (const uri of ["a:1", "a:1", "a:2"]) await request("resources/subscribe", { uri });
  await request("resources/unsubscribe", { uri: "a:1" });
  await request("resources/unsubscribe", { uri: "a:1" });
  expect(told).toEqual(["+a:1", "+a:1", "+a:2", "-a:1"]);
  await send(url, undefined, { method: "DELETE", headers });
  await vi.waitFor(() => expect(told.at(-1)).toBe("-a:2"), patience);

  told.length = 0;
  const stop = new AbortController();
  const notifications = { resourceSubscriptions: ["a:3", "a:3"] };
  const hear = vi.fn();
  const listening = statelessClient(url)(
    "subscriptions/listen",
    { notifications },
    { signal: stop.signal, onMessage: hear },
  ).catch(() => {});
  await vi.waitFor(() => expect(hear).toHaveBeenCalled(), patience);
  expect(told).toEqual(["+a:3"]);
  stop.abort();
  await listening;
  await vi.waitFor(() => expect(told).toEqual(["+a:3", "-a:3"]), patience);
});

test("one client's appetite for changes is no other client's loss", async () => {
  const names = ["ann", "bob"] as const;
  const tokens = { ann: annToken, bob: `${annToken}-of-bob` };
  const authenticate = bearerTokens(
    names.map((name) => ({ token: tokens[name], client: { principal: user(name), tenant: "acme" } })),
  );
  const { url } = await served({
    http: { authenticate },
    resources: { watch: async () => {}, list: async () => [], read: async () => undefined },
  });
  const listen = async (name: (typeof names)[number], count: number) => {
    const resourceSubscriptions = Array.from({ length: count }, (_, index) => `a:${index}`);
    const request = statelessClient(url, { token: tokens[name] });
    return (await request("subscriptions/listen", { notifications: { resourceSubscriptions } })).body.error;
  };
  expect(await listen("ann", 1_001)).toMatchObject({ message: "Too many resources are watched" });
  const { request } = await openSession(url, { token: tokens.bob });
  expect((await request("resources/subscribe", { uri: "a:1" })).body.error).toBeUndefined();
});

test("close lets calls under way end, takes no more, and leaves no socket", async () => {
  const { tool, begun, go } = gate();
  const { url, serving } = await served({ tools: [tool] });
  await openSession(url);
  const called = statelessClient(url)("tools/call", { name: "wait" });
  await begun;
  const { port = 0 } = serving.address ?? {};
  const closing = serving.close();
  const late = connect(port, "127.0.0.1");
  const refusal = new Promise((resolve) => late.once("error", resolve));
  expect(await refusal).toMatchObject({ code: "ECONNREFUSED" });
  go();
  expect((await called).body.result.content).toEqual([{ type: "text", text: "done" }]);
  await closing;
  await serving.closed;
  expect(process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap")).toEqual([]);
});

test("close does not wait for ever: what is left after the drain is aborted", async () => {
  const clock = fakeClock();
  const { tool, begun } = gate();
  const { url, serving } = await served({ tools: [tool], clock, drainMs: 1_000 });
  const called = statelessClient(url)("tools/call", { name: "wait" }).catch(() => "cut");
  const signal = await begun;
  const closing = serving.close();
  await vi.waitFor(() => {
    clock.advance(1_000);
    expect(signal.aborted).toBe(true);
  }, patience);
  await closing;
  await called;
});

test("what changes is told to those who listen, in either era", async () => {
  const { tool } = gate();
  const { url, serving } = await served({
    tools: [echo],
    resources: { watch: async () => {}, list: async () => [], read: async () => undefined },
  });
  const heard: string[] = [];
  const hear = ({ method }: { readonly [key: string]: unknown }) => void heard.push(String(method));
  const stop = new AbortController();
  const listening = statelessClient(url)(
    "subscriptions/listen",
    { notifications: { toolsListChanged: true } },
    { signal: stop.signal, onMessage: hear },
  ).catch(() => {});
  const { headers, request } = await openSession(url);
  const streaming = send(url, undefined, { method: "GET", headers, signal: stop.signal, onMessage: hear }).catch(
    () => {},
  );
  await request("resources/subscribe", { uri: "a:1" });
  await vi.waitFor(() => expect(heard).toContain("notifications/subscriptions/acknowledged"), patience);
  heard.length = 0;
  await vi.waitFor(() => {
    serving.changed({ kind: "resource-updated", uri: "a:2" }); // Nobody wants to hear of it.
    serving.changed({ kind: "resource-updated", uri: "a:1" });
    expect(heard).toContain("notifications/resources/updated");
  }, patience);
  heard.length = 0;
  serving.setTools([tool]);
  await vi.waitFor(
    () => expect(heard.filter((one) => one === "notifications/tools/list_changed")).toHaveLength(2),
    patience,
  );
  expect(namesOf(await request("tools/list"))).toEqual(["wait"]);
  stop.abort();
  await Promise.all([listening, streaming]);
});
