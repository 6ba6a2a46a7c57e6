import { OrchestrationError, parseWith, ToolRefusal } from "@remit/core";
import type { JsonObject } from "@remit/tools";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { type AnyMcpConnection, connectMcp, openHost } from "./connect.ts";
import { McpError } from "./errors.ts";
import { inspectMcp } from "./inspect.ts";
import { contextOf, type HostileFixture, hostileServer, isAlive } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";
import type { McpToolConfigs } from "./tool-config.ts";
import { stdio } from "./transport.ts";

const fixtures: HostileFixture[] = [];
const connections: AnyMcpConnection[] = [];

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

function server(mode = "good"): HostileFixture {
  const fixture = hostileServer(mode);
  fixtures.push(fixture);
  return fixture;
}

async function connected<const Tools extends McpToolConfigs>(tools: Tools, { transport } = server()) {
  const connection = await connectMcp({ name: "shop", transport, tools });
  connections.push(connection);
  return connection;
}

test("only the named tools exist, as ordinary tools with what we say of them", async () => {
  const { tools } = await connected({
    echo: { effect: "read" },
    order_note: {
      remoteName: "plain",
      effect: "write",
      risk: "high",
      idempotency: "key",
      reversible: true,
      keyValidForMs: 60_000,
      description: "Notes something.",
      input: z.object({ text: z.string().max(5) }),
      output: z.object({ text: z.string() }),
      timeoutMs: 2_000,
      protect: ["text"],
      labels: ["notes"],
      reveals: ["email"],
      version: "3",
    },
  });
  expect(Object.keys(tools)).toEqual(["echo", "order_note"]);
  expect(tools.echo).toMatchObject({
    kind: "tool",
    name: "echo",
    description: "Tool echo.",
    effect: "read",
    risk: "low",
    timeoutMs: 3_601_000,
    labels: ["mcp:shop"],
    reveals: [],
    inputSchema: { type: "object", required: ["text"] },
    outputSchema: { type: "object", required: ["text"] },
  });
  expect(tools.echo.version).toMatch(/^sha256-[\w-]{43}$/);
  expect(tools.order_note).toMatchObject({
    name: "order_note",
    description: "Notes something.",
    effect: "write",
    risk: "high",
    reversible: true,
    idempotency: "key",
    keyValidForMs: 60_000,
    timeoutMs: 3_601_000,
    protect: ["text"],
    labels: ["mcp:shop", "notes"],
    reveals: ["email"],
    version: "3",
    inputSchema: { properties: { text: { maxLength: 5 } } },
  });
});

test("the server's own schemas check what we have no schema for", async () => {
  const { tools } = await connected({ echo: { effect: "read" }, plain: { effect: "read" } });
  expect(parseWith(tools.echo.input, { text: "hi" })).toEqual({ ok: true, value: { text: "hi" } });
  expect(parseWith(tools.echo.input, { text: 1 })).toEqual({
    ok: false,
    issues: [{ pointer: "/text", message: "must be string" }],
  });
  expect(parseWith(tools.echo.output, { text: null }).ok).toBe(false);
  expect(parseWith(tools.plain.output, { anything: [1] }).ok).toBe(true);
});

test("results come in one documented form", async () => {
  const { tools } = await connected({
    echo: { effect: "read" },
    plain: { effect: "read" },
    json: { effect: "read" },
    image: { effect: "read" },
  });
  const input = { text: "over two" };
  expect(await tools.echo.execute(input, contextOf())).toEqual({ text: "over two" });
  expect(await tools.plain.execute(input, contextOf())).toEqual({ text: "Two parts,\nover two" });
  expect(await tools.json.execute(input, contextOf())).toEqual({ orders: [1, 2] });
  expect(await tools.image.execute(input, contextOf())).toEqual({
    text: "A picture.",
    content: [
      { type: "text", text: "A picture." },
      { type: "image", $media: "image/png", data: "aGk=", annotations: { x: 1 } },
    ],
  });
});

