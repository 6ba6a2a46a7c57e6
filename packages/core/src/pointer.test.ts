import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapePointer, partsOfPointer } from "./pointer.ts";

describe("JSON pointers", () => {
  it("give back the names that they were made of", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("~", "/", "0", "1", "%", "ä") })), (names) => {
        expect(partsOfPointer(names.map((name) => `/${escapePointer(name)}`).join(""))).toEqual(names);
      }),
    );
  });
});
