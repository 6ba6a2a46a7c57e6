import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { orderDeskFixtures } from "../../packs/order-desk/fixtures.ts";
import { orderDeskServer, orderDeskWorld } from "../../packs/order-desk/world.ts";
import { worldMeta, worldServerCommand } from "./launch.ts";
import { openWorldReader } from "./store.ts";

/** The server as a real process, over a real pipe, with the SDK's own client at the other end. */

const { pendingOrder, namesakes, returnableLine } = orderDeskFixtures(orderDeskWorld().initial());
const { customerId } = pendingOrder.customer;
const { orderId } = pendingOrder.order;
const cancel = { customerId, orderId, reason: "customer_request" };

let dir: string;
let open: Client[];
const reader = () => openWorldReader({ world: orderDeskWorld(), dir });
const serverCommand = () => orderDeskServer({ dir });

async function connect(): Promise<{ client: Client; transport: StdioClientTransport }> {
  const transport = new StdioClientTransport({ ...serverCommand(), stderr: "inherit" });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  open.push(client);
  return { client, transport };
}

function call(client: Client, worldId: string, name: string, input: object, key?: string) {
  return client.callTool({ name, arguments: { ...input }, _meta: worldMeta(worldId, key) });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "remit-server-"));
  open = [];
});
afterEach(async () => {
  for (const client of open) await client.close();
  rmSync(dir, { recursive: true });
});

test("lists the world's tools with JSON Schema and says which of them only read", async () => {
  const { client } = await connect();
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(orderDeskWorld().tools.map((tool) => tool.name));
  const reads = tools.filter((tool) => tool.annotations?.readOnlyHint === true);
  expect(reads.map((tool) => tool.name)).toContain("get_order");
  expect(tools.find((tool) => tool.name === "list_orders")?.inputSchema).toMatchObject({
    type: "object",
    required: ["customerId"],
    properties: { limit: { type: "integer", default: 10 } },
    additionalProperties: false,
  });
});

test("reads, writes once per key, and refuses as an answer", async () => {
  const { client } = await connect();
  expect(await call(client, "run_1", "list_orders", { customerId })).toMatchObject({
    structuredContent: { result: { count: 2 } },
  });
  const first = await call(client, "run_1", "cancel_order", cancel, "key_1");
  expect(first.isError ?? false).toBe(false);
  expect(first.structuredContent).toMatchObject({ result: { orderId, status: "cancelled" } });
  expect(first.content).toEqual([
    { type: "text", text: JSON.stringify((first.structuredContent as { result: unknown }).result) },
  ]);
  expect(await call(client, "run_1", "cancel_order", cancel, "key_1")).toEqual(first);
  expect(await call(client, "run_1", "cancel_order", cancel, "key_2")).toMatchObject({
    isError: true,
    content: [{ type: "text", text: expect.stringContaining("is cancelled; only a placed order") }],
  });
  expect(await call(client, "run_1", "cancel_order", cancel)).toMatchObject({ isError: true });
  expect(await call(client, "run_1", "get_order", { order: orderId })).toMatchObject({ isError: true });
  expect(
    reader()
      .log("run_1")
      .map(({ tool, outcome }) => `${tool} ${outcome}`),
  ).toEqual([
    "list_orders done",
    "cancel_order done",
    "cancel_order duplicate",
    "cancel_order refused",
    "cancel_order refused",
    "get_order refused",
  ]);
});

test("an unknown tool, a missing or bad world id and a broken log are protocol errors", async () => {
  const { client } = await connect();
  const codeOf = async (answer: Promise<unknown>) => {
    const error = await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof McpError ? error.code : error;
  };
  expect(await codeOf(call(client, "run_1", "sell_order", {}))).toBe(ErrorCode.InvalidParams);
  expect(await codeOf(client.callTool({ name: "list_orders", arguments: { customerId } }))).toBe(
    ErrorCode.InvalidParams,
  );
  expect(await codeOf(call(client, "../run_1", "list_orders", { customerId }))).toBe(ErrorCode.InvalidParams);
  writeFileSync(join(dir, "run_2.jsonl"), "not a log\n");
  expect(await codeOf(call(client, "run_2", "list_orders", { customerId }))).toBe(ErrorCode.InternalError);
  expect(await call(client, "run_1", "list_orders", { customerId })).toMatchObject({ structuredContent: {} });
});

