/**
 * Text in the cells of a terminal. What comes from outside (a customer, a server, a model) may hold control characters
 * that move the cursor or change the window: `printable` takes their power before anything is shown.
 */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const plain = /^[\x20-\x7e]*$/;
const emoji = /\p{Emoji_Presentation}|\ufe0f/u;
const noCell = /^[\p{Mark}\p{Default_Ignorable_Code_Point}\p{Cc}]+$/u;

/** Ranges of characters that take two cells (East Asian Width W and F), first and last code point. */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** Cells that one character, as a person sees it, takes: 0, 1 or 2. */
function cellsOf(grapheme: string): number {
  if (noCell.test(grapheme)) return 0;
  if (emoji.test(grapheme)) return 2;
  const point = grapheme.codePointAt(0) ?? 0;
  return wide.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

/** Cells that a text takes in a terminal. The text has no colours and no line breaks. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) cells += cellsOf(segment);
  return cells;
}

/** The text in at most so many cells; what was cut off is an ellipsis. */
export function cut(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text;
  let used = 0;
  let kept = "";
  for (const { segment } of segmenter.segment(text)) {
    const next = used + cellsOf(segment);
    if (next > cells - 1) break;
    kept += segment;
    used = next;
  }
  return cells > 0 ? `${kept}…` : "";
}

/** The text in exactly so many cells: cut, or filled with blanks. */
export function fit(text: string, cells: number, align: "left" | "right" = "left"): string {
  const short = cut(text, cells);
  const blanks = " ".repeat(Math.max(0, cells - widthOf(short)));
  return align === "left" ? short + blanks : blanks + short;
}

/** Breaks a text at blanks into lines of at most so many cells, at most `lines` of them; the last one is cut. */
export function wrap(text: string, cells: number, lines: number): string[] {
  const done: string[] = [];
  let line = "";
  const pieces = piecesOf(text, cells);
  for (const [index, piece] of pieces.entries()) {
    const longer = line === "" ? piece.text : `${line}${piece.glue}${piece.text}`;
    if (line === "" || widthOf(longer) <= cells) {
      line = longer;
      continue;
    }
    if (done.length === lines - 1) {
      const rest = pieces.slice(index).map(({ glue, text: more }) => glue + more);
      return [...done, cut(line + rest.join(""), cells)];
    }
    done.push(line);
    line = piece.text;
  }
  return [...done, line];
}

interface Piece {
  /** What stands between this piece and the one before: a blank, or nothing inside of one word. */
  readonly glue: string;
  readonly text: string;
}

/** Words; those that are wider than a line, and scripts without blanks, in pieces that fit. */
function piecesOf(text: string, cells: number): Piece[] {
  const pieces: Piece[] = [];
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    let glue = " ";
    let piece = "";
    for (const { segment } of widthOf(word) <= cells ? [{ segment: word }] : segmenter.segment(word)) {
      if (piece !== "" && widthOf(piece + segment) > cells) {
        pieces.push({ glue, text: piece });
        glue = "";
        piece = "";
      }
      piece += segment;
    }
    pieces.push({ glue, text: piece });
  }
  return pieces;
}

/**
 * What a terminal or a page obeys, and what nobody sees: control characters but for line breaks and tabs, marks that turn the
 * reading direction, marks without width, fillers, variation selectors, tag characters. Of those that join letters or make a
 * picture of an emoji one alone is left where it stands; several are a text in writing that cannot be seen.
 */
const hidden =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each is looked for by itself.
  /(?![\t\n\r])[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|[\u200c\u200d\ufe0f]{3,}/gu;

/**
 * The text with nothing in it that a terminal or a page obeys, or that a person decides on without seeing it: such characters
 * become visible signs. Whoever wrote it cannot have what stands beside it read backwards. Lines stay lines.
 */
export function visible(text: string): string {
  return text.replace(hidden, (found) => Array.from(found, signOf).join(""));
}

function signOf(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return point < 0x20 ? String.fromCodePoint(0x2400 + point) : `<${point.toString(16)}>`;
}

/** The text {@link visible}, and on one line: line breaks and tabs become blanks. */
export function printable(text: string): string {
  return visible(text.replace(/[\t\n\r\u2028\u2029]+/g, " "));
}

/** `1 run`, `2 runs`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

/** A length of time for people: `12 ms`, `3.4 s`, `2 min 05 s`, `24 h 00 min`, `3 d 04 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** Time since a start, in at most seven cells for whatever a run may take: `12 ms`, `3.44 s`, `2m 05s`, `24h 00m`, `30d 04h`. */
export function sinceStart(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(2)} s`;
  return duration(ms).replace(/ (min|[shd])/g, (_, unit: string) => unit.charAt(0));
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
