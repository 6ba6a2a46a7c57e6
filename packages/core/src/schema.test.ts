import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OrchestrationError } from "./errors.ts";
import { assertSynchronous, isSchema, jsonSchemaOf, parseWith } from "./schema.ts";

describe("one parse at a boundary", () => {
  test("gives the value that the schema made", () => {
    expect(parseWith(z.object({ n: z.int().default(1) }), { extra: true })).toEqual({ ok: true, value: { n: 1 } });
  });

  test("names the places that do not fit, as JSON pointers", () => {
    const parsed = parseWith(z.object({ "a/b": z.object({ "~": z.array(z.string()) }) }), { "a/b": { "~": ["x", 2] } });
    expect(parsed).toMatchObject({ ok: false, issues: [{ pointer: "/a~1b/~0/1" }] });
  });

  test("a refinement that throws is an issue, not a throw", () => {
    const schema = z.string().refine(() => {
      throw new Error("boom");
    });
    expect(parseWith(schema, "x")).toEqual({ ok: false, issues: [{ pointer: "", message: "boom" }] });
  });

  test("an asynchronous schema is an issue as well: nothing in a run may wait", () => {
    const schema = z.string().refine(async () => true);
    expect(parseWith(schema, "x").ok).toBe(false);
  });

  test("a hostile value fills no journal", () => {
    const schema = z.array(z.string());
    const parsed = parseWith(schema, new Array(5000).fill(1));
    expect(parsed.ok ? 0 : parsed.issues.length).toBe(20);
  });
});

describe("JSON Schema of a schema", () => {
  test("is of the side that is asked for", () => {
    const schema = z.object({ n: z.int().default(1) });
    expect(jsonSchemaOf(schema, "input", "t").required).toBeUndefined();
    expect(jsonSchemaOf(schema, "output", "t").required).toEqual(["n"]);
  });

  test.each([
    ["a date", z.date()],
    ["a bigint", z.bigint()],
    ["a map", z.map(z.string(), z.string())],
    ["a symbol", z.symbol()],
  ])("%s has none, and the owner is named", (_, type) => {
    try {
      jsonSchemaOf(z.object({ it: type }), "input", "find_order");
      expect.unreachable();
    } catch (thrown) {
      expect(OrchestrationError.is(thrown, "tool/schema-not-representable")).toBe(true);
      const error = thrown as OrchestrationError;
      expect(error.message).toContain('"find_order"');
      expect(error.data).toMatchObject({ tool: "find_order", side: "input" });
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  test("only zod schemas are schemas", () => {
    expect(isSchema(z.string())).toBe(true);
    for (const other of [undefined, null, {}, { type: "string" }, () => z.string()])
      expect(isSchema(other)).toBe(false);
  });
});

test("a part that has no form is named, and one that may be anything is none", () => {
  const reasonOf = (schema: z.ZodType) => {
    try {
      jsonSchemaOf(schema, "output", "t");
    } catch (thrown) {
      if (OrchestrationError.is(thrown, "tool/schema-not-representable")) return thrown.data.reason;
    }
    return undefined;
  };
  const calls = z.object({ any: z.any(), calls: z.array(z.object({ "when/now": z.date() })) });
  expect(reasonOf(calls)).toBe(
    "Date cannot be represented in JSON Schema; it is at /properties/calls/items/properties/when~1now",
  );
  expect(reasonOf(z.bigint())).toBe("BigInt cannot be represented in JSON Schema");
  expect(reasonOf(z.object({ any: z.unknown() }))).toBe(undefined);
});

describe("a schema that waits", () => {
  const wait = async () => true;
  const root = z.string().refine(wait);
  test.each([
    ["a refinement", root, "its root"],
    ["a check", z.string().check(async () => {}), "its root"],
    ["a custom type", z.custom(wait), "its root"],
    ["a transform", z.string().transform(wait), "its root"],
    ["a preprocessing", z.preprocess(wait, z.any()), "its root"],
    ["a promise", z.promise(z.string()), "its root"],
    ["a member", z.object({ a: z.object({ b: root.optional() }) }), ".a.b"],
    ["an item of a choice", z.union([z.int(), z.object({ all: z.array(root) })]), ".all[]"],
    ["a record", z.object({ by: z.record(z.string(), root) }), ".by[]"],
    ["an intersection", z.object({ a: z.string() }).and(z.object({ b: root })), ".b"],
    ["what is lazy", z.object({ a: z.lazy(() => root) }), ".a"],
  ])("%s is refused, with its place", (_, schema, at) => {
    expect(() => assertSynchronous(schema, "answer", "intake->host")).toThrow(
      expect.objectContaining({
        code: "tool/schema-asynchronous",
        data: { tool: "intake->host", side: "answer", at },
      }),
    );
  });

  test("one that refers to itself, and one with every synchronous check, is not", () => {
    interface Tree {
      readonly name: string;
      readonly below: readonly Tree[];
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), below: z.array(tree) }));
    const plain = z.object({
      tree,
      text: z
        .string()
        .refine(() => true)
        .superRefine(() => {}),
      set: z.set(z.string()).default(new Set()),
      on: z.iso.date().transform((text) => text.length),
    });
    expect(() => assertSynchronous(plain, "input", "t")).not.toThrow();
  });

  test("one that refers to what is not defined yet, or that is made anew each time, is looked at as far as it goes", () => {
    const anew = (): z.ZodType => z.object({ next: z.lazy(anew).optional() });
    const early = z.object({ later: z.lazy(() => later) });
    expect(() => assertSynchronous(anew(), "input", "t")).not.toThrow();
    expect(() => assertSynchronous(early, "input", "t")).not.toThrow();
    const later = z.string().refine(async () => true);
    expect(() => assertSynchronous(early, "input", "t")).toThrow(/async function at "\.later"/);
  });
});
