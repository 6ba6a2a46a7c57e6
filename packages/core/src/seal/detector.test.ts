import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Detector, detection } from "./detector.ts";

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
];
const fragment = fc.constantFrom(
  ...["a", "Token", "tOKEN ", "MOT DE PASSE", "@", "(AT)", "1234", "1-2 34", "ab 12", "AKIA", "akia", "SEÑOR", "señor"],
  ...["Senor", " XX ", "-xX.", "\u212a12", "\u0130", "ß", "é", "\n", '"', "lorem ipsum dolor sit amet, ".repeat(3)],
);
const arbText = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(""));

describe("hints", () => {
  test("are read case aside, each by itself and all together, in short texts and in long ones", () => {
    fc.assert(
      fc.property(arbText, fc.subarray(hints, { minLength: 1 }), (text, some) => {
        const expected = some.filter((hint) => new RegExp(hint.source, "i").test(text));
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
    );
  });

  test("of a text of JSON let pass whoever finds something in a value, or in a name as it is spoken", () => {
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
