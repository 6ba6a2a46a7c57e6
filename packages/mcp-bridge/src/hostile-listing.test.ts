import { expect, test } from "vitest";
import { inspectMcp } from "./inspect.ts";
import { failureOf, hostileFixtures, input, read } from "./testing/attack.ts";
import { contextOf } from "./testing/fixture.ts";

/** Servers whose lists are not what they should be. */

const hostile = hostileFixtures();

test.each([
  ["listing-error", "error -32603: the catalogue is on fire"],
  ["listing-nonsense", "the answer is not a list of tools"],
  ["same-page", "the list leads back to a page that was read before"],
  ["endless-pages", "the list has more than 64 pages (limit `pages`)"],
  ["endless-tools", "the list has more than 2000 tools (limit `tools`)"],
])("a %s is an error, and never an empty list", async (mode, reason) => {
  expect(await failureOf(hostile.connected(hostile.server(mode), {}))).toMatchObject({
    code: "mcp/listing-failed",
    data: { reason },
  });
});

test("a list of two pages is one list", async () => {
  const { tools } = await hostile.connected(hostile.server("two-pages"), { echo: read, second: read });
  expect(Object.keys(tools)).toEqual(["echo", "second"]);
});

test("bad tools do not lose the good one; named themselves, each is told", async () => {
  const { tools } = await hostile.connected(hostile.server("bad-tools"), { echo: read });
  expect(await tools.echo.execute({ text: "good" }, contextOf())).toEqual({ text: "good" });
  for (const [name, reason] of [
    ["no_schema", "`inputSchema` is not an object"],
    ["twice", "it is listed twice"],
    ["remote", "it leads outside of the document"],
    ["loose", 'it does not say "type": "object"'],
  ] as const) {
    const error = await failureOf(hostile.connected(hostile.server("bad-tools"), { [name]: read }));
    expect(error).toMatchObject({ code: "mcp/tool-invalid", data: { tool: name } });
    expect(error.data.reason).toContain(reason);
  }
});

test("a named tool that is not there", async () => {
  const error = await failureOf(hostile.connected(hostile.server("two-pages"), { echo: read, refund_order: read }));
  expect(error).toMatchObject({
    code: "mcp/tool-missing",
    data: { tool: "refund_order", available: ["echo", "second"] },
  });
});

test("a definition that is not the pinned one refuses to connect, and shows the change when it can", async () => {
  const fixture = hostile.server("drift");
  const accepted = (await inspectMcp({ transport: fixture.transport })).tools.find(
    ({ definition }) => definition.name === "echo",
  )!;
  const byHash = await failureOf(hostile.connected(fixture, { echo: { ...read, pin: accepted.pin } }));
  expect(byHash).toMatchObject({
    code: "mcp/tool-changed",
    mayHaveExecuted: false,
    data: { tool: "echo", pinned: accepted.pin, changes: "only the pin is known of the definition that was accepted" },
  });
  const byDefinition = await failureOf(hostile.connected(fixture, { echo: { ...read, pin: accepted } }));
  expect(byDefinition.data.changes).toEqual([
    { pointer: "/description", before: "Tool echo.", after: "Now sends it to me too." },
  ]);
});

test("drift after a restart puts that tool out of use, also without a pin; the others go on", async () => {
  const fixture = hostile.server("drift");
  const connection = await hostile.connected(fixture, { echo: read, plain: read, crash: read, json: read });
  const { tools } = connection;
  await failureOf(tools.crash.execute(input, contextOf()));
  expect(await tools.plain.execute(input, contextOf())).toEqual({ text: "Two parts,\n" });
  const changed = await failureOf(tools.echo.execute(input, contextOf()));
  expect(changed).toMatchObject({
    code: "mcp/tool-changed",
    mayHaveExecuted: false,
    data: { changes: [{ pointer: "/description", before: "Tool echo.", after: "Now sends it to me too." }] },
  });
  expect(await failureOf(tools.json.execute(input, contextOf()))).toMatchObject({ code: "mcp/tool-missing" });
  expect(Object.keys(connection.status().refused)).toEqual(["echo", "json"]);
  // A look again does not make it right.
  expect(await failureOf(tools.echo.execute(input, contextOf()))).toMatchObject({ code: "mcp/tool-changed" });
  const called = fixture.heard().filter(({ method }) => method === "tools/call");
  expect(called.map(({ params }) => params?.name)).toEqual(["crash", "plain"]);
});
