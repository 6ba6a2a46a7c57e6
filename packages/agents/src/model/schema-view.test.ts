import { type JsonSchema, jsonSchemaOf } from "@remit/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { isObjectSchema, schemaView, wrapped } from "./schema-view.ts";

const view = (schema: z.ZodType) => schemaView(jsonSchemaOf(schema, "input", "t"), "openai");

describe("V1 strict", () => {
  test("an object whose members are all required is closed, at every level", () => {
    const schema = z.object({ id: z.int().positive(), list: z.array(z.object({ on: z.iso.date().nullable() })) });
    expect(view(schema)).toEqual({
      strict: true,
      dropped: [],
      schema: {
        type: "object",
        properties: {
          id: { type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
          list: {
            type: "array",
            items: {
              type: "object",
              properties: { on: expect.objectContaining({ anyOf: [expect.anything(), { type: "null" }] }) },
              required: ["on"],
              additionalProperties: false,
            },
          },
        },
        required: ["id", "list"],
        additionalProperties: false,
      },
    });
  });

  test("a choice by a constant is any of its branches", () => {
    const a = z.object({ kind: z.literal("a") });
    const b = z.object({ kind: z.literal("b"), n: z.number() });
    expect(view(z.object({ of: z.discriminatedUnion("kind", [a, b]) }))).toMatchObject({
      strict: true,
      schema: { properties: { of: { anyOf: [{ required: ["kind"] }, { required: ["kind", "n"] }] } } },
    });
  });

  test("a definition that refers to itself stays a reference", () => {
    const node: z.ZodType = z.object({
      name: z.string(),
      get next() {
        return node.nullable();
      },
    });
    expect(view(z.object({ node })).strict).toBe(true);
  });

  // "$ref cannot have keywords {'description'}", the API says.
  test("a reference stands alone, and what is said of it stands around it", () => {
    const schema = (to: JsonSchema): JsonSchema => ({
      type: "object",
      properties: { to },
      required: ["to"],
      additionalProperties: false,
      $defs: { place: { type: "string" } },
    });
    const $ref = "#/$defs/place";
    const said = schemaView(schema({ $ref, description: "Where it goes." }), "openai");
    expect(said).toMatchObject({ strict: true, dropped: [] });
    expect(said.schema.properties).toEqual({ to: { anyOf: [{ $ref }], description: "Where it goes." } });
    expect(schemaView(schema({ $ref }), "openai").schema.properties).toEqual({ to: { $ref } });
  });
});

test.each<[string, z.ZodType]>([
  ["an optional member", z.object({ a: z.string().optional() })],
  ["a member with a default", z.object({ a: z.string().default("x") })],
  ["a length", z.object({ a: z.string().min(1) })],
  ["a record", z.object({ a: z.record(z.string(), z.string()) })],
  ["a loose object", z.looseObject({ a: z.string() })],
  ["a tuple", z.object({ a: z.tuple([z.string()]) })],
  ["anything", z.object({ a: z.unknown() })],
  ["a format that is not known", z.object({ a: z.url() })],
  ["a pattern that looks ahead", z.object({ a: z.string().regex(/^(?=a)/) })],
])("V2 %s is not strict, and the schema stays as it is", (_, schema) => {
  const { $schema, ...plain } = jsonSchemaOf(schema, "input", "t");
  expect(view(schema)).toEqual({ strict: false, dropped: [], schema: plain });
});

test("V2 an intersection is not strict, and the schema stays as it is", () => {
  const both = { allOf: [{ type: "object" }, { type: "object" }] };
  const schema = { type: "object", properties: { a: both }, required: ["a"] };
  expect(schemaView(schema, "openai")).toEqual({ strict: false, dropped: [], schema });
});

test("V1 nested deeper than ten levels is not strict", () => {
  let schema: z.ZodType = z.string();
  for (let depth = 0; depth < 11; depth++) schema = z.object({ a: schema });
  expect(view(schema).strict).toBe(false);
});

test("V2 a choice at the root becomes one object, and the choice is reported", () => {
  const schema: JsonSchema = {
    anyOf: [
      {
        type: "object",
        properties: { kind: { const: "a" }, id: { type: "string" } },
        required: ["kind", "id"],
      },
      { type: "object", properties: { kind: { const: "b" }, id: { type: "string" } }, required: ["kind"] },
    ],
  };
  const one = {
    schema: {
      type: "object",
      properties: { kind: { anyOf: [{ const: "a" }, { const: "b" }] }, id: { type: "string" } },
      required: ["kind"],
    },
    strict: false,
    dropped: [{ pointer: "", keyword: "anyOf" }],
  };
  expect(schemaView(schema, "openai")).toEqual(one);
  expect(schemaView(schema, "anthropic")).toEqual(one);
});

test("an answer that is no object is wrapped into one; its definitions stay reachable", () => {
  const schema: JsonSchema = {
    $schema: "x",
    type: "array",
    items: { $ref: "#/$defs/a" },
    $defs: { a: { type: "string" } },
  };
  expect(wrapped(schema)).toEqual({
    type: "object",
    properties: { answer: { type: "array", items: { $ref: "#/$defs/a" } } },
    required: ["answer"],
    additionalProperties: false,
    $defs: { a: { type: "string" } },
  });
  expect(schemaView(wrapped(schema) ?? {}, "openai").strict).toBe(true);
  expect(wrapped({ anyOf: [{ type: "string" }, { type: "array", items: { $ref: "#" } }] })).toBe(undefined);
  expect(isObjectSchema(schema)).toBe(false);
  expect(isObjectSchema({ oneOf: [{ type: "object" }] })).toBe(true);
});

test("for Anthropic a view is never strict", () => {
  expect(schemaView({ type: "object", properties: {} }, "anthropic").strict).toBe(false);
});
