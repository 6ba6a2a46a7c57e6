import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import type { ServedApp, ServingHttpLimits } from "./serving.ts";
import { servingHttp } from "./serving-http.ts";

/** Sessions without a socket between: what they cost and when they end. */

const app: ServedApp = {
  name: "plain",
  version: "1",
  instructions: undefined,
  capabilities: { resources: false, subscriptions: false, prompts: false, completions: false, logging: false },
  answer: async () => ({ tools: [] }),
  mayWatch: () => true,
  watch: async () => {},
  unwatch: () => {},
  changes: () => () => {},
  fault: () => {},
};
const most: ServingHttpLimits = {
  sessions: 1_000,
  sessionsPerCaller: 1_000,
  sessionIdleMs: 60_000,
  subscriptions: 10,
  batch: 16,
  unreadBytes: 100_000,
};

function serving(limits: Partial<ServingHttpLimits> = {}, more: Partial<ServedApp> = {}) {
  const clock = fakeClock();
  let id = 0;
  const newId = () => `session-${++id}`;
  const http = servingHttp({ ...app, ...more }, { limits: { ...most, ...limits }, clock, newId });
  const post = async (body: object, { session, callerKey = "a" }: { session?: string; callerKey?: string } = {}) => {
    const headers = {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      ...(session === undefined ? {} : { "Mcp-Session-Id": session }),
    };
    const request = new Request("http://localhost/mcp", { method: "POST", headers });
    const response = await http.fetch(request, { body, caller: undefined, callerKey });
    const text = await response.text();
    return { status: response.status, text, session: response.headers.get("mcp-session-id") ?? "" };
  };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } };
  const open = (callerKey?: string) =>
    post({ jsonrpc: "2.0", id: 1, method: "initialize", params }, callerKey === undefined ? {} : { callerKey });
  const subscribe = (session: string, uri: string) =>
    post({ jsonrpc: "2.0", id: 3, method: "resources/subscribe", params: { uri } }, { session });
  const list = (session: string) => post({ jsonrpc: "2.0", id: 2, method: "tools/list" }, { session });
  return { clock, http, open, list, subscribe };
}

test("a thousand sessions are the most; those that idle end, and those that are used stay", async () => {
  const { clock, http, open, list } = serving();
  const opened: { readonly status: number; readonly session: string }[] = [];
  for (let count = 0; count < 1_000; count++) opened.push(await open());
  expect(opened.every(({ status }) => status === 200)).toBe(true);
  expect((await open()).status).toBe(503);
  clock.advance(40_000);
  const [used = { session: "" }] = opened;
  expect((await list(used.session)).status).toBe(200);
  clock.advance(20_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(http.sessions()).toBe(1);
  expect((await list(used.session)).status).toBe(200);
  expect((await list(opened[1]?.session ?? "")).status).toBe(404);
  expect((await open()).status).toBe(200);
  await http.close();
  expect(http.sessions()).toBe(0);
  expect((await open()).status).toBe(503);
});

test("many that open at once are counted before they are there", async () => {
  const { http, open } = serving({ sessions: 3 });
  const statuses = await Promise.all(Array.from({ length: 10 }, () => open()));
  expect(statuses.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(http.sessions()).toBe(3);
  await http.close();
});

test("subscriptions of one caller are counted before anything is waited for, and those that fail are not", async () => {
  const watching = Promise.withResolvers<void>();
  let failing = false;
  const watch = async () => {
    await watching.promise;
    if (failing) throw new Error("nobody watches");
  };
  const capabilities = { ...app.capabilities, resources: true, subscriptions: true };
  const { http } = serving({ sessionsPerCaller: 2 }, { watch, capabilities });
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "x", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const listen = (id: number) => {
    const params = { notifications: { resourceSubscriptions: ["a://1"] }, _meta: meta };
    const body = { jsonrpc: "2.0", id, method: "subscriptions/listen", params };
    const headers = {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": "subscriptions/listen",
    };
    const request = new Request("http://localhost/mcp", { method: "POST", headers });
    return http.fetch(request, { body, caller: undefined, callerKey: "a" });
  };
  const all = [1, 2, 3, 4].map(listen);
  await new Promise((resolve) => setImmediate(resolve));
  watching.resolve();
  const answers = await Promise.all(all);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
  for (const { body } of answers) await body?.cancel();
  failing = true;
  for (let count = 0; count < 3; count++) expect((await listen(9)).status).toBe(500);
  failing = false;
  const last = await listen(10);
  expect(last.status).toBe(200);
  await last.body?.cancel();
  await http.close();
});

test("a session watches a thousand resources, and no more until it lets go of one", async () => {
  const capabilities = { ...app.capabilities, resources: true, subscriptions: true };
  const { http, open, subscribe } = serving({}, { capabilities });
  const { session } = await open();
  for (let count = 0; count < 1_000; count++)
    expect((await subscribe(session, `a://${count}`)).text).not.toContain("error");
  expect((await subscribe(session, "a://1000")).text).toContain("Too many resources are watched");
  expect((await subscribe(session, "a://7")).text).not.toContain("error");
  await http.close();
});

test("who does not read what they are told is told no more, and holds nothing; who reads is told all of it", async () => {
  const told = new Set<Parameters<ServedApp["changes"]>[0]>();
  const changes: ServedApp["changes"] = (listener) => {
    told.add(listener);
    return () => told.delete(listener);
  };
  const { http, open } = serving({}, { changes });
  const stream = async () => {
    const { session } = await open();
    const headers = { Accept: "text/event-stream", "Mcp-Session-Id": session };
    const request = new Request("http://localhost/mcp", { headers });
    const { body } = await http.fetch(request, { body: undefined, caller: undefined, callerKey: "a" });
    return (body as ReadableStream<Uint8Array>).getReader();
  };
  const [reads, sleeps] = [await stream(), await stream()];
  let heard = 0;
  const reading = (async () => {
    for (let next = await reads.read(); !next.done; next = await reads.read()) heard += next.value.byteLength;
  })();
  for (let count = 0; count < 5_000; count++) {
    for (const tell of told) tell({ kind: "list-changed", of: "tools" });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const slept = async () => {
    for (let held = 0; ; ) {
      const { done, value } = await sleeps.read();
      if (done) return held;
      held += value.byteLength;
      expect(held).toBeLessThan(110_000);
    }
  };
  await expect(slept()).rejects.toThrow("does not read");
  expect(heard).toBeGreaterThan(300_000);
  await http.close();
  await reading;
});
