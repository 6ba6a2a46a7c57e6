import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, duration, fit, printable, sinceStart, visible, widthOf, wrap } from "./text.ts";

test.each([
  ["plain", 5],
  ["Grüße", 5],
  ["Gru\u0308ße", 5],
  ["日本語", 6],
  ["ｶﾅ", 2],
  ["한국어", 6],
  ["👍🏽", 2],
  ["👩‍👩‍👧", 2],
  ["✓ ok", 4],
  ["", 0],
])("%s takes %i cells", (text, cells) => {
  expect(widthOf(text)).toBe(cells);
});

test("a text is cut at whole characters, and an ellipsis says so", () => {
  expect(cut("日本語です", 10)).toBe("日本語です");
  expect(cut("日本語です", 6)).toBe("日本…");
  expect(cut("👩‍👩‍👧👩‍👩‍👧", 3)).toBe("👩‍👩‍👧…");
  expect(cut("anything", 0)).toBe("");
});

test("whatever the text: it fits exactly, its lines fit, and nothing that a terminal obeys is left", () => {
  const texts = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 5 }), (raw, cells, lines) => {
      const text = printable(raw);
      expect(text).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      expect(widthOf(fit(text, cells))).toBe(cells);
      const wrapped = wrap(text, cells, lines);
      expect(wrapped.length).toBeLessThanOrEqual(lines);
      for (const line of wrapped) expect(widthOf(line)).toBeLessThanOrEqual(cells);
    }),
  );
});

test("control characters lose their power and stay visible", () => {
  expect(printable("a\u001b[2Jb\r\nc\td\u009b1m\u202ee")).toBe("a␛[2Jb c d<9b>1m<202e>e");
});

test("lines stay lines where only the power is taken", () => {
  expect(visible("a\u001b[2J\r\n\tb\u202ec\u2066d")).toBe("a␛[2J\r\n\tb<202e>c<2066>d");
});

test("what nobody sees is shown: who decides on a text decides on all of it", () => {
  const written = (text: string, from: number) =>
    Array.from(text, (letter) => String.fromCodePoint(from + letter.charCodeAt(0))).join("");
  const tags = `Thank you${written("pin 7", 0xe0000)}.`;
  expect(printable(tags)).toBe("Thank you<e0070><e0069><e006e><e0020><e0037>.");
  expect(printable(`ok${written("\u0001\u0002", 0xfe00)}${written("a", 0xe0100)}`)).toBe("ok<fe01><fe02><e0161>");
  expect(printable("a\u200bn\u2060n\u00ad@x\ufeff")).toBe("a<200b>n<2060>n<ad>@x<feff>");
  expect(printable("no\u200c\u200d\u200c\u200c")).toBe("no<200c><200d><200c><200c>");
  for (const plain of ["👩‍👩‍👧 ❤️‍🔥", "می‌خواهم", "क्‍ष"]) expect(printable(plain)).toBe(plain);
});

test("words are kept whole where a line has room for them", () => {
  expect(wrap("the quick brown fox jumps", 10, 5)).toEqual(["the quick", "brown fox", "jumps"]);
  expect(wrap("the quick brown fox jumps", 10, 2)).toEqual(["the quick", "brown fox…"]);
  expect(wrap("unbreakable", 4, 5)).toEqual(["unbr", "eaka", "ble"]);
});

test.each([
  [12.4, "12 ms"],
  [3_440, "3.4 s"],
  [59_990, "1 min 00 s"],
  [125_000, "2 min 05 s"],
  [3_599_600, "1 h 00 min"],
  [86_400_085, "24 h 00 min"],
  [3.17 * 86_400_000, "3 d 04 h"],
])("%d ms are told as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [85, "85 ms"],
  [1_332, "1.33 s"],
  [59_949, "59.95 s"],
  [59_990, "1m 00s"],
  [125_000, "2m 05s"],
  [86_400_085, "24h 00m"],
  [366 * 86_400_000, "366d 00h"],
])("%d ms after the start is %s", (ms, text) => {
  expect(sinceStart(ms)).toBe(text);
});

test("a time since the start has room in its column, however long a person was waited for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99 * 86_400_000 }), (ms) => {
      expect(widthOf(sinceStart(ms))).toBeLessThanOrEqual(7);
    }),
  );
});
