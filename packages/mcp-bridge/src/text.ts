/** Texts from a server, on their way to people. */

/**
 * C0 and C1 controls but tab and line feed, bidirectional and zero-width marks, fillers, variation selectors but the one
 * that makes a picture of an emoji, and tag characters.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each is looked for by itself.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e01ef}]/gu;

/** True when a part of the text cannot be seen, or acts on a terminal. Tabs and line feeds count in a name. */
export function hasHidden(text: string): boolean {
  return visible(text) !== text || /[\t\n]/.test(text);
}

/** Place of the first character that cannot be seen, or acts on a terminal; -1 where there is none. */
export function hiddenAt(text: string): number {
  return text.search(hidden);
}

/** The text with what a terminal would act on or hide written out as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(hidden, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** At most `bytes` bytes of a text in UTF-8, with a note of what was cut. */
export function cut(text: string, bytes: number): string {
  const length = Buffer.byteLength(text);
  if (length <= bytes) return text;
  const beginning = Buffer.from(text.slice(0, bytes)); // Of a long text the rest need not be encoded.
  const kept = new TextDecoder().decode(beginning.subarray(0, bytes)).replace(/\ufffd+$/, "");
  return `${kept}… (cut; ${length} bytes in all)`;
}

/** A text without the values of secrets. */
export type Mask = (text: string) => string;

/** Where there is no secret. */
export const unmasked: Mask = (text) => text;

/**
 * Replaces the values of secrets by their names, also where they stand in a URL or in JSON; values under 8 characters
 * are too common to be secrets.
 */
export function createMask(env: Readonly<Record<string, string>>): Mask {
  const long = Object.entries(env).filter(([, value]) => value.length >= 8);
  const secrets = long.flatMap(([name, value]) => {
    const forms = [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)];
    return [...new Set(forms)].map((form) => [name, form] as const);
  });
  if (secrets.length === 0) return unmasked;
  // The longest first, so that a value that contains another is replaced as a whole.
  secrets.sort(([, left], [, right]) => right.length - left.length);
  return (text) => secrets.reduce((masked, [name, value]) => masked.replaceAll(value, `[${name}]`), text);
}

/** Masks every text in a value of JSON, names of members included. */
export function maskJson<Value>(value: Value, mask: Mask): Value {
  const walk = (at: unknown): unknown => {
    if (typeof at === "string") return mask(at);
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== "object" || at === null || !isPlain(at)) return at;
    return Object.fromEntries(Object.entries(at).map(([key, member]) => [mask(key), walk(member)]));
  };
  return walk(value) as Value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
