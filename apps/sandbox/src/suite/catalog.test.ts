import { type AnyTool, defineAgent, defineSupervisor, defineTool } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Catalog, catalogOf, offlineTools } from "./catalog.ts";

const shelf = {
  input: z.object({ count: z.int() }),
  output: z.object({ left: z.int() }),
  execute: () => ({ left: 1 }),
};
const write = { ...shelf, effect: "write", risk: "low", idempotency: "key" } as const;
const putBack = defineTool({ ...write, name: "put_back", description: "Puts books back." });
const take = defineTool({
  ...write,
  name: "take_books",
  description: "Takes books away.",
  undo: { tool: putBack, input: ({ count }) => ({ count }) },
});
const look = defineTool({ ...shelf, name: "look", description: "Counts books.", effect: "read" });
const tools = new Map<string, AnyTool>([take, look, putBack].map((tool) => [tool.name, tool as AnyTool]));

function teamOf(given: ReadonlyMap<string, AnyTool>, held: readonly string[]) {
  const clerk = defineAgent({
    ...{ name: "clerk", description: "Lends books.", model: "fast", instructions: "Lend books." },
    tools: held.map((name) => given.get(name) as AnyTool),
    input: z.object({}),
    output: z.object({}),
  });
  return defineSupervisor({ name: "shelf", agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
}

const kept = () => JSON.parse(JSON.stringify(catalogOf(tools))) as Catalog;

test.each([
  ["an agent holds", ["take_books", "look", "put_back"]],
  ["nobody holds", ["take_books", "look"]],
])("a team of kept tools is the team that ran, also where a tool is undone by one that %s", (_, held) => {
  const offline = teamOf(offlineTools(kept()), held);
  expect(offline.hash).toBe(teamOf(tools, held).hash);
  expect(offline.tools.get("take_books")?.undo?.tool.name).toBe("put_back");
  expect(offline.tools.has("put_back")).toBe(true);
  for (const tool of offline.tools.values()) expect(() => tool.execute({}, {} as never)).toThrow(/nothing is called/);
});

test("a catalog of an earlier release says nothing of undoing, and is read all the same", () => {
  const earlier = kept().map(({ undoneBy: _, ...data }) => data);
  expect([...offlineTools(earlier).values()].flatMap(({ undo }) => undo ?? [])).toEqual([]);
});
