import { expect, test, vi } from "vitest";
import type { McpError } from "./errors.ts";
import { failureOf, hostileFixtures, input, read } from "./testing/attack.ts";
import { contextOf } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";

/** Servers that say more than anybody asked for. */

const hostile = hostileFixtures();

test.each([
  ["notices", 200_000],
  ["storm", 20_000],
  ["orphans", 200_000],
  ["progress", 200_000],
  ["strange_notices", 200_000],
] as const)(
  "%s: a flood of %i messages is dropped, counted, and ends in quarantine or in nothing",
  async (name, count) => {
    const fixture = hostile.server("good");
    await hostile.besideHealthy(async () => {
      const { tools, status } = await hostile.connected(fixture, { [name]: read });
      const outcome = await Promise.resolve(tools[name]?.execute({ text: String(count) }, contextOf())).then(
        () => "answered",
        (thrown: McpError) => thrown.code as string,
      );
      expect(["answered", "mcp/connection-lost"]).toContain(outcome);
      await vi.waitFor(() => expect(["ready", "quarantined"]).toContain(status().state), patience);
      if (status().state !== "quarantined") return;
      // Fails at once, unsent.
      expect(await failureOf(tools[name]?.execute(input, contextOf()))).toMatchObject({
        code: "mcp/server-quarantined",
        mayHaveExecuted: false,
      });
    });
  },
);

test("a storm of list changes leads to a few looks at the list", async () => {
  const fixture = hostile.server("good");
  const { tools } = await hostile.connected(fixture, { storm: read, echo: read });
  await tools.storm.execute({ text: "500" }, contextOf());
  await vi.waitFor(() => expect(lists()).toBeGreaterThan(1), patience);
  expect(await tools.echo.execute({ text: "on" }, contextOf())).toEqual({ text: "on" });
  function lists(): number {
    return fixture.heard().filter(({ method }) => method === "tools/list").length;
  }
  expect(lists()).toBeLessThan(5);
});

test("progress without an end does not keep a call alive for ever", async () => {
  const tools = { progress_forever: { ...read, timeoutMs: 5_000 } };
  const error = await hostile.besideHealthy(async () => {
    const connection = await hostile.connected(hostile.server("good"), tools, { limits: { callMsMax: 5_000 } });
    return failureOf(connection.tools.progress_forever.execute(input, contextOf()));
  });
  expect(error).toMatchObject({ code: "mcp/call-timeout", mayHaveExecuted: true });
});

test("whatever a server asks back in a call of no run is refused or declined, but for a ping", async () => {
  const { tools } = await hostile.connected(hostile.server("good"), { asks_back: read });
  expect(await tools.asks_back.execute(input, contextOf())).toEqual({
    answers: [
      ["sampling/createMessage", -32601],
      ["roots/list", -32601],
      ["elicitation/create", "decline"],
      ["elicitation/create", -32602],
      ["elicitation/create", "decline"],
      ["tools/call", -32601],
      ["who/knows", -32601],
      ["ping", "answered"],
    ],
  });
});

test("20,000 questions back are refused beside the answer", async () => {
  await hostile.besideHealthy(async () => {
    const { tools } = await hostile.connected(hostile.server("good"), { asks_much: read });
    const outcome = await Promise.resolve(tools.asks_much.execute({ text: "20000" }, contextOf())).then(
      () => "answered",
      (thrown: McpError) => thrown.code as string,
    );
    expect(["answered", "mcp/connection-lost"]).toContain(outcome);
  });
});
