import { type Detected, type Detector, folded } from "@remit/core";

/**
 * What stands around a find, in lower case and with names as they are spoken (`phone_number`, `phoneNumber`): words there say
 * what a number is.
 */
export interface Around {
  readonly before: string;
  readonly after: string;
}

export function around(text: string, start: number, end: number, before = 48, after = 24): Around {
  return {
    before: spoken(text.slice(Math.max(0, start - before), start)),
    after: spoken(text.slice(end, end + after)),
  };
}

function spoken(text: string): string {
  return text
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** A letter of a script that puts spaces between words: behind one of the others a number begins as behind a space. */
export const letter = "(?![\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}])\\p{L}";

/** One after another, from where the expression stands by then. */
function* matchesOf(reader: RegExp, text: string): Iterable<RegExpExecArray> {
  for (let match = reader.exec(text); match; match = reader.exec(text)) yield match;
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
  /**
   * What a candidate has taken beyond its find is read again, for another may begin there; `inside`: that of one which is
   * none too.
   */
  readonly again?: "behind" | "inside";
}): Detector {
  const { name, class: dataClass, hint, pattern, longest, judge, again } = options;
  return {
    name,
    classes: [dataClass],
    hint,
    longest,
    detect: (given) => {
      const text = folded(given);
      const all: Detected[] = [];
      const reader = again ? new RegExp(pattern) : undefined;
      for (const match of reader ? matchesOf(reader, text) : text.matchAll(pattern)) {
        const start = match.index;
        const end = start + match[0].length;
        const judged = judge(match[0], { text, start, end });
        if (reader && judged) reader.lastIndex = judged.end ?? end;
        if (reader && !judged && again === "inside") reader.lastIndex = start + 1;
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
  /(?:(?<!\p{L})(?:order|item|product|sku|article|part|invoice|ticket|case|ref(?:erence)?|tracking|id|ids|version|build|page|chapter|room|table|year|isbn|ean|upc|asin|serial|seq|row|line|port|commit|contract|batch|lot|material|shipment|parcel|booking|reservation|confirmation|transaction|issn|ismn|orcid|doi|arxiv|cas|ndc|din|iso|frequency|flight|model|(?:customer|account|user|member|client)(?=\s*(?:no|nr|num))|(?:rechnung|auftrag|bestell|kunden|artikel|sendung|vertrag|vorgang)(?:s?(?:nummer|nr)|ung)?|commande|facture|pedido|factura|ordine|fattura)(?:\s*(?:no|nr|number|num|code|id))?\.?(?:\s+is)?["'\\]*\s*[:#=(]?\s*|#)["'\\]*$/u;

/** Dashes and spaces as people and programs write them, in a text as `folded` gives it. */
export const gap = "[ .\\-/]";
