/**
 * Randomness from one seed, in two shapes. A *stream* gives one number after another and belongs to whoever decides about
 * order (the scheduler, its faults). A *draw* depends only on what it is about, so that it comes out the same however
 * often, and in whichever process, it is asked for.
 */
export interface Random {
  /** From 0 up to, not including, 1. */
  readonly unit: () => number;
  readonly chance: (probability: number) => boolean;
  /** An integer from 0 up to, not including, `bound`. */
  readonly below: (bound: number) => number;
  /** An integer from `least` to `most`, both included. */
  readonly between: (least: number, most: number) => number;
  readonly pick: <T>(items: readonly [T, ...T[]] | readonly T[]) => T;
}

/** Two streams of one seed with different names have nothing to do with each other. */
export function randomStream(seed: number, name: string): Random {
  let state = hash32(seed, [name]);
  return randomOf(() => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state);
  });
}

/** One number from 0 up to 1 for one subject. */
export function draw(seed: number, ...about: readonly (string | number)[]): number {
  return scramble(hash32(seed, about));
}

/** One of the items, by subject. */
export function drawOne<T>(items: readonly T[], seed: number, ...about: readonly (string | number)[]): T {
  return items[Math.floor(draw(seed, ...about) * items.length)] as T;
}

function randomOf(unit: () => number): Random {
  const below = (bound: number) => Math.floor(unit() * bound);
  return {
    unit,
    chance: (probability) => unit() < probability,
    below,
    between: (least, most) => least + below(most - least + 1),
    pick: (items) => items[below(items.length)] as never,
  };
}

/** FNV-1a over the seed and its subject, with a zero before each part, then mixed once more so that neighbours differ everywhere. */
function hash32(seed: number, about: readonly (string | number)[]): number {
  let hash = fnv(0x811c9dc5, String(seed));
  for (const part of about) hash = fnv(Math.imul(hash, prime), String(part));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const prime = 0x01000193;

function fnv(from: number, text: string): number {
  let hash = from;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  return hash;
}

function scramble(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
