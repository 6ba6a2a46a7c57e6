import { expect, test } from "vitest";
import { redactText } from "../answer/redaction.ts";
import { type Detector, detection } from "./detector.ts";
import { folded } from "./folded.ts";

test("digits, spaces and dashes of other widths and scripts are those of ASCII, each in its place", () => {
  const given = "٠٩ ۱ १२ ০ ๙ ０９ a\u00a0b\u2009c\u202fd\u3000e f–g−h ｘ＠ｙ．ｚ é。";
  expect(folded(given)).toBe("09 1 12 0 9 09 a b c d e f-g-h x@y.z é。");
  expect(folded(given)).toHaveLength(given.length);
  expect(folded("plain é")).toBe("plain é");
});

const code: Detector = {
  name: "code",
  classes: ["code"],
  hint: /\d-\d/,
  longest: 3,
  detect: (text) => {
    const at = folded(text).indexOf("1-2");
    return at < 0 ? [] : [{ class: "code", start: at, end: at + 3, confidence: 1 }];
  },
};

test("a hint in ASCII is heard in a text that is written otherwise", () => {
  const look = detection([code]);
  expect(look.mayFind("is １－２")).toBe(true);
  expect(look.find("is １－２")).toEqual([{ class: "code", start: 3, end: 6, confidence: 1 }]);
  expect(look.within("is １－２")?.find("１－２")).toHaveLength(1);
  expect(look.within("is １")).toBeUndefined();
  expect(redactText("is １－２", [code])).toBe("is [code]");
});
