import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { defineTool, parseWith, type ToolContext, ToolRefusal, user } from "@remit/core";
import { ToolsError } from "@remit/tools";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { connectMcp } from "./connect.ts";
import type { McpError } from "./errors.ts";
import { inspectMcp } from "./inspect.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
import type { McpAuditEntry } from "./serve-app.ts";
import { compileCache, contextOf, isAlive, keepingLogger } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";
import { stdio } from "./transport.ts";

/** Our tools served by a process of their own and called through our own client: both sides of the wire at once. */

const folder = mkdtempSync(join(tmpdir(), "remit-served-"));
const log = join(folder, "calls.jsonl");
const script = fileURLToPath(new URL("./testing/served-shop.ts", import.meta.url));
const transport = stdio(process.execPath, [script, log], {
  env: { ...compileCache(), NODE_OPTIONS: "--conditions=@remit/source" },
});
const connectShop = () =>
  connectMcp({
    name: "shop",
    transport,
    tools: {
      read_order: { effect: "read" },
      count_orders: { effect: "read" },
      refund_order: { effect: "write", risk: "high", idempotency: "key" },
    },
  });
let shop: Awaited<ReturnType<typeof connectShop>>;

beforeAll(async () => {
  shop = await connectShop();
});
afterAll(async () => {
  const { processId = 0 } = shop.status();
  await shop.close();
  expect(isAlive(processId)).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

const calls = () => {
  const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as object);
};

async function failureOf(promise: unknown): Promise<McpError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as McpError;
  }
  throw new Error("it did not fail");
}

test("a server of ours shows its tools with hints that follow from them", async () => {
  const { server, tools, invalid } = await inspectMcp({ transport });
  expect(server).toEqual({ name: "shop", version: "1.2.3", protocolVersion: "2025-11-25" });
  expect(invalid).toEqual([]);
  expect(tools.map(({ definition }) => [definition.name, definition.annotations])).toEqual([
    ["read_order", { readOnlyHint: true, destructiveHint: false, idempotentHint: true }],
    ["count_orders", { readOnlyHint: true, destructiveHint: false, idempotentHint: true }],
    ["refund_order", { readOnlyHint: false, destructiveHint: true, idempotentHint: true }],
  ]);
  expect(tools[2]?.definition).toMatchObject({
    inputSchema: { type: "object", required: ["orderId", "amountCents"] },
    outputSchema: { type: "object", required: ["refundId"] },
  });
  expect(tools[1]?.definition).not.toHaveProperty("outputSchema");
});

test("a call goes through both sides with its context", async () => {
  const { read_order, count_orders } = shop.tools;
  const context = contextOf({ idempotencyKey: "key_1", attributes: { worldId: "w_1" } });
  const output = await read_order.execute({ orderId: "o_1" }, context);
  expect(output).toEqual({
    orderId: "o_1",
    seenBy: {
      idempotencyKey: "",
      tenant: "local",
      runId: "run_1",
      agent: "action",
      path: "action#1/tool#1",
      attempt: 1,
      attributes: { worldId: "w_1" },
      principal: expect.any(String),
      labels: ["operator"],
      conversationId: expect.stringMatching(/\/run_1$/),
    },
  });
  expect(parseWith(read_order.output, output).ok).toBe(true);
  expect(await count_orders.execute({}, contextOf())).toEqual({ result: 2 });
});

test("a write needs its key, gets it, and says what became of it", async () => {
  const { refund_order } = shop.tools;
  const refund = (orderId: string, more: Partial<ToolContext> = { idempotencyKey: "key_1" }) =>
    refund_order.execute({ orderId, amountCents: 5 }, contextOf(more));
  expect(await refund("o_1")).toEqual({ refundId: "r_o_1_5" });
  expect(calls().at(-1)).toEqual({ orderId: "o_1", idempotencyKey: "key_1" });
  const before = calls().length;
  const keyless = await failureOf(refund("o_2", {}));
  expect(keyless).toBeInstanceOf(ToolRefusal);
  expect(keyless.message).toBe(
    'refund_order needs an idempotency key in _meta["remit/idempotencyKey"]. Nothing was done.',
  );
  const wrong = await failureOf(
    refund_order.execute({ orderId: 1, amountCents: 0 }, contextOf({ idempotencyKey: "k" })),
  );
  expect(wrong).toBeInstanceOf(ToolRefusal);
  expect(wrong.message).toMatch(
    /^The arguments of refund_order do not fit\. Nothing was done\. \/orderId: .*; \/amountCents: /,
  );
  expect(calls()).toHaveLength(before);
  expect((await failureOf(refund("o_closed"))).message).toBe("order o_closed is closed");
  const broken = await failureOf(refund("o_broken"));
  expect(broken).toMatchObject({ code: "mcp/call-failed", mayHaveExecuted: true });
  expect(broken.message).not.toContain("password");
  expect(await failureOf(refund("o_slow"))).toMatchObject({
    code: "mcp/call-failed",
    mayHaveExecuted: true,
    data: { reason: "refund_order gave no answer within 1000 ms. It may have happened all the same." },
  });
});

