import { lineText } from "./pdf-lines.ts";
import type { PdfCell, PdfLine } from "./pdf-message.ts";
import {
  folded,
  isWhole,
  type KnownLabel,
  knownColumns,
  knownLabels,
  type PrintColumn,
  type PrintLabel,
  type PrintLanguage,
} from "./print-labels.ts";

/** Where labels, what belongs to them, and the table of lines stand on the pages of a PDF. */

export interface FoundLabel {
  readonly label: PrintLabel;
  readonly at: PdfLine;
  /** The label was not there letter by letter. */
  readonly blurred: boolean;
  readonly languages: readonly PrintLanguage[];
  /** What stands behind it, or below it where nothing does; cells as they are. */
  readonly values: readonly string[];
}

export interface FoundRow {
  readonly at: PdfLine;
  readonly cells: ReadonlyMap<PrintColumn, string>;
}

export interface FoundTable {
  readonly rows: readonly FoundRow[];
  /** Lines with numbers that are no row. */
  readonly odd: boolean;
  readonly blurred: boolean;
}

export interface Found {
  readonly labels: readonly FoundLabel[];
  readonly table: FoundTable;
}

/** Labels are no longer than so many words. */
const wordsMax = 7;

export function findIn(lines: readonly PdfLine[]): Found {
  const heads = headsIn(lines);
  const isHead = new Set(heads.map(({ at }) => at));
  const labels = lines.flatMap((line, index) => (isHead.has(line) ? [] : labelsIn(line, lines[index + 1])));
  return { labels, table: tableIn(lines, heads, labels) };
}

function labelsIn(line: PdfLine, below: PdfLine | undefined): FoundLabel[] {
  const cells = line.cells.map((cell) => ({ cell, text: turned(closed(cell.text)) }));
  const known: (Labelled | undefined)[] = [];
  for (const [index, { text }] of cells.entries()) {
    // What stands behind a label and its colon is a value, whatever it is called.
    const value = cells[index - 1]?.text.endsWith(":") === true && known[index - 1]?.rest === "";
    known.push(value ? undefined : labelAt(text));
  }
  return known.flatMap((found, index): FoundLabel[] => {
    if (!found) return [];
    const next = known.findIndex((other, place) => place > index && other !== undefined);
    const behind = cells.slice(index + 1, next < 0 ? undefined : next).map(({ text }) => text);
    const own = [found.rest, ...behind].filter((text) => text !== "");
    const cell = cells[index]?.cell;
    const values = own.length > 0 || !below || !cell ? own : underneath(cell, below);
    const { label, languages } = found.known;
    return [{ label, at: line, blurred: found.blurred, languages, values }];
  });
}

/** The cell below a label, where it is none itself. */
function underneath({ x }: PdfCell, below: PdfLine): readonly string[] {
  const cell = below.cells.find((one) => Math.abs(one.x - x) < 20);
  return cell && !labelAt(closed(cell.text)) ? [closed(cell.text)] : [];
}

/** `R e c h n u n g` as one word; blanks between single letters are what a scanner made of a wide font. */
function closed(text: string): string {
  return text.replaceAll(/(?<!\S)(?:\S ){3,}\S(?!\S)/g, (run) => run.replaceAll(" ", ""));
}

/** `zzgl. 19 % MwSt` as `MwSt 19 %`. */
function turned(text: string): string {
  return text.replace(/^(?:\p{L}{2,8}\.? )?(\d{1,2}(?:[.,]\d{1,2})? ?%) (\p{L}[\p{L}.]{1,20})(?=$|[ :])/u, "$2 $1");
}

interface Labelled {
  readonly known: KnownLabel;
  readonly blurred: boolean;
  readonly rest: string;
}

/** The longest label that a text begins with, and what stands behind it. */
function labelAt(text: string): Labelled | undefined {
  const tries = beginnings(text.slice(0, 200));
  for (const { head, rest } of tries) {
    const known = knownLabels.get(folded(head));
    if (known) return { known, blurred: !isWhole(head), rest };
  }
  for (const { head, rest } of tries) {
    const known = nearest(folded(head));
    if (known) return { known, blurred: true, rest };
  }
  return undefined;
}

