import { expect, test } from "vitest";
import { once } from "./once.ts";

test("an object's value is made once, even where it is undefined; another object, that looks the same, has its own", () => {
  const asked: object[] = [];
  const of = once((key: { readonly a?: number }) => {
    asked.push(key);
    return key.a;
  });
  const [one, other] = [{}, {}];
  expect([of(one), of(one), of(other), of({ a: 1 })]).toEqual([undefined, undefined, undefined, 1]);
  expect(asked).toEqual([{}, {}, { a: 1 }]);
});

test("a throw is not kept", () => {
  let fails = true;
  const of = once(() => {
    if (fails) throw new Error("not yet");
    return 1;
  });
  const key = {};
  expect(() => of(key)).toThrow("not yet");
  fails = false;
  expect(of(key)).toBe(1);
});
