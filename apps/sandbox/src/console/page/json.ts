import { visible } from "../../face/text.ts";

/** A value as JSON for a person who decides on it: what nobody sees in it stands there as its escape, and is still the same value. */
export function jsonText(value: unknown): string {
  return shownJson(JSON.stringify(value, null, 2));
}

/** The same for JSON that was typed. */
export function shownJson(text: string): string {
  const escaped = text.replace(/[^\x20-\x7e\n\r\t]/gu, (character) => {
    return visible(character) === character ? character : escapeOf(character);
  });
  // Of what joins letters one alone may stand; several are writing that cannot be seen.
  return visible(escaped) === escaped ? escaped : escaped.replace(/\u200c|\u200d|\ufe0f/g, escapeOf);
}

function escapeOf(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
