import { expect, test } from "vitest";
import { changesBetween } from "./changes.ts";

test("equal states have no changes, whatever the order of their keys", () => {
  expect(changesBetween({ a: 1, b: [{ x: 1, y: 2 }] }, { b: [{ y: 2, x: 1 }], a: 1 })).toEqual([]);
});

test("changed, new and gone members, by path; lists and new objects whole", () => {
  const before = { orders: { "L/1": { status: "placed", lines: [1, 2] }, L2: { status: "placed" } }, count: 1 };
  const after = {
    orders: { "L/1": { status: "packed", lines: [1, 3] }, "L~3": { status: "new" } },
    count: 1,
    more: null,
  };
  expect(changesBetween(before, after)).toEqual([
    { path: "/more", after: null },
    { path: "/orders/L2", before: { status: "placed" } },
    { path: "/orders/L~03", after: { status: "new" } },
    { path: "/orders/L~11/lines", before: [1, 2], after: [1, 3] },
    { path: "/orders/L~11/status", before: "placed", after: "packed" },
  ]);
});

test("a member set to undefined is gone, as JSON has it", () => {
  expect(changesBetween({ a: 1 }, { a: undefined, b: undefined })).toEqual([{ path: "/a", before: 1 }]);
});
