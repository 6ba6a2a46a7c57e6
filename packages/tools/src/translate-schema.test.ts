import { expect, test } from "vitest";
import { readType } from "./foreign-type.ts";
import { translateSchema } from "./translate-schema.ts";

test.each([
  ["dict", { type: "object" }],
  ["Float", { type: "number" }],
  ["STRING", { type: "string" }],
  ["any", {}],
  ["typing.List[str]", { type: "array", items: { type: "string" } }],
  ["list[list[int]]", { type: "array", items: { type: "array", items: { type: "integer" } } }],
  ["Set[str]", { type: "array", uniqueItems: true, items: { type: "string" } }],
  ["Dict[str, float]", { type: "object", additionalProperties: { type: "number" } }],
  ["Optional[int]", { type: ["integer", "null"] }],
  ["Union[int, str]", { type: ["integer", "string"] }],
  ["int | list[int]", { anyOf: [{ type: "integer" }, { type: "array", items: { type: "integer" } }] }],
  [
    "Tuple[float, int]",
    { type: "array", prefixItems: [{ type: "number" }, { type: "integer" }], items: false, minItems: 2 },
  ],
  ["tuple[int, ...]", { type: "array", items: { type: "integer" } }],
  ["Literal['a', 2, None]", { enum: ["a", 2, null] }],
  ["ArrayList<String>", { type: "array", items: { type: "string" } }],
  ["HashMap<String, Long>", { type: "object", additionalProperties: { type: "integer" } }],
  ["Map<String, Object>", { type: "object", additionalProperties: {} }],
  ["List<java.lang.Object>", { type: "array", items: {} }],
  ["Array<Object>", { type: "array", items: { type: "object" } }],
  ["Object", { type: "object" }],
  ["string[][]", { type: "array", items: { type: "array", items: { type: "string" } } }],
  ["Callable[[int], str]", undefined],
  ["list[", undefined],
  ["list[int]]", undefined],
  ["list[int, str]", undefined],
  ["Optional", undefined],
  ["int int", undefined],
  ["__proto__", undefined],
  ["", undefined],
])("the type %s", (text, schema) => {
  expect(readType(text)?.schema).toEqual(schema);
});

test("a type's text may say that the argument can be left out", () => {
  expect(readType("str, optional")).toEqual({ schema: { type: "string" }, optional: true });
  expect(readType("List[int], Optional")?.optional).toBe(true);
  expect(readType("Union[int, str]")?.optional).toBe(false);
});

test("JSON Schema passes as it is", () => {
  const document = {
    type: "object",
    properties: { type: { type: ["string", "null"] }, dict: { enum: ["dict", 1] }, n: { type: "integer", default: 3 } },
    required: ["dict"],
    $defs: { a: { const: { type: "dict" } } },
    dependencies: { n: ["dict"] },
  };
  expect(translateSchema(document)).toEqual({ document, changes: [] });
});

test.each([
  [
    { type: "Union[int, List[int]]" },
    [{ type: "integer" }, { type: "array", items: { type: "integer" } }, { type: "null" }],
  ],
  [{ type: "any" }, undefined],
])("null stays allowed where a type becomes several: %j", (schema, anyOf) => {
  const { document, changes } = translateSchema({ ...schema, nullable: true });
  expect(document.anyOf).toEqual(anyOf);
  expect(document).not.toHaveProperty("nullable");
  expect(changes.map(({ pointer }) => pointer)).toEqual(["/type", "/nullable"]);
});

test("null stays allowed beside values that a type lists", () => {
  expect(translateSchema({ type: "Literal['a']", nullable: true }).document).toEqual({ enum: ["a", null] });
  expect(translateSchema({ type: "STRING", nullable: true }).document).toEqual({ type: "string", nullable: true });
});

test("counts that are texts are numbers, and others are left to be refused", () => {
  const { document, changes } = translateSchema({ type: "ARRAY", minItems: "1", maxItems: "many" });
  expect(document).toEqual({ type: "array", minItems: 1, maxItems: "many" });
  expect(changes).toContainEqual({ pointer: "/minItems", from: "1", to: 1 });
});

test("habits of other dialects are written anew, and told", () => {
  const given = {
    $schema: "http://json-schema.org/draft-04/schema#",
    type: "dict",
    properties: {
      a: { type: "int", required: true },
      b: { type: "str, optional" },
      c: { type: "float", minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
      d: { type: "array", items: [{ type: "str" }, { type: "int" }], additionalItems: false },
      e: { type: "array", items: { type: "string" }, enum: ["x", "y"] },
      f: { type: "integer", default: "optional" },
      g: { type: ["str", "None"], nullable: true },
      h: { type: "string", enum: ["p", "q"], default: "r" },
      i: { type: "List[str]", items: { type: "string", maxLength: 3 } },
    },
    required: ["b"],
  };
  const copy = structuredClone(given);
  const { document, changes } = translateSchema(given);
  expect(given).toEqual(copy);
  expect(document).toEqual({
    type: "object",
    properties: {
      a: { type: "integer" },
      b: { type: "string" },
      c: { type: "number", exclusiveMinimum: 0, maximum: 9 },
      d: { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false },
      e: { type: "array", items: { type: "string", enum: ["x", "y"] } },
      f: { type: "integer" },
      g: { anyOf: [{ type: "string" }, { type: "null" }] },
      h: { type: "string", enum: ["p", "q"] },
      i: { type: "array", items: { type: "string", maxLength: 3 } },
    },
    required: ["a"],
  });
  expect(changes).toContainEqual({ pointer: "/properties/a/type", from: "int", to: { type: "integer" } });
  expect(changes).toContainEqual({ pointer: "/required", from: ["b"], to: ["a"] });
  expect(changes).toContainEqual({ pointer: "/properties/f/default", from: "optional" });
  expect(new Set(changes.map(({ pointer }) => pointer.split("/").at(-1)))).toEqual(
    new Set([
      "$schema",
      "type",
      "required",
      "exclusiveMinimum",
      "exclusiveMaximum",
      "items",
      "enum",
      "default",
      "nullable",
    ]),
  );
});

test.each([
  [{ type: "integer", enum: ["1", "2"] }, "/enum"],
  [{ type: [] }, "/type"],
  [{ type: 7 }, "/type"],
  [{ properties: { a: { items: 7 } } }, "/properties/a/items"],
  [{ properties: {}, required: "a" }, "/required"],
  ["dict", "no object"],
  [{ default: Number.NaN }, "/default"],
])("%j cannot be read for sure", (document, place) => {
  expect(() => translateSchema(document, { owner: "the function f" })).toThrow(place);
});
