import { expect, test } from "vitest";
import { later } from "./later.ts";

test("is loaded once, and at hand from then on", async () => {
  let loads = 0;
  const part = later(async () => ({ load: ++loads }));
  expect(part.now()).toBeUndefined();
  const [one, two] = await Promise.all([part.load(), part.load()]);
  expect(one).toBe(two);
  expect(part.now()).toBe(one);
  expect(await part.load()).toBe(one);
  expect(loads).toBe(1);
});

test("what could not be loaded is loaded anew when somebody asks again", async () => {
  const outcomes = [() => Promise.reject(new Error("no file is free")), async () => ({ loaded: true })];
  const part = later(() => outcomes.shift()?.() ?? Promise.reject(new Error("asked too often")));
  await expect(part.load()).rejects.toThrow("no file is free");
  expect(part.now()).toBeUndefined();
  expect(await part.load()).toEqual({ loaded: true });
});
