import fc from "fast-check";
import { expect, test } from "vitest";
import { Aloud } from "./aloud.ts";

/** What stands at the end of all that was shown and taken back. */
function shown(pieces: readonly string[]): { readonly text: string; readonly ever: string } {
  const aloud = new Aloud();
  let text = "";
  let ever = "";
  for (const piece of pieces) {
    const said = aloud.push(piece);
    text = (said.takenBack ? "" : text) + said.text;
    ever += said.text;
  }
  const rest = aloud.end();
  return { text: text + rest, ever: ever + rest };
}

const cut = (text: string, at: readonly number[]) => {
  const places = [0, ...at.map((one) => one % (text.length + 1)).sort((one, other) => one - other), text.length];
  return places.slice(1).map((to, index) => text.slice(places[index], to));
};

test.each([
  ["a value", '{"a":"</think> is a mark"}', '{"a":"</think> is a mark"}'],
  ["a fenced value", '```json\n{"a":"<think>"}\n```', '```json\n{"a":"<think>"}\n```'],
  ["thoughts before a value", '<think>\nsecret {"a":0}\n</think>\n\n{"a":1}', '{"a":1}'],
  ["thoughts twice", '<think>secret</think> <think>secret</think>{"a":1}', '{"a":1}'],
  ["thoughts without an end", "<think>secret", ""],
  ["words, and calls beside them", "I look it up. <b>", "I look it up. <b>"],
  ["what only begins as a mark", " <thi", "<thi"],
  ["a mark of something else", "<thinking>about it", "<thinking>about it"],
  ["nothing", "", ""],
])("of %s the answer is shown, however it was cut", (_, text, wanted) => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (at) => {
      const said = shown(cut(text, at));
      expect(said.text).toBe(wanted);
      if (text.includes("secret")) expect(said.ever).toBe(wanted);
    }),
  );
});

test("T2 thoughts without a mark of their beginning are taken back, however they were cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (at) => {
      expect(shown(cut('Well, {"a":0}?\n</think>\n{"a":1}', at)).text).toBe('{"a":1}');
      expect(shown(cut('Well. <think>Hm.</think>{"a":1}', at)).text).toBe('{"a":1}');
    }),
  );
});
