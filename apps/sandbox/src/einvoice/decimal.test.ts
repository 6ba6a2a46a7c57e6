import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  compare,
  decimal,
  decimalText,
  digitsBehind,
  divide,
  minorUnits,
  multiply,
  parseDecimal,
  round,
  same,
  subtract,
} from "./decimal.ts";

const text = (value: ReturnType<typeof decimal>, scale?: number) => decimalText(value, scale);

describe("decimal numbers", () => {
  test.each(["1e3", "1.234,56", "1 000", "", "-", ".", "12a", "0x10", "NaN", "٣", "1".repeat(41)])(
    "%j is none",
    (one) => {
      expect(parseDecimal(one)).toBeUndefined();
    },
  );

  test.each([
    [".5", "0.5"],
    ["7.", "7"],
    ["+1.50", "1.5"],
    ["-0.00", "0"],
    ["  12.340 ", "12.34"],
  ])("%j reads as %s", (from, to) => {
    expect(text(decimal(from))).toBe(to);
  });

  test("are exact where floating point is not", () => {
    expect(text(add(decimal("0.1"), decimal("0.2")))).toBe("0.3");
    expect(text(multiply(decimal("1.005"), decimal("1000")))).toBe("1005");
    expect(text(subtract(decimal("90071992547409931.01"), decimal("0.02")))).toBe("90071992547409930.99");
  });

  test("round half away from zero, and only where it is asked for", () => {
    expect(["1.005", "-1.005", "2.5", "0.004"].map((one) => text(round(decimal(one), 2), 2))).toEqual([
      "1.01",
      "-1.01",
      "2.50",
      "0.00",
    ]);
    expect(text(divide(decimal("10"), decimal("3"), 4))).toBe("3.3333");
    expect(text(divide(decimal("-2"), decimal("3"), 2))).toBe("-0.67");
    expect(() => divide(decimal("1"), decimal("0.00"), 2)).toThrow(RangeError);
    expect([minorUnits(decimal("12.5"), 2), minorUnits(decimal("5"), 0), digitsBehind(decimal("1.2300"))]).toEqual([
      1250n,
      5n,
      2,
    ]);
  });

  test("survive their own text, and keep the order of numbers", () => {
    const arb = fc.record({ units: fc.bigInt(-(10n ** 20n), 10n ** 20n), scale: fc.nat(8) });
    fc.assert(
      fc.property(arb, arb, (left, right) => {
        expect(same(decimal(decimalText(left)), left)).toBe(true);
        expect(same(subtract(add(left, right), right), left)).toBe(true);
        expect(Math.sign(compare(left, right))).toBe(-Math.sign(compare(right, left)) + 0);
      }),
    );
  });
});
