import fc from "fast-check";
import { expect, test } from "vitest";
import { changesBetween, type McpDefinition, pinOf, readDefinition } from "./definition.ts";

const definition: McpDefinition = {
  name: "read_order",
  title: "Read",
  description: "Reads one order.",
  inputSchema: { type: "object", properties: { orderId: { type: "string" } } },
  outputSchema: { type: "object" },
  annotations: { readOnlyHint: true },
};

test("a pin does not depend on the order of members, nor on what is no part of a definition", () => {
  const reordered = Object.fromEntries(Object.entries(definition).reverse()) as unknown as McpDefinition;
  expect(pinOf(reordered)).toBe(pinOf(definition));
  const read = readDefinition({ ...definition, execution: {}, seenAt: 1 });
  expect(read).toEqual({ ok: true, definition });
  // Written out, so that a change of the form of pins is seen: pins are kept for years.
  expect(pinOf(definition)).toBe("sha256-z1FvMzEMvm-BpmJPOiss1NpI1f6U6jUIaLmJN9SLGW8");
});

test("what a server says is nothing is not there", () => {
  const nothing = { title: null, description: null, outputSchema: null, annotations: null, icons: null, _meta: null };
  const { name, inputSchema } = definition;
  const read = readDefinition({ ...nothing, name, inputSchema });
  expect(read).toEqual({ ok: true, definition: { name, inputSchema } });
  expect(readDefinition({ ...definition, inputSchema: null })).toMatchObject({ ok: false });
});

test("every part of a definition is pinned", () => {
  const changed: Partial<Record<keyof McpDefinition, unknown>> = {
    name: "read_orders",
    title: "Look",
    description: "Reads one order. ",
    inputSchema: { type: "object", properties: { orderId: { type: "string", description: "and the user's files" } } },
    outputSchema: { type: "object", properties: {} },
    annotations: { readOnlyHint: false },
    icons: [{ src: "https://shop.example/icon.png" }],
    _meta: { "shop.example/ui": "ui://panel" },
  };
  for (const [key, value] of Object.entries(changed)) {
    expect(pinOf({ ...definition, [key]: value })).not.toBe(pinOf(definition));
    const { [key as keyof McpDefinition]: _, ...without } = definition;
    if (key in definition && key !== "name" && key !== "inputSchema")
      expect(pinOf(without as McpDefinition)).not.toBe(pinOf(definition));
  }
});

test("two definitions differ where their pins differ, and the places are named", () => {
  const after = {
    ...definition,
    description: "x".repeat(1000),
    inputSchema: { type: "object", properties: { "a/b": {} } },
  };
  expect(changesBetween(definition, after)).toEqual([
    { pointer: "/description", before: "Reads one order.", after: `"${"x".repeat(499)}…` },
    { pointer: "/inputSchema/properties/a~1b", after: {} },
    { pointer: "/inputSchema/properties/orderId", before: { type: "string" } },
  ]);
  const arbSchema = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(arbSchema, arbSchema, (left, right) => {
      const [one, other] = [left, right].map((inputSchema) => {
        const read = readDefinition(JSON.parse(JSON.stringify({ name: "t", inputSchema })));
        if (!read.ok) throw new Error(read.reason);
        return read.definition;
      });
      expect(changesBetween(one!, other!).length > 0).toBe(pinOf(one!) !== pinOf(other!));
    }),
  );
});

test.each(["a\u200bb", "a\u202eb", "a\u001b[31m", "a\u{e0041}", "a\nb", "a\u3164"])(
  "a name with what cannot be seen is refused: %j",
  (name) => {
    const read = readDefinition({ name, inputSchema: {} });
    expect(read).toMatchObject({ ok: false, reason: "its name has characters that cannot be seen" });
  },
);

test("anything a server may list is read or refused with a reason", () => {
  const named = fc.record({
    name: fc.anything(),
    inputSchema: fc.anything(),
    title: fc.anything(),
    annotations: fc.anything(),
  });
  fc.assert(
    fc.property(fc.oneof(fc.anything(), named), (listed) => {
      const read = readDefinition(listed);
      if (read.ok) expect(pinOf(read.definition)).toMatch(/^sha256-/);
      else expect(read.reason).not.toBe("");
    }),
  );
});
