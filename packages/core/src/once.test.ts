import { expect, test } from "vitest";
import { once } from "./once.ts";

test("a value is made when it is first asked for, and never again", () => {
  let made = 0;
  const value = once(() => {
    made++;
    return undefined;
  });
  expect(made).toBe(0);
  expect([value(), value()]).toEqual([undefined, undefined]);
  expect(made).toBe(1);
});

test("what could not be made is tried again", () => {
  let tries = 0;
  const value = once(() => {
    tries++;
    if (tries === 1) throw new Error("not yet");
    return tries;
  });
  expect(value).toThrow("not yet");
  expect(value()).toBe(2);
});
