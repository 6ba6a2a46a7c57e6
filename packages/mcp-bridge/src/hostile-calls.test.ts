import { expect, test, vi } from "vitest";
import { failureOf, hostileFixtures, input, read } from "./testing/attack.ts";
import { contextOf, shiftedClock } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";

/** Servers that fail in a call. */

const hostile = hostileFixtures();

test("a crash fails every call under way as one that may have run, repeats none, and the next call connects", async () => {
  const fixture = hostile.server("good");
  const connection = await hostile.connected(fixture, {
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
  const fixture = hostile.server("starts-once");
  const clock = shiftedClock();
  const limits = { backoffMs: 5_000, backoffMsMax: 60_000 };
  const connection = await hostile.connected(fixture, { crash: read, echo: read }, { clock, limits });
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
  // Each is cut by up to a quarter, so that many do not come back in step.
  for (const [index, most] of [5, 10, 20, 40, 60, 60].entries()) {
    expect(waits[index]).toBeLessThanOrEqual(most);
    expect(waits[index]).toBeGreaterThanOrEqual(most * 0.75 - 1);
  }
  expect(fixture.starts()).toHaveLength(7);
});

test("a call that takes too long is cancelled at the server and may have run", async () => {
  const fixture = hostile.server("good");
  const { tools } = await hostile.connected(fixture, { hang: { ...read, timeoutMs: 300 }, echo: read });
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
  const fixture = hostile.server("good");
  const { tools } = await hostile.connected(fixture, { hang: read, echo: read });
  const controller = new AbortController();
  const hanging = failureOf(tools.hang.execute(input, contextOf({ signal: controller.signal })));
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("tools/call"), patience);
  controller.abort();
  expect(await hanging).toMatchObject({ code: "mcp/call-cancelled", mayHaveExecuted: true });
  await vi.waitFor(() => expect(fixture.heard().at(-1)?.method).toBe("notifications/cancelled"), patience);
  const unsent = await failureOf(tools.echo.execute(input, contextOf({ signal: controller.signal })));
  expect(unsent).toMatchObject({ code: "mcp/call-not-sent", mayHaveExecuted: false });
  await tools.echo.execute(input, contextOf());
  expect(fixture.heard().filter(({ method }) => method === "tools/call")).toHaveLength(2);
});

test("errors of the protocol say whether the call can have run, whatever code a server uses", async () => {
  const { tools } = await hostile.connected(hostile.server("good"), { reject: read, fail: read, own_code: read });
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
  const { tools } = await hostile.connected(
    hostile.server("good"),
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
