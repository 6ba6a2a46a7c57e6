import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Detector, detection } from "./detector.ts";
import { folded } from "./folded.ts";
import { readable, Threes } from "./hint.ts";
import { needsOf } from "./needs.ts";

/** Finds every `needle`, case aside, and is hinted by the expression. */
const detector = (name: string, hint: RegExp, needle: string): Detector => ({
  name,
  classes: [name],
  hint,
  longest: needle.length,
  detect: (text) =>
    [...text.matchAll(new RegExp(needle, "gi"))].map(({ 0: { length }, index }) => {
      return { class: name, start: index, end: index + length, confidence: 0.9 };
    }),
});

const hints = [
  /@|\(at\)/,
  /\d(?:[ -]?\d){3}/,
  /token|mot de passe|national id/,
  /(?<=[a-z]{2} ?)\d{2}/,
  /A[KS]IA|se[ñn]or/,
  /[^a-z0-9]x{2}\W/,
  /\b\d{8,10}:aa/,
  /[=:>,|][ \t]{0,3}["'`=]{0,3}[\w\-./+=~]{20}/,
  /(?<=\b[a-z][a-z0-9]{0,11})[-_.][a-z0-9\-_.=:+/]{14}/,
  /\d\.\d{1,3}\.\d|licen[cs]e/,
  /[!-u]{5}=|[\x41-\x5a]{6}|\x41\x42\d/,
  /[\u0410-\u042f]{3}|str\u00c9|[\u00a0\u2013-\u2015]/,
  /(?i:key)=|(?-i:pass)\d|(?<né>sesame)|\cAfoo/,
  /^\p{Lu}{4}$|m.t de.passe/msu,
  /[\p{L}--[a-z]]{3}|national id/v,
  /x(?=\d{4})|(?:ab|c{0,3}\d\d){2}-|z\d?[^\d]\u0031+$/,
];
const fragment = fc.constantFrom(
  ...["a", "Token", "tOKEN ", "MOT DE PASSE", "@", "(AT)", "1234", "1-2 34", "ab 12", "AKIA", "akia", "SEÑOR", "señor"],
  ...["vwxyz=", "стр", "СТР", "strÉ", "stré", "–", "KEY=", "pass7", "Sesame", "\x01foo", "\nÄÖÜß\n", "ab7"],
  ...["Senor", " XX ", "-xX.", "\u212a12", "\u0130", "ß", "é", "\n", '"', "lorem ipsum dolor sit amet, ".repeat(3)],
  ...[
    "123456789:aa",
    "= abcdefghijklmnopqrst",
    "k-abcdefghij.klmn",
    "1.23.4",
    "license",
    "x1234",
    "ab12",
    "abab-",
    "z.1",
    "cc12",
  ],
);
const arbText = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(""));

describe("hints", () => {
  test("are read case aside, each by itself and all together, in short texts and in long ones", () => {
    fc.assert(
      fc.property(arbText, fc.subarray(hints, { minLength: 1 }), (text, some) => {
        // In the text as it is, and in the digits, spaces and dashes of ASCII: each counts.
        const spellings = [text, folded(text)];
        const expected = some.filter((hint) =>
          spellings.some((spelling) => new RegExp(hint, `${hint.flags}i`).test(spelling)),
        );
        const looked: string[] = [];
        const look = detection(
          some.map((hint) => ({
            ...detector(hint.source, hint, "never"),
            detect: () => {
              looked.push(hint.source);
              return [];
            },
          })),
        );
        expect(look.mayFind(text)).toBe(expected.length > 0);
        look.find(text);
        expect(looked).toEqual(expected.map(({ source }) => source));
      }),
      // What fits only once its dash is one of ASCII.
      { examples: [["-xX.pass7-xX.–pass7", hints]] },
    );
  });

  test("are tried where a text has what they need, which every text has in which they match", () => {
    const sources = [
      ...["\\d(?:[ -]?\\d){3}", "[a-z]{2}[ -]?\\d{2}[ -]?[a-z0-9]{2}", "\\d{8,10}:aa", "a(?:bc|\\d{4}x)+\\.?", "key"],
      ...[
        "[=:>,|] {0,3}[\\w\\-./+=~]{20}",
        "(?:sk|ac)[0-9a-f]{30}",
        "\\x41+[^x]\\d*",
        "(?:1|2\\d)(?:3|[45]{2})",
        "a-?b[ ]?cd",
        "mot[ _-]*de|Licen[cs]e|to(?:ken|k[ae]n)",
        "has\\u0142o|\\u5bc6[\\u7801\\u78bc]",
        "hooks\\.|\\(at\\)+hook",
      ],
    ];
    fc.assert(
      fc.property(
        fc
          .constantFrom(...sources)
          .chain((source) => fc.tuple(fc.constant(source), fc.stringMatching(new RegExp(source)))),
        ([source, text]) => {
          const needs = needsOf(source);
          const threes = new Threes();
          const group = threes.groupOf(needs.threes);
          const has = readable(text, threes);
          expect(has.digits).toBeGreaterThanOrEqual(needs.digits);
          expect(has.word).toBeGreaterThanOrEqual(needs.word);
          expect(needs.marks & ~has.marks).toBe(0);
          expect(has.threes & group).toBe(group);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(sources.map(needsOf).map(({ digits, word, threes }) => [digits, word, threes.join()])).toEqual([
      [4, 1, ""],
      [2, 2, ""],
      [8, 11, ""],
      [0, 2, ""],
      [0, 3, "key"],
      [0, 16, ""],
      [0, 16, ""],
      [0, 0, ""],
      [2, 1, ""],
      [0, 2, ""],
      [0, 3, ""],
      [0, 0, ""],
      [0, 4, "oks,ook"],
    ]);
  });

  test("of all texts of a value let pass whoever finds something in a value, or in a name as it is spoken", () => {
    const detectors = [
      detector("id", /national id|\d{4}/, "national id: [a-z]+"),
      detector("word", /token/, "token"),
      detector("number", /\d(?:[ -]?\d){3}/, "\\d{4}"),
    ];
    const look = detection(detectors);
    for (const [value, found] of [
      [{ nationalId: "abc" }, "national Id: abc"],
      [{ national_id: "abc" }, "national id: abc"],
      [{ a: ["b", "a TOKEN"] }, "a TOKEN"],
      [{ a: { b: "1234" } }, "1234"],
    ] as const) {
      const within = look.within(JSON.stringify(value));
      expect(within?.find(found)).toEqual(look.find(found));
      expect(within?.find(found)).not.toEqual([]);
    }
    expect(look.within(JSON.stringify({ a: ["b", { c: "nothing" }] }))).toBeUndefined();
  });
});
