/**
 * Texts on pages outside of the JavaScript heap: they count against no heap limit, and no collection of garbage walks
 * or moves them. Each is UTF-8 behind its length.
 */
export interface Pages {
  /** Keeps a well-formed text; the number is its place. */
  readonly put: (text: string) => number;
  readonly get: (place: number) => string;
  /** Writes zeros over a text: nothing of it is left. */
  readonly wipe: (place: number) => void;
}

/** A text that is longer has a page of its own. */
const pageBytes = 2 ** 20;
/** Pages grow up to that, so that a journal of three entries holds no megabyte. */
const pageBytesFirst = 2 ** 14;
const lengthBytes = 4;

export function pages(): Pages {
  const all: Buffer[] = [];
  let page = Buffer.alloc(0);
  let used = 0;

  const open = (least: number) => {
    const bytes = Math.max(least, Math.min(pageBytesFirst * 2 ** all.length, pageBytes));
    page = Buffer.allocUnsafeSlow(bytes);
    used = 0;
    all.push(page);
  };
  const at = (place: number) => {
    const index = Math.floor(place / pageBytes);
    const held = all[index] as Buffer;
    const from = place - index * pageBytes + lengthBytes;
    return { held, from, to: from + held.readUInt32LE(from - lengthBytes) };
  };

  return {
    put: (text) => {
      const length = Buffer.byteLength(text);
      if (used + lengthBytes + length > page.length) open(lengthBytes + length);
      const place = (all.length - 1) * pageBytes + used;
      page.writeUInt32LE(length, used);
      page.write(text, used + lengthBytes, length);
      used += lengthBytes + length;
      return place;
    },
    get: (place) => {
      const { held, from, to } = at(place);
      return held.toString("utf8", from, to);
    },
    wipe: (place) => {
      const { held, from, to } = at(place);
      held.fill(0, from, to);
    },
  };
}
