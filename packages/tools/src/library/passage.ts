/** One part of a document, small enough to be about one thing: what is ranked, and what is shown. */
export interface Passage {
  /** Place of its first character in the document. */
  readonly from: number;
  readonly text: string;
  /** The heading that it begins under; empty where there is none. */
  readonly section: string;
}

/** Characters of a passage, about: a heading stays with what follows it, and a paragraph that is longer is cut. */
export const passageCharsMax = 800;

interface Block {
  readonly from: number;
  readonly to: number;
  /** The heading that it begins with. */
  readonly heading?: string;
}

/**
 * Cuts a text at blank lines and headings, and puts together what fits into one passage: short sections share one, and a
 * section begins a new one where that before it is at least half full. Nothing is lost but space.
 */
export function passagesOf(text: string, charsMax: number = passageCharsMax): readonly Passage[] {
  const found: Passage[] = [];
  let open: { from: number; to: number; section: string } | undefined;
  let section = "";
  const close = () => {
    if (open === undefined) return;
    const passage = text.slice(open.from, open.to).trimEnd();
    if (passage.trim() !== "") found.push({ from: open.from, text: passage, section: open.section });
    open = undefined;
  };
  for (const { from, to, heading } of blocksOf(text, charsMax)) {
    if (heading !== undefined) section = heading;
    const most = heading === undefined ? charsMax : charsMax / 2;
    if (open !== undefined && (to - open.from > charsMax || open.to - open.from > most)) close();
    if (open === undefined) open = { from, to, section };
    else open.to = to;
  }
  close();
  return found;
}

/** Paragraphs, each with the headings that stand before it. */
function* blocksOf(text: string, charsMax: number): Generator<Block, void, void> {
  const edge = /\n(?:[ \t\r]*\n)+|\n(?=#{1,6} )|(?<=(?:^|\n)#{1,6} [^\n]*)\n/g;
  let waiting: { readonly from: number; heading: string } | undefined;
  let from = 0;
  let end = 0;
  for (let cut = edge.exec(text), last = false; !last; cut = edge.exec(text)) {
    last = cut === null;
    const to = cut?.index ?? text.length;
    const heading = /^#{1,6} +([^\n]*)$/.exec(text.slice(from, Math.min(to, from + charsMax)))?.[1]?.trim();
    if (heading !== undefined && to - from < charsMax) {
      // So many of them are no headings of what follows.
      if (waiting !== undefined && to - waiting.from > charsMax) {
        yield { ...waiting, to: end };
        waiting = undefined;
      }
      waiting = { from: waiting?.from ?? from, heading };
      end = to;
    } else if (to > from) {
      const [first, ...rest] = cutUp(text, from, to, charsMax);
      if (first) yield { ...first, ...waiting };
      waiting = undefined;
      yield* rest;
    }
    if (cut) from = cut.index + cut[0].length;
  }
  if (waiting) yield { ...waiting, to: end };
}

/** A paragraph that is too long is cut behind a line, a sentence or a word, in this order. */
function* cutUp(text: string, from: number, to: number, charsMax: number): Generator<Block, void, void> {
  let at = from;
  while (to - at > charsMax) {
    const part = text.slice(at, at + charsMax);
    const half = charsMax / 2;
    const ends = [part.lastIndexOf("\n") + 1, part.lastIndexOf(". ") + 2, part.lastIndexOf(" ") + 1];
    const length = ends.find((end) => end > half) ?? wholeTo(part, charsMax);
    yield { from: at, to: at + length };
    at += length;
  }
  yield { from: at, to };
}

/** The place, or that before it where a sign of two halves stands across it. */
export function wholeTo(text: string, at: number): number {
  return at > 0 && isHalf(text, at - 1, 0xd800) && (at >= text.length || isHalf(text, at, 0xdc00)) ? at - 1 : at;
}

function isHalf(text: string, at: number, first: number): boolean {
  const code = text.charCodeAt(at);
  return code >= first && code < first + 0x400;
}
