import type { Json } from "../json.ts";
import { once } from "../once.ts";
import { isForeign } from "./label.ts";
import { isTrustedAt, labelsAt, type Reading, type Source, saidBy, sourceOf } from "./reading.ts";
import { eachScalar, type Scalar, says } from "./value.ts";

/**
 * Marks on an answer: which of its values rest on nobody's word but that of foreign text (R9). A reader can show them as
 * such, or refuse to act on them.
 *
 * V1 A value is marked unless somebody whose word counts says it. Values are names, numbers, addresses, codes, and short
 *    texts of their own; sentences are marked where foreign text says them word for word.
 */
export interface Mark {
  /** JSON pointer of the text in the output. */
  readonly pointer: string;
  readonly value: Scalar;
  /** Foreign texts that say it; empty: none does, the agent made it. */
  readonly from: readonly Source[];
}

const marksMax = 100;
const sourcesMax = 5;

export function marksIn(output: Json, readings: readonly Reading[], trusted: readonly string[]): Mark[] {
  const marks = new Map<string, Mark>();
  eachScalar(output, (scalar, pointer) => {
    for (const value of valuesIn(scalar)) {
      if (isVouched(value, readings, trusted)) continue;
      marks.set(`${pointer} ${String(value)}`, { pointer, value, from: sayersOf(value, readings, trusted) });
    }
    if (typeof scalar === "string") {
      for (const sentence of repeatedIn(scalar, readings, trusted)) {
        marks.set(`${pointer} ${sentence}`, { pointer, value: sentence, from: sayersOf(sentence, readings, trusted) });
      }
    }
    return marks.size >= marksMax;
  });
  return [...marks.values()].slice(0, marksMax);
}

function isVouched(value: Scalar, readings: readonly Reading[], trusted: readonly string[]): boolean {
  return readings.some((reading) =>
    eachScalar(
      reading.value,
      (one, at) =>
        (one === value || (typeof one === "string" && says(one, value))) && isTrustedAt(reading, at, trusted),
    ),
  );
}

function sayersOf(value: Scalar, readings: readonly Reading[], trusted: readonly string[]): Source[] {
  return readings
    .filter(({ labels }) => labelsAt(labels, "").some((label) => isForeign(label, trusted)))
    .filter((reading) => saidBy(reading, value))
    .slice(0, sourcesMax)
    .map(sourceOf);
}

const wordsShort = 4;
const forms = once(() => [
  /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu, // addresses
  /\bhttps?:\/\/[^\s"'<>)\]]+/gu,
  /\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{6,}\b/g, // codes of letters and digits
  /(?<![\p{L}\p{N}])\d[\d,]*(?:\.\d+)?(?![\p{L}\p{N}])/gu,
  /\p{Lu}[\p{L}\p{N}'’&-]*(?:\s+(?:(?:of|the|de|la|le|du|and|&)\s+)?\p{Lu}[\p{L}\p{N}'’&-]*)+/gu, // names of several words
]);

/** The values that a text is about. */
function valuesIn(scalar: Scalar): Scalar[] {
  if (scalar === null || typeof scalar === "boolean") return [];
  if (typeof scalar === "number") return [scalar];
  const text = scalar.trim();
  if (text === "") return [];
  if (text.split(/\s+/).length <= wordsShort && !/[.!?]$/.test(text)) return [text];
  const found = forms().flatMap((form) => [...text.matchAll(form)].map(([value]) => value));
  return [...new Set(found)].map((value) =>
    /^\d[\d,]*(?:\.\d+)?$/.test(value) ? Number(value.replaceAll(",", "")) : value,
  );
}

const wordsRepeated = 6;

/** Runs of words that foreign text says in the same order, and nobody else. */
function repeatedIn(text: string, readings: readonly Reading[], trusted: readonly string[]): string[] {
  const words = [...text.matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu)];
  if (words.length < wordsRepeated) return [];
  const foreign = gramsOf(readings, (reading, at) => !isTrustedAt(reading, at, trusted));
  if (foreign.size === 0) return [];
  const own = gramsOf(readings, (reading, at) => isTrustedAt(reading, at, trusted));
  const isRepeated = (at: number) => {
    const gram = words.slice(at, at + wordsRepeated).map(([word]) => word.toLowerCase());
    const key = gram.join(" ");
    return gram.length === wordsRepeated && foreign.has(key) && !own.has(key);
  };
  const found: string[] = [];
  for (let at = 0; at + wordsRepeated <= words.length; at++) {
    if (!isRepeated(at)) continue;
    let end = at;
    while (isRepeated(end + 1)) end++;
    const last = words[end + wordsRepeated - 1];
    const first = words[at];
    if (first && last) found.push(text.slice(first.index, last.index + last[0].length));
    at = end + wordsRepeated - 1;
  }
  return found;
}

function gramsOf(readings: readonly Reading[], isMeant: (reading: Reading, at: string) => boolean): Set<string> {
  const grams = new Set<string>();
  for (const reading of readings) {
    eachScalar(reading.value, (one, at) => {
      if (typeof one !== "string" || !isMeant(reading, at)) return undefined;
      const words = [...one.matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu)].map(([word]) => word.toLowerCase());
      for (let index = 0; index + wordsRepeated <= words.length; index++) {
        grams.add(words.slice(index, index + wordsRepeated).join(" "));
      }
      return undefined;
    });
  }
  return grams;
}
