import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { pinFile } from "./pin-file.ts";
import { accept, memoryPins, type PinStore, pinsOf } from "./pin-store.ts";
import { type ConnectMcpServersOptions, connectMcpServers, type McpServerOptions } from "./servers.ts";
import { contextOf, type HostileFixture, hostileServer, isAlive, keepingLogger } from "./testing/fixture.ts";
import { stdio } from "./transport.ts";

const fixtures: HostileFixture[] = [];
const closing: (() => Promise<void>)[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  for (const fixture of fixtures.splice(0)) fixture.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function server(mode = "good", env: Record<string, string> = {}): HostileFixture {
  const fixture = hostileServer(mode, { env });
  fixtures.push(fixture);
  return fixture;
}

async function connected<const Servers extends Readonly<Record<string, McpServerOptions>>>(
  options: ConnectMcpServersOptions<Servers>,
) {
  const found = await connectMcpServers(options);
  closing.push(found.close);
  return found;
}

const read = { effect: "read" } as const;
const trusting = { trustOnFirstUse: true } as const;

async function acceptAll(store: PinStore): Promise<void> {
  await store.change((document) => {
    let next = document;
    for (const server of Object.keys(document.servers)) {
      const said = { server, by: "os:ann", at: "2026-01-01T00:00:00.000Z" };
      const pins = pinsOf(next, server);
      if (pins.server.pending) next = accept(next, { ...said, pin: pins.server.pending.pin });
      for (const [tool, { pending }] of Object.entries(pins.tools)) {
        if (pending) next = accept(next, { ...said, tool, pin: pending.pin });
      }
    }
    return next;
  });
}

test("servers stand by themselves: one that dies, one that is silent, and one that is there", async () => {
  const logger = keepingLogger();
  const good = server();
  const { servers, tools, status, names } = await connected({
    servers: {
      good: { transport: good.transport, tools: { echo: read }, prefix: true },
      dead: { transport: server("exit-at-start").transport, tools: { plain: read } },
      mute: { transport: server("silent").transport, tools: { json: read }, limits: { connectTimeoutMs: 500 } },
    },
    ...trusting,
    logger,
  });
  expect(tools.map(({ name }) => name)).toEqual(["good_echo", "plain", "json"]);
  expect(names.sourceOf("good_echo")).toEqual({ server: "good", tool: "echo" });
  expect(await servers.good.tools.echo.execute({ text: "hi" }, contextOf())).toEqual({ text: "hi" });
  expect(status().good).toMatchObject({ state: "ready" });
  expect(status().dead.lastError?.code).toBe("mcp/exited-at-start");
  expect(status().mute.lastError?.code).toBe("mcp/connect-timeout");
  await expect(servers.dead.tools.plain.execute({ text: "" }, contextOf())).rejects.toMatchObject({
    mayHaveExecuted: false,
  });
  expect(logger.lines.filter(({ sentence }) => sentence.includes("not reachable at the start"))).toHaveLength(2);
});

test("without a server that is required nothing is started, and nothing stays", async () => {
  const good = server();
  const dead = { transport: server("exit-at-start").transport, tools: {}, required: true };
  const starting = connectMcpServers({
    servers: { good: { transport: good.transport, tools: {} }, dead },
    ...trusting,
  });
  await expect(starting).rejects.toMatchObject({ code: "mcp/exited-at-start" });
  expect(good.starts().filter(isAlive)).toEqual([]);
});

test("a server that comes later is found by the tools that were made before, which check what they are given then", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-later-"));
  folders.push(folder);
  const { transport } = server();
  const [script = "", mode = "", log = ""] = transport.args;
  // Fails on its first start, and is an ordinary server on every other one.
  const flag = JSON.stringify(join(folder, "started"));
  const once = `const fs = require("node:fs"); if (!fs.existsSync(${flag})) { fs.writeFileSync(${flag}, ""); process.exit(1); } process.argv.splice(1, 0, ${JSON.stringify(script)}); import(${JSON.stringify(script)});`;
  const late = stdio(process.execPath, ["-e", once, mode, log]);
  const { servers, status } = await connected({
    servers: { late: { transport: late, tools: { echo: read } } },
    ...trusting,
  });
  expect(servers.late.tools.echo).toMatchObject({ inputSchema: { type: "object" }, version: "unseen" });
  await vi.waitFor(() => expect(status().late.state).toBe("ready"), { timeout: 20_000 });
  expect(await servers.late.tools.echo.execute({ text: "hi" }, contextOf())).toEqual({ text: "hi" });
  await expect(servers.late.tools.echo.execute({ text: 1 }, contextOf())).rejects.toMatchObject({
    code: "mcp/call-rejected",
    mayHaveExecuted: false,
  });
}, 30_000);

