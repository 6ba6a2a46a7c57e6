import { expect, test } from "vitest";
import { createMask, cut, visible } from "./text.ts";

test("what a terminal would act on, or hide, is written out", () => {
  expect(visible("red \u001b[31m, back \u202e, none \u200b, tag \u{e0041}, tab\t and\nline stay, é and 😀 too")).toBe(
    "red \\u{1b}[31m, back \\u{202e}, none \\u{200b}, tag \\u{e0041}, tab\t and\nline stay, é and 😀 too",
  );
});

test("a cut never splits a character and says how much there was", () => {
  expect(cut("short", 5)).toBe("short");
  expect(cut("ééé", 5)).toBe("éé… (cut; 6 bytes in all)");
  expect(cut("😀😀", 7)).toBe("😀… (cut; 8 bytes in all)");
});

test("values of the environment are masked, the longest first, short ones not", () => {
  const mask = createMask({ TOKEN: "abcdefgh", URL: "https://abcdefgh.example", MODE: "test" });
  expect(mask("abcdefgh and https://abcdefgh.example in test")).toBe("[TOKEN] and [URL] in test");
});
