import { visible } from "./text.ts";

/** A name that a person, or a model, may take for another one. */
export interface LookAlike {
  readonly server: string;
  readonly tool: string;
  readonly name: string;
  /** The name that it looks like, with what is hidden written out. */
  readonly like: string;
  readonly kind: "confusable" | "near";
}

export interface ShownName {
  readonly server: string;
  readonly tool: string;
  readonly name: string;
}

/** Letters of other scripts that look like Latin ones, after lower case and Unicode's own compatibility forms. */
const twins: Readonly<Record<string, string>> = {
  а: "a",
  ɑ: "a",
  α: "a",
  в: "b",
  ь: "b",
  β: "b",
  с: "c",
  ϲ: "c",
  ԁ: "d",
  е: "e",
  ё: "e",
  є: "e",
  ε: "e",
  ɡ: "g",
  һ: "h",
  н: "h",
  і: "l",
  ї: "l",
  ι: "l",
  ı: "l",
  ӏ: "l",
  ј: "j",
  к: "k",
  κ: "k",
  м: "m",
  п: "n",
  η: "n",
  ո: "n",
  о: "o",
  ο: "o",
  σ: "o",
  օ: "o",
  р: "p",
  ρ: "p",
  ԛ: "q",
  г: "r",
  ѕ: "s",
  т: "t",
  τ: "t",
  υ: "u",
  ս: "u",
  ν: "v",
  ѵ: "v",
  ԝ: "w",
  ω: "w",
  х: "x",
  χ: "x",
  у: "y",
  ү: "y",
  γ: "y",
  ʏ: "y",
  ᴢ: "z",
  "0": "o",
  "1": "l",
  i: "l",
  "|": "l",
  "5": "s",
  "-": "_",
  ".": "_",
  "/": "_",
  " ": "_",
  "‐": "_",
  "‑": "_",
  "–": "_",
  "—": "_",
};

/** What is left of a name when all that looks alike is one. Two names with one skeleton look alike. */
export function skeleton(name: string): string {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const twinned = [...plain].map((char) => twins[char] ?? char).join("");
  return twinned.replaceAll("rn", "m").replaceAll("vv", "w").replace(/_+/g, "_");
}

const nearMax = 2;
/** Of shorter names two letters are most of it: `get` and `put` are no look-alikes. */
const nearLengthMin = 6;
/** Comparing each with each is for catalogues that a person could read. */
const nearNamesMax = 500;

/**
 * Which of these names look like another one of them, or like a reserved one. The one that comes later is told. Names of
 * one server are held against each other for looks alone: `read_file` and `read_files` of one server are its own affair.
 */
export function lookAlikes(names: readonly ShownName[], reserved: readonly string[]): readonly LookAlike[] {
  const found: LookAlike[] = [];
  const skeletons = new Map<string, string>();
  for (const name of reserved) skeletons.set(skeleton(name), name);
  for (const shown of names) {
    for (const form of new Set([skeleton(shown.name), skeleton(shown.tool)])) {
      const like = skeletons.get(form);
      const itself = like === shown.name || like === shown.tool;
      if (like !== undefined && !itself) found.push({ ...shown, like: visible(like), kind: "confusable" });
    }
    skeletons.set(skeleton(shown.name), shown.name);
  }
  const confused = new Set(found.map(({ name }) => name));
  const compared = names.slice(0, nearNamesMax);
  compared.forEach((shown, index) => {
    if (confused.has(shown.name) || shown.name.length < nearLengthMin) return;
    const others = compared.slice(0, index).flatMap(({ server, name }) => (server === shown.server ? [] : [name]));
    const like = [...reserved, ...others].find((other) => isNear(shown.name, other));
    if (like !== undefined) found.push({ ...shown, like, kind: "near" });
  });
  return found;
}

/** True when two names are at most two insertions, removals or replacements apart, and not the same. */
export function isNear(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > nearMax) return false;
  let before = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const now = [row];
    for (let column = 1; column <= other.length; column++) {
      const replaced = (before[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      now.push(Math.min(replaced, (before[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1));
    }
    if (Math.min(...now) > nearMax) return false;
    before = now;
  }
  return (before[other.length] ?? 0) <= nearMax;
}