/** A text's beginnings that may be a label, the longest first, with the rest behind each that may be a value. */
function beginnings(text: string): readonly { readonly head: string; readonly rest: string }[] {
  const colon = text.indexOf(":");
  const whole = { head: text, rest: "" };
  const before = colon > 0 ? [{ head: text.slice(0, colon), rest: text.slice(colon + 1).trim() }] : [];
  const words = text.split(" ");
  const prefixes = Array.from({ length: Math.min(words.length - 1, wordsMax) }, (_, index) => {
    const count = Math.min(words.length - 1, wordsMax) - index;
    return { head: words.slice(0, count).join(" "), rest: words.slice(count).join(" ") };
  }).filter(({ rest }) => /^([:(€£%#]|\S*\d|(EUR|USD|GBP|PLN|TRY|CHF|[A-Z]{3}) )/.test(rest));
  return [...before, whole, ...prefixes.map(({ head, rest }) => ({ head, rest: rest.replace(/^:\s*/, "") }))];
}

const labelsByLength = Map.groupBy(knownLabels, ([key]) => key.length);

/** The one label of eight letters or more that is a letter off. */
function nearest(key: string): KnownLabel | undefined {
  if (key.length < 8 || key.length > 40) return undefined;
  const long = [-1, 0, 1].flatMap((more) => labelsByLength.get(key.length + more) ?? []);
  const near = long.filter(([other]) => other.length >= 8 && oneOff(key, other)).map(([, known]) => known);
  const kinds = new Set(near.map(({ label }) => label));
  return kinds.size === 1 ? near[0] : undefined;
}

/** Whether one letter more, less or other makes one of the other. */
function oneOff(left: string, right: string): boolean {
  const [short, long] = left.length <= right.length ? [left, right] : [right, left];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  return short.length === long.length
    ? short.slice(at + 1) === long.slice(at + 1)
    : short.slice(at) === long.slice(at + 1);
}

interface Head {
  readonly at: PdfLine;
  readonly columns: readonly { readonly column: PrintColumn; readonly cell: PdfCell }[];
  readonly blurred: boolean;
}

/** Lines that name a quantity, a price and an amount: heads of the table, one for each page that has one. */
function headsIn(lines: readonly PdfLine[]): readonly Head[] {
  return lines.flatMap((at): Head[] => {
    if (at.cells.length < 4 || at.cells.length > 12) return [];
    let blurred = false;
    const columns = at.cells.flatMap((cell) => {
      const key = folded(closed(cell.text));
      const exact = knownColumns.get(key);
      const near = exact ?? [...knownColumns].find(([other]) => other.length >= 5 && oneOff(key, other))?.[1];
      if (near === undefined) return [];
      blurred ||= exact === undefined;
      return [{ column: near, cell }];
    });
    const named = new Set(columns.map(({ column }) => column));
    const whole = named.has("quantity") && named.has("price") && named.has("net");
    return whole && named.size === columns.length ? [{ at, columns, blurred }] : [];
  });
}

const totals: readonly PrintLabel[] = ["net", "vat", "gross", "prepaid", "payable"];

/** The lines below a head, up to the first sum. */
function tableIn(lines: readonly PdfLine[], heads: readonly Head[], labels: readonly FoundLabel[]): FoundTable {
  const ends = new Set(labels.filter(({ label }) => totals.includes(label)).map(({ at }) => at));
  const rows: FoundRow[] = [];
  let odd = false;
  for (const [index, head] of heads.entries()) {
    const from = lines.indexOf(head.at) + 1;
    const next = heads[index + 1];
    const to = next ? lines.indexOf(next.at) : lines.length;
    for (const at of lines.slice(from, to)) {
      if (ends.has(at)) break;
      const cells = new Map<PrintColumn, string>();
      for (const cell of at.cells) {
        const column = columnOf(cell, head);
        cells.set(column, [cells.get(column), closed(cell.text)].filter((text) => text !== undefined).join(" "));
      }
      const numbers = (["quantity", "price", "net"] as const).filter((column) => cells.has(column));
      if (numbers.length === 3) rows.push({ at, cells });
      else if (numbers.length > 0) odd = true;
    }
  }
  return { rows, odd, blurred: heads.some(({ blurred }) => blurred) };
}

function columnOf(cell: PdfCell, { columns }: Head): PrintColumn {
  const apart = (other: PdfCell) =>
    Math.max(other.x - (cell.x + cell.width), cell.x - (other.x + other.width), 0) +
    Math.abs(other.x + other.width / 2 - cell.x - cell.width / 2) / 1_000;
  const [nearestColumn] = columns.toSorted((left, right) => apart(left.cell) - apart(right.cell));
  return nearestColumn?.column ?? "name";
}

/** Text of a line as it is shown and searched. */
export function textOf(line: PdfLine): string {
  return lineText(line);
}
