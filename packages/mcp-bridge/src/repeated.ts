import { canonicalJson, findNonJson, type Json } from "@remit/core";
import { isRecord } from "./content.ts";

/** A value may stand alone in this many objects of one member each: of `{ content: … }` a server says what is in it. */
const wrappedMax = 3;

/**
 * Tells of each text whether it says a value once more: servers do, for clients that know no structured values. What there
 * is to compare with is made once, when it is first needed, so a text costs no more than reading it.
 */
export function repeats(value: Json): (text: string) => boolean {
  const levels: Json[] = [value];
  for (let [at] = levels; isRecord(at) && levels.length <= wrappedMax; at = levels.at(-1)) {
    const [only, ...others] = Object.values(at);
    if (only === undefined || others.length > 0) break;
    levels.push(only);
  }
  const plain = new Set(levels.slice(1).map((level) => (typeof level === "object" ? null : String(level))));
  const written: string[] = [];
  const canonical: string[] = [];
  /** Whether one of them is it; the value itself is looked at first, and mostly is. */
  const isOne = (known: string[], write: (level: Json) => string, text: string): boolean => {
    for (const [index, level] of levels.entries()) {
      known[index] ??= write(level);
      if (known[index] === text) return true;
    }
    return false;
  };
  return (text) => {
    if (text === value || plain.has(text) || isOne(written, JSON.stringify, text)) return true;
    const read = jsonOf(text);
    if (read === undefined) return false;
    try {
      return isOne(canonical, canonicalJson, canonicalJson(read));
    } catch {
      return false; // Too deep to be compared but as it is written.
    }
  };
}

/** A number that may be beyond all: it is read as `Infinity`, which is no JSON any more. */
const longNumber = /[eE]\+?0*[1-9]\d\d|\d{309}/;

/** The object or the list that a text is, if it is one. */
export function jsonOf(words: string): Json | undefined {
  if (!/^\s*[[{]/.test(words)) return undefined;
  let read: Json;
  try {
    read = JSON.parse(words) as Json;
  } catch {
    return undefined; // Text that only begins like JSON.
  }
  return longNumber.test(words) && findNonJson(read) ? undefined : read;
}
