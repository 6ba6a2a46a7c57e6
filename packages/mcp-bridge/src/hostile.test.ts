import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { type AnyMcpConnection, type ConnectMcpOptions, connectMcp } from "./connect.ts";
import type { McpError } from "./errors.ts";
import { inspectMcp } from "./inspect.ts";
import {
  contextOf,
  type HostileFixture,
  hostileServer,
  isAlive,
  keepingLogger,
  shiftedClock,
} from "./testing/fixture.ts";
import type { McpToolConfigs } from "./tool-config.ts";
import { stdio } from "./transport.ts";

/** Servers that break, in the ways that servers do. Every one of them is a real process. */

const fixtures: HostileFixture[] = [];
const connections: AnyMcpConnection[] = [];

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const fixture of fixtures.splice(0)) {
    expect(fixture.starts().filter(isAlive)).toEqual([]);
    fixture.remove();
  }
});

function server(mode: string, env: Record<string, string> = {}): HostileFixture {
  const fixture = hostileServer(mode, { env });
  fixtures.push(fixture);
  return fixture;
}

const read = { effect: "read" } as const;
const input = { text: "" };

async function connected<const Tools extends McpToolConfigs>(
  { transport }: HostileFixture,
  tools: Tools,
  more: Partial<ConnectMcpOptions<Tools>> = {},
) {
  const connection = await connectMcp({ name: "shop", transport, tools, ...more });
  connections.push(connection);
  return connection;
}

async function failureOf(promise: unknown): Promise<McpError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as McpError;
  }
  throw new Error("it did not fail");
}

test("a command that does not exist, and a folder that does not", async () => {
  const missing = connectMcp({ name: "shop", transport: stdio("no-such-command-anywhere"), tools: {} });
  expect(await failureOf(missing)).toMatchObject({
    code: "mcp/spawn-failed",
    mayHaveExecuted: false,
    data: { server: "shop", command: "no-such-command-anywhere", reason: "spawn no-such-command-anywhere ENOENT" },
  });
  const nowhere = stdio(process.execPath, [], { cwd: "/no/such/folder" });
  expect(await failureOf(connectMcp({ name: "shop", transport: nowhere, tools: {} }))).toMatchObject({
    code: "mcp/spawn-failed",
    data: { reason: "the folder /no/such/folder does not exist" },
  });
});

test("a server that dies at start tells its exit code and its last words, without secrets and escapes", async () => {
  const fixture = server("exit-at-start", { API_TOKEN: "s3cr3t-t0k3n" });
  const error = await failureOf(connected(fixture, { echo: read }));
  expect(error).toMatchObject({
    code: "mcp/exited-at-start",
    retryable: false,
    data: {
      exitCode: 3,
      signal: null,
      stderr: "no configuration; the token [API_TOKEN] is not enough \\u{1b}[31m",
    },
  });
  expect(error.message).toContain('the server "shop" ended before it was ready (exit code 3');
  expect(JSON.stringify(error)).not.toContain("s3cr3t");
});

test.each(["silent", "hangs-at-list"])("a server that is %s is given up and killed", async (mode) => {
  const fixture = server(mode);
  const error = await failureOf(connected(fixture, { echo: read }, { limits: { connectTimeoutMs: 400 } }));
  expect(error).toMatchObject({ code: "mcp/connect-timeout", data: { timeoutMs: 400 } });
  expect(fixture.starts().filter(isAlive)).toEqual([]);
});

test("connecting can be cancelled", async () => {
  const fixture = server("silent");
  const controller = new AbortController();
  const connecting = failureOf(connected(fixture, { echo: read }, { signal: controller.signal }));
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("initialize"));
  controller.abort();
  expect(await connecting).toMatchObject({ code: "mcp/connect-cancelled" });
});

test("a handshake that fails, and a version nobody knows", async () => {
  expect(await failureOf(connected(server("refuses-handshake"), { echo: read }))).toMatchObject({
    code: "mcp/handshake-failed",
    data: { reason: "error -32603: not today" },
  });
  expect(await failureOf(connected(server("other-version"), { echo: read }))).toMatchObject({
    code: "mcp/version-unsupported",
    data: { offered: "1999-01-01", supported: expect.arrayContaining(["2025-11-25", "2024-11-05"]) },
  });
});

test.each([
  ["listing-error", "error -32603: the catalogue is on fire"],
  ["listing-nonsense", "the answer is not a list of tools"],
  ["same-page", "the list leads back to a page that was read before"],
  ["endless-pages", "the list has more than 64 pages (limit `pages`)"],
  ["endless-tools", "the list has more than 2000 tools (limit `tools`)"],
])("a %s is an error, and never an empty list", async (mode, reason) => {
  expect(await failureOf(connected(server(mode), {}))).toMatchObject({ code: "mcp/listing-failed", data: { reason } });
});

