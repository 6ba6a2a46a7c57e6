import fc from "fast-check";
import { expect, test } from "vitest";
import { passageCharsMax, passagesOf } from "./passage.ts";

test("a text is cut at blank lines and headings, and a heading stays with what follows it", () => {
  const filler = "x".repeat(60);
  const text = `# One\n\n${filler}\n\n## Two\n${filler}\n\n${filler}`;
  expect(passagesOf(text, 100).map(({ section, text: passage }) => [section, passage.slice(0, 8)])).toEqual([
    ["One", "# One\n\nx"],
    ["Two", "## Two\nx"],
    ["Two", "xxxxxxxx"],
  ]);
});

test("nothing is lost but space, nothing is longer than it may be, and each place is right", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\n\n", "# Head\n", "## Head two\n", " ", ". ", "\n \n"),
    fc.string({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      const found = passagesOf(text, 50);
      for (const { from, text: passage } of found) {
        expect(text.slice(from, from + passage.length)).toBe(passage);
        // A heading, with the ones above it, stays with the first part of what follows.
        expect(passage.length).toBeLessThanOrEqual(2 * 50);
      }
      const bare = (value: string) => value.replaceAll(/\s/g, "");
      expect(bare(found.map((one) => one.text).join(""))).toBe(bare(text));
    }),
  );
});

test("headings with nothing between them, such as comments of a script, are cut like anything else", () => {
  const found = passagesOf("# echo one\n".repeat(1_000));
  expect(Math.max(...found.map(({ text }) => text.length))).toBeLessThanOrEqual(passageCharsMax);
  expect(found.map(({ text }) => text.split("\n").length).reduce((sum, lines) => sum + lines)).toBe(1_000);
});

test("lines that end in two signs are cut at blank lines too", () => {
  const text = `${"a".repeat(60)}\r\n\r\n${"b".repeat(60)}\r\n# Two\r\n${"c".repeat(60)}`;
  expect(passagesOf(text, 70).map((one) => [one.section, one.text.slice(0, 5)])).toEqual([
    ["", "aaaaa"],
    ["", "bbbbb"],
    ["Two", "# Two"],
  ]);
});
