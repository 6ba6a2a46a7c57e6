import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "./agent.ts";
import { OrchestrationError } from "./errors.ts";
import { extendAgent } from "./extend.ts";
import { findNonJson } from "./json.ts";
import { defineTool } from "./tool.ts";

const schema = z.object({ id: z.string() });
const read = defineTool({
  name: "read_it",
  description: "Reads.",
  input: schema,
  output: schema,
  effect: "read",
  execute: (input) => input,
});
const write = defineTool({
  name: "write_it",
  description: "Writes.",
  input: schema,
  output: schema,
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: (input) => input,
});
const options = {
  name: "clerk",
  description: "Does it.",
  model: "m",
  input: schema,
  output: schema,
  tools: [],
  instructions: "Do it.",
} as const;

function refusal(act: () => unknown): OrchestrationError {
  try {
    act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) {
      expect(thrown.hint).not.toBe("");
      expect(findNonJson(thrown.data)).toBeUndefined();
      return thrown;
    }
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("defineAgent", () => {
  test("lists nothing that was not listed", () => {
    expect(defineAgent(options)).toMatchObject({ kind: "agent", tools: [], asks: [], effects: "write", version: "0" });
  });

  test.each(["", "1st", "a b", "-a", "a.b", "a/b", "a#1", "x".repeat(65), "größe"])("%j is no name", (name) => {
    const error = refusal(() => defineAgent({ ...options, name }));
    expect(error.code).toBe("agent/name-invalid");
    expect(error.message).toContain(name);
  });

  test("of a list that holds something else, the first such place is told", () => {
    // A tool of a file that imports this one is not there yet, and a hole in a list is nothing.
    for (const [tools, at, value] of [
      [[read, "write_it"], 1, "a text"],
      [[undefined, "write_it"], 0, "nothing"],
      // biome-ignore lint/suspicious/noSparseArray: a comma too many makes one
      [[read, , write], 1, "nothing"],
      [[{ ...read, kind: undefined }], 0, "an object"],
    ] as const) {
      const error = refusal(() => defineAgent({ ...options, tools } as never));
      expect(error.code).toBe("options/invalid");
      const wants = "a tool, as `defineTool` makes it,";
      expect(error.data).toEqual({ where: "the agent clerk", member: `tools[${at}]`, wants, value });
    }
    expect(refusal(() => defineAgent({ ...options, tools: read } as never)).data).toMatchObject({
      member: "tools",
      wants: "a list of tools, as `defineTool` makes them",
      value: "an object",
    });
    expect(refusal(() => defineAgent({ ...options, tools: [read], asks: ["custmer"] } as never)).data).toMatchObject({
      member: "asks[0]",
      wants: "customer or operator",
    });
  });

  test("the same tool twice is named with its agent, be it one tool or two", () => {
    for (const twin of [read, { ...read }]) {
      const error = refusal(() => defineAgent({ ...options, tools: [read, twin] }));
      expect(error.code).toBe("agent/duplicate-tool");
      expect(error.data).toEqual({ agent: "clerk", tool: "read_it" });
    }
  });

  test("a role that may only read is refused a tool that writes", () => {
    const error = refusal(() => defineAgent({ ...options, tools: [read, write] as never, effects: "read" }));
    expect(error.code).toBe("agent/write-not-allowed");
    expect(error.message).toContain("write_it");
  });

  test.each(["input", "output"] as const)("an %s that JSON has not is refused", (side) => {
    const error = refusal(() => defineAgent({ ...options, [side]: z.object({ at: z.date() }) } as never));
    expect(error.code).toBe("tool/schema-not-representable");
    expect(error.data).toMatchObject({ tool: "clerk", side });
  });
});

describe("extendAgent", () => {
  const reader = defineAgent({ ...options, tools: [read], effects: "read", asks: ["customer"], version: "2" });

  test("changes what is named and keeps the rest, schemas and their JSON form included", () => {
    const wider = extendAgent(reader, { name: "scholar", input: z.object({ topic: z.string() }) });
    expect(wider).toMatchObject({ name: "scholar", tools: [read], asks: ["customer"], effects: "read", version: "2" });
    expect(wider.inputSchema.properties).toHaveProperty("topic");
    expect(wider.outputSchema).toEqual(reader.outputSchema);
    expect(reader.name).toBe("clerk");
  });

  test("never widens a role that may only read", () => {
    const error = refusal(() => extendAgent(reader, { tools: [write] as never }));
    expect(error.code).toBe("agent/write-not-allowed");
  });

  test("checks what defineAgent checks", () => {
    expect(refusal(() => extendAgent(reader, { name: "no name" })).code).toBe("agent/name-invalid");
    expect(refusal(() => extendAgent(reader, { tools: [read, read] })).code).toBe("agent/duplicate-tool");
  });
});