test("a list of two pages is one list", async () => {
  const { tools } = await connected(server("two-pages"), { echo: read, second: read });
  expect(Object.keys(tools)).toEqual(["echo", "second"]);
});

test("bad tools do not lose the good one; named themselves, each is told", async () => {
  const { tools } = await connected(server("bad-tools"), { echo: read });
  expect(await tools.echo.execute({ text: "good" }, contextOf())).toEqual({ text: "good" });
  for (const [name, reason] of [
    ["no_schema", "`inputSchema` is not an object"],
    ["twice", "it is listed twice"],
    ["remote", "it leads outside of the document"],
    ["loose", 'it does not say "type": "object"'],
  ] as const) {
    const error = await failureOf(connected(server("bad-tools"), { [name]: read }));
    expect(error).toMatchObject({ code: "mcp/tool-invalid", data: { tool: name } });
    expect(error.data.reason).toContain(reason);
  }
});

test("a named tool that is not there", async () => {
  const error = await failureOf(connected(server("two-pages"), { echo: read, refund_order: read }));
  expect(error).toMatchObject({
    code: "mcp/tool-missing",
    data: { tool: "refund_order", available: ["echo", "second"] },
  });
});

test("a definition that is not the pinned one refuses to connect, and shows the change when it can", async () => {
  const fixture = server("drift");
  const accepted = (await inspectMcp({ transport: fixture.transport })).tools.find(
    ({ definition }) => definition.name === "echo",
  )!;
  const byHash = await failureOf(connected(fixture, { echo: { ...read, pin: accepted.pin } }));
  expect(byHash).toMatchObject({
    code: "mcp/tool-changed",
    mayHaveExecuted: false,
    data: { tool: "echo", pinned: accepted.pin, changes: "only the pin is known of the definition that was accepted" },
  });
  const byDefinition = await failureOf(connected(fixture, { echo: { ...read, pin: accepted } }));
  expect(byDefinition.data.changes).toEqual([
    { pointer: "/description", before: "Tool echo.", after: "Now sends it to me too." },
  ]);
});

test("drift after a restart puts that tool out of use, also without a pin; the others go on", async () => {
  const fixture = server("drift");
  const connection = await connected(fixture, { echo: read, plain: read, crash: read, json: read });
  const { tools } = connection;
  await failureOf(tools.crash.execute(input, contextOf()));
  expect(await tools.plain.execute(input, contextOf())).toEqual({ text: "Two parts,\n" });
  const changed = await failureOf(tools.echo.execute(input, contextOf()));
  expect(changed).toMatchObject({
    code: "mcp/tool-changed",
    mayHaveExecuted: false,
    data: { changes: [{ pointer: "/description", before: "Tool echo.", after: "Now sends it to me too." }] },
  });
  expect(await failureOf(tools.json.execute(input, contextOf()))).toMatchObject({ code: "mcp/tool-missing" });
  expect(Object.keys(connection.status().refused)).toEqual(["echo", "json"]);
  // A look again does not make it right.
  expect(await failureOf(tools.echo.execute(input, contextOf()))).toMatchObject({ code: "mcp/tool-changed" });
  const called = fixture.heard().filter(({ method }) => method === "tools/call");
  expect(called.map(({ params }) => params?.name)).toEqual(["crash", "plain"]);
});

test("a crash fails every call under way as one that may have run, repeats none, and the next call connects", async () => {
  const fixture = server("good");
  const connection = await connected(fixture, {
    hang: read,
    crash: { effect: "write", risk: "low", idempotency: "key" },
    echo: read,
  });
  const { tools } = connection;
  const failures = await Promise.all([
    failureOf(tools.hang.execute(input, contextOf())),
    failureOf(tools.hang.execute(input, contextOf())),
    failureOf(tools.crash.execute(input, contextOf({ idempotencyKey: "key_1" }))),
  ]);
  for (const failure of failures) {
    expect(failure).toMatchObject({
      code: "mcp/connection-lost",
      retryable: true,
      mayHaveExecuted: true,
      data: { exitCode: 7, stderr: "segmentation fault, almost", mayHaveExecuted: true },
    });
  }
  expect(connection.status()).toMatchObject({ state: "down", failures: 1 });
  const [first, second] = await Promise.all([
    tools.echo.execute({ text: "1" }, contextOf()),
    tools.echo.execute({ text: "2" }, contextOf()),
  ]);
  expect([first, second]).toEqual([{ text: "1" }, { text: "2" }]);
  expect(connection.status()).toMatchObject({ state: "ready", connects: 2, failures: 0 });
  expect(fixture.starts()).toHaveLength(2);
  const called = fixture.heard().filter(({ method }) => method === "tools/call");
  expect(called.map(({ params }) => params?.name).sort()).toEqual(["crash", "echo", "echo", "hang", "hang"]);
});

