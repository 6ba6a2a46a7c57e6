import { isMedium } from "./content.ts";
import type { Mask } from "./text.ts";
import { turn } from "./turn.ts";

/** What a value takes when it is written. */
export interface Measure {
  /** As JSON. */
  readonly bytes: number;
  /** Those of its media, in base64. */
  readonly mediaBytes: number;
  /** A text of it, or the name of a member, has a secret in it. */
  readonly secret: boolean;
}

/** Parts of a value, or pieces of 64 characters of its texts, that are looked at in one turn of the event loop. */
const partsPerTurn = 5_000;
const charsPerPart = 64;
/** A text is measured in pieces of this many characters. */
const pieceChars = 128 * 1024;

interface Frame {
  readonly container: object;
  /** Of an object; absent of a list. */
  readonly keys: readonly string[] | undefined;
  at: number;
}

/**
 * Measures a value of JSON of any size and depth without writing it, a little in each turn of the event loop: written at
 * once, a value of a few megabytes would let nothing else run meanwhile.
 */
export async function measured(value: unknown, mask: Mask): Promise<Measure> {
  let bytes = 0;
  let mediaBytes = 0;
  let secret = false;
  let left = partsPerTurn;
  const frames: Frame[] = [];

  /** The bytes of a text in quotes. A pair of characters that is one sign is not cut. */
  const text = async (written: string): Promise<void> => {
    secret ||= mask(written) !== written;
    bytes += 2;
    for (let start = 0; start < written.length; ) {
      let end = Math.min(start + pieceChars, written.length);
      if (end < written.length && isHighSurrogate(written.charCodeAt(end - 1))) end++;
      bytes += Buffer.byteLength(JSON.stringify(written.slice(start, end))) - 2;
      start = end;
      left -= pieceChars / charsPerPart;
      if (left <= 0) await pause();
    }
  };
  const short = (written: string) => {
    secret ||= mask(written) !== written;
    bytes += Buffer.byteLength(JSON.stringify(written));
  };
  const pause = async () => {
    await turn();
    left = partsPerTurn;
  };
  const open = (container: object) => {
    bytes += 2;
    if (isMedium(container)) mediaBytes += container.data.length;
    frames.push({ container, keys: Array.isArray(container) ? undefined : Object.keys(container), at: 0 });
  };
  const one = (member: unknown): Promise<void> | undefined => {
    if (typeof member === "string") {
      if (member.length > pieceChars) return text(member);
      left -= member.length / charsPerPart;
      short(member);
    } else if (typeof member === "object" && member !== null) open(member);
    else bytes += (JSON.stringify(member) ?? "null").length;
    return undefined;
  };

  await one(value);
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    const { container, keys, at } = frame;
    if (at === (keys ?? (container as readonly unknown[])).length) {
      frames.pop();
      continue;
    }
    frame.at++;
    if (at > 0) bytes++;
    const key = keys?.[at];
    if (key !== undefined) {
      short(key);
      bytes++;
      left -= key.length / charsPerPart;
    }
    const member = key === undefined ? (container as readonly unknown[])[at] : Reflect.get(container, key);
    const waits = one(member);
    if (waits) await waits;
    if (--left <= 0) await pause();
  }
  await turn(); // What is done with it next is not done in the same turn.
  return { bytes, mediaBytes, secret };
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
