/**
 * Quick looks for the hints of detectors, case aside. Most texts hold nothing, so what counts is how soon that is known: an
 * expression that wants more digits, or a longer word, than the text has is not tried at all.
 */

/** A text as hints read it. */
export interface Readable {
  readonly given: string;
  /** In small letters, in which an engine skips what cannot match, as it does not where case is aside; or nothing. */
  readonly small: string;
  /** How many digits there are; of many, at least as many as any hint wants. */
  readonly digits: number;
  /** Characters of the longest word in the sense of tokens; of a long one, at least as many as any hint wants. */
  readonly word: number;
}

/** Of all signs two are small ASCII letters in small letters, and are none where case is aside: such a text stays as it is. */
export function readable(given: string): Readable {
  const isOdd = given.includes("\u212a") || given.includes("\u0130");
  let digits = 0;
  let word = 0;
  for (let index = 0, length = 0; index < given.length; index++) {
    const sign = signs[given.charCodeAt(index)];
    if (sign === undefined || sign === apart) {
      length = 0;
      continue;
    }
    if (sign === digit) digits++;
    if (++length > word) word = length;
    if (digits >= enough && word >= enough) break;
  }
  return { given, small: isOdd ? "" : given.toLowerCase(), digits, word };
}

/** No hint is taken to want more than this. */
const enough = 16;

const apart = 0;
const inWord = 1;
const digit = 2;
/** What each sign of ASCII is: tokens, numbers and addresses are made of letters, digits and these. */
const signs: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  if (sign >= "0" && sign <= "9") return digit;
  return (sign >= "a" && sign <= "z") || (sign >= "A" && sign <= "Z") || "_-./+=~:".includes(sign) ? inWord : apart;
});

export type Look = (text: Readable) => boolean;

/**
 * One look for all of these alternatives. Each is tried by itself, for of one alone an engine knows what it must begin with
 * and skips the rest of a text, of many it does not. Plain words stay together, for there are many of them.
 */
export function lookFor(alternatives: readonly string[]): Look {
  const words = alternatives.filter(isWords);
  const others = alternatives.filter((one) => !words.includes(one));
  const hints = [...others, ...(words.length > 0 ? [words.join("|")] : [])].map((source) => ({
    ...needsOf(source),
    isIn: hintOf(source),
  }));
  return (text) => {
    for (const { digits, word, isIn } of hints) {
      if (digits <= text.digits && word <= text.word && isIn(text)) return true;
    }
    return false;
  };
}

/** Words of a hint as they stand in the name of a member too: `national id`, `national_id`, `nationalId`. */
export function asInNames(source: string): string {
  return isWords(source) ? source.replaceAll(" ", "[ _-]*") : source;
}

/** Letters and spaces, and choices of one letter. */
function isWords(source: string): boolean {
  return /^(?:[\p{L} ]|\[[\p{L}]+\])+$/u.test(source);
}

/** One look for an expression, case aside. */
function hintOf(source: string): Look {
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

/** What every text has in which an expression matches. */
interface Needs {
  readonly digits: number;
  readonly word: number;
}

const none: Needs = { digits: 0, word: 0 };

/** At least how many digits a match has, and how long a word. What is not understood needs nothing. */
export function needsOf(source: string): Needs {
  let at = 0;
  const rest = (pattern: RegExp) => pattern.exec(source.slice(at))?.[0] ?? "";
  const either = (): Needs => {
    let least = inOrder();
    while (source[at] === "|") {
      at++;
      const other = inOrder();
      least = { digits: Math.min(least.digits, other.digits), word: Math.min(least.word, other.word) };
    }
    return least;
  };
  const inOrder = (): Needs => {
    let { digits, word } = none;
    // As long as signs of words follow each other, however often, they are one word.
    let length = 0;
    while (at < source.length && source[at] !== "|" && source[at] !== ")") {
      const one = atom();
      const times = repeats();
      digits += one.digits * times;
      if (one.kind === "sign") length = one.word === 0 ? 0 : length + times;
      if (one.kind === "group") length = 0;
      word = Math.max(word, length, one.kind === "group" && times > 0 ? one.word : 0);
    }
    return { digits: Math.min(digits, enough), word: Math.min(word, enough) };
  };
  const atom = (): Atom => {
    const character = source[at++] as string;
    if (character === "(") {
      const opened = rest(/^\?(?:[:=!]|<[=!]|<\w+>)/);
      at += opened.length;
      const inner = either();
      at++;
      return /[=!]$/.test(opened) ? nothing : { ...inner, kind: "group" };
    }
    if (character === "[") {
      const inside = rest(/^(?:\\.|[^\]\\])*/);
      at += inside.length + 1;
      return signOf(`[${inside}]`);
    }
    if (character === "\\") {
      const escaped = rest(/^(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/);
      at += escaped.length;
      return /^[bB]$/.test(escaped) ? nothing : signOf(`\\${escaped}`);
    }
    return character === "^" || character === "$" ? nothing : signOf(character);
  };
  /** At least how often what stands before is repeated. */
  const repeats = (): number => {
    const said = rest(/^(?:[*+?]|\{\d+(?:,\d*)?\})\??/);
    at += said.length;
    if (said.startsWith("{")) return Number.parseInt(said.slice(1), 10);
    return said === "" || said.startsWith("+") ? 1 : 0;
  };
  return either();
}

interface Atom extends Needs {
  /** One character, several, or a place between two. */
  readonly kind: "sign" | "group" | "nothing";
}

const nothing: Atom = { ...none, kind: "nothing" };

/** What one character needs that an expression matches, case aside. */
function signOf(source: string): Atom {
  // These match characters that are not ASCII, which are in no word.
  if (/^\.$|^\[\^|\\[uxpPcksSWD]|[^\0-\x7f]/.test(source)) return { ...none, kind: "sign" };
  const matches = new RegExp(`^${source}$`, "i");
  const kinds = signs.filter((_, code) => matches.test(String.fromCharCode(code)));
  const isInWord = !kinds.includes(apart);
  return { digits: isInWord && !kinds.includes(inWord) ? 1 : 0, word: isInWord ? 1 : 0, kind: "sign" };
}
