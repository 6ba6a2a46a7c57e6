import { expect, test } from "vitest";
import { addSpending, type Spending } from "../suite/spend.ts";
import { byModelText, dollars, spendingText } from "./money.ts";

test("dollars have their cents, more digits where they say something, and are never less than they are", () => {
  const texts = [0, 1_000_000, 12_300, 12_301, 7, 250, 1_234_567].map(dollars);
  expect(texts).toEqual(["$0.00", "$1.00", "$0.0123", "$0.0124", "$0.000007", "$0.000250", "$1.2346"]);
});

test("suites are added up under the limit of the first", () => {
  const first: Spending = {
    limitMicroUsd: 1_000_000,
    microUsd: 10_000,
    calls: 3,
    bases: { reported: 2, reserved: 1 },
    models: { small: { calls: 3, microUsd: 10_000 } },
    refusedRuns: 0,
  };
  const second: Spending = {
    ...first,
    limitMicroUsd: 990_000,
    models: { small: { calls: 1, microUsd: 1_000 }, large: { calls: 2, microUsd: 9_000 } },
    refusedRuns: 1,
  };
  const all = addSpending([first, second]);
  expect(all && spendingText(all)).toBe("$0.02 of $1.00 in 6 calls; reported 4, reserved 2");
  expect(all && byModelText(all)).toBe("small $0.0110 in 4 · large $0.0090 in 2");
  expect(all?.refusedRuns).toBe(1);
  expect(addSpending([])).toBeUndefined();
});
