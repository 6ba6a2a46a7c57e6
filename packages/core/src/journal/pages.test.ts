import { expect, test } from "vitest";
import { pages } from "./pages.ts";

test("a text comes back as it was kept, whatever is kept behind it and however long it is", () => {
  const texts = pages();
  const kept = ["", "a", "ä€😀\u0000\n", "x".repeat(20_000), "y".repeat(3_000_000), "z"];
  const places = kept.map((text) => texts.put(text));
  expect(places.map((place) => texts.get(place))).toEqual(kept);
});

test("a text that is wiped leaves nothing of it, and its neighbours alone", () => {
  const texts = pages();
  const [before, secret, behind] = ["before", "secret", "behind"].map((text) => texts.put(text)) as [
    number,
    number,
    number,
  ];
  texts.wipe(secret);
  expect(texts.get(secret)).toBe("\0".repeat(6));
  expect([texts.get(before), texts.get(behind)]).toEqual(["before", "behind"]);
});

test("many short texts fill page after page", () => {
  const texts = pages();
  const places = Array.from({ length: 50_000 }, (_, index) => texts.put(`text ${index} ${"-".repeat(40)}`));
  expect(new Set(places).size).toBe(50_000);
  expect(places.every((place, index) => texts.get(place).startsWith(`text ${index} `))).toBe(true);
});