test("the call's context travels in _meta, attributes included; nothing of it is in the arguments", async () => {
  const fixture = server();
  const { tools } = await connected({ meta: { effect: "write", risk: "low", idempotency: "key" } }, fixture);
  const attributes = { worldId: "w_1", agent: "not this one" };
  const answer = await tools.meta.execute({ text: "" }, contextOf({ idempotencyKey: "key_1", attributes }));
  const meta = {
    progressToken: expect.any(Number),
    "remit/worldId": "w_1",
    "remit/idempotencyKey": "key_1",
    "remit/runId": "run_1",
    "remit/path": "action#1/tool#1",
    "remit/agent": "action",
    "remit/tenant": "acme",
  };
  expect(answer).toEqual({ meta });
  const call = fixture.heard().find(({ method }) => method === "tools/call");
  expect(call?.params).toEqual({ name: "meta", arguments: { text: "" }, _meta: meta });
  await tools.meta.execute({ text: "" }, contextOf());
  expect(fixture.heard().at(-1)?.params?._meta).not.toHaveProperty(["remit/idempotencyKey"]);
});

test("an answer with isError is a refusal, cut to 4 kB; one that says it does not know is not", async () => {
  const { tools } = await connected({
    refuse: { effect: "read" },
    doubt: { effect: "write", risk: "low", idempotency: "none" },
  });
  const refusal = await failureOf(tools.refuse.execute({ text: "" }, contextOf()));
  expect(refusal).toBeInstanceOf(ToolRefusal);
  expect(refusal.message).toBe("the shop is closed");
  const long = await failureOf(tools.refuse.execute({ text: "long" }, contextOf()));
  expect(long.message).toBe(`${"é".repeat(2048)}… (cut; 20000 bytes in all)`);
  expect(await failureOf(tools.doubt.execute({ text: "" }, contextOf()))).toMatchObject({
    code: "mcp/call-failed",
    mayHaveExecuted: true,
  });
});

test("a look-up may call the reads of its connection, and nothing else", async () => {
  const lookup: NonNullable<Extract<McpToolConfigs[string], { effect: "write" }>["lookup"]> = async (
    input,
    context,
    call,
  ) =>
    input.text === "write"
      ? { outcome: "found", output: await call("wrong", {}) }
      : { outcome: "found", output: await call("echo", { text: context.idempotencyKey }) };
  const { tools } = await connected({
    echo: { effect: "read" },
    plain: { effect: "write", risk: "low", idempotency: "lookup", lookup },
    wrong: { effect: "write", risk: "low", idempotency: "none" },
  });
  const context = contextOf({ idempotencyKey: "key_1" });
  expect(await tools.plain.lookup?.({ text: "" }, context)).toEqual({ outcome: "found", output: { text: "key_1" } });
  expect(await failureOf(Promise.resolve(tools.plain.lookup?.({ text: "write" }, context)))).toMatchObject({
    code: "mcp/config-invalid",
  });
});

/** `echo` answers with what it is asked, so the text of a write says what its look-up finds. */
const saidAsData = {
  echo: { effect: "read" },
  plain: {
    effect: "write",
    risk: "low",
    idempotency: "lookup",
    settlesWithinMs: 1,
    lookup: {
      tool: "echo",
      input: { text: "/input/text" },
      found: { at: "/text", is: "there" },
      never: { at: "/text", is: "gone" },
    },
    undo: { tool: "meta", input: { text: "/output/text" } },
  },
  meta: { effect: "write", risk: "low", idempotency: "key" },
} as const satisfies McpToolConfigs;

test("a look-up and an undo may be said as data", async () => {
  const { tools } = await connected(saidAsData);
  const outcome = (text: unknown) => Promise.resolve(tools.plain.lookup?.({ text } as JsonObject, contextOf()));
  expect(await outcome("there")).toEqual({ outcome: "found", output: { text: "there" } });
  expect(await outcome("gone")).toEqual({ outcome: "never" });
  expect(await outcome("something else")).toEqual({ outcome: "unknown" });
  // What is not there is not asked for, and what does not fit is not sent.
  expect((await failureOf(outcome(undefined))).message).toContain("the argument text");
  expect(await failureOf(outcome(7))).toMatchObject({ code: "mcp/config-invalid" });
  expect(tools.plain.undo?.tool).toBe(tools.meta);
  expect(tools.plain.undo?.input({ text: "x" }, { text: "y", $content: [] })).toEqual({ text: "y" });
  expect(() => tools.plain.undo?.input({ text: "x" }, { $truncated: { bytes: 9, artifact: null }, text: "y" })).toThrow(
    "the argument text",
  );
});

