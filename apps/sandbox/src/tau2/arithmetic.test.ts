import { describe, expect, test } from "vitest";
import { WorldRefusal } from "../world/world.ts";
import { evaluate, floatText, roundCents } from "./arithmetic.ts";

test.each([
  [1.005, 1], // lies below the tie in binary
  [2.675, 2.67],
  [0.125, 0.12], // a true tie goes to the even cent
  [0.375, 0.38],
  [0.625, 0.62],
  [-0.125, -0.12],
  [-0.375, -0.38],
  [-16.629999999999995, -16.63],
  [19.999, 20],
])("%d rounds to %d", (value, rounded) => {
  expect(roundCents(value)).toBe(rounded);
});

test("no negative zero comes out of rounding", () => {
  expect(Object.is(roundCents(-0.001), 0)).toBe(true);
});

test.each([
  [4, "4.0"],
  [-3, "-3.0"],
  [0.5, "0.5"],
  [12.34, "12.34"],
  [1e15, "1000000000000000.0"],
  [1e16, "1e+16"],
])("%d is written %s", (value, text) => {
  expect(floatText(value)).toBe(text);
});

describe("expressions", () => {
  test.each([
    ["2 + 2", 4],
    ["2+3*4", 14],
    ["(2+3)*4", 20],
    ["10 - 4 - 3", 3],
    ["12 / 4 / 3", 1],
    ["-(1.5 + .5) * +2.", -4],
    ["--3", 3],
    [" 7 ", 7],
  ])("%s is %d", (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  test.each([
    ["2 ^ 3", "Invalid characters in expression"],
    ["process.exit()", "Invalid characters in expression"],
    ["", "Invalid expression"],
    ["1 +", "Invalid expression"],
    ["1 2", "Invalid expression"],
    ["(1", "Invalid expression"],
    ["1)", "Invalid expression"],
    ["1.2.3", "Invalid expression"],
    [".", "Invalid expression"],
    ["2 ** 3", "Invalid expression"],
    ["1 / (2 - 2)", "Division by zero"],
    ["9".repeat(400), "The result is too large"],
    ["(".repeat(100_000), "Invalid expression"],
  ])("%s is refused", (expression, message) => {
    expect(() => evaluate(expression)).toThrow(new WorldRefusal(message));
  });
});
