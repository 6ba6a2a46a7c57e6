import { apart, beyond, kindOfSign, needsOf, signs } from "./needs.ts";

/**
 * Quick looks for the hints of detectors, case aside. Most texts hold nothing, so what counts is how soon that is known: a
 * text is read once, sign by sign, and an expression that wants what the text has not is not tried at all. Trying one takes
 * as long as reading a dozen signs, however soon it fails.
 */

/** A text as hints read it. */
export interface Readable {
  readonly given: string;
  /** How many digits there are. */
  readonly digits: number;
  /** Characters of the longest word in the sense of tokens. */
  readonly word: number;
  /** Which marks there are, and whether there is something beyond ASCII. */
  readonly marks: number;
  /** Which groups of hints have three letters in a row that stand in the text. */
  readonly threes: number;
  /** In small letters, in which an engine skips what cannot match, as it does not where case is aside; or nothing. */
  readonly small: string;
}

/**
 * Letters in a row that hints want, three by three, case aside, and whose they are: a bit for each of sixteen groups. Five
 * bits of a sign say which letter it is, so that fifteen say it of three; that other signs may look the same costs a look.
 */
export class Threes {
  readonly groups = new Uint16Array(1 << 15);
  readonly #bits = new Map<string, number>();

  /** The bit of those who want any of these; of none, no bit. Of more than sixteen groups some share theirs. */
  groupOf(threes: readonly string[]): number {
    if (threes.length === 0) return 0;
    const name = threes.join();
    const bit = this.#bits.get(name) ?? 1 << (this.#bits.size % 16);
    this.#bits.set(name, bit);
    for (const three of threes) {
      let at = 0;
      for (let index = 0; index < 3; index++) at = (at << 5) | (three.charCodeAt(index) & 31);
      this.groups[at] = (this.groups[at] as number) | bit;
    }
    return bit;
  }
}

class Reading implements Readable {
  readonly given: string;
  readonly digits: number;
  readonly word: number;
  readonly marks: number;
  readonly threes: number;
  #small: string | undefined;

  constructor(given: string, groups: Uint16Array) {
    let digits = 0;
    let word = 0;
    let marks = 0;
    let threes = 0;
    let length = 0;
    let three = 0;
    for (let index = 0; index < given.length; index++) {
      const code = given.charCodeAt(index);
      three = ((three << 5) | (code & 31)) & 0x7fff;
      threes |= groups[three] as number;
      const sign = code < 128 ? (signs[code] as number) : beyond;
      marks |= sign;
      const kind = sign & kindOfSign;
      digits += kind >> 1;
      length = kind === apart ? 0 : length + 1;
      if (length > word) word = length;
    }
    this.given = given;
    this.digits = digits;
    this.word = word;
    this.marks = marks;
    this.threes = threes;
  }

  /** Of all signs two are small ASCII letters in small letters, and are none where case is aside: such a text stays as it is. */
  get small(): string {
    const { given } = this;
    this.#small ??=
      (this.marks & beyond) !== 0 && (given.includes("\u212a") || given.includes("\u0130")) ? "" : given.toLowerCase();
    return this.#small;
  }
}

export function readable(given: string, threes: Threes): Readable {
  return new Reading(given, threes.groups);
}

export type Look = (text: Readable) => boolean;

/**
 * One look for all of these alternatives. Each is tried by itself, for of one alone an engine knows what it must begin with
 * and skips the rest of a text, of many it does not. Plain words stay together, for there are many of them.
 */
export function lookFor(alternatives: readonly string[], threes: Threes, flags = ""): Look {
  // What flags say of an expression is not read off it.
  if (/[msuv]/.test(flags)) {
    const whole = new RegExp(alternatives.join("|"), `${flags.replaceAll(/[^msuv]/g, "")}i`);
    return ({ given }) => whole.test(given);
  }
  const words = alternatives.filter(isWords);
  const known = words.filter((word) => needsOf(word).threes.length > 0);
  const unknown = words.filter((word) => !known.includes(word));
  const others = alternatives.filter((one) => !words.includes(one));
  const hints = [...others, ...[known, unknown].filter(({ length }) => length > 0).map((some) => some.join("|"))].map(
    (source) => {
      const { threes: some, ...needs } = needsOf(source);
      return { ...needs, group: threes.groupOf(some), isIn: hintOf(source) };
    },
  );
  return (text) => {
    for (const { digits, word, marks, group, isIn } of hints) {
      if (digits > text.digits || word > text.word || (marks & ~text.marks) !== 0) continue;
      if (group !== 0 && (group & text.threes) === 0) continue;
      if (isIn(text)) return true;
    }
    return false;
  };
}

/** Words of a hint as they stand in the name of a member too: `national id`, `national_id`, `nationalId`. */
export function asInNames(source: string): string {
  return isWords(source) ? source.replaceAll(" ", "[ _\\-]*") : source;
}

/** Letters and spaces, and choices of one letter. */
function isWords(source: string): boolean {
  return /^(?:[\p{L} ]|\[[\p{L}]+\])+$/u.test(source);
}

/** One look for an expression, case aside. */
function hintOf(source: string): Look {
  const aside = new RegExp(source, "i");
  // A letter in capitals, or one that is not ASCII, is left to the engine.
  if (!isOfSmallLetters(source)) return ({ given }) => aside.test(given);
  if (/^(?:[^\\^$.*+?()[\]{}|]|\\\W)+$/.test(source)) {
    const literal = source.replaceAll(/\\(\W)/g, "$1");
    return ({ given, small }) => (small === "" ? aside.test(given) : small.includes(literal));
  }
  const exact = new RegExp(source);
  return ({ given, small }) => (small === "" ? aside.test(given) : exact.test(small));
}

/** True when an expression matches in small letters where it matches case aside. */
function isOfSmallLetters(source: string): boolean {
  const signs = source.match(/\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\.|[^\\]/gs) ?? [];
  let inClass = false;
  for (let at = 0; at < signs.length; at++) {
    const sign = signs[at] as string;
    if (sign === (inClass ? "]" : "[")) {
      inClass = !inClass;
      continue;
    }
    const first = codeOf(sign);
    const isRange = inClass && signs[at + 1] === "-" && (signs[at + 2] ?? "]") !== "]";
    const last = isRange ? codeOf(signs[at + 2] as string) : first;
    if (isRange) at += 2;
    for (let code = first ?? last ?? 0; code <= (last ?? first ?? -1); code++) {
      if (code > rangeMost + (first ?? 0)) return false;
      const letter = String.fromCharCode(code);
      const small = letter.toLowerCase();
      if (code > 127 ? small !== letter || letter.toUpperCase() !== letter : small.charCodeAt(0) > (last ?? 0))
        return false;
    }
  }
  return true;
}

/** Of longer ranges, which are those of whole scripts, it is not told what they hold. */
const rangeMost = 1_000;

/** Of a sign in an expression; of what stands for many (`\d`), or for a place, none. */
function codeOf(sign: string): number | undefined {
  if (/^\\[ux]./.test(sign)) return Number.parseInt(sign.slice(2), 16);
  if (/^\\c./.test(sign)) return sign.charCodeAt(2) & 31;
  if (/^\\\w/.test(sign)) return undefined;
  return sign.charCodeAt(sign.length - 1);
}

/** Parts of an expression between the bars that stand in no group and no class. */
export function alternativesOf(source: string): readonly string[] {
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
