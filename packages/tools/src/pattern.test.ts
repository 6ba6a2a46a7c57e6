import fc from "fast-check";
import { expect, test } from "vitest";
import { compilePattern, PatternRefused, StepsExhausted } from "./pattern.ts";

// Nothing beyond the basic plane: the built-in matcher also begins a search inside a surrogate pair.
const alphabet = ["a", "b", "1", "-", " ", "é"];

const arbAtom = fc.constantFrom(
  "a",
  "b",
  "1",
  "-",
  ".",
  "\\d",
  "\\w",
  "\\s",
  "[ab]",
  "[^a]",
  "[a-z\\d]",
  "\\u{1F600}",
  "\\p{L}",
);

const { pattern: arbPattern } = fc.letrec<{ pattern: string; branch: string; piece: string; base: string }>((tie) => ({
  pattern: fc.array(tie("branch"), { minLength: 1, maxLength: 3 }).map((branches) => branches.join("|")),
  branch: fc.array(tie("piece"), { maxLength: 4 }).map((pieces) => pieces.join("")),
  piece: fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(tie("base"), fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "{0,3}?"))
        .map(([base, sign]) => base + sign),
    },
    { weight: 1, arbitrary: fc.constantFrom("^", "$", "\\b", "\\B") },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("(?=", "(?!"), tie("pattern")).map(([look, body]) => `${look}${body})`),
    },
  ),
  base: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 4, arbitrary: arbAtom },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("(", "(?:", "(?<n>"), tie("pattern"))
        .map(([open, body]) => `${open}${body})`),
    },
  ),
}));

const arbText = fc.array(fc.constantFrom(...alphabet), { maxLength: 10 }).map((chars) => chars.join(""));

test("a pattern answers as RegExp does", () => {
  fc.assert(
    fc.property(arbPattern, fc.array(arbText, { minLength: 1, maxLength: 5 }), (source, texts) => {
      let native: RegExp;
      try {
        native = new RegExp(source, "u");
      } catch {
        expect(() => compilePattern(source, { left: 0 })).toThrow(PatternRefused);
        return;
      }
      const ours = compilePattern(source, { left: 1_000_000 });
      for (const text of texts) expect([source, text, ours.test(text)]).toEqual([source, text, native.test(text)]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    "mail.to@example.org",
    true,
  ],
  [
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    "a..b@example.org",
    false,
  ],
  ["^[0-9a-f]{8}-[0-9a-f]{4}$", "0123abcd-beef", true],
  ["^\\u{1F600}{2}$", "😀😀", true],
  ["^\\ud83d\\ude00$", "😀", true],
  ["^[\\]\\\\]+$", "]\\", true],
  ["^\\/\\.\\{$", "/.{", true],
])("%s on %j is %j", (source, text, expected) => {
  expect(compilePattern(source, { left: 100_000 }).test(text)).toBe(expected);
});

test("what makes a backtracking matcher explode takes few steps here", () => {
  for (const source of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "(x+x+)+y"]) {
    const budget = { left: 200_000 };
    expect(compilePattern(source, budget).test(`${"a".repeat(200)}!`)).toBe(false);
    expect(compilePattern("(x+x+)+y", budget).test("x".repeat(200))).toBe(false);
  }
});

test("a text too long for its pattern is an error, not a wait", () => {
  expect(() => compilePattern("^a*b?a*$", { left: 1000 }).test("a".repeat(5000))).toThrow(StepsExhausted);
  expect(() => compilePattern("(?=.*x)y", { left: 100_000 }).test("a".repeat(5000))).toThrow(StepsExhausted);
});

test.each([
  ["(a)\\1"],
  ["(?<n>a)\\k<n>"],
  ["(?<=a)b"],
  ["(?<!a)b"],
  ["("],
  ["a{1,100000}"],
  ["(){1000000000}"],
  ["(?i:a)"],
  ["(".repeat(500) + ")".repeat(500)],
])("%s is refused", (source) => {
  expect(() => compilePattern(source, { left: 1000 })).toThrow(PatternRefused);
});
