import type { Json } from "@remit/core";
import { expect, test } from "vitest";
import { repeats } from "./repeated.ts";

test.each<[Json, string]>([
  [{ a: 1, b: 2 }, '{"a":1,"b":2}'],
  [{ a: 1, b: 2 }, ' {"b": 2,\n"a": 1}\n'],
  [{ a: [1] }, JSON.stringify({ a: [1] }, null, 4)],
  [{ content: "hello" }, "hello"],
  [{ result: 3 }, "3"],
  [{ result: null }, "null"],
  [{ result: { rows: [1, 2] } }, "[1, 2]"],
  ["hello", "hello"],
  ["hello", '"hello"'],
  [3, "3"],
])("%j is said once more by %j", (value, text) => {
  expect(repeats(value)(text)).toBe(true);
});

test.each<[Json, string]>([
  [{ a: 1, b: 2 }, '{"a":1}'],
  [{ a: 1, b: 2 }, "1"],
  [{ a: {} }, "[object Object]"],
  [{ a: "x" }, "y"],
  [{}, ""],
  [{ a: 1 }, "{ not JSON"],
  [{ a: 1 }, "[1e999]"],
])("%j is not said once more by %j", (value, text) => {
  expect(repeats(value)(text)).toBe(false);
});

test("a value in object after object is written a few times at most, however deep it is and however many texts stand beside it", () => {
  let looks = 0;
  const counted = (level: object): object =>
    new Proxy(level, {
      ownKeys: (of) => {
        looks++;
        return Reflect.ownKeys(of);
      },
    });
  let value: object = { end: true };
  for (let depth = 0; depth < 200; depth++) value = counted({ in: value });
  const isRepeated = repeats(value as Json);
  for (let text = 0; text < 100; text++) expect(isRepeated(`text ${text}`)).toBe(false);
  expect(isRepeated('{"in":1}')).toBe(false);
  expect(looks).toBeLessThan(200 * 20);
});

test("what is too deep to be compared is the same where it is written the same", () => {
  let value: Json = 1;
  for (let depth = 0; depth < 600; depth++) value = { a: value };
  const isRepeated = repeats(value);
  expect(isRepeated(JSON.stringify(value))).toBe(true);
  expect(isRepeated(` ${JSON.stringify(value)}`)).toBe(false);
  expect(isRepeated("[1]")).toBe(false);
});