test("attempts to connect again that fail wait longer and longer, and calls meanwhile fail at once, unsent", async () => {
  const fixture = server("starts-once");
  const clock = shiftedClock();
  const limits = { backoffMs: 5_000, backoffMsMax: 60_000 };
  const connection = await connected(fixture, { crash: read, echo: read }, { clock, limits });
  const call = () => failureOf(connection.tools.echo.execute(input, contextOf()));
  await failureOf(connection.tools.crash.execute(input, contextOf()));
  const waits: number[] = []; // In seconds.
  for (let attempt = 1; attempt <= 6; attempt++) {
    expect(await call()).toMatchObject({ code: "mcp/exited-at-start", mayHaveExecuted: false });
    const waiting = await call();
    expect(waiting).toMatchObject({ code: "mcp/server-unavailable", retryable: true, mayHaveExecuted: false });
    waits.push(Math.round(Number(waiting.data.retryAfterMs) / 1_000));
    expect(connection.status()).toMatchObject({ state: "down", failures: attempt + 1 });
    clock.forward(60_000);
  }
  // Each is cut by up to a quarter, so that many links do not come back in step.
  for (const [index, most] of [5, 10, 20, 40, 60, 60].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(Math.floor(most * 0.75));
    expect(waits[index]).toBeLessThanOrEqual(most);
  }
  expect(fixture.starts()).toHaveLength(7);
});

test("a call that takes too long is cancelled at the server and may have run", async () => {
  const fixture = server("good");
  const { tools } = await connected(fixture, { hang: { ...read, timeoutMs: 300 }, echo: read });
  const late = await failureOf(tools.hang.execute(input, contextOf()));
  expect(late).toMatchObject({
    code: "mcp/call-timeout",
    mayHaveExecuted: true,
    data: { tool: "hang", timeoutMs: 300 },
  });
  expect(await tools.echo.execute({ text: "still there" }, contextOf())).toEqual({ text: "still there" });
  const call = fixture.heard().find(({ method }) => method === "tools/call");
  const cancelled = fixture.heard().find(({ method }) => method === "notifications/cancelled");
  expect(cancelled?.params?.requestId).toBe(call?.id);
});

test("a cancelled call is cancelled at the server; one that was not sent yet is never sent", async () => {
  const fixture = server("good");
  const { tools } = await connected(fixture, { hang: read, echo: read });
  const controller = new AbortController();
  const hanging = failureOf(tools.hang.execute(input, contextOf({ signal: controller.signal })));
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("tools/call"));
  controller.abort();
  expect(await hanging).toMatchObject({ code: "mcp/call-cancelled", mayHaveExecuted: true });
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("notifications/cancelled"));
  const unsent = await failureOf(tools.echo.execute(input, contextOf({ signal: controller.signal })));
  expect(unsent).toMatchObject({ code: "mcp/call-not-sent", mayHaveExecuted: false });
  await tools.echo.execute(input, contextOf());
  expect(fixture.heard().filter(({ method }) => method === "tools/call")).toHaveLength(2);
});

test("errors of the protocol say whether the call can have run, whatever code a server uses", async () => {
  const { tools } = await connected(server("good"), { reject: read, fail: read, own_code: read });
  expect(await failureOf(tools.reject.execute(input, contextOf()))).toMatchObject({
    code: "mcp/call-rejected",
    mayHaveExecuted: false,
    data: { rpcCode: -32602, reason: "no such order" },
  });
  expect(await failureOf(tools.fail.execute(input, contextOf()))).toMatchObject({
    code: "mcp/call-failed",
    mayHaveExecuted: true,
    data: { rpcCode: -32603, reason: "database gone" },
  });
  expect(await failureOf(tools.own_code.execute(input, contextOf()))).toMatchObject({
    code: "mcp/call-failed",
    data: { rpcCode: -32001 },
  });
});

test("answers that are no results, and too large ones", async () => {
  const { tools } = await connected(
    server("good"),
    { wrong: read, strange: read, big: read },
    { limits: { resultBytes: 5_000 } },
  );
  expect(await failureOf(tools.wrong.execute(input, contextOf()))).toMatchObject({
    code: "mcp/result-invalid",
    mayHaveExecuted: true,
  });
  const strange = await failureOf(tools.strange.execute(input, contextOf()));
  expect(strange.message).toContain('of type "hologram" and 129 characters, is not known');
  expect(await failureOf(tools.big.execute({ text: "6000" }, contextOf()))).toMatchObject({
    code: "mcp/result-too-large",
    mayHaveExecuted: true,
    data: { limit: 5_000 },
  });
  expect(await tools.big.execute({ text: "4000" }, contextOf())).toEqual({ text: "x".repeat(4_000) });
});

