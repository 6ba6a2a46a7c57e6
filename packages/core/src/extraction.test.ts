import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineExtraction } from "./extraction.ts";
import { defineTool } from "./tool.ts";

const of = (output: z.ZodType, tools: readonly never[] = []) =>
  defineExtraction({
    name: "reader",
    description: "",
    model: "m",
    input: z.object({ text: z.string() }),
    output,
    instructions: "",
    tools,
  });

describe("X1 an extraction can say", () => {
  test.each<[string, z.ZodType]>([
    ["numbers and booleans", z.object({ amount: z.number(), count: z.int(), paid: z.boolean() })],
    ["members of a list", z.object({ kind: z.enum(["bill", "reminder"]), one: z.literal("x") })],
    ["dates", z.object({ due: z.iso.date(), at: z.iso.datetime().optional() })],
    [
      "texts of a form",
      z.object({
        iban: z
          .string()
          .regex(/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/)
          .max(34),
      }),
    ],
    ["or nothing", z.object({ due: z.union([z.iso.date(), z.null()]) })],
    ["short lists of those", z.object({ sums: z.array(z.number()).max(10) })],
  ])("%s", (_, output) => {
    expect(of(output)).toMatchObject({ extracts: true, effects: "read", tools: [] });
  });

  test.each<[string, z.ZodType, RegExp]>([
    ["any text", z.object({ note: z.string() }), /at "\/note".*regex/],
    ["a bounded text of any form", z.object({ note: z.string().max(20) }), /regex/],
    ["a form without a bound", z.object({ note: z.string().regex(/^[A-Z]{2}\d+$/) }), /max/],
    [
      "a form with room for a sentence",
      z.object({
        note: z
          .string()
          .regex(/^[a-z ]+$/)
          .max(64),
      }),
      /room for words/,
    ],
    [
      "a form with room for a word",
      z.object({
        note: z
          .string()
          .regex(/^[a-z]+$/)
          .max(8),
      }),
      /room for words/,
    ],
    ["a list without a bound", z.object({ all: z.array(z.number()) }), /at "\/all".*bound/],
    ["members of any name", z.record(z.string(), z.number()), /names its members/],
    ["anything", z.object({ any: z.unknown() }), /anything fits/],
    ["one of a few, of which one is wide", z.object({ a: z.union([z.number(), z.string()]) }), /regex/],
  ])("not %s", (_, output, message) => {
    expect(() => of(output)).toThrow(message);
  });
});

test("X2 its tools send nothing out", () => {
  const fetchPage = defineTool({
    name: "fetch_page",
    description: "",
    input: z.object({ url: z.string() }),
    output: z.string(),
    effect: "read",
    protect: ["url"],
    execute: () => "",
  });
  expect(() => of(z.object({ sum: z.number() }), [fetchPage as never])).toThrow(
    /agent\/extraction-too-wide.*fetch_page/,
  );
});
