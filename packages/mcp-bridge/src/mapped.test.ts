import { expect, test } from "vitest";
import { argumentsOf, isPointer, matches, valueAt } from "./mapped.ts";

const answer = { orders: [{ id: "o1", "a/b": { "~": null } }], none: [], "": 1 };

test.each<readonly [string, unknown]>([
  ["", answer],
  ["/orders/0/id", "o1"],
  ["/orders/0/a~1b/~0", null],
  ["/", 1],
  ["/orders/1", undefined],
  ["/orders/00", undefined],
  ["/orders/-", undefined],
  ["/orders/length", undefined],
  ["/orders/0/id/0", undefined],
  ["/constructor/name", undefined],
  ["/__proto__", undefined],
])("at %j stands what is there, and nothing that only every object has", (pointer, value) => {
  expect(valueAt(answer, pointer)).toEqual(value);
});

test("what a pointer is", () => {
  expect(["", "/", "/a~0~1", "/a//b"].filter((text) => !isPointer(text))).toEqual([]);
  expect(["a", "#/a", "/a~", "/~2", "$.a"].filter(isPointer)).toEqual([]);
});

test("an answer fits by a value, whatever the order of its members, or by being there", () => {
  expect(matches({ at: "/orders/0" }, answer)).toBe(true);
  expect(matches({ at: "/orders/0/a~1b/~0" }, answer)).toBe(false);
  expect(matches({ at: "/orders/0/a~1b/~0", is: null }, answer)).toBe(true);
  expect(matches({ at: "/none", is: [] }, answer)).toBe(true);
  expect(matches({ at: "/gone", is: null }, answer)).toBe(false);
  expect(matches({ at: "", is: { b: 1, a: [2] } }, { a: [2], b: 1 })).toBe(true);
});

test("a mapping that leads nowhere makes no arguments", () => {
  const known = { input: { id: "o1" } };
  expect(argumentsOf({ id: "/input/id", limit: { value: 1 } }, known)).toEqual({ id: "o1", limit: 1 });
  expect(() => argumentsOf({ id: "/input/id", note: "/input/note" }, known)).toThrow("the argument note");
});