test("a cancel on our side aborts the tool on the other", async () => {
  const controller = new AbortController();
  const context = contextOf({ idempotencyKey: "key_2", signal: controller.signal });
  const before = calls().length;
  const slow = failureOf(shop.tools.refund_order.execute({ orderId: "o_slow", amountCents: 1 }, context));
  await vi.waitFor(() => expect(calls()).toHaveLength(before + 1), patience);
  controller.abort();
  expect(await slow).toMatchObject({ code: "mcp/call-cancelled" });
  await vi.waitFor(() => expect(calls().at(-1)).toEqual({ aborted: "o_slow" }), patience);
});

const servings: McpServing[] = [];
afterEach(async () => {
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

/** A server on streams of ours, spoken to line by line. */
async function served(options: Omit<ServeMcpOptions, "name" | "version" | "transport">) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const serving = await serveMcp({ name: "shop", version: "1", transport: { input, output }, ...options });
  servings.push(serving);
  let text = "";
  output.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const answers = () =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Answer);
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const ask = async (id: number, method: string, params: object): Promise<Answer> => {
    send({ id, method, params });
    return vi.waitFor(() => {
      const answer = answers().find((candidate) => candidate.id === id);
      if (!answer) throw new Error(`no answer to ${id}`);
      return answer;
    }, patience);
  };
  const clientInfo = { name: "a client", version: "1" };
  await ask(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo });
  return { input, serving, send, ask, answers };
}

interface Answer {
  readonly id: number;
  readonly result?: { readonly [key: string]: unknown };
  readonly error?: { readonly code: number; readonly message: string };
}

const seen: ToolContext[] = [];
const noteText = defineTool({
  name: "note_text",
  description: "Notes a text.",
  input: z.object({ text: z.string() }),
  output: z.object({ noted: z.boolean() }),
  effect: "write",
  risk: "low",
  idempotency: "none",
  reversible: true,
  execute: (_, context) => {
    seen.push(context);
    return { noted: true };
  },
});

test("what is not served does not exist, whatever its name", async () => {
  const { ask } = await served({ tools: [noteText] });
  for (const [id, name] of ["other", "constructor", "__proto__", ""].entries()) {
    const { error } = await ask(id + 1, "tools/call", { name, arguments: {} });
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining("Unknown tool") });
  }
  const { result } = await ask(9, "tools/list", {});
  expect(result).toMatchObject({
    tools: [{ name: "note_text", annotations: { destructiveHint: false, idempotentHint: false } }],
  });
});

test("the server says who calls: the caller's word for its tenant does not count", async () => {
  const logger = keepingLogger();
  const { ask } = await served({
    tools: [noteText],
    logger,
    context: ({ client, meta }) => {
      if (meta.agent === "stranger") throw new ToolRefusal("strangers may not");
      return { agent: `${client}/${meta.agent}` };
    },
  });
  const call = (id: number, agent: string) =>
    ask(id, "tools/call", {
      name: "note_text",
      arguments: { text: "" },
      _meta: { "remit/tenant": "someone else", "remit/agent": agent, "remit/worldId": "w", other: "x", "remit/n": 1 },
    });
  expect((await call(1, "action")).result).toEqual({
    content: [{ type: "text", text: '{"noted":true}' }],
    structuredContent: { noted: true },
  });
  expect(seen.at(-1)).toMatchObject({
    tenant: "local",
    agent: "a client/action",
    runId: "mcp",
    attributes: { worldId: "w" },
  });
  const before = seen.length;
  expect((await call(2, "stranger")).result).toEqual({
    content: [{ type: "text", text: "strangers may not" }],
    isError: true,
  });
  expect(seen).toHaveLength(before);
  expect(logger.lines.map(({ fields }) => fields.status)).toEqual(["returned", "refused"]);
});

test("requests that came before the end of the input are answered, and the server then ends", async () => {
  const { input, send, serving, answers } = await served({ tools: [noteText] });
  for (const id of [1, 2, 3])
    send({ id, method: "tools/call", params: { name: "note_text", arguments: { text: `${id}` } } });
  input.end("this is no message\n");
  await serving.closed;
  expect(answers().map(({ id }) => id)).toEqual([0, 1, 2, 3]);
});

test("a call under way at the end of the input has a while, and is then aborted", async () => {
  const aborted = Promise.withResolvers<string>();
  const waitLong = defineTool({
    name: "wait_long",
    description: "Waits.",
    input: z.object({}),
    output: z.object({}),
    effect: "read",
    execute: (_, { signal }) =>
      new Promise<never>(() => {
        signal.addEventListener("abort", () => aborted.resolve("aborted"));
      }),
  });
  const { input, send, serving } = await served({ tools: [waitLong], drainMs: 50 });
  send({ id: 1, method: "tools/call", params: { name: "wait_long" } });
  input.end();
  await serving.closed;
  expect(await aborted.promise).toBe("aborted");
});

