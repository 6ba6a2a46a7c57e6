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
  /**
   * The same for the texts that stand in a text of JSON, with the names of members as in a sentence: by those detectors
   * alone that may find something anywhere in it, and nothing at all where none may.
   */
  readonly within: (json: string) => Pick<Detection, "find"> | undefined;
}

export function detection(detectors: readonly Detector[]): Detection {
  if (detectors.length === 0) return { mayFind: () => false, find: () => [], within: () => undefined };
  const own = detectors.map((detector) => {
    const hints = alternativesOf(detector.hint.source);
    return { detector, isHinted: anyOf(quickest(hints)), isHintedInJson: anyOf(quickest(hints.map(asInNames))) };
  });
  const findBy = (some: typeof own, text: Text): readonly Detected[] => {
    let found = nothing;
    for (const { detector, isHinted } of some) {
      if (!isHinted(text)) continue;
      const more = detector.detect(text.given);
      if (more.length > 0) found = found.length === 0 ? more : [...found, ...more];
    }
    return joined(found);
  };
  const any = anyOf([hintOf(detectors.map(({ hint }) => `(?:${hint.source})`).join("|"))]);
  return {
    mayFind: (given) => {
      const text = textOf(given);
      return given.length < shortChars ? any(text) : own.some(({ isHinted }) => isHinted(text));
    },
    find: (given) => {
      const text = textOf(given);
      return given.length < shortChars && !any(text) ? [] : findBy(own, text);
    },
    within: (json) => {
      const whole = textOf(json);
      const some = own.filter(({ isHintedInJson }) => isHintedInJson(whole));
      return some.length === 0 ? undefined : { find: (given) => findBy(some, textOf(given)) };
    },
  };
}

/** Words of a hint as they stand in the name of a member too: `national id`, `national_id`, `nationalId`. */
function asInNames(source: string): string {
  return isWords(source) ? source.replaceAll(" ", "[ _-]*") : source;
}

function isWords(source: string): boolean {
  return /^[\p{L} ]+$/u.test(source);
}

const nothing: readonly Detected[] = [];

/** A text as hints read it: in small letters an engine skips what cannot match, which it does not where case is aside. */
interface Text {
  readonly given: string;
  readonly small: string;
}

/** Of all signs two are small ASCII letters in small letters, and are none where case is aside: such a text stays as it is. */
function textOf(given: string): Text {
  const isOdd = given.includes("\u212a") || given.includes("\u0130");
  return { given, small: isOdd ? "" : given.toLowerCase() };
}

type Hint = (text: Text) => boolean;

function anyOf(hints: readonly Hint[]): Hint {
  return (text) => {
    for (const hint of hints) if (hint(text)) return true;
    return false;
  };
}

/** One look for an expression, case aside. */
function hintOf(source: string): Hint {
  const aside = new RegExp(source, "i");
  // Escapes have no case of their own; a letter in capitals, or one that is not ASCII, is left to the engine.
  const letters = source.replaceAll(/\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\./g, "");
  if (/[A-Z]|[^\0-\x7f]/.test(letters)) return ({ given }) => aside.test(given);
  if (/^(?:[^\\^$.*+?()[\]{}|]|\\\W)+$/.test(source)) {
    const literal = source.replaceAll(/\\(\W)/g, "$1");
    return ({ given, small }) => (small === "" ? aside.test(given) : small.includes(literal));
  }
  const exact = new RegExp(source);
  return ({ given, small }) => (small === "" ? aside.test(given) : exact.test(small));
}

/** In a shorter text all hints at once are quicker than one by one. */
const shortChars = 80;

/**
 * A hint as several that are quicker: of one alternative alone an engine knows what it must begin with and skips the rest of
 * a text, of many it does not. Plain words stay together, for there are many of them.
 */
function quickest(all: readonly string[]): readonly Hint[] {
  const words = all.filter(isWords);
  const others = all.filter((one) => !words.includes(one));
  return [...others, ...(words.length > 0 ? [words.join("|")] : [])].map(hintOf);
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
