import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, copyJson, type Json } from "../json.ts";
import { type Change, diffOf } from "./diff.ts";

type Place = Record<string, Json> | Json[];

/** Makes the changes in their order. */
function applied(before: Json, changes: readonly Change[]): Json {
  const root: Place = [copyJson(before)];
  for (const { path, after } of changes) {
    const names = path
      .split("/")
      .slice(1)
      .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
    let place: Place = root;
    let last = "0";
    for (const name of names) {
      place = Object.getOwnPropertyDescriptor(place, last)?.value as Place;
      last = name;
    }
    const options = { value: after, enumerable: true, writable: true, configurable: true };
    if (after !== undefined) Object.defineProperty(place, last, options);
    else if (Array.isArray(place)) place.splice(Number(last), 1);
    else delete place[last];
  }
  return root[0] as Json;
}

const arbName = fc.constantFrom("a", "b", "~", "a/b", "~1", "", "__proto__", "constructor", "0");
const { json: arbJson } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Json[]>(null, true, 0, 1, "", "x", [], {}),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(arbName, tie("json")), { maxLength: 4 }).map((members) => Object.fromEntries(members) as Json),
  ),
}));

describe("a diff", () => {
  test("gives the second value when it is made to the first", () => {
    fc.assert(
      fc.property(arbJson, arbJson, (before, after) => {
        const changes = diffOf(before, after);
        expect(canonicalJson(applied(before, changes))).toBe(canonicalJson(after));
        expect(changes.length === 0).toBe(canonicalJson(before) === canonicalJson(after));
      }),
    );
  });

  test("names each place by its pointer, with what was there and what is", () => {
    const before = { amountCents: 900, lines: [1, 2, 3], "a/b": { "~": true }, gone: null };
    const after = { amountCents: 450, lines: [1], "a/b": { "~": false }, note: "half" };
    expect(diffOf(before, after)).toEqual([
      { path: "/a~1b/~0", before: true, after: false },
      { path: "/amountCents", before: 900, after: 450 },
      { path: "/gone", before: null },
      { path: "/lines/2", before: 3 },
      { path: "/lines/1", before: 2 },
      { path: "/note", after: "half" },
    ]);
    expect(diffOf([], {})).toEqual([{ path: "", before: [], after: {} }]);
    expect(diffOf({ a: [1] }, { a: [1] })).toEqual([]);
  });
});
