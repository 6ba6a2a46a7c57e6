import { folded } from "./folded.ts";
import { alternativesOf, asInNames, lookFor, type Readable, readable, Threes } from "./hint.ts";

/**
 * What finds values of a class in a text. Detectors are pure and quick, and they know nothing of runs: what becomes of a
 * find, the settings say.
 */
export interface Detected {
  /** `email`, `card`, `secret` …; a class of one's own is as good. */
  readonly class: string;
  /** Index of its first character, and of the one behind its last. */
  readonly start: number;
  readonly end: number;
  /** 0–1: where two finds overlap, the surer one gives the class. */
  readonly confidence: number;
}

export interface Detector {
  readonly name: string;
  readonly classes: readonly string[];
  /**
   * A text in which this finds nothing holds nothing for the detector. It is read with the hints of all others before
   * anything else, case aside, and in digits, spaces and dashes of ASCII (`folded`) as well: no back references, no way
   * to take long, and no flags, with which it is read whole each time.
   */
  readonly hint: RegExp;
  /** Characters of the longest find that must not be shown in part, where a text comes in pieces. */
  readonly longest: number;
  /** Must not throw; the same text gives the same finds. */
  readonly detect: (text: string) => readonly Detected[];
}

/** Several detectors as one look: first the hints, then those that may find something. */
export interface Detection {
  /** False when no detector can find anything. */
  readonly mayFind: (text: string) => boolean;
  /** In the order of the text. Finds that overlap are one, over all that they cover, with the class of the surest. */
  readonly find: (text: string) => readonly Detected[];
  /**
   * The same for texts of which this is all, with the names of members that stand in it as in a sentence: by those detectors
   * alone that may find something anywhere in it, and nothing at all where none may.
   */
  readonly within: (all: string) => Pick<Detection, "find"> | undefined;
}

export function detection(detectors: readonly Detector[]): Detection {
  if (detectors.length === 0) return { mayFind: () => false, find: () => [], within: () => undefined };
  const threes = new Threes();
  const own = detectors.map((detector) => {
    const { source, flags } = detector.hint;
    const hints = alternativesOf(source);
    const isHintedInNames = lookFor(hints.map(asInNames), threes, flags);
    return { detector, isHinted: lookFor(hints, threes, flags), isHintedInNames };
  });
  /** The text in digits, spaces and dashes of ASCII, where it has others. */
  const otherwise = (given: string): Readable | undefined => {
    const plain = folded(given);
    return plain === given ? undefined : readable(plain, threes);
  };
  const findBy = (some: typeof own, given: string): readonly Detected[] => {
    const text = readable(given, threes);
    const other = otherwise(given);
    let found = nothing;
    for (const { detector, isHinted } of some) {
      if (!isHinted(text) && !(other && isHinted(other))) continue;
      const more = detector.detect(given);
      if (more.length > 0) found = found.length === 0 ? more : [...found, ...more];
    }
    return joined(found);
  };
  return {
    mayFind: (given) => {
      const text = readable(given, threes);
      const other = otherwise(given);
      return own.some(({ isHinted }) => isHinted(text) || (other !== undefined && isHinted(other)));
    },
    find: (given) => findBy(own, given),
    within: (all) => {
      const whole = readable(all, threes);
      const other = otherwise(all);
      const some = own.filter(({ isHintedInNames: may }) => may(whole) || (other !== undefined && may(other)));
      return some.length === 0 ? undefined : { find: (given) => findBy(some, given) };
    },
  };
}

const nothing: readonly Detected[] = [];

function joined(findings: readonly Detected[]): readonly Detected[] {
  if (findings.length < 2) return findings;
  const kept: Detected[] = [];
  for (const one of [...findings].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = kept.at(-1);
    if (!last || one.start >= last.end) {
      kept.push(one);
      continue;
    }
    const surer = isSurer(one, last) ? one : last;
    kept[kept.length - 1] = { ...surer, start: last.start, end: Math.max(last.end, one.end) };
  }
  return kept;
}

function isSurer(one: Detected, than: Detected): boolean {
  if (one.confidence !== than.confidence) return one.confidence > than.confidence;
  return one.end - one.start > than.end - than.start;
}
