import { expect, test, vi } from "vitest";
import { connectMcp } from "./connect.ts";
import { failureOf, hostileFixtures, read } from "./testing/attack.ts";
import { contextOf, isAlive } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";
import { stdio } from "./transport.ts";

/** Servers that do not come up. */

const hostile = hostileFixtures();

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
  const fixture = hostile.server("exit-at-start", { API_TOKEN: "s3cr3t-t0k3n" });
  const error = await failureOf(hostile.connected(fixture, { echo: read }));
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
  const fixture = hostile.server(mode);
  const error = await failureOf(hostile.connected(fixture, { echo: read }, { limits: { connectTimeoutMs: 400 } }));
  expect(error).toMatchObject({ code: "mcp/connect-timeout", data: { timeoutMs: 400 } });
  expect(fixture.starts().filter(isAlive)).toEqual([]);
});

test("connecting can be cancelled", async () => {
  const fixture = hostile.server("silent");
  const controller = new AbortController();
  const connecting = failureOf(hostile.connected(fixture, { echo: read }, { signal: controller.signal }));
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("initialize"), patience);
  controller.abort();
  expect(await connecting).toMatchObject({ code: "mcp/connect-cancelled" });
});

test("a handshake that fails, and a version nobody knows", async () => {
  expect(await failureOf(hostile.connected(hostile.server("refuses-handshake"), { echo: read }))).toMatchObject({
    code: "mcp/handshake-failed",
    data: { reason: "error -32603: not today" },
  });
  expect(await failureOf(hostile.connected(hostile.server("other-version"), { echo: read }))).toMatchObject({
    code: "mcp/version-unsupported",
    data: { offered: "1999-01-01", supported: expect.arrayContaining(["2025-11-25", "2024-11-05"]) },
  });
});

test("a server that dies of the question for its era is started once more and spoken to as an elder one, and not asked again", async () => {
  const fixture = hostile.server("dies-of-probe");
  const elder = { ...fixture, transport: { ...fixture.transport, protocol: "auto" as const } };
  const { tools, status } = await hostile.connected(elder, { echo: read, crash: read });
  expect(await tools.echo.execute({ text: "1" }, contextOf())).toEqual({ text: "1" });
  expect(status()).toMatchObject({ state: "ready", failures: 0, server: { protocolVersion: "2025-11-25" } });
  expect(fixture.starts()).toHaveLength(2);
  await failureOf(tools.crash.execute({ text: "" }, contextOf()));
  expect(await tools.echo.execute({ text: "2" }, contextOf())).toEqual({ text: "2" });
  expect(fixture.starts()).toHaveLength(3);
  expect(fixture.heard().filter(({ method }) => method === "server/discover")).toHaveLength(1);
});
