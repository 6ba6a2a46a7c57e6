import { expect, test } from "vitest";
import { factsBetween, holdsAll, sameFacts } from "./facts.ts";

test("what came is told without the key that the system gave it, what changed by where it is", () => {
  const before = { list: [{ id: 1, to: "a" }], map: { 0: { id_: "0", text: "x" } }, pages: { home: "old" }, one: 1 };
  const after = {
    list: [
      { id: 1, to: "b" },
      { id: 9, to: "c" },
    ],
    map: { 0: { id_: "0", text: "x" }, 1: { id_: "1", text: "y" } },
    pages: { home: "new", more: "text" },
    one: 2,
  };
  expect([...factsBetween(before, after)].sort()).toEqual([
    '+/list {"to":"c"}',
    '+/map {"text":"y"}',
    '+/pages/more "text"',
    '/list#1/to="b"',
    "/one=2",
    '/pages/home="new"',
  ]);
  expect(factsBetween(before, structuredClone(before))).toEqual([]);
  expect(factsBetween(after, before)).toContain('-/list {"to":"c"}');
});

test("the same fact counts as often as it is told", () => {
  expect(holdsAll(["a", "b"], ["a", "a"])).toBe(false);
  expect(holdsAll(["a", "b", "a"], ["a", "a"])).toBe(true);
  expect([sameFacts(["a", "b"], ["b", "a"]), sameFacts(["a"], ["a", "a"])]).toEqual([true, false]);
});
