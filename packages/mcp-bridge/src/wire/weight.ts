import { randomInt } from "node:crypto";

/**
 * What it would take to read a text of JSON, seen before it is read: `JSON.parse` cannot be cut into turns, and ten
 * megabytes of empty objects hold the event loop for a second and more. The weights are nanoseconds, measured with what is
 * worst for each; a text of a bridge's limits that is within them takes `JSON.parse` a tenth of a second at most.
 */
const nanosecondsMax = 90_000_000;
const weights = {
  byte: 3,
  /** A list or an object. */
  container: 350,
  /** What stands behind a comma. */
  member: 100,
  /** An object that has got members by names in an order that no object before it had: a form of its own for the engine. */
  form: 2_000,
  /** A text of at most {@link shortChars} characters that was not there before: the engine keeps one of each. */
  short: 450,
} as const;
const shortChars = 10;
/** Nobody means more levels, and what walks through them stands on a stack. */
const levelsMax = 50_000;
/** A text that is shorter is not too much, whatever is in it. */
const lightBytes = 30_000;
const pieceBytes = 64 * 1024;

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
  let bytes = 0;
  let containers = 0;
  let members = 0;
  /** By a hash that nobody outside can foresee: what has the same one would weigh nothing. */
  const factor = randomInt(1, 2 ** 30) * 2 + 1;
  const forms = new Set<number>();
  const shorts = new Set<number>();
  /** The form of each object that is open, as far as it has come. */
  let open: number[] = [];
  let form = 0;
  let hash = 0;
  let chars = 0;
  let quoted = false;
  let escaped = false;
  let over = false;
  return {
    begin: () => {
      bytes = containers = members = 0;
      forms.clear();
      shorts.clear();
      open = [];
      form = 0;
      quoted = escaped = over = false;
    },
    add: (piece) => {
      if (over) return true;
      bytes += piece.length;
      for (let at = 0; at < piece.length; at++) {
        const code = piece[at]!;
        // No text of JSON goes beyond its line, whatever quotes stand before it.
        if (code === lineFeed) quoted = escaped = false;
        else if (escaped) escaped = false;
        else if (code === quote) {
          quoted = !quoted;
          if (quoted) hash = chars = 0;
          else if (chars <= shortChars) shorts.add(hash);
        } else if (quoted) {
          escaped = code === backslash;
          hash = (Math.imul(hash, factor) + code + 1) | 0;
          chars++;
        } else if (code === colon) {
          form = (Math.imul(form, factor) + hash + 1) | 0;
          forms.add(form);
        } else if (isOpening(code)) {
          containers++;
          open.push(form);
          form = 0;
          if (open.length > levelsMax) {
            over = true;
            return true;
          }
        } else if (isClosing(code)) form = open.pop() ?? 0;
        else if (code === comma) members++;
      }
      const weight =
        bytes * weights.byte +
        containers * weights.container +
        members * weights.member +
        forms.size * weights.form +
        shorts.size * weights.short;
      over = weight > nanosecondsMax;
      return over;
    },
  };
}

/** Whether one text is too much. */
export function isTooMuch(text: Uint8Array): boolean {
  if (text.length <= lightBytes) return false;
  const scales = createScales();
  for (let at = 0; at < text.length; at += pieceBytes) {
    if (scales.add(text.subarray(at, at + pieceBytes))) return true;
  }
  return false;
}
