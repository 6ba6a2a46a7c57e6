import { type AnyMcpConnection, connectMcp, http, McpError } from "@remit/mcp-bridge";
import { afterEach, expect, test, vi } from "vitest";
import { contextOf } from "../../packages/mcp-bridge/src/testing/fixture.ts";
import { type HostileHttp, hostileHttp } from "../../packages/mcp-bridge/src/testing/hostile-http.ts";
import { patience } from "../../packages/mcp-bridge/src/testing/patience.ts";

/** A server behind an address that goes away, forgets us or stands still in the middle of many calls; its ledger says what ran. */

const connections: AnyMcpConnection[] = [];
const servers: HostileHttp[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const server of servers) await vi.waitFor(() => expect(server.sockets()).toBe(0), patience);
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const write = { effect: "write", risk: "low", idempotency: "key", timeoutMs: 3_000 } as const;
const calls = 64;

/** How a call ended. */
type End = "answered" | McpError["code"];

test.each<[string, string, readonly End[]]>([
  ["a restart", "restart", ["mcp/connection-lost"]],
  ["a kill", "kill", ["mcp/connection-lost"]],
  ["sessions that are forgotten", "forget", ["mcp/call-timeout", "mcp/session-lost", "mcp/connection-lost"]],
  ["a hang", "hang", ["mcp/call-timeout"]],
  ["a slow drip", "drip_json", ["mcp/call-timeout"]],
  ["streams that break", "stream_breaks", ["mcp/call-timeout", "mcp/connection-lost"]],
])(
  "%s under load: nothing wedges, no call runs twice, and the server is back",
  async (_, blow, codes) => {
    const server = await hostileHttp();
    servers.push(server);
    const connection = await connectMcp({
      name: "shop",
      transport: http({ url: server.url, protocol: "legacy" }),
      tools: { echo: write, stream_echo: write, hang: write, drip_json: write, stream_breaks: write },
      limits: { closeGraceMs: 100, backoffMs: 1, backoffMsMax: 1, breakerFailures: 1_000 },
    });
    connections.push(connection);
    const { tools } = connection;
    let sent = 0;
    const call = async (tool: keyof typeof tools): Promise<End> => {
      const text = `${sent++}`;
      try {
        const answer = await tools[tool].execute({ text }, contextOf({ idempotencyKey: `${tool}:${text}` }));
        if (tool === "echo" || tool === "stream_echo") expect(answer).toEqual({ text });
        return "answered";
      } catch (thrown) {
        if (!McpError.is(thrown)) throw thrown;
        return thrown.code;
      }
    };
    const stuck = blow === "drip_json" || blow === "stream_breaks" ? blow : "hang";
    const under = Array.from({ length: calls }, (_, index) =>
      call(index % 2 === 0 ? stuck : index % 4 === 1 ? "echo" : "stream_echo"),
    );
    await vi.waitFor(() => expect(server.ledger.length).toBeGreaterThanOrEqual(calls / 2), { timeout: 10_000 });
    const began = performance.now();
    if (blow === "kill" || blow === "restart") await server.stop();
    if (blow === "forget") server.forget();
    if (blow === "restart") await server.start();
    const late = blow === "forget" ? Array.from({ length: calls }, () => call("echo")) : [];
    const ends = await Promise.all(under);
    for (const [index, end] of ends.entries()) {
      expect(index % 2 === 0 ? codes : ["answered", ...codes, "mcp/server-unavailable", "mcp/call-not-sent"]).toContain(
        end,
      );
    }
    // Who is told that the session is not known has not been taken, and goes on in the next one; what was on its way when
    // another one was told so is lost with the session.
    const lateEnds = await Promise.all(late);
    for (const end of lateEnds) expect(["answered", "mcp/connection-lost"]).toContain(end);
    if (blow === "forget") expect(lateEnds).toContain("answered");
    if (blow === "kill") {
      expect(["mcp/connection-lost", "mcp/connect-failed", "mcp/server-unavailable"]).toContain(await call("echo"));
      expect(["mcp/connect-failed", "mcp/server-unavailable"]).toContain(await call("echo"));
      await server.start();
    }
    let again: End = "mcp/server-unavailable";
    for (let attempt = 0; again !== "answered" && attempt < 1_000; attempt++) {
      again = await call("echo");
      await new Promise(setImmediate);
    }
    expect(again).toBe("answered");
    console.log(`${blow} over HTTP: back after ${(performance.now() - began).toFixed(0)} ms`);
    expect(new Set(server.ledger).size).toBe(server.ledger.length);
  },
  60_000,
);
