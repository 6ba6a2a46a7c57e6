import { service, user } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import { clientBudgets } from "./client-budget.ts";
import { clientKey, type McpClient, type McpClientBudget, mayRead } from "./mcp-client.ts";

const clientOf = (budget?: McpClientBudget, id = "bot"): McpClient => ({
  principal: service(id),
  tenant: "acme",
  ...(budget ? { budget } : {}),
});

test("calls of any sixty seconds are counted, and a refused one is not", () => {
  const clock = fakeClock();
  const { begin } = clientBudgets(clock);
  const client = clientOf({ callsPerMinute: 2 });
  expect(typeof begin(client)).toBe("function");
  clock.advance(30_000);
  expect(typeof begin(client)).toBe("function");
  expect(begin(client)).toEqual({ limit: "callsPerMinute", bound: 2, retryAfterMs: 30_000 });
  clock.advance(30_000);
  expect(typeof begin(client)).toBe("function");
  expect(begin(client)).toMatchObject({ retryAfterMs: 30_000 });
  expect(typeof begin(clientOf({ callsPerMinute: 2 }, "other"))).toBe("function");
  expect(begin(clientOf({ callsPerMinute: 0 }, "none"))).toEqual({ limit: "callsPerMinute", bound: 0 });
});

test("calls under way are counted until they end, once each, and calls in all for ever", () => {
  const clock = fakeClock();
  const { begin } = clientBudgets(clock);
  const client = clientOf({ concurrentCalls: 1, calls: 2 });
  const end = begin(client) as () => void;
  expect(begin(client)).toEqual({ limit: "concurrentCalls", bound: 1 });
  end();
  end();
  (begin(client) as () => void)();
  clock.advance(365 * 86_400_000);
  expect(begin(client)).toEqual({ limit: "calls", bound: 2 });
});

test("a client without a budget is not counted, and clients are told apart by all that they are", () => {
  const { begin } = clientBudgets(fakeClock());
  for (let call = 0; call < 100; call++) expect(typeof begin(clientOf())).toBe("function");
  const one = { principal: user("a"), tenant: "t" };
  const others: McpClient[] = [
    { ...one, tenant: "u" },
    { ...one, principal: user("b") },
    { ...one, principal: service("a") },
    { ...one, principal: { ...user("a"), onBehalfOf: "b" } },
  ];
  expect(new Set([one, ...others].map(clientKey)).size).toBe(5);
  expect(clientKey({ ...one, tools: [] })).toBe(clientKey(one));
});

test("resources are named one by one or by how they begin", () => {
  const client: McpClient = { ...clientOf(), resources: ["a:1", "b:*"] };
  expect(["a:1", "a:12", "b:", "b:x", "c:"].map((uri) => mayRead(client, uri))).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
  expect(mayRead(clientOf(), "anything")).toBe(true);
});

test.each([
  ["file:///srv/docs/a%20b", true],
  ["file:///srv/docs/100%", true],
  ["file:///srv/docs/v1..v2", true],
  ["file:///srv/docs/../keys", false],
  ["file:///srv/docs/%2e%2E/keys", false],
  ["file:///srv/docs/x%2f..%2f..%2fkeys", false],
  ["file:///srv/docs/..\\keys", false],
  ["file:///srv/keys", false],
  // Of what cannot be decoded many readers decode the rest.
  ["file:///srv/docs/%zz/%2e%2e/%2e%2e/keys", false],
  ["file:///srv/docs/100%/%2e./keys", false],
  ["file:///srv/docs/%ff%2f..%2fkeys", false],
  ["file:///srv/docs/.\t./keys", false],
  ["file:///srv/docs/.%0a%2e/keys", false],
  [`file:///srv/docs/%${"25".repeat(9)}2e./keys`, false],
  ["file:///srv/docs/%ff/a%2Fb", true],
])("what a client may read begins as it says, and does not lead out of that: %s", (uri, may) => {
  for (const star of ["*", "**"])
    expect(mayRead({ ...clientOf(), resources: [`file:///srv/docs/${star}`] }, uri)).toBe(may);
});
