import { expect, test } from "vitest";
import { shownText } from "./shown.ts";

test.each([
  ["plain ä 漢 👍\n\tok", "plain ä 漢 👍\n\tok"],
  ["a\u202eb", "a\\u202eb"],
  ["a\u200bb\u2066c\ufeff", "a\\u200bb\\u2066c\\ufeff"],
  ["\u001b[31mred", "\\u001b[31mred"],
  ["\u{e0041}", "\\u{e0041}"],
  ["\u3164", "\\u3164"],
  ["a\r\nb", "a\\u000d\nb"],
  ["half \ud800", "half \ufffd"],
])("%j is shown as %j", (text, shown) => {
  expect(shownText(text)).toBe(shown);
});