test("killed and started again it keeps every world, and still knows the keys", async () => {
  const one = await connect();
  const first = await call(one.client, "run_1", "cancel_order", cancel, "key_1");
  const { line, order, customer } = returnableLine;
  const opened = {
    customerId: customer.customerId,
    orderId: order.orderId,
    lines: [{ lineId: line.lineId, quantity: 1 }],
  };
  const refund = { ...opened, reason: "changed_mind", refundTo: "original" };
  await call(one.client, "run_2", "return_items", refund, "key_1");
  const changes = [reader().changes("run_1"), reader().changes("run_2")];
  const closed = new Promise((resolve) => {
    one.client.onclose = () => resolve(undefined);
  });
  process.kill(one.transport.pid ?? Number.NaN, "SIGKILL");
  await closed;

  const two = await connect();
  expect(await call(two.client, "run_1", "cancel_order", cancel, "key_1")).toEqual(first);
  expect(await call(two.client, "run_2", "return_items", refund, "key_1")).toMatchObject({ structuredContent: {} });
  expect([reader().changes("run_1"), reader().changes("run_2")]).toEqual(changes);
  expect(changes[0]).toContainEqual({ path: `/orders/${orderId}/status`, before: "placed", after: "cancelled" });
});

test("two servers on one folder, called at once with the same keys, do every write once", async () => {
  const [one, two] = await Promise.all([connect(), connect()]);
  const tickets = namesakes.map(({ ticket }) => ticket.ticketId);
  const written = namesakes.map(({ customer, ticket }) => ({
    customerId: customer.customerId,
    ticketId: ticket.ticketId,
  }));
  const calls = Array.from({ length: 40 }, (_, index) => ({
    client: index % 2 === 0 ? one.client : two.client,
    key: `key_${Math.floor(index / 2)}`,
    note: { ...written[Math.floor(index / 2) % 2], text: `note ${Math.floor(index / 2)}` },
  }));
  await Promise.all(calls.map(({ client, key, note }) => call(client, "run_1", "add_ticket_note", note, key)));
  const log = reader().log("run_1");
  expect(log.map((line) => line.n)).toEqual(log.map((_, index) => index + 1));
  expect(log.filter((line) => line.outcome === "done")).toHaveLength(20);
  expect(log.filter((line) => line.outcome === "duplicate")).toHaveLength(20);
  const notes = tickets.flatMap((ticketId) => reader().endState("run_1").tickets[ticketId]?.notes ?? []);
  expect(new Set(notes).size).toBe(20);
  expect(notes).toHaveLength(20);
});

test("it ends when its input ends, with everything answered", async () => {
  const { command, args } = serverCommand();
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const params = { name: "list_orders", arguments: { customerId }, _meta: worldMeta("run_1") };
  const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: initialize })}\n`);
  child.stdin.end(`${JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params })}\n`);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(0);
  expect(
    output
      .trimEnd()
      .split("\n")
      .map((row) => (JSON.parse(row) as { id: number }).id),
  ).toEqual([1, 2]);
});

test("it ends when the process that started it is killed", async () => {
  const { command, args } = serverCommand();
  // The parent in the middle hands its own standard error on, which closes only when the server is gone as well.
  const parent = `
    const { spawn } = require("node:child_process");
    const child = spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }) + "\\n");
    child.stdout.once("data", () => process.stdout.write("ready"));
  `;
  const middle = spawn(command, ["-e", parent], { stdio: ["ignore", "pipe", "pipe"] });
  await once(middle.stdout, "data");
  middle.kill("SIGKILL");
  expect(await text(middle.stderr)).toBe("");
});

test("a world that cannot be loaded is one line with code and hint, and exit code 1", async () => {
  const files = { "throws.mjs": "throw new Error('no shop today');", "empty.mjs": "export const orderDeskWorld = 1;" };
  for (const [name, source] of Object.entries(files)) writeFileSync(join(dir, name), source);
  const reasons: { readonly [file: string]: RegExp } = {
    "throws.mjs": /throws\.mjs" cannot be loaded: no shop today/,
    "empty.mjs": /"orderDeskWorld" of .* is not a world/,
    "absent.mjs": /absent\.mjs" cannot be loaded/,
  };
  for (const [file, reason] of Object.entries(reasons)) {
    const { command, args } = worldServerCommand({ module: join(dir, file), export: "orderDeskWorld", dir });
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect(JSON.parse(err)).toMatchObject({ code: "world/definition-invalid", reason: expect.stringMatching(reason) });
  }
});

test("what a world prints does not reach the protocol", async () => {
  const path = join(dir, "chatty.mjs");
  writeFileSync(
    path,
    "export const world = { name: 'chatty', initial: () => (console.log('hi'), {}), clone: (s) => s, tools: [] };",
  );
  const { command, args } = worldServerCommand({ module: path, export: "world", dir: join(dir, "logs") });
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect({ out, err }).toEqual({ out: "", err: "hi\n" });
  expect(readdirSync(join(dir, "logs"))).toEqual([".lock"]);
});
