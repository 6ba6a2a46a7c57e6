import { expect, test } from "vitest";
import { z } from "zod";
import { type DeclaredClasses, declaredClasses } from "./classes.ts";

const person = { type: "string", dataClass: "person" } as const;
const own: DeclaredClasses = { own: "person" };

test.each([
  ["a member", { properties: { name: person } }, { members: { name: own } }],
  ["an item", { items: person }, { rest: own }],
  ["an item of a list of draft 7", { items: [{ type: "string" }, person] }, { rest: own }],
  ["an item of a tuple", { prefixItems: [person] }, { rest: own }],
  ["an item that a tuple does not name", { unevaluatedItems: person }, { rest: own }],
  ["an item that has to be there", { contains: person }, { rest: own }],
  ["any member", { additionalProperties: person }, { rest: own }],
  ["a member that nothing else names", { unevaluatedProperties: person }, { rest: own }],
  ["a member by the form of its name", { patternProperties: { "^name": person } }, { rest: own }],
  ["a choice", { anyOf: [{ type: "null" }, person] }, own],
  ["a condition", { if: {}, else: { properties: { name: person } } }, { members: { name: own } }],
  ["another member", { dependentSchemas: { kind: { properties: { name: person } } } }, { members: { name: own } }],
  ["a reference", { $ref: "#/$defs/a~1b", $defs: { "a/b": person } }, own],
  ["a reference in percent-encoding", { $ref: "#/$defs/a%20b", $defs: { "a b": person } }, own],
  ["a reference with a percent sign of its own", { $ref: "#/$defs/100%", $defs: { "100%": person } }, own],
  ["nothing", { properties: { name: { type: "string" } } }, undefined],
])("a class is declared by way of %s", (_, schema, declared) => {
  expect(declaredClasses(schema)).toEqual(declared);
});

test("a class is read from a record whose names have a form", () => {
  const schema = z.toJSONSchema(z.record(z.string().regex(/^n/), z.string().meta({ dataClass: "person" })));
  expect(declaredClasses(schema as never)).toEqual({ rest: own });
});
