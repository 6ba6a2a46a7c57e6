import type { PdfCell, PdfLine } from "./pdf-message.ts";

/** A piece of text as it was drawn, in points from the lower left edge. */
export interface TextPiece {
  readonly str: string;
  /** A matrix: `[4]` and `[5]` are where it begins. */
  readonly transform: readonly number[];
  readonly width: number;
  readonly height: number;
}

interface Placed {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly size: number;
}

/**
 * Pieces of one page as lines from the top, and each as cells from the left. What stands on one height is one line,
 * whatever the order it was drawn in; a gap wider than a letter ends a cell.
 */
export function linesOf(pieces: readonly TextPiece[], page: number): readonly PdfLine[] {
  const placed = pieces
    .map(({ str, transform, width, height }): Placed => {
      const size = height > 0 ? height : Math.hypot(transform[2] ?? 0, transform[3] ?? 0);
      return { text: str, x: transform[4] ?? 0, y: transform[5] ?? 0, width, size: size > 0 ? size : 10 };
    })
    .filter(({ text }) => text.trim() !== "")
    .sort((left, right) => right.y - left.y || left.x - right.x);
  const rows: Placed[][] = [];
  for (const piece of placed) {
    const row = rows.at(-1);
    const [head] = row ?? [];
    if (row && head && head.y - piece.y < Math.min(head.size, piece.size) * 0.5) row.push(piece);
    else rows.push([piece]);
  }
  return rows.map((row, index) => ({ page, line: index + 1, cells: cellsOf(row) }));
}

/** In letter heights: two blanks are less, the space between two columns is more. */
const cellGap = 0.7;

function cellsOf(row: readonly Placed[]): readonly PdfCell[] {
  const cells: { x: number; width: number; text: string; size: number }[] = [];
  let drawn: Placed | undefined;
  for (const piece of row.toSorted((left, right) => left.x - right.x)) {
    const { text, x, width, size } = piece;
    // Drawn once more in the same place, for bold letters: one reads it once.
    if (drawn?.text === text && x - drawn.x < size * 0.1) continue;
    drawn = piece;
    const last = cells.at(-1);
    const gap = last ? x - (last.x + last.width) : 0;
    if (!last || gap > Math.min(last.size, size) * cellGap) {
      cells.push({ x, width, text, size });
      continue;
    }
    const apart = gap > size * 0.15 && !last.text.endsWith(" ") && !text.startsWith(" ");
    last.text += apart ? ` ${text}` : text;
    last.width = x + width - last.x;
  }
  return cells.map(({ x, width, text }) => ({
    x: Math.round(x * 10) / 10,
    width: Math.round(width * 10) / 10,
    text: text.replaceAll(/\s+/g, " ").trim(),
  }));
}

/** A line as people read it: its cells with a wide gap between them. */
export function lineText({ cells }: PdfLine): string {
  return cells.map(({ text }) => text).join("   ");
}
