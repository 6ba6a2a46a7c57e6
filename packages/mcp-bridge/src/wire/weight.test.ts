import { expect, test } from "vitest";
import { createScales, isTooMuch } from "./weight.ts";

const bytes = (text: string) => Buffer.from(text);
const list = (count: number, item: string) => bytes(`[${Array(count).fill(item).join(",")}]`);

test("a text of too many levels, lists, objects or members is too much, and a long one of few is not", () => {
  expect(isTooMuch(bytes(`${"[".repeat(60_000)}${"]".repeat(60_000)}`))).toBe(true);
  expect(isTooMuch(list(200_000, "{}"))).toBe(true);
  expect(isTooMuch(list(1_100_000, "1"))).toBe(true);
  const named = (count: number) =>
    JSON.stringify(Array.from({ length: 60_000 }, (_, at) => ({ [`n${at % count}`]: 1 })));
  expect(isTooMuch(bytes(named(60_000)))).toBe(true);
  expect(isTooMuch(bytes(named(10)))).toBe(false);
  expect(isTooMuch(bytes(JSON.stringify("x".repeat(2 ** 22))))).toBe(false);
  expect(isTooMuch(list(100_000, '{"at":1}'))).toBe(false);
});

test("what stands in quotes is text, escapes and all", () => {
  const full = JSON.stringify('"[{,\\'.repeat(400_000));
  expect(isTooMuch(bytes(full))).toBe(false);
  expect(isTooMuch(bytes(`[${full},${list(200_000, "[]")}]`))).toBe(true);
});

test("pieces weigh together what they weigh as a whole, until one begins anew; no quote reaches over a line", () => {
  const scales = createScales();
  const many = list(100_000, "{}");
  expect(scales.add(many)).toBe(false);
  expect(scales.add(many)).toBe(true);
  scales.begin();
  expect(scales.add(many)).toBe(false);
  scales.begin();
  expect(scales.add(bytes(': a comment with a "\n'))).toBe(false);
  expect(scales.add(list(200_000, "{}"))).toBe(true);
});
