import { expect, test } from "vitest";
import { visible } from "../../face/text.ts";
import { jsonText, shownJson } from "./json.ts";

test("what nobody sees is an escape, and the value stays the same", () => {
  const value = {
    note: "a\u202eb\u0007c\u{e0041}d\u200b",
    joined: "\u200d\u200c\u200d",
    "k\u2066": "日本 👩\u200d🚀 é",
  };
  const text = jsonText(value);
  expect(visible(text)).toBe(text);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).toContain("a\\u202eb\\u0007c\\udb40\\udc41d\\u200b");
  expect(text).toContain("日本");
});

test("what was typed and is no JSON stays what it was, as far as one sees it", () => {
  expect(shownJson('{"a": ')).toBe('{"a": ');
});
