import { expect, test } from "vitest";
import { z } from "zod";
import { OrchestrationError } from "../errors.ts";
import type { JsonSchema } from "../json.ts";
import { defineTool } from "../tool.ts";

/** The code of what a definition is refused by; nothing for one that stands. */
function refusalOf(input: z.ZodType, protect: readonly string[], inputSchema?: JsonSchema): unknown {
  try {
    defineTool({
      name: "send",
      description: "Sends.",
      input,
      output: z.object({}),
      effect: "read",
      protect: protect as never,
      execute: () => ({}),
      ...(inputSchema ? { inputSchema } : {}),
    });
    return undefined;
  } catch (thrown) {
    if (OrchestrationError.is(thrown, "tool/protect-invalid")) return thrown.data.argument;
    throw thrown;
  }
}

const mail = z.object({ to: z.string() });

test.each<[string, z.ZodType, JsonSchema?]>([
  ["a text", z.string()],
  ["an object or a text", z.union([mail, z.string()])],
  ["an object or a list of them", z.union([mail, z.array(mail)])],
  ["an object that is read out of a text", z.preprocess((given) => given, mail)],
  ["one of two, of which one is", z.union([z.preprocess((given) => given, mail), mail])],
  ["anything, as somebody else's schema says", z.unknown(), { properties: { to: { type: "string" } } }],
])("F1 an argument that would go by unjudged cannot be protected: %s", (_, input, schema) => {
  expect(refusalOf(input, ["to"], schema)).toBe("to");
});

test.each<[string, z.ZodType, JsonSchema?]>([
  ["an object", mail],
  ["one that is made into another", mail.transform(({ to }) => ({ sentTo: to }))],
  ["one whose member is made of another", z.object({ to: z.preprocess(String, z.string()) })],
  ["one of two", z.union([mail, z.object({ to: z.array(z.string()) })])],
  ["both", z.intersection(mail, z.object({ text: z.string() }))],
  ["one with further members", z.looseObject({ text: z.string() })],
  ["a record", z.record(z.string(), z.string())],
  ["by reference", z.unknown(), { $ref: "#/$defs/mail", $defs: { mail: { type: "object" } } }],
])("a member of what is an object can be protected: %s", (_, input, schema) => {
  expect(refusalOf(input, ["to"], schema)).toBeUndefined();
});
