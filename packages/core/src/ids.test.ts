import { describe, expect, test } from "vitest";
import { isIdText, randomIds, seededIds } from "./ids.ts";

describe("ids", () => {
  test.each([["random", randomIds()] as const, ["seeded", seededIds(7)] as const])(
    "%s ids say their kind, do not repeat and are ids",
    (_, ids) => {
      const made = Array.from({ length: 500 }, () => ids.id("run"));
      expect(new Set(made).size).toBe(500);
      for (const id of made) {
        expect(id).toMatch(/^run_[0-9A-Za-z]{16}$/);
        expect(isIdText(id)).toBe(true);
      }
      expect(ids.salt()).toMatch(/^[A-Za-z0-9_-]{22}$/);
    },
  );

  test("the same seed gives the same ids, another one others", () => {
    const draw = (seed: number) => {
      const ids = seededIds(seed);
      return [ids.id("run"), ids.salt(), ids.id("answer")];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test.each(["a", "acme", "run_1.2:3@x-4", "9", "x".repeat(128)])("%s may be an id", (text) => {
    expect(isIdText(text)).toBe(true);
  });
  test.each(["", ".", "..", "-a", "a/b", "a b", "ä", "a\n", "a\u0000", "x".repeat(129)])("%j may not", (text) => {
    expect(isIdText(text)).toBe(false);
  });
});
