import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Detector } from "../seal/detector.ts";
import { defaultDetectors, type PatternDetector, RedactionWindow, redactText, type TextDetector } from "./redaction.ts";

/** What a window shows of a text that comes in these pieces. */
function shown(pieces: readonly string[], detectors: readonly TextDetector[]): string[] {
  const window = new RedactionWindow(detectors);
  return [...pieces.map((piece) => window.push(piece)), window.end()];
}

describe("what is found", () => {
  test.each([
    ["write to ana.maria@example.co.uk today", "write to [email] today"],
    ["from DE89 3704 0044 0532 0130 00 to GB29NWBK60161331926819.", "from [iban] to [iban]."],
    ["card 4111-1111-1111-1111, order 12345", "card [number], order 12345"],
    ["use sk-proj-abcdef0123456789 now", "use [key] now"],
    ["use github_pat_0123456789abcdef, glpat-0123456789abcdef.", "use [key], [key]."],
    ["AIzaSyA0123456789abcdef and xoxe-1-0123456789abc", "[key] and [key]"],
    ["Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w", "Bearer [key]"],
    [`sk-${"a1".repeat(300)}.`, "[key]."],
    ["skateboarding is for skeletonizations", "skateboarding is for skeletonizations"],
    ["ada@a.b.c.d.example.org", "[email]"],
    ["1 123456789012.jo@example.com", "[number]"],
    ["nothing here", "nothing here"],
    ["", ""],
  ])("%s", (text, expected) => {
    expect(redactText(text, defaultDetectors)).toBe(expected);
  });
});

const detectors: readonly PatternDetector[] = [
  { name: "digits", pattern: /\d{3,8}/g, longest: 8 },
  { name: "name", pattern: /anna/g, longest: 4 },
];
const word = fc.constantFrom("anna", "ann", "a", "12", "123", "12345678", " ", "x", "🙂", "na", "9");
const piecesOf = fc.array(
  fc.array(word, { maxLength: 4 }).map((words) => words.join("")),
  { maxLength: 12 },
);

describe("a text in pieces", () => {
  test("A1 is shown as it is in one piece, whatever the cuts", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 8 }), (words, cuts) => {
        // Runs of digits that are longer than a find can be are another text when they are cut.
        const text = words.join("").replaceAll(/\d{9,}/g, "12345678 ");
        const at = [...new Set([0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length])].sort(
          (a, b) => a - b,
        );
        const pieces = at.slice(1).map((to, index) => text.slice(at[index], to));
        expect(shown(pieces, detectors).join("")).toBe(redactText(text, detectors));
      }),
    );
  });

  test("A2 nothing that is found is ever among what was shown so far", () => {
    fc.assert(
      fc.property(piecesOf, (pieces) => {
        let so = "";
        for (const piece of shown(pieces, detectors)) {
          so += piece;
          expect(so).not.toMatch(/anna/);
        }
      }),
    );
  });

  test("no more is held back than the longest find", () => {
    const window = new RedactionWindow(detectors);
    expect(window.push("hello there, world")).toBe("hello ther");
    expect(window.push("!")).toBe("e");
    expect(window.end()).toBe(", world!");
  });

  test("a character of two halves is not cut in two", () => {
    const window = new RedactionWindow([{ name: "x", pattern: /x/g, longest: 1 }]);
    expect(window.push("a🙂")).toBe("a");
    expect(window.push("b")).toBe("🙂");
  });
});

describe("what says what a find is may have been shown before it", () => {
  const said: Detector = {
    name: "secret",
    classes: ["secret"],
    hint: /password/,
    longest: 40,
    detect: (text) =>
      [...text.matchAll(/(?<=password is )\w+/g)].map(({ index, 0: found }) => ({
        class: "secret",
        start: index,
        end: index + found.length,
        confidence: 1,
      })),
  };
  const behind: PatternDetector = { name: "secret", pattern: /(?<=password is )\w+/g, longest: 40 };
  test.each([
    ["a detector", said],
    ["a pattern", behind],
  ])("%s hears it, however long the text and wherever it is cut", (_, detector) => {
    for (let before = 0; before < 60; before++) {
      const text = `${"so ".repeat(before)}my password is hunter2, ${"and so on ".repeat(20)}`;
      const expected = text.replace("hunter2", "[secret]");
      expect(redactText(text, [detector])).toBe(expected);
      expect(shown(text.match(/.{1,3}/gs) ?? [], [detector]).join("")).toBe(expected);
    }
  });
});
