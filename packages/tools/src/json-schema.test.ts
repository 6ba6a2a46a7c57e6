import { type Json, parseWith } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { ToolsError, type ToolsErrorCode } from "./errors.ts";
import { createSchemaReader, schemaFromJson } from "./json-schema.ts";
import { createSchemaValidator } from "./schema-validator.ts";

const order = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    orderId: { type: "string", pattern: "^o_[0-9]+$" },
    lines: { type: "array", items: { $ref: "#/$defs/line" }, uniqueItems: true },
  },
  required: ["orderId"],
  additionalProperties: false,
  $defs: { line: { type: "object", properties: { sku: { type: "string" }, count: { enum: [1, 2] } } } },
};

test("a document checks values and says where they do not fit", () => {
  const schema = schemaFromJson(order);
  const value = { orderId: "o_1", lines: [{ sku: "a", count: 1 }] };
  expect(parseWith(schema, value)).toEqual({ ok: true, value });
  expect(parseWith(schema, { orderId: "7" })).toEqual({
    ok: false,
    issues: [{ pointer: "/orderId", message: 'must match pattern "^o_[0-9]+$"' }],
  });
  expect(parseWith(schema, { orderId: "o_1", lines: [{ count: 3 }] })).toMatchObject({
    issues: [{ pointer: "/lines/0/count", message: "must be equal to one of the allowed values: [1,2]" }],
  });
  expect(parseWith(schema, { orderId: "o_1", extra: 1 })).toMatchObject({
    issues: [{ pointer: "", message: 'must NOT have additional properties ("extra")' }],
  });
  expect(
    parseWith(schema, {
      orderId: "o_1",
      lines: [
        { sku: "a", count: 1 },
        { count: 1, sku: "a" },
      ],
    }),
  ).toMatchObject({
    issues: [{ pointer: "/lines", message: "must NOT have duplicate items" }],
  });
  expect(parseWith(schema, undefined).ok).toBe(false);
});

test("the document comes back as the schema's JSON Schema", () => {
  expect(z.toJSONSchema(schemaFromJson(order), { io: "input" })).toEqual(order);
});

test("older drafts are read by their own rules", () => {
  const tuple = { type: "array", items: [{ type: "string" }, { type: "number" }], additionalItems: false };
  const draft07 = schemaFromJson({ $schema: "http://json-schema.org/draft-07/schema#", ...tuple });
  expect(draft07.safeParse(["a", 1]).success).toBe(true);
  expect(draft07.safeParse(["a", 1, 2]).success).toBe(false);
  const draft2019 = schemaFromJson({ $schema: "https://json-schema.org/draft/2019-09/schema", ...tuple });
  expect(draft2019.safeParse(["a", "b"]).success).toBe(false);
  expect(codeOf(() => schemaFromJson(tuple))).toBe("schema/invalid");
});

test("one reader serves many documents", () => {
  const reader = createSchemaReader();
  const text = reader.read({ type: "string" }, "first");
  const number = reader.readObject({ type: "object", properties: { n: { type: "number" } } }, "second");
  expect([text.safeParse("a").success, text.safeParse(1).success]).toEqual([true, false]);
  expect([number.safeParse({ n: 1 }).success, number.safeParse({ n: "1" }).success]).toEqual([true, false]);
  expect(codeOf(() => reader.readObject({ type: "array" }, "third"))).toBe("schema/invalid");
});

const deep = (levels: number): unknown => (levels === 0 ? {} : { properties: { next: deep(levels - 1) } });
const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, {}]));
/** Each level refers twice to the next: 2^levels schemas when written out. */
const doubling = (levels: number) => ({
  $ref: "#/$defs/d0",
  $defs: Object.fromEntries(
    Array.from({ length: levels }, (_, level) => {
      const next = level + 1 < levels ? { $ref: `#/$defs/d${level + 1}` } : {};
      return [`d${level}`, { properties: { a: next, b: next } }];
    }),
  ),
});

