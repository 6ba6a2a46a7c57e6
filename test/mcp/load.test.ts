import { type AnyMcpConnection, connectMcp, McpError } from "@remit/mcp-bridge";
import { afterEach, expect, test } from "vitest";
import { contextOf, hostileServer, isAlive } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/** A server that goes away, or stands still, in the middle of many calls. Its own log file says what has run. */

const connections: AnyMcpConnection[] = [];
afterEach(() => Promise.all(connections.splice(0).map((connection) => connection.close())));

const write = { effect: "write", risk: "low", idempotency: "key", timeoutMs: 3_000 } as const;
const calls = 64;

/** How a call ended. */
type End = "answered" | McpError["code"];

test.each([
  ["a crash", "crash", "mcp/connection-lost"],
  ["a kill from outside", "kill", "mcp/connection-lost"],
  ["a hang", "freeze", "mcp/call-timeout"],
  ["half a message, then nothing", "half", "mcp/call-timeout"],
  ["a slow drip", "drip", "mcp/call-timeout"],
  ["the end of its output", "closes_output", "mcp/connection-lost"],
] as const)("%s under load: nothing wedges, no call runs twice, and the server is back", async (_, blow, code) => {
  const fixture = hostileServer("good");
  const connection = await connectMcp({
    name: "shop",
    transport: fixture.transport,
    tools: { echo: write, hang: write, [blow === "kill" ? "plain" : blow]: write },
    limits: { closeGraceMs: 100, backoffMs: 1, backoffMsMax: 1, breakerFailures: 1_000 },
  });
  connections.push(connection);
  const { tools } = connection;
  let sent = 0;
  const call = async (tool: keyof typeof tools): Promise<End> => {
    const text = `${sent++}`;
    try {
      const answer = await tools[tool]?.execute({ text }, contextOf({ idempotencyKey: `${tool}:${text}` }));
      if (tool === "echo") expect(answer).toEqual({ text });
      return "answered";
    } catch (thrown) {
      if (!McpError.is(thrown)) throw thrown;
      return thrown.code;
    }
  };
  const under = Array.from({ length: calls }, (_, index) => call(index % 2 === 0 ? "hang" : "echo"));
  const blown = blow === "kill" ? undefined : call(blow as keyof typeof tools);
  const { processId } = connection.status();
  if (blow === "kill" && processId !== undefined) process.kill(processId, "SIGKILL");
  const began = performance.now();
  const ends = await Promise.all(under);
  for (const end of ends) expect(["answered", code]).toContain(end);
  expect(ends.filter((_, index) => index % 2 === 0)).not.toContain("answered");
  if (blown) expect(await blown).toBe(code);
  if (code === "mcp/call-timeout") {
    // Nothing tells us that it will not come back; whoever runs it ends it.
    for (const id of fixture.starts()) process.kill(id, "SIGKILL");
  }
  let again: End = "mcp/server-unavailable";
  for (let attempt = 0; again !== "answered" && attempt < 100; attempt++) {
    again = await call("echo");
    await new Promise(setImmediate);
  }
  expect(again).toBe("answered");
  console.log(`${blow}: back after ${(performance.now() - began).toFixed(0)} ms`);
  await connection.close();
  const keys = fixture
    .heard()
    .filter(({ method }) => method === "tools/call")
    .map(
      ({ params }) =>
        (params as { readonly _meta: { readonly [name: string]: unknown } })._meta["remit/idempotencyKey"],
    );
  expect(new Set(keys).size).toBe(keys.length);
  expect(fixture.starts().filter(isAlive)).toEqual([]);
  fixture.remove();
});
