import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OrchestrationError } from "./errors.ts";
import { findNonJson } from "./json.ts";
import { defineTool } from "./tool.ts";

const options = {
  name: "find_order",
  description: "Finds one order.",
  input: z.object({ orderId: z.string() }),
  output: z.object({ total: z.int() }),
  effect: "read",
  execute: () => ({ total: 1 }),
} as const;

function refusal(act: () => unknown): OrchestrationError {
  try {
    act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("defineTool", () => {
  test("a read has careful defaults", () => {
    expect(defineTool(options)).toMatchObject({
      kind: "tool",
      effect: "read",
      risk: "low",
      reversible: false,
      idempotency: "none",
      timeoutMs: 30_000,
      protect: [],
      labels: [],
      version: "0",
    });
  });

  test("its JSON Schemas are of what comes in and what goes out", () => {
    const tool = defineTool({ ...options, input: z.object({ n: z.int().default(3) }) });
    expect(tool.inputSchema).toMatchObject({ type: "object", properties: { n: { type: "integer" } } });
    expect(findNonJson(tool.inputSchema)).toBeUndefined();
    expect(defineTool({ ...options, inputSchema: { type: "object" } }).inputSchema).toEqual({ type: "object" });
  });

  test.each(["find_order", "a", "A-1_b", "x".repeat(64)])("%s is a name", (name) => {
    expect(defineTool({ ...options, name }).name).toBe(name);
  });
  test.each(["", "find order", "find.order", "finde_aufträge", "x".repeat(65), "a\n"])("%j is no name", (name) => {
    const error = refusal(() => defineTool({ ...options, name }));
    expect(error.code).toBe("tool/name-invalid");
    expect(error.message).toContain(name);
    expect(error.data).toEqual({ tool: name });
    expect(error.hint).toContain("64");
  });

  test.each(["input", "output"] as const)("an %s schema that JSON has not is refused", (side) => {
    for (const schema of [z.object({ at: z.date() }), z.map(z.string(), z.int())]) {
      const error = refusal(() => defineTool({ ...options, [side]: schema } as never));
      expect(error.code).toBe("tool/schema-not-representable");
      expect(error.data).toMatchObject({ tool: "find_order", side });
      expect(error.message).toContain("find_order");
      expect(error.hint).not.toBe("");
      expect(findNonJson(error.data)).toBeUndefined();
    }
  });

  test.each(["input", "output"] as const)("what is no zod schema is told as that, as %s", (side) => {
    const others = [
      [{ type: "object" }, "an object"],
      [{ n: z.int() }, "an object"], // the shape alone, as other libraries take it
      [undefined, "nothing"],
    ];
    for (const [schema, value] of others) {
      const error = refusal(() => defineTool({ ...options, [side]: schema } as never));
      expect(error.code).toBe("options/invalid");
      const wants = "a zod schema, such as `z.object({ … })`,";
      expect(error.data).toEqual({ where: "the tool find_order", member: side, wants, value });
    }
  });

  test("what is left out where no types reach is refused: it is no read, and no write that waits for nobody", () => {
    const untyped = (given: object) => () => defineTool({ ...options, ...given } as never);
    const write = { effect: "write", risk: "high", idempotency: "key" };
    const wrong: [object, string, string][] = [
      [{ effect: undefined }, "effect", "undefined"],
      [{ effect: "Write" }, "effect", "Write"],
      [{ ...write, risk: undefined }, "risk", "undefined"],
      [{ ...write, risk: "HIGH" }, "risk", "HIGH"],
      [{ risk: 3 }, "risk", "number"],
      [{ ...write, idempotency: undefined }, "idempotency", "undefined"],
      [{ execute: undefined }, "execute", "undefined"],
      [{ description: undefined }, "description", "undefined"],
      [{ description: 7 }, "description", "number"],
    ];
    for (const [given, member, value] of wrong) {
      expect(refusal(untyped(given))).toMatchObject({
        code: "tool/incomplete",
        data: { tool: "find_order", member, value },
      });
    }
  });

  test("a write that can be looked up has a look-up", () => {
    const error = refusal(() => defineTool({ ...options, effect: "write", risk: "low", idempotency: "lookup" }));
    expect(error.code).toBe("tool/lookup-missing");
    expect(error.message).toContain("find_order");
  });
});