const hostile: readonly (readonly [string, unknown, ToolsErrorCode])[] = [
  ["null", null, "schema/invalid"],
  ["a list", [], "schema/invalid"],
  ["a wrong keyword", { type: "text" }, "schema/invalid"],
  ["a function", { default: () => 1 }, "schema/invalid"],
  ["too many bytes", { description: "x".repeat(300_000) }, "schema/too-large"],
  ["too deep", deep(70), "schema/too-large"],
  ["far too deep", deep(5_000), "schema/invalid"],
  ["too many schemas", { properties: wide(6_000) }, "schema/too-large"],
  ["a document that unfolds", doubling(30), "schema/too-large"],
  ["a reference to the network", { $ref: "http://169.254.169.254/schema" }, "schema/reference-refused"],
  ["a reference to a file", { properties: { a: { $ref: "file:///etc/passwd" } } }, "schema/reference-refused"],
  [
    "a reference to a property called default",
    { properties: { default: { $ref: "x.json" } } },
    "schema/reference-refused",
  ],
  ["a reference to itself", { $ref: "#" }, "schema/reference-refused"],
  ["a circle", { properties: { a: { items: { $ref: "#/properties/a" } } } }, "schema/reference-refused"],
  ["a circle by anchors", { $defs: { x: { $anchor: "x", not: { $ref: "#x" } } } }, "schema/reference-refused"],
  ["a dangling reference", { $ref: "#/$defs/none" }, "schema/reference-refused"],
  ["a dynamic reference", { $dynamicRef: "#x", $dynamicAnchor: "x" }, "schema/reference-refused"],
  ["another base", { properties: { a: { $id: "http://example.org/", $ref: "#" } } }, "schema/reference-refused"],
  ["a pattern that looks back", { type: "string", pattern: "(?<=a)b" }, "schema/pattern-refused"],
  ["a broken pattern", { properties: { a: { patternProperties: { "(": {} } } } }, "schema/pattern-refused"],
];

test.each(hostile)("%s is refused", (_, document, code) => {
  const startedAt = performance.now();
  expect(codeOf(() => schemaFromJson(document, { owner: "the hostile one" }))).toBe(code);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test("references inside the document are followed, by pointer and by anchor", () => {
  const schema = schemaFromJson({
    properties: { "a/b": { type: "string" }, c: { $ref: "#/properties/a~1b" }, d: { $ref: "#here" } },
    $defs: { x: { $anchor: "here", type: "number" } },
  });
  expect(schema.safeParse({ c: "text", d: 1 }).success).toBe(true);
  expect(schema.safeParse({ c: 1 }).success).toBe(false);
  expect(schema.safeParse({ d: "1" }).success).toBe(false);
});

test("a value that is too deep to be compared does not fit, and is no error of its own", async () => {
  let value: Json = 1;
  for (let depth = 0; depth < 600; depth++) value = [value];
  for (const document of [{ enum: [[1]] }, { const: [1] }, { items: { uniqueItems: true } }]) {
    expect(parseWith(schemaFromJson(document), [value])).toMatchObject({ ok: false });
    const validator = createSchemaValidator();
    const checked = validator.read(document, "a tool");
    expect(parseWith(checked.schema, [value]).ok).toBe(true); // The thread has the last word.
    expect(await checked.check([value])?.catch(({ code }: ToolsError) => code)).toBeDefined();
    await validator.close();
  }
});

test("patterns that explode elsewhere, and long lists, are checked in bounded time", () => {
  const schema = schemaFromJson({
    properties: {
      text: { pattern: "^(a+)+$" },
      texts: { items: { pattern: "^(a|aa)+$" } },
      list: { uniqueItems: true },
    },
  });
  const texts = Array.from({ length: 200_000 }, () => "aaaaaaaaaaaaaaaaaaaaaaa!");
  const startedAt = performance.now();
  expect(parseWith(schema, { text: `${"a".repeat(29)}!` }).ok).toBe(false);
  expect(parseWith(schema, { texts: texts.map((text) => text.slice(0, -1)) })).toMatchObject({
    issues: [{ pointer: "", message: "matching the patterns of this schema took too many steps" }],
  });
  expect(parseWith(schema, { list: texts.slice(0, 50_000).map((text, index) => ({ text, index })) }).ok).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (ToolsError.is(thrown)) return thrown.code;
    throw thrown;
  }
  return "nothing was thrown";
}
