import fc from "fast-check";
import { expect, test } from "vitest";
import { readCall } from "./python-call.ts";

test.each([
  ["now()", { name: "now", positional: [], named: {} }],
  ["a.b.c( 1 , x = 2, )", { name: "a.b.c", positional: [1], named: { x: 2 } }],
  ["f('it\\'s', \"a\\n\\t\\x41\\u00e9\\U0001F600\\101\\q\")", { positional: ["it's", "a\n\tAé😀A\\q"] }],
  ["f(r'\\d+', u'x' 'y'\n\"z\")", { positional: ["\\d+", "xyz"] }],
  ['f(\'\'\'two\nlines\'\'\', """a "quote" """)', { positional: ["two\nlines", 'a "quote" '] }],
  [
    "f(-1, +2.5, 1_000, 0x1F, 0b11, .5, 3., 1e-3, 2E+2, -0)",
    { positional: [-1, 2.5, 1000, 31, 3, 0.5, 3, 0.001, 200, 0] },
  ],
  ["f(00, 0_0, 01.5, 0xff_ff, 1_0.2_5, 1e1_0)", { positional: [0, 0, 1.5, 65_535, 10.25, 1e10] }],
  ["f(True, False, None)", { positional: [true, false, null] }],
  ["f([], [1, [2,]], (), (1,), (1), ('a', 2))", { positional: [[], [1, [2]], [], [1], 1, ["a", 2]] }],
  ["f(d={'a': {'b': [1]}, 'c': None,})", { named: { d: { a: { b: [1] }, c: null } } }],
  ["f(a='x=1, y)', b=\"(\")", { named: { a: "x=1, y)", b: "(" } }],
])("%s", (text, call) => {
  expect(readCall(text)).toMatchObject(call);
});

test.each([
  ["", "a name"],
  ["f", '"("'],
  ["f(", "a literal"],
  ["f() g()", "the end"],
  ["f(x)", "x is no literal"],
  ["f(g(1))", "g is no literal"],
  ["f(a=1, 2)", "follows a named one"],
  ["f(a=1, a=2)", "given twice"],
  ["f(1 + 2)", '")"'],
  ["f(a==1)", "a is no literal"],
  ["f('abc)", "no end"],
  ["f('a\nb')", "no end"],
  ["f(b'x')", "b is no literal"],
  ["f(f'{x}')", "f is no literal"],
  ["f('\\N{DASH}')", "escape"],
  ["f('\\x4')", "escape"],
  ["f('\\UFFFFFFFF')", "beyond Unicode"],
  ["f({1: 2})", "no text"],
  ["f(9007199254740993)", "no exact JSON form"],
  ["f(1e999)", "no exact JSON form"],
  ["f(1j)", "a literal"],
  ["f(zip=01234)", "a literal"],
  ["f(1__0)", "a literal"],
  ["f(1_)", "a literal"],
  ["f(*args)", "a literal"],
  ["f(lambda: 1)", "lambda is no literal"],
  [`f(${"[".repeat(100)}`, "nested deeper"],
  [`f('${"x".repeat(200_000)}')`, "more than"],
])("%s is refused", (text, reason) => {
  expect(() => readCall(text)).toThrow(
    expect.objectContaining({ code: "bfcl/call-broken", message: expect.stringContaining(reason) }),
  );
});

test("what is written as Python is read as it was", () => {
  const written = (value: unknown): string => {
    if (value === null) return "None";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "number") return String(value);
    if (typeof value === "string") {
      return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
    }
    if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
    return `{${Object.entries(value as object)
      .map(([key, one]) => `${written(key)}: ${written(one)}`)
      .join(", ")}}`;
  };
  const number = fc.oneof(
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0.5),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.string({ unit: "grapheme" }),
      number.filter((n) => (Number.isInteger(n) ? Number.isSafeInteger(n) : true)),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(value, (one) => {
      expect(readCall(`f(x=${written(one)})`).named.x).toEqual(JSON.parse(JSON.stringify(one)));
    }),
  );
});

test("any text is read or refused", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."f(),=[]{}:'\"\\ax1.-_ \n".split("")), maxLength: 40 }),
      (text) => {
        try {
          readCall(`f(${text}`);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "bfcl/call-broken" });
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