test("it is the same where tools give results as the protocol has them", async () => {
  const host = openHost({ name: "shop", transport: server().transport, tools: saidAsData, raw: true });
  await host.link.connect();
  const connection = await host.connection();
  connections.push(connection);
  const { plain } = connection.tools;
  const outcome = (text: string) => Promise.resolve(plain.lookup?.({ text }, contextOf()));
  expect(await outcome("there")).toEqual({
    outcome: "found",
    output: { content: [{ type: "text", text: '{"text":"there"}' }], structuredContent: { text: "there" } },
  });
  expect(await outcome("gone")).toEqual({ outcome: "never" });
  expect(plain.undo?.input({ text: "x" }, { content: [{ type: "text", text: "y" }] })).toEqual({ text: "y" });
});

test("an argument that is misspelt is told when its tool is there", async () => {
  const lookup = { ...saidAsData.plain.lookup, input: { texd: "/input/text" } };
  expect(await failureOf(connected({ ...saidAsData, plain: { ...saidAsData.plain, lookup } }))).toMatchObject({
    code: "mcp/config-invalid",
    data: { reason: 'what plain says of echo names "texd", which is none of its arguments (text)' },
  });
  const undo = { tool: "meta", input: { text: "/input/texd" } };
  expect(await failureOf(connected({ ...saidAsData, plain: { ...saidAsData.plain, undo } }))).toMatchObject({
    code: "mcp/config-invalid",
    data: { reason: 'what plain says of plain names "texd", which is none of its arguments (text)' },
  });
});

test("inspectMcp shows definitions with their pins, and a pin that fits connects", async () => {
  const fixture = server("bad-tools");
  const seen = await inspectMcp({ transport: fixture.transport });
  expect(seen.server).toEqual({ name: "hostile", version: "6.6.6", protocolVersion: "2025-11-25" });
  expect(seen.tools.map(({ definition }) => definition.name)).toEqual(["remote", "loose", "echo"]);
  expect(seen.invalid).toEqual([
    { name: "", reason: "it is not an object" },
    { name: "", reason: "it has no usable name" },
    { name: "no_schema", reason: "`inputSchema` is not an object" },
    { name: "twice", reason: "it is listed twice" },
  ]);
  const echo = seen.tools[2]!;
  const { tools } = await connected({ echo: { effect: "read", pin: echo.pin } }, fixture);
  expect(await tools.echo.execute({ text: "hi" }, contextOf())).toEqual({ text: "hi" });
  await connected({ echo: { effect: "read", pin: echo } }, fixture);
  const forged = { ...echo, definition: { ...echo.definition, description: "Another." } };
  expect(await failureOf(connected({ echo: { effect: "read", pin: forged } }, fixture))).toMatchObject({
    code: "mcp/config-invalid",
  });
});

test("status says how it stands, and dispose ends the process", async () => {
  const fixture = server();
  let processId = 0;
  {
    await using connection = await connectMcp({
      name: "shop",
      transport: fixture.transport,
      tools: { echo: { effect: "read" } },
    });
    const status = connection.status();
    processId = status.processId ?? 0;
    expect(status).toEqual({
      name: "shop",
      state: "ready",
      server: { name: "hostile", version: "6.6.6", protocolVersion: "2025-11-25" },
      processId: fixture.starts()[0],
      connects: 1,
      failures: 0,
      retryAt: undefined,
      lastError: undefined,
      refused: {},
      noiseLines: 0,
    });
    expect(isAlive(processId)).toBe(true);
  }
  expect(isAlive(processId)).toBe(false);
  expect(fixture.heard().at(-1)).toEqual({ inputEnded: true });
});

test("a closed connection stays closed, and a call under way fails as one that may have run", async () => {
  const fixture = server();
  const connection = await connected({ hang: { effect: "read" } }, fixture);
  const hanging = failureOf(connection.tools.hang.execute({ text: "" }, contextOf()));
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("tools/call"), patience);
  await Promise.all([connection.close(), connection.close()]);
  expect(await hanging).toMatchObject({ code: "mcp/connection-lost", mayHaveExecuted: true });
  expect(await failureOf(connection.tools.hang.execute({ text: "" }, contextOf()))).toMatchObject({
    code: "mcp/closed",
    mayHaveExecuted: false,
  });
  expect(connection.status().state).toBe("closed");
  expect(fixture.starts()).toHaveLength(1);
});

