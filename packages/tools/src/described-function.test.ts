import { defineTool, parseWith } from "@remit/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readFunction } from "./described-function.ts";
import { ToolsError } from "./errors.ts";
import { schemaFromJson } from "./json-schema.ts";

const rent = {
  name: "bikes.rent",
  description: "Rents a bike.",
  parameters: {
    type: "dict",
    properties: {
      station: { type: "string", description: "Where." },
      hours: { type: "float" },
      extras: { type: "array", items: { type: "string" }, default: [] },
      place: { type: "tuple", items: { type: "float" } },
      note: { type: "any" },
      rider: { type: "dict", properties: { age: { type: "integer" } } },
    },
    required: ["station", "hours"],
  },
  response: { type: "dict", properties: { bike: { type: "integer" } } },
};

test("a function in the types of a language becomes a tool, and every change is told", () => {
  const { tool, foreignName, parameters, changes } = readFunction(rent);
  expect([tool.name, foreignName]).toEqual(["bikes_rent", "bikes.rent"]);
  expect(parameters).toEqual(["station", "hours", "extras", "place", "note", "rider"]);
  expect(changes.map(({ pointer }) => pointer)).toEqual([
    "/name",
    "/properties/hours/type",
    "/properties/place/items/type",
    "/properties/place/type",
    "/properties/note/type",
    "/properties/rider/type",
    "/type",
    "/response/type",
  ]);
  const made = defineTool({ ...tool, effect: "read", execute: () => ({ bike: 7 }) });
  expect(made.inputSchema).toMatchObject({ type: "object", properties: { hours: { type: "number" } } });
  const fits = (value: unknown) => parseWith(made.input, value).ok;
  expect(fits({ station: "north", hours: 2 })).toBe(true);
  expect(fits({ station: "north", hours: 2, place: [1, 2.5], note: [null], rider: { age: 9, name: "Ann" } })).toBe(
    true,
  );
  for (const wrong of [
    { station: "north" },
    { station: "north", hours: "2" },
    { station: 7, hours: 2 },
    { station: "north", hours: 2, colour: "red" },
    { station: "north", hours: 2, rider: { age: 9.5 } },
    { station: "north", hours: 2, place: ["here"] },
    [],
  ]) {
    expect(fits(wrong), JSON.stringify(wrong)).toBe(false);
  }
  expect(parseWith(made.output, { bike: 7 }).ok).toBe(true);
  expect(parseWith(made.output, { bike: "7" }).ok).toBe(false);
});

test("read as JSON Schema, a foreign type is an error that says what to do", () => {
  const thrown = thrownBy(() => schemaFromJson(rent.parameters, { owner: "the function rent" }));
  expect(ToolsError.is(thrown, "schema/dialect-foreign")).toBe(true);
  expect(thrown).toMatchObject({ data: { pointer: "/type", type: "dict" } });
  expect((thrown as ToolsError).hint).toContain("readFunction");
  // A property may be called type, and what is a type nowhere is an ordinary mistake.
  expect(schemaFromJson({ type: "object", properties: { type: { type: "string" } } })).toBeDefined();
  expect(thrownBy(() => schemaFromJson({ type: "banana" }))).toMatchObject({ code: "schema/invalid" });
});

test("the forms in which providers and catalogues wrap a function", () => {
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  for (const document of [
    { name: "f", parameters: schema },
    { name: "f", input_schema: schema },
    { name: "f", inputSchema: schema },
    { type: "function", function: { name: "f", parameters: schema } },
    { name: "f", parameters: { properties: schema.properties, required: ["city"] } },
    { name: "f", parameters: { city: { type: "str" } } },
    { name: "f", parameters: { city: { type: "STRING" } } },
  ]) {
    const { input } = readFunction(document).tool;
    expect(input.safeParse({ city: "Ulm" }).success, JSON.stringify(document)).toBe(true);
    for (const wrong of [{}, { city: 1 }, { city: "Ulm", x: 1 }]) expect(input.safeParse(wrong).success).toBe(false);
  }
  const byName = readFunction({
    name: "f",
    parameters: {
      ids: { type: "List[int]" },
      limit: { type: "int, optional" },
      unit: { type: "str", default: "km" },
    },
  }).tool.input;
  expect(byName.safeParse({ ids: [1] }).success).toBe(true);
  expect(byName.safeParse({ ids: ["1"] }).success).toBe(false);
  expect(byName.safeParse({ limit: 3 }).success).toBe(false);
  // No parameters at all: no argument fits.
  const none = readFunction({ name: "now" }).tool.input;
  expect([none.safeParse({}).success, none.safeParse({ a: 1 }).success]).toEqual([true, false]);
});

test("a schema that says itself what else may be there stays open", () => {
  const open = { type: "object", properties: {}, additionalProperties: { type: "float" } };
  const { input } = readFunction({ name: "f", parameters: open }).tool;
  expect(input.safeParse({ a: 1.5 }).success).toBe(true);
  expect(input.safeParse({ a: "1.5" }).success).toBe(false);
});

