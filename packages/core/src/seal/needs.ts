/** What every text has in which a hint matches, read off its expression: where one of these is missing nobody has to look. */
export interface Needs {
  readonly digits: number;
  /** Characters of the longest word in the sense of tokens. */
  readonly word: number;
  /** Marks that all stand in it, a bit each, and one for any sign beyond ASCII (`signs`). */
  readonly marks: number;
  /** Three letters in a row, of which one at least stands in it, in small letters; none when that is not known. */
  readonly threes: readonly string[];
}

/** What a sign is, in the two lowest bits: tokens, numbers and addresses are made of letters, digits and some marks. */
export const kindOfSign = 0b11;
export const apart = 0;
export const inWord = 1;
export const digit = 2;
/** What a sign beyond ASCII is. */
export const beyond = 0b100;

/** Marks that are looked for, a bit each: all of ASCII but the four that most texts have. */
const marks = "!#$%&()*+-./:;<=>?@[\\]^`{|}~";
/** What each sign of ASCII is, and which mark. */
export const signs = Int32Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  const kind = /\d/.test(sign) ? digit : /[\w\-./+=~:]/.test(sign) ? inWord : apart;
  return kind | (marks.includes(sign) ? 1 << (marks.indexOf(sign) + 3) : 0);
});

/** No more of either is asked for: what an expression repeats so often is as good as known. */
const enough = 16;

const none: Needs = { digits: 0, word: 0, marks: 0, threes: [] };

/** What is not understood needs nothing. */
export function needsOf(source: string): Needs {
  let at = 0;
  const rest = (pattern: RegExp) => pattern.exec(source.slice(at))?.[0] ?? "";
  const either = (): Needs => {
    let least = inOrder();
    while (source[at] === "|") {
      at++;
      least = common(least, inOrder());
    }
    return least;
  };
  const inOrder = (): Needs => {
    let { digits, word, marks, threes } = none;
    // As long as signs of words follow each other, however often, they are one word; single letters are in a row.
    let length = 0;
    let row = "";
    while (at < source.length && source[at] !== "|" && source[at] !== ")") {
      const one = atom();
      const [times, isOnce] = repeats();
      digits += one.digits * times;
      if (times > 0) {
        marks |= one.marks;
        threes = rarer(threes, one.threes);
      }
      if (one.kind === "sign") length = one.word === 0 ? 0 : length + times;
      if (one.kind === "group") length = 0;
      if (one.kind !== "nothing") row = isOnce && one.letter ? row + one.letter : "";
      if (row.length > 2) threes = rarer(threes, [row.slice(-3)]);
      word = Math.max(word, length, one.kind === "group" && times > 0 ? one.word : 0);
    }
    return { digits: Math.min(digits, enough), word: Math.min(word, enough), marks, threes };
  };
  const atom = (): Atom => {
    const character = source[at++] as string;
    if (character === "(") {
      const opened = rest(/^\?(?:[:=!]|<[=!]|<[^>]+>|[ims-]+:)/);
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
      const escaped = rest(/^(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|.)/);
      at += escaped.length;
      return /^[bB]$/.test(escaped) ? nothing : signOf(`\\${escaped}`);
    }
    return character === "^" || character === "$" ? nothing : signOf(character);
  };
  /** At least how often what stands before is repeated, and whether that is exactly once. */
  const repeats = (): [times: number, isOnce: boolean] => {
    const said = rest(/^(?:[*+?]|\{\d+(?:,\d*)?\})\??/);
    at += said.length;
    if (said.startsWith("{")) return [Number.parseInt(said.slice(1), 10), false];
    return [said === "" || said.startsWith("+") ? 1 : 0, said === ""];
  };
  return either();
}

function common(one: Needs, other: Needs): Needs {
  return {
    digits: Math.min(one.digits, other.digits),
    word: Math.min(one.word, other.word),
    marks: one.marks & other.marks,
    threes: one.threes.length > 0 && other.threes.length > 0 ? [...one.threes, ...other.threes] : [],
  };
}

/** Letters as often as texts of many languages have them, the most frequent first. */
const frequent = "eaintorslducmpgbfvhkwyzjxq";

/** Of two lists, each of which has one that stands there, the one that few texts have. */
function rarer(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.length === 0 || other.length === 0) return one.length === 0 ? other : one;
  const rareness = (threes: readonly string[]) =>
    Math.min(...threes.map((three) => [...three].reduce((sum, letter) => sum + frequent.indexOf(letter), 0))) -
    25 * threes.length;
  return rareness(other) > rareness(one) ? other : one;
}

interface Atom extends Needs {
  /** One character, several, or a place between two. */
  readonly kind: "sign" | "group" | "nothing";
  /** In small letters, where it is no other. */
  readonly letter?: string;
}

const nothing: Atom = { ...none, kind: "nothing" };

/** What one character needs that an expression matches, case aside. */
function signOf(source: string): Atom {
  // Case aside, no sign beyond ASCII is one of ASCII.
  if (/^\[?(?:[^\0-\x7f]|\\u(?!00[0-7])[0-9a-fA-F]{4})+\]?$/.test(source)) {
    return { ...none, marks: beyond, kind: "sign" };
  }
  // These match characters that are not ASCII, which are in no word.
  if (/^\.$|^\[\^|\\[uxpPcksSWD]|[^\0-\x7f]/.test(source)) return { ...none, kind: "sign" };
  const matches = new RegExp(`^${source}$`, "i");
  const matched = [...signs.keys()].map((code) => String.fromCharCode(code)).filter((sign) => matches.test(sign));
  const kinds = matched.map((sign) => kindIn(sign) & kindOfSign);
  const isInWord = !kinds.includes(apart);
  const [only, ...others] = new Set(matched.map((sign) => sign.toLowerCase()));
  return {
    digits: isInWord && !kinds.includes(inWord) ? 1 : 0,
    word: isInWord ? 1 : 0,
    marks: only !== undefined && others.length === 0 ? kindIn(only) & ~kindOfSign : 0,
    threes: [],
    kind: "sign",
    ...(only !== undefined && others.length === 0 && /[a-z]/.test(only) ? { letter: only } : {}),
  };
}

const kindIn = (sign: string) => signs[sign.charCodeAt(0)] as number;
