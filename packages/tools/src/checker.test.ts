import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileChecker, NotTaken, SchemaWrong } from "./checker.ts";
import { StepsExhausted } from "./pattern.ts";
import { boundedSchema, defaultSchemaLimits } from "./schema-bounds.ts";

const checkerOf = (document: unknown, dialect: "2020-12" | "07" = "2020-12", steps = 1_000_000) => {
  const { document: schema, target } = boundedSchema(document, "a test", defaultSchemaLimits);
  return compileChecker(schema, { dialect, steps, instructions: 10_000, target });
};

const names = ["a", "b", "aa"] as const;
const arbName = fc.constantFrom(...names);
const arbValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, 2, 1.5, -1, "", "a", "aa", "b", "💡"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(arbName, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const arbType = fc.constantFrom("array", "boolean", "integer", "null", "number", "object", "string");
const arbCount = fc.nat(3);
const arbPattern = fc.constantFrom("a", "^a+$", "^.$", "^(a|b)*$", "[^a]");
/** A schema of a few keywords out of these. */
const schemaOf = (keywords: Readonly<Record<string, fc.Arbitrary<unknown>>>, maxLength: number) =>
  fc
    .array(fc.oneof(...Object.entries(keywords).map(([name, value]) => fc.tuple(fc.constant(name), value))), {
      maxLength,
    })
    .map((pairs) => Object.fromEntries(pairs));
const leaves = {
  type: fc.oneof(arbType, fc.uniqueArray(arbType, { minLength: 1, maxLength: 3 })),
  enum: fc.array(arbValue, { minLength: 1, maxLength: 3 }),
  const: arbValue,
  minimum: arbCount,
  exclusiveMaximum: arbCount,
  multipleOf: fc.constantFrom(1, 0.5, 2),
  minLength: arbCount,
  maxLength: arbCount,
  pattern: arbPattern,
  minItems: arbCount,
  maxItems: arbCount,
  uniqueItems: fc.boolean(),
  minProperties: arbCount,
  maxProperties: arbCount,
  required: fc.uniqueArray(arbName),
  dependentRequired: fc.dictionary(arbName, fc.uniqueArray(arbName), { maxKeys: 2, noNullPrototype: true }),
};
const over = (one: fc.Arbitrary<unknown>) => {
  const list = fc.array(one, { minLength: 1, maxLength: 2 });
  return fc.oneof(
    fc.boolean(),
    schemaOf(
      {
        ...leaves,
        prefixItems: list,
        items: one,
        contains: fc.constantFrom({ type: "string" }, { minimum: 1 }, false),
        minContains: arbCount,
        maxContains: arbCount,
        properties: fc.dictionary(arbName, one, { maxKeys: 2, noNullPrototype: true }),
        patternProperties: fc.dictionary(arbPattern, one, { maxKeys: 2, noNullPrototype: true }),
        additionalProperties: one,
        propertyNames: one,
        dependentSchemas: fc.dictionary(arbName, one, { maxKeys: 2, noNullPrototype: true }),
        allOf: list,
        anyOf: list,
        oneOf: list,
        not: one,
        if: one,
        // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema.
        then: one,
        else: one,
      },
      4,
    ),
  );
};
const arbSchema = over(over(schemaOf(leaves, 2)));

/** Ajv takes an empty list for one that holds what `contains` wants, where a tuple with a part that fits nothing stands beside it. */
function isMisread(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  return ("contains" in schema && "prefixItems" in schema) || Object.values(schema).some(isMisread);
}

/** What ajv says; nothing where the code that it made trips over itself. */
function wordOf(validate: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return validate(value);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

const settings = { strict: false, logger: false, validateSchema: false, addUsedSchema: false } as const;

test("C2 a checker says of every value what ajv says of it", () => {
  fc.assert(
    fc.property(arbSchema, fc.array(arbValue, { minLength: 1, maxLength: 8 }), (schema, values) => {
      fc.pre(!isMisread(schema));
      const document = { allOf: [schema, { $ref: "#/$defs/again" }], $defs: { again: schema } };
      const expected = new Ajv2020(settings).compile(document);
      const checker = checkerOf(document);
      for (const value of values) {
        const said = wordOf(expected, value);
        if (said !== undefined) expect([value, checker.problemsOf(value).length === 0]).toEqual([value, said]);
      }
    }),
    { numRuns: 300 },
  );
});

test("draft 07 reads tuples, dependencies and its own set of keywords", () => {
  const document = {
    type: ["array", "object"],
    items: [{ type: "string" }],
    additionalItems: { type: "number" },
    dependencies: { a: ["b"], b: { properties: { b: { type: "string" } } } },
    dependentRequired: { a: ["c"] },
    prefixItems: [{ type: "null" }],
    unevaluatedProperties: false,
  };
  const expected = new Ajv(settings).compile(document);
  const checker = checkerOf(document, "07");
  for (const value of [["a", 1], [1], ["a", "b"], { a: 1 }, { a: 1, b: "x" }, { b: 1 }, { z: 1 }, 7]) {
    expect([value, checker.problemsOf(value).length === 0]).toEqual([value, expected(value)]);
  }
});

test("every place that does not fit is told, up to 20", () => {
  const checker = checkerOf({
    properties: { a: { type: "integer" }, b: { items: { maxLength: 1 } } },
    required: ["a", "z"],
  });
  expect(checker.problemsOf({ a: "1", b: ["x", "yy"] })).toEqual([
    { path: [], message: "must have required property 'z'" },
    { path: ["a"], message: "must be integer" },
    { path: ["b", 1], message: "must NOT have more than 1 characters" },
  ]);
  expect(checker.problemsOf({ a: 1, z: 1, b: Array.from({ length: 50 }, () => "yy") })).toHaveLength(20);
});

test.each([
  { type: "text" },
  { type: [] },
  { minimum: "1" },
  { minLength: -1 },
  { required: "a" },
  { enum: [] },
  { properties: [] },
  { properties: { a: 7 } },
  { anyOf: [] },
  { exclusiveMinimum: true },
  { $defs: { a: { type: "nothing" } } },
])("%j is no schema", (document) => {
  expect(() => checkerOf(document)).toThrow(SchemaWrong);
});

test.each([
  { unevaluatedProperties: false },
  { unevaluatedItems: false },
  { pattern: "(a)\\1" },
  { pattern: "(?<!a)b" },
  { patternProperties: { "^(\\w)\\1": {} } },
])("%j is left to others", (document) => {
  expect(() => checkerOf({ properties: { a: document } })).toThrow(NotTaken);
});

test("C1 a check ends when its steps are used up, whatever uses them", () => {
  const branches = Array.from({ length: 100 }, (_, index) => ({ required: [`a${index}`] }));
  const rows: [unknown, unknown][] = [
    [{ items: { anyOf: branches } }, Array.from({ length: 1_000 }, () => ({}))],
    [{ items: { pattern: "^(a+)+$" } }, ["a".repeat(100_000)]],
    [{ uniqueItems: true }, Array.from({ length: 100_000 }, (_, index) => index)],
    [{ items: { enum: [{ a: 1 }] } }, [{ a: "x".repeat(1_000_000) }]],
    [
      { additionalProperties: { type: "number" } },
      Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [i, 1])),
    ],
  ];
  for (const [document, value] of rows) {
    expect(() => checkerOf(document, "2020-12", 50_000).problemsOf(value)).toThrow(StepsExhausted);
  }
});
