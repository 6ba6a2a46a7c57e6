import fc from "fast-check";
import { expect, test } from "vitest";
import { distributionOf, exactMost } from "./distribution.ts";

/** Nearest rank, as it is in the books. */
function nearestRank(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

const arbValues = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true })), {
  minLength: 1,
  maxLength: 400,
});

test("percentiles are those of the nearest rank, in whatever order numbers come", () => {
  fc.assert(
    fc.property(arbValues, (values) => {
      const { count, min, max, p50, p95, mean, rounded } = distributionOf(values);
      expect([count, min, max]).toEqual([values.length, Math.min(...values), Math.max(...values)]);
      expect([p50, p95]).toEqual([nearestRank(values, 0.5), nearestRank(values, 0.95)]);
      expect(mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 3);
      expect(rounded).toBeUndefined();
      const { mean: _, ...again } = distributionOf(values.toReversed());
      expect(again).toEqual({ count, min, max, p50, p95 });
    }),
  );
});

test("of more different numbers than are kept, percentiles are at most 0.1 % too high and never too low", () => {
  for (const scale of [1, 977, 0.001]) {
    const values = Array.from({ length: exactMost * 3 }, (_, index) => ((index * 7_919) % (exactMost * 3)) * scale);
    const found = distributionOf(values);
    expect(found.rounded).toBe(true);
    expect([found.count, found.max]).toEqual([values.length, Math.max(...values)]);
    for (const [place, share] of [
      ["p50", 0.5],
      ["p95", 0.95],
    ] as const) {
      const exact = nearestRank(values, share);
      expect(found[place]).toBeGreaterThanOrEqual(exact);
      expect(found[place]).toBeLessThanOrEqual(exact * (1 + 1 / 1_024));
    }
    const { mean: _, ...rest } = found;
    const { mean: __, ...reversed } = distributionOf(values.toReversed());
    expect(reversed).toEqual(rest);
  }
});

test("what is no amount is left out; of nothing there is no percentile", () => {
  expect(distributionOf([Number.NaN, -1, Number.POSITIVE_INFINITY])).toEqual({ count: 0 });
  expect(distributionOf([0])).toEqual({ count: 1, mean: 0, min: 0, p50: 0, p95: 0, max: 0 });
  expect(distributionOf(Array.from({ length: exactMost + 2 }, (_, index) => index * Number.MIN_VALUE)).count).toBe(
    exactMost + 2,
  );
});
