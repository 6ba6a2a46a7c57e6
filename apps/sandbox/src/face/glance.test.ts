import { expect, test } from "vitest";
import { glance } from "./glance.ts";

test("members with short values, on one line; what is empty is left out, what is deep is counted", () => {
  const value = {
    orderId: "L-1",
    note: "two\nwords",
    empty: "",
    none: [],
    list: [1, 2, 3, 4, 5],
    deep: { a: 1, b: { c: 2 } },
  };
  expect(glance(value)).toBe('orderId L-1 · note "two words" · list [1, 2, 3, … 5 in all] · deep {a, b}');
});

test("a glance is bounded", () => {
  expect(glance("x".repeat(1_000), 20)).toHaveLength(20);
  expect(glance(null)).toBe("null");
});
