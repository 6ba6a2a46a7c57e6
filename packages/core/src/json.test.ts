import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashJson, keyedDigest, keyedHash, sha256 } from "./hash.ts";
import { canonicalJson, copyJson, findNonJson, isWithinBytes, type Json, notJsonText, plainJson } from "./json.ts";

const arbJson = fc.jsonValue({ maxDepth: 4 });

/** The same value with its members in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, reversed(member)])
      .reverse(),
  );
}

describe("canonical JSON", () => {
  test("says what JSON says, whatever the order of members", () => {
    fc.assert(
      fc.property(arbJson, (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  test("is what putting it together member by member says, of names that are indices too", () => {
    const arbName = fc.oneof(
      fc.string(),
      fc.nat(30).map(String),
      fc.constantFrom("__proto__", "toJSON", "01", "-1", ""),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.constant(undefined),
        ),
        fc.oneof(fc.boolean(), fc.constant(null), fc.date({ noInvalidDate: true })),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(arbName, tie("value"), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    const said = (given: unknown): string => {
      if (given === undefined) return "null";
      if (typeof given !== "object" || given === null || given instanceof Date) return JSON.stringify(given);
      if (Array.isArray(given)) return `[${given.map(said).join(",")}]`;
      const names = Object.keys(given).filter((name) => (given as Record<string, unknown>)[name] !== undefined);
      const members = names.map((name) => [name, (given as Record<string, unknown>)[name]] as const);
      members.sort(([left], [right]) => (left < right ? -1 : 1));
      return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${said(member)}`).join(",")}}`;
    };
    fc.assert(
      fc.property(value, (given) => {
        expect(canonicalJson({ given })).toBe(given === undefined ? "{}" : said({ given }));
      }),
    );
  });

  test.each([[Number.NaN], [() => {}], [1n]])("refuses %s behind names that are indices", (value) => {
    expect(() => canonicalJson({ 10: 1, 9: 2, value })).toThrow(TypeError);
    expect(() => canonicalJson({ a: { 1: 1 }, value })).toThrow(TypeError);
  });

  test("sorts by code unit, has no white space and leaves undefined members out", () => {
    expect(canonicalJson({ b: [1, undefined], a: { "\u{1F600}": 1, "\uFFFD": 2 }, c: undefined })).toBe(
      '{"a":{"\u{1F600}":1,"\uFFFD":2},"b":[1,null]}',
    );
    expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  });

  test.each([[() => {}], [Symbol("s")], [1n], [Number.NaN], [Number.POSITIVE_INFINITY]])("refuses %s", (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError);
  });

  test("refuses a cycle", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(() => canonicalJson(cycle)).toThrow(/cycle/);
    expect(findNonJson(cycle)?.reason).toContain("cyclic");
  });
});

describe("findNonJson", () => {
  test("finds nothing in JSON", () => {
    fc.assert(
      fc.property(arbJson, (value) => {
        expect(findNonJson(value)).toBeUndefined();
      }),
    );
  });

  test.each([
    [{ when: new Date(0) }, "/when", "an instance of Date"],
    [{ list: [1, Number.NaN] }, "/list/1", "the number NaN"],
    [{ "a/b~c": new Map() }, "/a~1b~0c", "an instance of Map"],
    [[undefined], "/0", "a undefined"],
    [{ deep: { fn: () => 1 } }, "/deep/fn", "a function"],
    [1n, "", "a bigint"],
  ])("names the place and the reason: %o", (value, pointer, reason) => {
    expect(findNonJson(value)).toEqual({ pointer, reason });
  });

  test.each([
    [undefined, "not JSON: there is nothing (undefined)"],
    [[() => 1], "not JSON: a function"],
  ])("is told in a sentence: %o", (value, text) => {
    const fault = findNonJson(value);
    expect(fault && notJsonText(fault)).toBe(text);
  });

  test("an absent member may be written as undefined", () => {
    expect(findNonJson({ a: undefined })).toBeUndefined();
  });
});

describe("hashes", () => {
  test("are SHA-256 in base64url, and of a value by its canonical text", () => {
    expect(sha256("")).toBe("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    expect(hashJson({ b: 1, a: 2 })).toBe(sha256('{"a":2,"b":1}'));
  });

  test("under a key are HMAC-SHA-256, however long the key and whatever the text", () => {
    const arbText = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(arbText, arbText, (key, text) => {
        expect(keyedHash(key, text)).toBe(createHmac("sha256", key).update(text).digest("base64url"));
      }),
      { examples: [63, 64, 65].map((length) => ["k".repeat(length), "text"]) },
    );
    const key = Buffer.alloc(100, 7);
    expect(keyedDigest(key)("text")).toEqual(createHmac("sha256", key).update("text").digest());
  });
});

describe("plainJson", () => {
  const arbOdd = fc.anything({ withNullPrototype: true, withSparseArray: true, withDate: true, maxDepth: 4 });

  test("is the copy of what is JSON, and says where anything else is not", () => {
    fc.assert(
      fc.property(fc.oneof(arbJson, arbOdd), (value) => {
        const fault = findNonJson(value);
        const plain = plainJson(value);
        expect(plain).toEqual(fault ? { ok: false, fault } : { ok: true, value: copyJson(value as Json) });
        if (plain.ok) expect(JSON.stringify(plain.value)).toBe(JSON.stringify(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([[JSON.parse('{"__proto__":{"a":[-0]}}')], [[[undefined]]], [new Array(2)], [{ a: undefined }]])(
    "%j is read as in two walks",
    (value: unknown) => {
      const fault = findNonJson(value);
      expect(plainJson(value)).toEqual(fault ? { ok: false, fault } : { ok: true, value: copyJson(value as Json) });
    },
  );
});

describe("isWithinBytes", () => {
  test("says what the length of the JSON text says, near the bound and far from it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 200 }), (value, most) => {
        const plain = copyJson(value as Json);
        expect(isWithinBytes(plain, most)).toBe(Buffer.byteLength(JSON.stringify(plain)) <= most);
      }),
    );
    expect(isWithinBytes("\u0000".repeat(10), 62)).toBe(true);
    expect(isWithinBytes("\u0000".repeat(10), 61)).toBe(false);
    expect(isWithinBytes({ a: ["\u{1f600}".repeat(100)] }, 410)).toBe(true);
    expect(isWithinBytes({ a: ["\u{1f600}".repeat(100)] }, 409)).toBe(false);
  });
});

test("keys are in order by code unit, of few members and of many", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 40 }), (keys) => {
      const value = Object.fromEntries(keys.map((key) => [key, 0]));
      expect(canonicalJson(value)).toBe(
        `{${keys
          .sort()
          .map((key) => `${JSON.stringify(key)}:0`)
          .join(",")}}`,
      );
    }),
  );
});