test("a new tool waits for a person in a file, and can be called when they have accepted it, in the same process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-pins-"));
  folders.push(folder);
  const pins = pinFile(join(folder, "pins.json"));
  const fixture = server();
  const options = { servers: { shop: { transport: fixture.transport, tools: { echo: read } } }, pins };
  const { servers, status } = await connected(options);
  const { echo } = servers.shop.tools;
  // No word of the server reaches a model before.
  expect(echo.description).toBe("The tool echo of the server shop; not described yet.");
  await expect(echo.execute({ text: "hi" }, contextOf())).rejects.toMatchObject({ code: "mcp/tool-quarantined" });
  expect(status().shop.refused.echo?.code).toBe("mcp/tool-quarantined");
  await acceptAll(pinFile(join(folder, "pins.json")));
  expect(await echo.execute({ text: "hi" }, contextOf())).toEqual({ text: "hi" });
  const again = await connected(options);
  expect(again.servers.shop.tools.echo.description).toBe("Tool echo.");
  expect(fixture.heard().filter(({ method }) => method === "tools/call")).toHaveLength(1);
});

test("a tool that changes after a crash is refused, in this process and the next, and the others go on", async () => {
  const pins = memoryPins();
  const fixture = server("drift");
  const options = {
    servers: { shop: { transport: fixture.transport, tools: { echo: read, plain: read, crash: read } } },
    pins,
  };
  const first = await connectMcpServers(options);
  await acceptAll(pins);
  const { tools } = first.servers.shop;
  await expect(tools.crash.execute({ text: "" }, contextOf())).rejects.toMatchObject({ code: "mcp/connection-lost" });
  expect(await tools.plain.execute({ text: "x" }, contextOf())).toEqual({ text: "Two parts,\nx" });
  const refused = { code: "mcp/tool-changed", mayHaveExecuted: false };
  await expect(tools.echo.execute({ text: "" }, contextOf())).rejects.toMatchObject(refused);
  await first.close();
  const next = await connected(options);
  await expect(next.servers.shop.tools.echo.execute({ text: "" }, contextOf())).rejects.toMatchObject(refused);
  // What a model is shown is what was accepted.
  expect(next.servers.shop.tools.echo.description).toBe("Tool echo.");
  expect(await next.servers.shop.tools.plain.execute({ text: "x" }, contextOf())).toEqual({ text: "Two parts,\nx" });
});

test("one tool that cannot be used, or is not there, refuses its calls; the others are there", async () => {
  const fixture = server("bad-tools");
  const { servers } = await connected({
    servers: { shop: { transport: fixture.transport, tools: { remote: read, nothing: read, echo: read } } },
    ...trusting,
  });
  const { remote, nothing, echo } = servers.shop.tools;
  await expect(remote.execute({}, contextOf())).rejects.toMatchObject({ code: "mcp/tool-invalid" });
  await expect(nothing.execute({}, contextOf())).rejects.toMatchObject({ code: "mcp/tool-missing" });
  expect(await echo.execute({ text: "hi" }, contextOf())).toEqual({ text: "hi" });
});

test("what must be said before anything is started", async () => {
  const { transport, starts } = server();
  const alone = { shop: { transport, tools: { echo: read } } };
  await expect(connectMcpServers({ servers: alone })).rejects.toThrow("give `pins`, a pin, or say `trustOnFirstUse`");
  const twice = { ...alone, other: { transport, tools: { echo: read } } };
  await expect(connectMcpServers({ servers: twice, ...trusting })).rejects.toMatchObject({ code: "mcp/name-refused" });
  expect(starts()).toEqual([]);
});

test("a secret that came by a variable is in no log, error or status", async () => {
  const logger = keepingLogger();
  const secret = "a-secret-value";
  const print = `process.stderr.write("argument " + process.argv[1]); process.exit(3)`;
  const transport = stdio(process.execPath, ["-e", print, secret]);
  const { servers, status } = await connected({
    servers: { shop: { transport, tools: { echo: read }, secrets: { TOKEN: secret } } },
    pins: memoryPins(),
    logger,
  });
  const failing = Promise.resolve(servers.shop.tools.echo.execute({}, contextOf()));
  const failure: unknown = await failing.catch((thrown: unknown) => thrown);
  const told = [logger.lines, status(), failure, String(failure), (failure as Error).stack].map((one) =>
    JSON.stringify(one),
  );
  expect(told.join()).toContain("[TOKEN]");
  expect(told.join()).not.toContain(secret);
});
