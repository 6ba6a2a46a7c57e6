import { afterEach, expect, test, vi } from "vitest";
import { type AnyMcpConnection, connectMcp } from "./connect.ts";
import { McpError } from "./errors.ts";
import { failureOf, hostileFixtures } from "./testing/attack.ts";
import { contextOf } from "./testing/fixture.ts";
import { type HostileHttp, hostileHttp, tricks } from "./testing/hostile-http.ts";
import { patience } from "./testing/patience.ts";
import { http } from "./transport.ts";

/** Servers behind an address that play tricks, beside a healthy one, through a whole connection. */

const hostile = hostileFixtures();
const servers: HostileHttp[] = [];
const connections: AnyMcpConnection[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  // Not one socket of ours is left.
  for (const server of servers) await vi.waitFor(() => expect(server.sockets()).toBe(0), patience);
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const small = {
  messageBytes: 100_000,
  responseBytes: 500_000,
  connectTimeoutMs: 30_000,
  backoffMs: 1,
  backoffMsMax: 1,
};
/** Where the server never answers; whatever it says in other cases is waited for, however busy the machine is. */
const shortMs = 700;
const longMs = 60_000;

/** @param timeoutMs of every tool but `echo` */
async function connected(timeoutMs = longMs) {
  const server = await hostileHttp();
  servers.push(server);
  const write = { effect: "write", risk: "low", idempotency: "key" } as const;
  const connection = await connectMcp({
    name: "shop",
    transport: http({ url: server.url, protocol: "legacy", headers: { authorization: "Bearer s3cr3t-t0k3n" } }),
    tools: Object.fromEntries(
      Object.keys(tricks).map((name) => [name, { ...write, timeoutMs: name === "echo" ? longMs : timeoutMs }]),
    ),
    limits: small,
  });
  connections.push(connection);
  const call = (name: string, key: string) =>
    Promise.resolve(connection.tools[name]?.execute({ text: "x" }, contextOf({ idempotencyKey: key })));
  return { server, connection, call };
}

const taken = { mayHaveExecuted: true };
const untaken = { mayHaveExecuted: false };
const late = { code: "mcp/call-timeout", ...taken };
const lost = { code: "mcp/connection-lost", ...taken };
const tooLarge = { code: "mcp/result-too-large", ...taken };
const invalid = { code: "mcp/result-invalid", ...taken };

test.each<[string, object]>([
  ["status_400", { code: "mcp/call-rejected", ...untaken }],
  ["status_401", { code: "mcp/auth-required", ...untaken }],
  ["status_403", { code: "mcp/auth-required", ...untaken }],
  ["status_404", { code: "mcp/session-lost", ...untaken }],
  [
    "status_429",
    { code: "mcp/server-unavailable", data: expect.objectContaining({ retryAfterMs: 3_600_000 }), ...untaken },
  ],
  ["status_500", { code: "mcp/call-failed", ...taken }],
  ["status_202", late],
  ["status_204", invalid],
  ["status_100", late],
  ["status_999", invalid],
  ["redirect_origin", { code: "mcp/call-failed", ...taken }],
  ["redirect_private", { code: "mcp/call-failed", ...taken }],
  ["redirect_loop", { code: "mcp/call-failed", ...taken }],
  ["page", invalid],
  ["untyped", invalid],
  ["no_json", invalid],
  ["empty", invalid],
  ["null_body", invalid],
  ["gzip_bomb", tooLarge],
  ["gzip_bomb_error", { code: "mcp/call-failed", ...taken }],
  ["gzip_broken", lost],
  ["other_encoding", invalid],
  ["huge_headers", lost],
  ["many_headers", lost],
  ["endless_headers", lost],
  ["two_lengths", lost],
  ["length_and_chunks", lost],
  ["long_length", lost],
  ["bad_chunks", lost],
  ["no_http", lost],
  ["cut", lost],
  ["half_closed", lost],
  ["drip_json", late],
  ["drip_headers", late],
  ["drip_comments", late],
  ["drip_line", late],
  ["endless_json", tooLarge],
  ["endless_comments", tooLarge],
  ["endless_line", tooLarge],
  ["endless_event", tooLarge],
  ["endless_notices", { code: expect.stringMatching(/^mcp\/(?:call-timeout|result-too-large)$/), ...taken }],
  ["stream_ends", lost],
  ["stream_breaks", lost],
  ["stream_no_json", lost],
  ["stream_other_id", lost],
  ["other_id", late],
  ["text_id", late],
  ["request_in_place", late],
])(
  "%s: an error that says what happened, in time, and the server is there for the next call",
  async (name, expected) => {
    const { server, call } = await connected(expected === late || name === "endless_notices" ? shortMs : longMs);
    const error = await hostile.besideHealthy(() => failureOf(call(name, "key_1")));
    expect(McpError.is(error)).toBe(true);
    expect(error).toMatchObject(expected);
    expect(JSON.stringify(error)).not.toContain("s3cr3t");
    expect(JSON.stringify(error).length).toBeLessThan(10_000);
    expect(await call("echo", "key_2")).toEqual({ text: "x" });
    // Who says that the session is not known (404, K1), or that it is taken elsewhere in its origin, gets it once more.
    const again = name === "status_404" || name === "redirect_loop";
    expect(server.ledger).toEqual(again ? ["key_1", "key_1", "key_2"] : ["key_1", "key_2"]);
    expect(server.elsewhere).toEqual(name === "redirect_loop" ? ["/mcp/again"] : []);
  },
);

test.each([
  ["stream_twice", "first"],
  ["stream_carriage_returns", "first"],
  ["trailing_garbage", "good"],
  // What a batch has in it is read as if it came alone, as servers of 2025-03-26 may send it.
  ["batch", "first"],
  ["bom", "first"],
])("%s: the first answer counts, and what comes with it harms nobody", async (name, words) => {
  const { call } = await connected();
  await hostile.besideHealthy(async () => {
    expect(await call(name, "key_1")).toEqual({ text: words });
    expect(await call("echo", "key_2")).toEqual({ text: "x" });
  });
});

test("a session that is forgotten under calls: a read goes on in the next one, a write that may have run does not", async () => {
  const server = await hostileHttp();
  servers.push(server);
  const write = { effect: "write", risk: "low", idempotency: "key", timeoutMs: longMs } as const;
  const { tools } = await connectMcp({
    name: "shop",
    transport: http({ url: server.url, protocol: "legacy" }),
    tools: { hang: { effect: "read", timeoutMs: longMs }, drip_headers: write, echo: write },
    limits: small,
  }).then((connection) => {
    connections.push(connection);
    return connection;
  });
  const stop = new AbortController();
  const read = failureOf(tools.hang.execute({ text: "" }, contextOf({ idempotencyKey: "read", signal: stop.signal })));
  const lostWrite = failureOf(tools.drip_headers.execute({ text: "" }, contextOf({ idempotencyKey: "write" })));
  await vi.waitFor(() => expect(server.ledger).toHaveLength(2), patience);
  server.forget();
  expect(await tools.echo.execute({ text: "x" }, contextOf({ idempotencyKey: "told" }))).toEqual({ text: "x" });
  expect(await lostWrite).toMatchObject(lost);
  await vi.waitFor(() => expect(server.ledger.toSorted()).toEqual(["read", "read", "told", "write"]), patience);
  stop.abort();
  expect(await read).toMatchObject({ code: "mcp/call-cancelled" });
});
