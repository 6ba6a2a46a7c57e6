import { OrchestrationError } from "../errors.ts";
import type { Detector } from "../seal/detector.ts";
import { folded } from "../seal/folded.ts";

/**
 * Redacts text that comes in pieces, so that nothing is shown of what a detector finds, however the pieces were cut.
 *
 * A1 What is shown of a text is what is shown of it in one piece, as far as it has been shown.
 * A2 A find of at most `longest` characters is never shown, not even its beginning: so many are held back until more is
 *    known. A longer one may be shown up to that many characters before its end.
 * A3 A detector hears so many of the characters before a find as `heard` says, shown or not: `my password is` gives it away.
 */
export interface PatternDetector {
  /** Stands in the text in place of a find: `[email]`. */
  readonly name: string;
  /** With the flag `g`. */
  readonly pattern: RegExp;
  /** Characters of the longest find that must not be shown in part. */
  readonly longest: number;
}

/** One that is a pattern, or one that seals values of classes as well. */
export type TextDetector = PatternDetector | Detector;

/** Addresses, account and card numbers, and tokens that look like keys. What a company calls personal it must add itself. */
export const defaultDetectors: readonly PatternDetector[] = [
  {
    name: "email",
    pattern: /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu,
    longest: 160,
  },
  { name: "iban", pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, longest: 42 },
  { name: "number", pattern: /\b\d(?:[ -]?\d){11,18}\b/g, longest: 37 },
  {
    name: "key",
    // The last are signed tokens: a head, a body and a signature.
    pattern:
      /\b(?:(?:(?:[spr]k|gh[pousr]|github_pat|glpat|npm|hf|xox[abeprs]|xapp)[-_]|AKIA|ASIA|AIza)[-_A-Za-z0-9]{12,1000}|eyJ[-_A-Za-z0-9]{10,1000}(?:\.[-_A-Za-z0-9]{10,4000}){1,2})/g,
    longest: 204,
  },
];

/** @throws OrchestrationError `limits/not-a-bound` for a `longest` that is no bound; `answer/detector-invalid` */
export function assertDetectors(detectors: readonly TextDetector[]): void {
  for (const detector of detectors) {
    const { name, longest } = detector;
    if ("pattern" in detector && !detector.pattern.flags.includes("g")) {
      throw new OrchestrationError("answer/detector-invalid", {
        detector: name,
        reason: "its pattern lacks the flag g",
      });
    }
    if (!Number.isSafeInteger(longest) || longest < 1) {
      throw new OrchestrationError("answer/detector-invalid", { detector: name, reason: "`longest` is no bound" });
    }
  }
}

const heard = 128;

interface Find {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** A window over a text that is still growing. */
export class RedactionWindow {
  readonly #detectors: readonly TextDetector[];
  readonly #held: number;
  /** The end of what was shown, as it was before anything in it was replaced. */
  #before = "";
  #text = "";

  constructor(detectors: readonly TextDetector[]) {
    this.#detectors = detectors;
    this.#held = detectors.reduce((most, { longest }) => Math.max(most, longest), 0);
  }

  /** @returns what may be shown now */
  push(piece: string): string {
    this.#text += piece;
    return this.#show(this.#text.length - this.#held);
  }

  /**
   * @param piece the last one, where there is one
   * @returns the rest, when there comes no more
   */
  end(piece = ""): string {
    this.#text += piece;
    return this.#show(this.#text.length);
  }

  #show(upTo: number): string {
    if (upTo <= 0) return "";
    const finds = this.#finds();
    let cut = upTo;
    // A pair of one character is not cut in two.
    if (cut < this.#text.length && /[\uD800-\uDBFF]/.test(this.#text[cut - 1] as string)) cut--;
    // A find that reaches over the cut is shown as a whole, or not yet.
    for (const { from, to } of finds) if (from < cut && to > cut) cut = from;
    if (cut <= 0) return "";
    let shown = "";
    let at = 0;
    for (const { from, to, name } of finds) {
      if (to > cut) break;
      shown += `${this.#text.slice(at, from)}[${name}]`;
      at = to;
    }
    shown += this.#text.slice(at, cut);
    this.#before = (this.#before + this.#text.slice(0, cut)).slice(-heard);
    this.#text = this.#text.slice(cut);
    return shown;
  }

  /** Finds in their order. Those that overlap are one, with the name of the one that begins first, or else is longer. */
  #finds(): readonly Find[] {
    const all: Find[] = [];
    const text = this.#before + this.#text;
    const past = this.#before.length;
    for (const detector of this.#detectors) {
      if ("detect" in detector) {
        for (const { start, end, class: name } of detector.detect(text)) {
          if (end > past) all.push({ from: Math.max(start - past, 0), to: end - past, name });
        }
        continue;
      }
      const pattern = new RegExp(detector.pattern);
      pattern.lastIndex = past;
      for (const { index, 0: found } of text.matchAll(pattern)) {
        if (found !== "") all.push({ from: index - past, to: index - past + found.length, name: detector.name });
      }
    }
    all.sort((a, b) => a.from - b.from || b.to - a.to);
    const kept: Find[] = [];
    for (const find of all) {
      const last = kept.at(-1);
      if (!last || find.from >= last.to) kept.push(find);
      else kept[kept.length - 1] = { ...last, to: Math.max(last.to, find.to) };
    }
    return kept;
  }
}

/** The same for a text that is there as a whole. */
export function redactText(text: string, detectors: readonly TextDetector[]): string {
  const plain = folded(text);
  const isHinted = ({ source }: RegExp) => {
    const hint = new RegExp(source, "i");
    return hint.test(text) || (plain !== text && hint.test(plain));
  };
  if (!detectors.some((one) => !("hint" in one) || isHinted(one.hint))) return text;
  return new RedactionWindow(detectors).end(text);
}
