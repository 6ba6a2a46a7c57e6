import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { JsonSchema } from "../json.ts";
import { domainAt, isUnder, says } from "./value.ts";

describe("says", () => {
  test.each([
    ["pay ES91 2100 to Ann", "Ann", true],
    ["pay Anna", "Ann", false],
    ["write to ann@example.org.", "ann@example.org", true],
    ["write to joann@example.org", "ann@example.org", false],
    ["the 'Blue Door', please", "Blue Door", true],
    ["Blue Doors", "Blue Door", false],
    ["naïve", "na", false],
    ["𝟘x", "x", false],
    ["it cost 1,050.00 in all", 1050, true],
    ["it cost $98.70", 98.7, true],
    ["a rise of 10%", 10, true],
    ["on 2024-05-01", 5, false],
    ["order A12", 12, false],
    ["version 1.2.3", 1.2, false],
    ["it is true", true, false],
    ["null", null, false],
    ["   ", " ", false],
  ] as const)("%j says %j: %s", (text, value, expected) => {
    expect(says(text, value)).toBe(expected);
  });

  test.each([
    ["delete /home/ann/notes/old.txt", "/home/ann", false],
    ["delete /home/ann/notes/old.txt", "/home/ann/", false],
    ["delete /home/ann/notes/old.txt", "/home/ann/notes/old.txt", true],
    ["write to ann@shop.example.co.uk", "ann@shop.example.co", false],
    ["write to ann@shop.example.co.uk.", "ann@shop.example.co.uk", true],
    ["write to ann.lee@example.org", "lee@example.org", false],
    ["see https://bank.example/pay, please", "https://bank.example", false],
    ["see https://bank.example/pay, please", "https://bank.example/pay", true],
    ["see https://bank.example/pay, please", "bank.example/pay", true],
    ["refund 1,200.50 to me", "200", false],
    ["refund 1,200.50 to me", "1,200", false],
    ["refund 1,200.50 to me", "1,200.50", true],
    ["cancel order 12-345", "345", false],
    ["from London-Paris", "Paris", true],
    ["to:GB29,please", "GB29", true],
    ["Ann... and Bob", "Ann", true],
    ["on Ann's day", "Ann", true],
  ] as const)("%j says %j by itself: %s", (text, value, expected) => {
    expect(says(text, value, true)).toBe(expected);
  });

  test("a word between others is said, a part of a word is not", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/);
    fc.assert(
      fc.property(word, word, word, (before, wanted, after) => {
        fc.pre(Number.isNaN(Number(wanted)));
        expect(says(`${before} ${wanted} ${after}`, wanted)).toBe(true);
        const glued = `${before}${wanted}${after}`;
        const alone = glued.split(/[^A-Za-z0-9]/).includes(wanted);
        expect(says(glued, wanted)).toBe(alone);
      }),
    );
  });
});

describe("isUnder", () => {
  test.each([
    ["/0/id", "/*/id", true],
    ["/0/id/x", "/*/id", true],
    ["/0/name", "/*/id", false],
    ["/id", "/*/id", false],
    ["/a~1b", "/a~1b", true],
    ["/anything", "", true],
  ] as const)("%s under %s: %s", (pointer, pattern, expected) => {
    expect(isUnder(pointer, pattern)).toBe(expected);
  });
});

describe("domainAt", () => {
  const schema = z.toJSONSchema(
    z.object({
      to: z.string().meta({ domain: "iban" }),
      maybe: z.string().meta({ domain: "email" }).optional(),
      either: z.union([z.number(), z.string().meta({ domain: "order" })]),
      list: z.array(z.object({ id: z.string().meta({ domain: "hotel" }) })),
      map: z.record(z.string(), z.number().meta({ domain: "price" })),
      plain: z.string(),
    }),
  ) as unknown as JsonSchema;
  test.each([
    ["/to", "iban"],
    ["/maybe", "email"],
    ["/either", "order"],
    ["/list/3/id", "hotel"],
    ["/map/any", "price"],
    ["/plain", undefined],
    ["/list", undefined],
    ["/nowhere/at/all", undefined],
    ["", undefined],
  ])("%s is of the domain %s", (pointer, domain) => {
    expect(domainAt(schema, pointer)).toBe(domain);
  });

  test("a schema that leads to itself comes to an end", () => {
    expect(domainAt({ $ref: "#" }, "/a/b")).toBeUndefined();
    const node: JsonSchema = {
      $defs: { n: { properties: { next: { $ref: "#/$defs/n" }, id: { domain: "x" } } } },
      $ref: "#/$defs/n",
    };
    expect(domainAt(node, "/next/next/id")).toBe("x");
  });
});