test("of our environment the server gets PATH and HOME, and what is given", async () => {
  const print = "process.stderr.write(Object.keys(process.env).sort().join() + ' ' + process.cwd()); process.exit(1)";
  const transport = stdio(process.execPath, ["-e", print], { env: { SHOP_MODE: "test" }, cwd: "/" });
  const error = await failureOf(connectMcp({ name: "shop", transport, tools: {} }));
  expect(error).toMatchObject({ code: "mcp/exited-at-start", data: { stderr: "HOME,PATH,SHOP_MODE /" } });
});

const read = { effect: "read" } as const;
const mistakes: readonly (readonly [string, string, McpToolConfigs, string])[] = [
  ["a connection's name", "the shop", {}, "a name has a letter first"],
  ["an effect", "shop", { echo: { effect: "both" } as never }, 'has the effect both; say "read" or "write"'],
  ["a write without a risk", "shop", { echo: { effect: "write" } as never }, "needs a `risk` and an `idempotency`"],
  ["one tool under two names", "shop", { echo: read, copy: { ...read, remoteName: "echo" } }, "echo and copy are both"],
  [
    "a protected argument",
    "shop",
    { echo: { ...read, protect: ["txet"] } },
    'names "txet", which is none of its arguments (text)',
  ],
];

test.each(mistakes)("a mistake in %s is told", async (_, name, tools, reason) => {
  const error = await failureOf(connectMcp({ name, transport: server().transport, tools }));
  expect(McpError.is(error, "mcp/config-invalid")).toBe(true);
  expect(error.message).toContain(reason);
});

test("names and look-ups are checked as on every tool, and nothing is left running", async () => {
  const fixture = server();
  const { transport } = fixture;
  const badName = connectMcp({ name: "shop", transport, tools: { "an echo": { ...read, remoteName: "echo" } } });
  expect(OrchestrationError.is(await failureOf(badName), "tool/name-invalid")).toBe(true);
  const write = { effect: "write", risk: "low", idempotency: "lookup" } as const;
  const noLookup = connectMcp({ name: "shop", transport, tools: { echo: write } });
  expect(OrchestrationError.is(await failureOf(noLookup), "tool/lookup-missing")).toBe(true);
  expect(fixture.starts().filter(isAlive)).toEqual([]);
});

test("limits are checked", async () => {
  const options = { name: "shop", transport: server().transport, tools: {} };
  expect(await failureOf(connectMcp({ ...options, limits: { pages: 0 } }))).toMatchObject({
    code: "mcp/config-invalid",
  });
  const unknown = { page: 3 } as never;
  expect(await failureOf(connectMcp({ ...options, limits: unknown }))).toMatchObject({ code: "mcp/config-invalid" });
  expect(() => stdio("")).toThrow(McpError);
  expect(() => stdio("node", ["a\0b"])).toThrow("texts without NUL");
});

async function failureOf(promise: unknown): Promise<Error> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
  }
  throw new Error("it did not fail");
}

test("the tools of a server share a breaker; a write names the tool of the same server that undoes it", async () => {
  const write = { effect: "write", risk: "low", idempotency: "key" } as const;
  const { tools } = await connected({
    plain: { ...write, undo: { tool: "json", input: (asked: JsonObject) => asked }, settlesWithinMs: 50 },
    json: { ...write, breaker: "own", retry: { attempts: 5 } },
  });
  expect(Object.keys(tools)).toEqual(["plain", "json"]);
  expect(tools.plain).toMatchObject({ breaker: "mcp:shop", settlesWithinMs: 50, undo: { tool: { name: "json" } } });
  expect(tools.plain?.undo?.tool).toBe(tools.json);
  expect(tools.json).toMatchObject({ breaker: "own", retry: { attempts: 5, backoffMs: 250, backoffMsMax: 10_000 } });
});

test.each([
  ["nobody", { plain: "nothing_there" }],
  ["one another", { plain: "json", json: "plain" }],
])("writes that are undone by %s are refused", async (_, undos: Readonly<Record<string, string>>) => {
  const config = (name: string) => ({
    effect: "write" as const,
    risk: "low" as const,
    idempotency: "key" as const,
    ...(undos[name] === undefined ? {} : { undo: { tool: undos[name], input: () => ({}) } }),
  });
  const tools = { plain: config("plain"), json: config("json") };
  await expect(connected(tools)).rejects.toMatchObject({ code: "mcp/config-invalid" });
});
