import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const known = ["refund_order", "cancel_order", "find_customer", "pay", "say"];

test.each([
  ["refnud_order", "refund_order"],
  ["Refund_Order", "refund_order"],
  ["refundorder", "refund_order"],
  ["find_custommers", "find_customer"],
  ["refund", undefined],
  ["ray", undefined],
  ["py", "pay"],
  ["x", undefined],
  ["", undefined],
  ["completely_else", undefined],
])("who says %s means %s", (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});
