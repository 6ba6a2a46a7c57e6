import fc from "fast-check";
import { expect, test } from "vitest";
import { readFormula, solved } from "./formula.ts";

test.each([
  ["{0} * 19.5 / 100 + 5.29", [1000], 200.29],
  ["{0} - 12 / 2", [10], 4],
  ["({0} + {1}) * -2", [3, 4], -14],
  ["{1}-{0}-1", [1, 5], 3],
  ["2", [], 2],
])("%s", (text, numbers, result) => {
  expect(readFormula(text)?.result(numbers)).toBeCloseTo(result, 9);
});

test.each(["", "{0} {1}", "1 +", "(1", "x + 1", "{10}", "2 ** 3", "constructor", "1;2", `${"(".repeat(40)}1`])(
  "%j is none",
  (text) => {
    expect(readFormula(text)).toBeUndefined();
  },
);

test("what solves a formula gives the value, out of the candidates of each slot, the likeliest first", () => {
  const numbers = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 6 });
  const formula = readFormula("({0} - {1}) / 4 + {0}");
  if (!formula) throw new Error("it is one");
  fc.assert(
    fc.property(numbers, numbers, fc.nat(), fc.nat(), (first, second, one, other) => {
      const meant = [first[one % first.length] as number, second[other % second.length] as number];
      const found = solved(formula, formula.result(meant), [first, second]);
      expect(found && formula.result(found)).toBeCloseTo(formula.result(meant), 2);
      expect(first).toContain(found?.[0]);
      expect(second).toContain(found?.[1]);
    }),
  );
  expect(solved(formula, 7, [[1], [1]])).toBeUndefined();
  const sum = readFormula("{0} + {1}");
  expect(
    sum &&
      solved(sum, 5, [
        [1, 4],
        [1, 4],
      ]),
  ).toEqual([1, 4]);
});