test("a message beyond the limit ends the connection and not us", async () => {
  const { tools } = await connected(server("overflow"), { echo: read }, { limits: { messageBytes: 100_000 } });
  const error = await failureOf(tools.echo.execute(input, contextOf()));
  expect(error).toMatchObject({ code: "mcp/connection-lost", mayHaveExecuted: true });
  expect(error.data.reason).toMatch(/^a message of \d+ bytes or more exceeds 100000$/);
});

test("noise on standard output is dropped, counted and warned of once", async () => {
  const logger = keepingLogger();
  const connection = await connected(server("noise"), { echo: read }, { logger });
  for (const text of ["a", "b", "c"])
    expect(await connection.tools.echo.execute({ text }, contextOf())).toEqual({ text });
  expect(connection.status().noiseLines).toBe(24);
  expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("a flood on standard error neither blocks the server nor floods the log", async () => {
  const logger = keepingLogger();
  const { tools } = await connected(server("stderr-flood"), { echo: read, crash: read }, { logger });
  expect(await tools.echo.execute({ text: "through" }, contextOf())).toEqual({ text: "through" });
  const error = await failureOf(tools.crash.execute(input, contextOf()));
  expect(String(error.data.stderr).length).toBeLessThanOrEqual(2_000);
  expect(error.data.stderr).toContain("segmentation fault, almost");
  const lines = logger.lines.filter(({ sentence }) => sentence === "MCP server wrote to standard error.");
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(2_000);
  expect(lines[0]).toMatchObject({ level: "debug", fields: { server: "shop", line: "all work and no play" } });
});

test("a server that ignores the end of its input and SIGTERM is killed", async () => {
  const fixture = server("stubborn");
  const connection = await connected(fixture, { echo: read }, { limits: { closeGraceMs: 100 } });
  await connection.close();
  expect(fixture.starts().filter(isAlive)).toEqual([]);
  expect(fixture.heard().filter(({ signal }) => signal === "SIGTERM")).toHaveLength(1);
});

test("what a server started and forgot is killed with it, after a close and after a crash", async () => {
  const fixture = server("good");
  const connection = await connected(
    fixture,
    { grandchild: read, crash: read, echo: read },
    { limits: { closeGraceMs: 100 } },
  );
  const { tools } = connection;
  const grandchildOf = async () => {
    const { processId } = (await tools.grandchild.execute(input, contextOf())) as { processId: number };
    expect(isAlive(processId)).toBe(true);
    return processId;
  };
  const first = await grandchildOf();
  expect(await failureOf(tools.crash.execute(input, contextOf()))).toMatchObject({ code: "mcp/connection-lost" });
  await vi.waitFor(() => expect(isAlive(first)).toBe(false), { timeout: 10_000 });
  const second = await grandchildOf();
  await connection.close();
  expect(isAlive(second)).toBe(false);
});

test("the server ends when we are killed without a chance to say so, and all of it when we leave in order", async () => {
  const host = fileURLToPath(new URL("./testing/host.ts", import.meta.url));
  const hosted = async (fixture: HostileFixture, tool: string) => {
    const child = fork(host, [JSON.stringify(fixture.transport), tool]);
    const processIds = await new Promise<number[]>((resolve, reject) => {
      child.once("message", (message) => resolve(message as number[]));
      child.once("exit", (code) => reject(new Error(`the host ended with ${code}`)));
    });
    expect(processIds.filter(isAlive)).toEqual(processIds);
    return { child, processIds };
  };
  const killed = await hosted(server("good"), "echo");
  killed.child.kill("SIGKILL");
  await vi.waitFor(() => expect(killed.processIds.filter(isAlive)).toEqual([]), { timeout: 10_000 });
  const left = await hosted(server("stubborn"), "grandchild");
  left.child.send("leave");
  await vi.waitFor(() => expect(left.processIds.filter(isAlive)).toEqual([]), { timeout: 10_000 });
});

test("a server in trouble does not hold up another one", async () => {
  const [sick, healthy] = [server("good"), server("good")];
  const [first, second] = await Promise.all([
    connected(sick, { hang: read, crash: read }),
    connected(healthy, { echo: read }),
  ]);
  const hanging = failureOf(first.tools.hang.execute(input, contextOf()));
  const answers = await Promise.all(["1", "2", "3"].map((text) => second.tools.echo.execute({ text }, contextOf())));
  expect(answers).toEqual([{ text: "1" }, { text: "2" }, { text: "3" }]);
  await failureOf(first.tools.crash.execute(input, contextOf()));
  expect(await hanging).toMatchObject({ code: "mcp/connection-lost" });
  expect(await second.tools.echo.execute({ text: "4" }, contextOf())).toEqual({ text: "4" });
});
