import { expect, test, vi } from "vitest";
import { failureOf, hostileFixtures, input, read } from "./testing/attack.ts";
import { contextOf } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";

/** Servers that answer with other messages than the protocol has. */

const hostile = hostileFixtures();

test.each(["unknown_id", "wrong_id", "neither", "batch", "half", "drip", "never", "freeze"])(
  "%s: what is no answer is none; the call times out, and may have run",
  async (name) => {
    const fixture = hostile.server("good");
    const tools = { [name]: { ...read, timeoutMs: 300 } };
    const error = await hostile.besideHealthy(async () => {
      const connection = await hostile.connected(fixture, tools, { limits: { closeGraceMs: 100 } });
      return failureOf(connection.tools[name]?.execute(input, contextOf()));
    });
    expect(error).toMatchObject({ code: "mcp/call-timeout", mayHaveExecuted: true, data: { timeoutMs: 300 } });
  },
);

test.each(["unknown_id", "wrong_id", "never", "late"])("%s: the connection goes on afterwards", async (name) => {
  const fixture = hostile.server("good");
  const { tools, status } = await hostile.connected(fixture, { [name]: { ...read, timeoutMs: 300 }, echo: read });
  await failureOf(tools[name]?.execute(input, contextOf()));
  if (name === "late") {
    const cancelled = () => fixture.heard().some(({ method }) => method === "notifications/cancelled");
    await vi.waitFor(() => expect(cancelled()).toBe(true), patience);
  }
  expect(await tools.echo?.execute({ text: "still there" }, contextOf())).toEqual({ text: "still there" });
  expect(status()).toMatchObject({ state: "ready", connects: 1 });
});

test("two answers to one call are one; the second is dropped", async () => {
  const { tools } = await hostile.connected(hostile.server("good"), { twice: read, echo: read });
  expect(await tools.twice.execute(input, contextOf())).toEqual({ text: "first" });
  expect(await tools.echo.execute({ text: "on" }, contextOf())).toEqual({ text: "on" });
});

test.each([
  ["null_result", ["mcp/result-invalid", "mcp/call-timeout"]],
  ["list_result", ["mcp/result-invalid", "mcp/call-timeout"]],
  ["both", ["mcp/result-invalid", "mcp/call-failed", "mcp/call-timeout"]],
  ["error_text", ["mcp/result-invalid", "mcp/call-failed", "mcp/call-timeout"]],
  ["error_code_text", ["mcp/result-invalid", "mcp/call-failed", "mcp/call-timeout"]],
])("%s: an answer of the wrong form is an error that says so", async (name, codes) => {
  const tools = { [name]: { ...read, timeoutMs: 500 } };
  const connection = await hostile.connected(hostile.server("good"), tools);
  const error = await failureOf(connection.tools[name]?.execute(input, contextOf()));
  expect(codes).toContain(error.code);
  expect(error.mayHaveExecuted).toBe(true);
});

test.each(["closes_output", "endless", "crash"])(
  "%s: the loss of the server fails the call, and the next connects",
  async (name) => {
    const fixture = hostile.server("good");
    const error = await hostile.besideHealthy(async () => {
      const { tools } = await hostile.connected(
        fixture,
        { [name]: read, echo: read },
        { limits: { closeGraceMs: 100 } },
      );
      const found = await failureOf(tools[name]?.execute(input, contextOf()));
      expect(await tools.echo?.execute({ text: "again" }, contextOf())).toEqual({ text: "again" });
      return found;
    });
    expect(error).toMatchObject({ code: "mcp/connection-lost", retryable: true, mayHaveExecuted: true });
  },
);

test("an error of a megabyte is cut, in the error and where the agent reads it", async () => {
  const { tools } = await hostile.connected(hostile.server("good"), { error_mb: read, refuse_mb: read });
  const error = await failureOf(tools.error_mb.execute(input, contextOf()));
  expect(error.code).toBe("mcp/call-failed");
  expect(JSON.stringify(error).length).toBeLessThan(10_000);
  const refusal = await failureOf(tools.refuse_mb.execute(input, contextOf()));
  expect(refusal.name).toBe("ToolRefusal");
  expect(Buffer.byteLength(refusal.message)).toBeLessThanOrEqual(4_200);
});

test("a handshake of nonsense is an error with a code", async () => {
  const error = await failureOf(hostile.connected(hostile.server("nonsense-handshake"), { echo: read }));
  expect(["mcp/handshake-failed", "mcp/version-unsupported"]).toContain(error.code);
});
