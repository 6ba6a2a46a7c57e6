/**
 * What it would take to read a text of JSON, seen before it is read: `JSON.parse` cannot be cut into turns, and ten
 * megabytes of empty objects hold the event loop for a second and more.
 */

/** Nobody means more levels, and what walks through them stands on a stack. */
const levelsMax = 50_000;
/** Lists and objects of one message. */
const containersMax = 150_000;
const membersMax = 1_000_000;
/** Different names of members: each new one costs as much as ten that are known. Told apart by a hash. */
const namesMax = 20_000;
/** A text that is shorter has not so many. */
const lightBytes = 50_000;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const lineFeed = 0x0a;
const backslash = 0x5c;
const isOpening = (code: number) => code === 0x5b || code === 0x7b;
const isClosing = (code: number) => code === 0x5d || code === 0x7d;

/** Weighs texts piece by piece. `add` is true when what came since the last `begin` is too much. */
export interface Scales {
  readonly add: (piece: Uint8Array) => boolean;
  readonly begin: () => void;
}

export function createScales(): Scales {
  let levels = 0;
  let containers = 0;
  let members = 0;
  const names = new Set<number>();
  let hash = 0;
  let quoted = false;
  let escaped = false;
  return {
    begin: () => {
      names.clear();
      levels = 0;
      containers = 0;
      members = 0;
      quoted = false;
      escaped = false;
    },
    add: (piece) => {
      for (let at = 0; at < piece.length; at++) {
        const code = piece[at]!;
        // No text of JSON goes beyond its line, whatever quotes stand before it.
        if (code === lineFeed) quoted = escaped = false;
        else if (escaped) escaped = false;
        else if (code === quote) {
          quoted = !quoted;
          if (quoted) hash = 0;
        } else if (quoted) {
          escaped = code === backslash;
          hash = (Math.imul(hash, 31) + code) | 0;
        } else if (code === colon) names.add(hash);
        else if (isOpening(code)) {
          containers++;
          if (++levels > levelsMax) return true;
        } else if (isClosing(code)) levels--;
        else if (code === comma) members++;
      }
      return containers > containersMax || members > membersMax || names.size > namesMax;
    },
  };
}

/** Whether one text is too much. */
export function isTooMuch(text: Uint8Array): boolean {
  return text.length > lightBytes && createScales().add(text);
}
