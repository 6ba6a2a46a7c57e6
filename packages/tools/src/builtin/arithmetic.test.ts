import fc from "fast-check";
import { expect, test } from "vitest";
import { ArithmeticError, evaluate } from "./arithmetic.ts";

test.each([
  ["1 + 2 * 3", 7],
  ["(1 + 2) * 3", 9],
  ["0.1 + 0.2", 0.3],
  ["-2 ^ 2", -4],
  ["2 ^ 3 ^ 2", 512],
  ["2 ^ -1", 0.5],
  ["- - 3", 3],
  ["10 % 4 - 1", 1],
  ["1e3 / .5", 2000],
  ["round(1.005, 2)", 1.01],
  ["round(-2.5)", -3],
  ["round(1234567, -3)", 1235000],
  ["round(2e21, 2)", 2e21],
  ["min(3, 1, 2) + max(4) + sum(1, 2, 3) + avg(2, 4)", 14],
  ["sqrt(16) + abs(-2) + floor(1.9) + ceil(1.1) + ln(e) + log10(100)", 12],
  ["2 * pi", 6.28318530717959],
  ["-0", 0],
])("%s = %d", (text, value) => {
  expect(evaluate(text)).toBe(value);
});

test.each([
  ["", "expected a number at the end"],
  ["1 +", "expected a number at the end"],
  ["1 2", 'expected an operator at character 3, found "2"'],
  ["(1", 'expected ")" at the end'],
  ["1 / 0", "division by zero"],
  ["5 % 0", "division by zero"],
  ["sqrt(-1)", "the value is not a finite number"],
  ["9 ^ 9 ^ 9", "the value is not a finite number"],
  ["price * 2", '"price" is none of pi, e'],
  ["constructor(1)", '"constructor" is none of'],
  ["sqrt(1, 2)", "sqrt takes 1 to 1 numbers, not 2"],
  ["sqrt 4", 'expected "("'],
  ["1 = 1", 'character 3, "=", has no meaning here'],
  ["round(1, 0.5)", "cannot round to 0.5 digits"],
  ["(".repeat(60), "brackets are nested deeper than 50"],
  ["1^".repeat(60), "powers are nested deeper than 50"],
  ["1".repeat(1001), "more than 1000 characters"],
])("%.20s is refused", (text, message) => {
  expect(() => evaluate(text)).toThrow(ArithmeticError);
  expect(() => evaluate(text)).toThrow(message);
});

test("any text gives a finite number or an ArithmeticError", () => {
  const piece = fc.constantFrom(
    "1",
    "2.5",
    "+",
    "-",
    "*",
    "/",
    "^",
    "%",
    "(",
    ")",
    ",",
    "min",
    "round",
    "pi",
    " ",
    "e3",
    "$",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        expect(Number.isFinite(evaluate(pieces.join("")))).toBe(true);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(ArithmeticError);
      }
    }),
  );
});
