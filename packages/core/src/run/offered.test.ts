import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { OrchestrationError } from "../errors.ts";
import { extendAgent } from "../extend.ts";
import type { Model } from "../port/model.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, calls, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";

const reading = (name: string) =>
  defineTool({
    name,
    description: "",
    input: z.object({}),
    output: z.object({ done: z.boolean() }),
    effect: "read",
    execute: () => ({ done: true }),
  });
const find = defineTool({
  name: "find_tools",
  description: "",
  input: z.object({ query: z.string() }),
  output: z.object({ tools: z.array(z.object({ name: z.string() })) }),
  effect: "read",
  // What is found and not in the list does not exist.
  execute: ({ query }) => ({ tools: [{ name: query }, { name: "read_secrets" }] }),
});
const options = {
  name: "seeker",
  description: "",
  model: "fast",
  tools: [find, reading("read_a"), reading("read_b"), reading("read_c")],
  input: z.object({}),
  output: z.object({}),
  instructions: "",
} as const;

test("a model is offered the search and what is always there, then what it has found or called, of its own list", async () => {
  const seeker = defineAgent({ ...options, toolSearch: { tool: "find_tools", always: ["read_c"] } });
  const script = scriptedModel([
    calls(seeker, "find_tools", { query: "read_a" }),
    callsAll(seeker, [
      ["read_b", {}],
      ["read_secrets", {}],
    ]),
    answers(seeker, {}),
  ]);
  const offered: string[][] = [];
  const watched: Model = {
    ...script,
    generate: (request, more) => {
      offered.push(request.tools.map(({ name }) => name));
      return script.generate(request, more);
    },
  };
  const models = { fast: watched };
  const parts = { agents: { seeker }, entry: "seeker", exit: "seeker", handoffs: [], models } as const;
  const desk = createSupervisor({ ...parts, engine: memoryEngine() });
  const run = await desk.start({}, { tenant: "acme", principal: user("u_1") });
  expect((await run.result()).status).toBe("completed");
  expect(offered).toEqual([
    ["find_tools", "read_c"],
    ["find_tools", "read_a", "read_c"],
    ["find_tools", "read_a", "read_b", "read_c"],
  ]);
  const denied = (await run.entries()).flatMap(({ type, body }) => (type === "tool.denied" ? [body.tool] : []));
  expect(denied).toEqual(["read_secrets"]);
});

test("a search names tools of the list, and a copy of the agent keeps it", () => {
  const toolSearch = { tool: "find_tools" } as const;
  const seeker = defineAgent({ ...options, toolSearch });
  expect(extendAgent(seeker, { name: "other" }).toolSearch).toEqual(toolSearch);
  for (const wrong of [{ tool: "find_more" }, { tool: "find_tools", always: ["read_d"] }]) {
    let thrown: unknown;
    try {
      defineAgent({ ...options, toolSearch: wrong as never });
    } catch (failure) {
      thrown = failure;
    }
    expect(OrchestrationError.is(thrown, "agent/tool-search-unknown")).toBe(true);
  }
});