test("inputs that are a choice of objects can be served, other inputs cannot, and names are unique", async () => {
  const choice = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("a"), a: z.string() }),
    z.object({ kind: z.literal("b"), b: z.string() }),
  ]);
  const options = { description: "", output: z.object({}), effect: "read", execute: () => ({}) } as const;
  const either = defineTool({ ...options, name: "either", input: choice });
  const { ask } = await served({ tools: [either] });
  expect((await ask(1, "tools/list", {})).result).toMatchObject({
    tools: [{ inputSchema: { type: "object", oneOf: [{ required: ["kind", "a"] }, { required: ["kind", "b"] }] } }],
  });
  const text = defineTool({ ...options, name: "text", input: z.string() });
  expect(await failureOf(served({ tools: [text] }))).toMatchObject({
    code: "mcp/tool-not-servable",
    data: { tool: "text", reason: 'its input is "string", not an object' },
  });
  expect(ToolsError.is(await failureOf(served({ tools: [either, either] })), "registry/duplicate-tool")).toBe(true);
});

/** A server on streams of ours, spoken to in 2026-07-28: no handshake, and the version in each request. */
async function servedStateless(options: Omit<ServeMcpOptions, "name" | "version" | "transport">) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const serving = await serveMcp({ name: "shop", version: "1", transport: { input, output }, ...options });
  servings.push(serving);
  const lines: Answer[] = [];
  createInterface(output).on("line", (line) => void lines.push(JSON.parse(line) as Answer));
  const ask = (id: number, method: string, params: { readonly [key: string]: unknown } = {}) => {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "a client", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    input.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } })}\n`);
    return vi.waitFor(() => {
      const answer = lines.find((candidate) => candidate.id === id);
      if (!answer) throw new Error(`no answer to ${id}`);
      return answer;
    }, patience);
  };
  return { input, serving, ask, lines };
}

test("the first message says which era it is: 2026-07-28 is served over the same streams", async () => {
  const { ask, input, serving, lines } = await servedStateless({ tools: [noteText] });
  expect((await ask(1, "server/discover")).result).toMatchObject({ supportedVersions: ["2026-07-28"] });
  expect((await ask(2, "tools/list")).result).toMatchObject({ tools: [{ name: "note_text" }] });
  const called = await ask(3, "tools/call", { name: "note_text", arguments: { text: "" } });
  expect(called.result).toMatchObject({ structuredContent: { noted: true } });
  expect(seen.at(-1)).toMatchObject({ agent: "a client", tenant: "local" });
  expect((await ask(4, "tools/call", { name: "other", arguments: {} })).error).toMatchObject({ code: -32602 });
  void ask(5, "subscriptions/listen", { notifications: { toolsListChanged: true } }).catch(() => {});
  await vi.waitFor(() => {
    expect(lines).toContainEqual(expect.objectContaining({ method: "notifications/subscriptions/acknowledged" }));
  }, patience);
  serving.setTools([]);
  await vi.waitFor(() => {
    expect(lines).toContainEqual(expect.objectContaining({ method: "notifications/tools/list_changed" }));
  }, patience);
  input.end();
  await serving.closed;
});

test("who calls over stdio is whoever the operator says, with its allowlist and budget", async () => {
  const audit: McpAuditEntry[] = [];
  const client = { principal: user("ann"), tenant: "acme", tools: ["note_text"], budget: { calls: 1 } };
  const other = { ...noteText, name: "other_note" };
  const { ask } = await served({ tools: [noteText, other], client, audit: (entry) => void audit.push(entry) });
  expect((await ask(1, "tools/list", {})).result).toMatchObject({ tools: [{ name: "note_text" }] });
  const call = { name: "note_text", arguments: { text: "" } };
  expect((await ask(2, "tools/call", call)).result).toMatchObject({ structuredContent: { noted: true } });
  expect((await ask(3, "tools/call", call)).result).toMatchObject({ isError: true });
  expect((await ask(4, "tools/call", { ...call, name: "other_note" })).error?.code).toBe(-32602);
  expect(seen.at(-1)?.tenant).toBe("acme");
  expect(audit.map(({ principal, status }) => [principal, status])).toEqual([
    ["ann", "returned"],
    ["ann", "over-budget"],
    ["ann", "denied"],
  ]);
});

test("an audit that fails is told to the log, and the call is answered", async () => {
  const logger = keepingLogger();
  const broken = [
    () => {
      throw new Error("disk full");
    },
    async () => Promise.reject(new Error("disk full")),
  ];
  for (const audit of broken) {
    const { ask } = await served({ tools: [noteText], logger, audit });
    const { result } = await ask(1, "tools/call", { name: "note_text", arguments: { text: "" } });
    expect(result).toMatchObject({ structuredContent: { noted: true } });
  }
  const sentences = logger.lines.filter(({ level }) => level === "error").map(({ sentence }) => sentence);
  expect(sentences).toEqual(["An MCP call could not be audited.", "An MCP call could not be audited."]);
});

test("changes are told over stdio once there is a client", async () => {
  const { serving, answers } = await served({ tools: [noteText] });
  serving.setTools([]);
  await vi.waitFor(() => {
    expect(answers()).toContainEqual({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  }, patience);
});
