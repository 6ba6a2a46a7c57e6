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
   * anything else, case aside: no flags, no back references, no way to take long.
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
}

export function detection(detectors: readonly Detector[]): Detection {
  if (detectors.length === 0) return { mayFind: () => false, find: () => [] };
  const own = detectors.map((detector) => ({ detector, hints: quickest(detector.hint) }));
  const any = new RegExp(detectors.map(({ hint }) => `(?:${hint.source})`).join("|"), "i");
  const isHinted = (text: string) => (hint: RegExp) => hint.test(text);
  return {
    mayFind: (text) =>
      text.length < shortChars ? any.test(text) : own.some(({ hints }) => hints.some(isHinted(text))),
    find: (text) => {
      if (text.length < shortChars && !any.test(text)) return [];
      return joined(own.flatMap(({ detector, hints }) => (hints.some(isHinted(text)) ? detector.detect(text) : [])));
    },
  };
}

/** In a shorter text all hints at once are quicker than one by one. */
const shortChars = 80;

/**
 * A hint as several that are quicker: of one alternative alone an engine knows what it must begin with and skips the rest of
 * a text, of many it does not. Plain words stay together, for there are many of them.
 */
function quickest({ source }: RegExp): readonly RegExp[] {
  const all = alternativesOf(source);
  const words = all.filter((one) => /^[\p{L} ]+$/u.test(one));
  const others = all.filter((one) => !words.includes(one));
  return [...others, ...(words.length > 0 ? [words.join("|")] : [])].map((one) => new RegExp(one, "i"));
}

/** Parts of an expression between the bars that stand in no group and no class. */
function alternativesOf(source: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let inClass = false;
  let from = 0;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "|" && depth === 0) {
      found.push(source.slice(from, at));
      from = at + 1;
    }
  }
  return [...found, source.slice(from)];
}

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
