/** Texts from a server, on their way to people. */

/** C0 and C1 controls but tab and line feed, bidirectional and zero-width marks, and tag characters. */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text with what a terminal would act on or hide written out as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(hidden, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** At most `bytes` bytes of a text in UTF-8, with a note of what was cut. */
export function cut(text: string, bytes: number): string {
  const length = Buffer.byteLength(text);
  if (length <= bytes) return text;
  const kept = new TextDecoder().decode(Buffer.from(text).subarray(0, bytes)).replace(/\ufffd+$/, "");
  return `${kept}… (cut; ${length} bytes in all)`;
}

/** Replaces the values of secrets by their names; values under 8 characters are too common to be secrets. */
export function createMask(env: Readonly<Record<string, string>>): (text: string) => string {
  const secrets = Object.entries(env).filter(([, value]) => value.length >= 8);
  // The longest first, so that a value that contains another is replaced as a whole.
  secrets.sort(([, left], [, right]) => right.length - left.length);
  return (text) => secrets.reduce((masked, [name, value]) => masked.replaceAll(value, `[${name}]`), text);
}
