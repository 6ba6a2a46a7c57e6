import fc from "fast-check";
import { expect, test } from "vitest";
import { expand } from "./variables.ts";

const missing = (variable: string): never => {
  throw new Error(`missing ${variable}`);
};
const arbName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
const arbPlain = fc.string().filter((text) => !text.includes("${"));

test("a text without variables stays as it is", () => {
  fc.assert(
    fc.property(arbPlain, (text) => {
      expect(expand(text, {}, missing)).toEqual({ text, used: {} });
    }),
  );
});

test("a variable is filled in once, whatever it holds, and what was used is told", () => {
  fc.assert(
    fc.property(arbPlain, arbName, fc.string(), arbPlain, fc.boolean(), (before, name, value, after, spelled) => {
      fc.pre(!before.endsWith("$"));
      const written = spelled ? `\${env:${name}}` : `\${${name}}`;
      const { text, used } = expand(`${before}${written}${after}`, { [name]: value }, missing);
      expect(text).toBe(`${before}${value}${after}`);
      expect(used).toEqual({ [name]: value });
    }),
  );
});

test("a default stands in for a variable that is not set or empty, and is no secret", () => {
  fc.assert(
    fc.property(
      arbName,
      fc.string().filter((text) => !text.includes("}")),
      fc.constantFrom("", undefined),
      (name, otherwise, value) => {
        expect(expand(`\${${name}:-${otherwise}}`, { [name]: value }, missing)).toEqual({ text: otherwise, used: {} });
      },
    ),
  );
});

test("a variable that is missing is told by its name, also one that every object has", () => {
  fc.assert(
    fc.property(fc.oneof(arbName, fc.constantFrom("toString", "__proto__", "constructor")), (name) => {
      expect(() => expand(`\${${name}}`, {}, missing)).toThrow(`missing ${name}`);
    }),
  );
});

test("what is not of the form stays", () => {
  for (const rest of ["{}", "{1}", "NAME", "{A", "{A B}", "${"]) {
    expect(expand(`$${rest}`, {}, missing).text).toBe(`$${rest}`);
  }
});
