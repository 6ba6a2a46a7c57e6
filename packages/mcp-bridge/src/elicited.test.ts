import { expect, test } from "vitest";
import { elicited, rooted, sampled } from "./elicited.ts";

const schema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 2, maxLength: 4 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    size: { type: "number" },
    ok: { type: "boolean" },
    one: { type: "string", oneOf: [{ const: "a", title: "A" }] },
    some: { type: "array", minItems: 1, items: { type: "string", enum: ["x", "y"] } },
  },
  required: ["name"],
};
const fits = (content: unknown) => elicited({ action: "accept", content }, schema) !== undefined;

test("an accepted form has what it must have, and each member is of its kind", () => {
  const good = [
    { name: "ab" },
    { name: "😀😀", age: 0 },
    { name: "ab", size: 1.5, ok: false },
    { name: "ab", one: "a", some: ["x"] },
    { name: "ab", more: {} },
  ];
  const bad = [
    {},
    { name: 1 },
    { name: "a" },
    { name: "abcde" },
    { name: "ab", age: 1.5 },
    { name: "ab", age: -1 },
    { name: "ab", ok: "yes" },
    { name: "ab", one: "b" },
    { name: "ab", some: [] },
    { name: "ab", some: ["z"] },
    [],
    null,
    "x",
  ];
  expect(good.map(fits)).toEqual(good.map(() => true));
  expect(bad.filter((one) => one !== null).map(fits)).toEqual(bad.filter((one) => one !== null).map(() => false));
});

test("declining needs no content, a question by URL has none, and what is no answer is none", () => {
  expect(elicited({ action: "decline", content: 5 }, schema)).toEqual({ action: "decline" });
  expect(elicited({ action: "accept", content: { x: 1 } }, undefined)).toEqual({ action: "accept" });
  for (const answer of [undefined, null, 1, [], {}, { action: "yes" }, { action: { accept: true } }]) {
    expect(elicited(answer, schema)).toBeUndefined();
  }
});

test("members of a prototype are no members", () => {
  const named = { type: "object", properties: {}, required: ["constructor"] };
  expect(
    elicited({ action: "accept", content: JSON.parse('{"__proto__": {"a": 1}}') }, { properties: {} }),
  ).toBeDefined();
  expect(elicited({ action: "accept", content: {} }, named)).toBeUndefined();
});

test("roots and samples are looked at as far as everybody needs", () => {
  expect(rooted({ roots: [{ uri: "file:///a", name: "A", more: 1 }, { uri: "file:///b" }] })).toEqual([
    { uri: "file:///a", name: "A" },
    { uri: "file:///b" },
  ]);
  for (const wrong of [{}, { roots: {} }, { roots: [{}] }, { roots: [null] }]) expect(rooted(wrong)).toBeUndefined();
  expect(sampled({ model: "m", content: {} })).toEqual({ model: "m", content: {} });
  for (const wrong of [null, {}, { model: 1, content: {} }, { model: "m" }]) expect(sampled(wrong)).toBeUndefined();
});