test.each([
  [null, "not an object"],
  [{}, "it has no name"],
  [{ name: "f".repeat(65) }, "more than 64"],
  [{ name: "f", description: 7 }, "description is no text"],
  [{ name: "f", parameters: [] }, "not an object"],
  [{ name: "f", parameters: { a: 1 } }, "no schema, and none by name"],
  [{ name: "f", parameters: { type: "array" } }, "object"],
  [{ name: "f", parameters: { type: "dict", properties: { a: { type: "banana" } } } }, "/properties/a/type"],
  [{ name: "f", parameters: { type: "dict", properties: {}, required: ["a"] } }, "does not describe it"],
  [
    { name: "f", parameters: { type: "dict", properties: { a: { type: "dict", properties: [] } } } },
    "object of schemas",
  ],
  [{ name: "f", parameters: { type: "dict", properties: { a: "str" } } }, "there is no schema"],
])("%j is refused", (document, reason) => {
  const thrown = thrownBy(() => readFunction(document));
  expect(thrown).toMatchObject({ code: "schema/invalid", message: expect.stringContaining(reason) });
});

test("hostile descriptions are refused or harmless", () => {
  let deep: unknown = { type: "int" };
  for (let level = 0; level < 5_000; level++) deep = { type: "list", items: deep };
  expect(thrownBy(() => readFunction({ name: "f", parameters: deep }))).toMatchObject({ code: "schema/invalid" });
  const big = { type: "dict", properties: { a: { type: "string", description: "x".repeat(300_000) } } };
  expect(thrownBy(() => readFunction({ name: "f", parameters: big }))).toMatchObject({ code: "schema/too-large" });
  const names = JSON.parse('{"type":"dict","properties":{"__proto__":{"type":"float"},"constructor":{"type":"int"}}}');
  const { input } = readFunction({ name: "f", parameters: names }).tool;
  expect(input.safeParse(JSON.parse('{"__proto__":1.5,"constructor":2}')).success).toBe(true);
  expect(input.safeParse(JSON.parse('{"__proto__":"x"}')).success).toBe(false);
  const nested = `${"List[".repeat(90)}int${"]".repeat(90)}`;
  expect(thrownBy(() => readFunction({ name: "f", parameters: { a: { type: nested } } }))).toMatchObject({
    code: "schema/invalid",
  });
});

test("any description is a tool or a typed error", () => {
  const word = fc.constantFrom(
    "dict",
    "float",
    "list",
    "str",
    "any",
    "List[int]",
    "int, optional",
    "banana",
    "object",
    "",
  );
  const keyword = fc.constantFrom(
    ...["type", "properties", "items", "required", "enum", "default", "anyOf", "additionalProperties", "nullable"],
    ...["minimum", "exclusiveMinimum", "pattern", "$ref", "$defs", "optional", "__proto__"],
  );
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      word,
      fc.constantFrom(true, null, 7, -1, [], {}),
      fc.array(tie("schema"), { maxLength: 3 }),
      fc.dictionary(fc.oneof(keyword, fc.constantFrom("a", "b")), tie("schema"), { maxKeys: 5 }),
    ),
  }));
  let read = 0;
  fc.assert(
    fc.property(fc.record({ name: fc.constant("f"), parameters: schema, response: schema }), (document) => {
      try {
        const { tool } = readFunction(document);
        read++;
        tool.input.safeParse({ a: 1 });
      } catch (thrown) {
        if (!ToolsError.is(thrown)) throw thrown;
      }
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(0);
});

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

test("a description may have no text, say its answer as MCP does, and its arguments by parts", () => {
  const outputSchema = { type: "dict", properties: { bike: { type: "integer" } }, required: ["bike"] };
  const { tool, changes } = readFunction({
    name: "rent",
    description: null,
    inputSchema: { type: "object" },
    outputSchema,
  });
  expect([tool.description, parseWith(tool.output, { bike: "x" }).ok]).toEqual(["", false]);
  expect(changes.map(({ pointer }) => pointer)).toEqual(["/outputSchema/type"]);
  const parts = { allOf: [{ type: "object", properties: { a: { type: "string" } }, required: ["a"] }] };
  const input = readFunction({ name: "f", parametersJsonSchema: parts }).tool.input;
  expect([parseWith(input, { a: "x" }).ok, parseWith(input, {}).ok]).toEqual([true, false]);
});

test("arguments under a name that is not read are not taken for none", () => {
  const wanted = { station: { type: "str", required: true } };
  for (const key of ["parameter_definitions", "arguments", "args_schema"]) {
    expect(() => readFunction({ name: "rent", [key]: wanted })).toThrow(
      expect.objectContaining({ code: "schema/invalid", message: expect.stringContaining(key) }),
    );
  }
  expect(readFunction({ name: "now", annotations: {}, parameters: null }).parameters).toEqual([]);
});

test("a schema that is wrapped where it stands is the schema, and no argument of that name", () => {
  const json = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const spec = { name: "weather", description: "Tells the weather.", inputSchema: { json } };
  for (const document of [spec, { toolSpec: spec }]) {
    const { parameters, tool } = readFunction(document);
    expect(parameters).toEqual(["city"]);
    expect(tool.input.safeParse({ city: "Ulm" }).success).toBe(true);
  }
  const named = { name: "weather", parameters: { json: { type: "string" } } };
  expect(readFunction(named).parameters).toEqual(["json"]);
});
