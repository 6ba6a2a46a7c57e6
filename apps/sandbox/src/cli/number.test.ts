import { expect, test } from "vitest";
import { seedsIn, wholeNumber } from "./number.ts";

test("seeds are a number or a range with both ends", () => {
  expect(seedsIn("7")).toEqual([7]);
  expect(seedsIn("3..6")).toEqual([3, 4, 5, 6]);
  expect(seedsIn("4..4")).toEqual([4]);
});

test.each(["", "a", "-1", "1.5", "5..2", "1..", "1...3", "1..5000", "99999999999"])("%j is no seed", (text) => {
  expect(() => seedsIn(text)).toThrow(expect.objectContaining({ code: "usage/wrong" }));
});

test("a whole number stays within its bounds", () => {
  expect(wholeNumber("--n", "8", 1, 64)).toBe(8);
  for (const text of ["0", "65", "x", "1e1", ""]) {
    expect(() => wholeNumber("--n", text, 1, 64)).toThrow(/--n takes a number from 1 to 64/);
  }
});
