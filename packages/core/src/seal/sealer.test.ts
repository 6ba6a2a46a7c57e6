import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { memoryEngine } from "../engine/memory.ts";
import type { Json, JsonSchema } from "../json.ts";
import { readVaultKey } from "./cipher.ts";
import { declaredClasses } from "./classes.ts";
import { type SealContext, sealJson, sealText } from "./sealer.ts";
import { sealRules } from "./settings.ts";
import { openVault, passingId } from "./vault.ts";

/** Where a vault knows these values and no detector finds anything. */
async function knowing(...values: readonly string[]): Promise<SealContext> {
  const key = Buffer.alloc(32, 1);
  const rules = sealRules({ vault: { key }, seal: {} });
  const vault = await openVault({
    key: { tenant: "acme", runId: "run_1" },
    journal: memoryEngine().journal,
    now: () => 0,
    salt: () => "0123456789012345678901",
    keys: [readVaultKey(key)],
    passing: { ...readVaultKey(Buffer.alloc(32, 2)), id: passingId },
  });
  for (const value of values) vault.seal("note", value, true);
  if (!rules) throw new Error("nothing is sealed");
  return { vault, rules, tenant: "acme" };
}

test.each([
  ["a quotation mark", 'Ada "the Countess" Lovelace'],
  ["a line break", "1 Mill Lane\nOckham"],
  ["a backslash", "C:\\people\\ada"],
])("a known value with %s is found in a text as in a value", async (_, value) => {
  const context = await knowing(value);
  expect(sealText(`It is ${value}, we think.`, context)).not.toContain(value);
  expect(sealJson(`It is ${value}, we think.`, undefined, context)).not.toContain(value);
  expect(sealJson({ a: [{ b: value }] }, undefined, context)).not.toEqual({ a: [{ b: value }] });
});

test.each([
  ["the longer one behind", ["Ada Lovelace", "Lovelace Street 5"], "to Ada Lovelace Street 5."],
  ["the longer one in front", ["Ada King Lovelace", "Lovelace Road"], "to Ada King Lovelace Road."],
  ["a chain of three", ["12 Mill Lane", "Lane Ockham Surrey", "Surrey GU23"], "at 12 Mill Lane Ockham Surrey GU23."],
])("of known values that overlap nothing is left: %s", async (_, values, text) => {
  const sealed = sealText(text, await knowing(...values));
  for (const word of text.slice(3, -1).split(" ")) expect(sealed).not.toContain(word);
  expect(sealed).toMatch(/^(?:to|at) sealed_note_\w+\.$/);
});

test("a known value is left nowhere, wherever it stands", async () => {
  const word = fc.string({
    unit: fc.constantFrom("a", "b", '"', "\\", "\n", "\t", "é", "\u2028", ":", ","),
    minLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      fc.json({ maxDepth: 3 }),
      fc.array(fc.constantFrom("name", "member", "item", "text"), { minLength: 1, maxLength: 4 }),
      async (values, other, places) => {
        const value = values[0] as string;
        let planted: Json = JSON.parse(other) as Json;
        for (const place of places) {
          if (place === "name") planted = { [` ${value} `]: planted };
          if (place === "member") planted = { before: planted, of: `(${value})` };
          if (place === "item") planted = [planted, value, 1];
          if (place === "text") planted = { of: planted, text: `${value} and ${value}` };
        }
        const sealed = sealJson(planted, undefined, await knowing(...values));
        expect(JSON.stringify(sealed)).not.toContain(JSON.stringify(value).slice(1, -1));
      },
    ),
  );
});

test("what only calls itself a medium is a text: its `data` is looked at unless it is written as content, and long", async () => {
  const value = "AKIAIOSFODNN7EXAMPLE";
  const context = await knowing(value, "ada@example.org");
  const text = { $media: "text/plain", data: `ask ada@example.org, ${"not content ".repeat(20)}` };
  expect(JSON.stringify(sealJson({ a: [text] }, undefined, context))).not.toContain("ada@example.org");
  expect(JSON.stringify(sealJson({ $media: "image/png", data: value }, undefined, context))).not.toContain(value);
  const picture = { $media: "image/png", data: Buffer.alloc(300, value).toString("base64") };
  expect(sealJson(picture, undefined, context)).toBe(picture);
});

test("a class of a list or an object is one of every text in it, but for what has one of its own or is one of a few", async () => {
  const context = await knowing();
  const person = { dataClass: "person" };
  const schema = z.object({
    names: z.array(z.string()).meta(person),
    notes: z.record(z.string(), z.json()).meta(person),
    home: z
      .object({
        street: z.string(),
        country: z.enum(["DE", "US"]).nullable(),
        lines: z.array(z.object({ text: z.string() })),
        pin: z.string().meta({ dataClass: "pin" }),
      })
      .meta(person),
    open: z.string(),
  });
  const declared = declaredClasses(z.toJSONSchema(schema) as JsonSchema);
  const value = {
    names: ["Ada Lovelace"],
    notes: { a: { b: ["Mary Somerville"] } },
    home: { street: "Mill Lane", country: "DE", lines: [{ text: "Ockham" }], pin: "zx81" },
    open: "open",
  };
  const token = expect.stringMatching(/^sealed_person_/);
  expect(sealJson(value, declared, context)).toEqual({
    names: [token],
    notes: { a: { b: [token] } },
    home: { street: token, country: "DE", lines: [{ text: token }], pin: expect.stringMatching(/^sealed_pin_/) },
    open: "open",
  });
});
