import { type Detected, type Detector, folded } from "@remit/core";

/** What stands around a find, in lower case: words there say what a number is. */
export interface Around {
  readonly before: string;
  readonly after: string;
}

export function around(text: string, start: number, end: number, before = 48, after = 24): Around {
  return {
    before: text.slice(Math.max(0, start - before), start).toLowerCase(),
    after: text.slice(end, end + after).toLowerCase(),
  };
}

/** One candidate of a pattern: how sure it is, or nothing where it is none; it may be cut shorter. */
export type Judge = (
  found: string,
  at: { readonly text: string; readonly start: number; readonly end: number },
) => { readonly confidence: number; readonly start?: number; readonly end?: number } | undefined;

/** A detector of one class: a pattern that gives candidates, and a look at each, in the text as `folded` gives it. */
export function judging(options: {
  readonly name: string;
  readonly class: string;
  readonly hint: RegExp;
  /** With the flag `g`; bounded, so that no text takes it long. */
  readonly pattern: RegExp;
  readonly longest: number;
  readonly judge: Judge;
}): Detector {
  const { name, class: dataClass, hint, pattern, longest, judge } = options;
  return {
    name,
    classes: [dataClass],
    hint,
    longest,
    detect: (given) => {
      const text = folded(given);
      const all: Detected[] = [];
      for (const match of text.matchAll(pattern)) {
        const start = match.index;
        const end = start + match[0].length;
        const judged = judge(match[0], { text, start, end });
        if (!judged) continue;
        all.push({
          class: dataClass,
          start: judged.start ?? start,
          end: judged.end ?? end,
          confidence: judged.confidence,
        });
      }
      return all;
    },
  };
}

export function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, "");
}

/** Words before a number that say that it is the house's own: an order, an article, a file. */
export const ownNumber =
  /(?:\b(?:order|item|product|sku|article|part|invoice|ticket|case|ref(?:erence)?|tracking|id|ids|version|build|page|chapter|room|table|year|isbn|ean|upc|asin|serial|seq|row|line|port|commit)(?:\s*(?:no|nr|number|num|code|id))?\.?\s*[:#=(]?\s*|#)["']?$/;

/** Dashes and spaces as people and programs write them, in a text as `folded` gives it. */
export const gap = "[ .\\-/]";
