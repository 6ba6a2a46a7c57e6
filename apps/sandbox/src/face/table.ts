import { fit, widthOf, wrap } from "./text.ts";

/** One column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Fewest cells that this column may shrink to; it never shrinks when absent. */
  readonly atLeast?: number;
  /** Columns with a higher number shrink first; 0 when absent. */
  readonly gives?: number;
  /** Columns with a higher number go first when there is no room at all; one without stays. */
  readonly spare?: number;
}

/** One cell: its text, and how it is painted after it was brought to its width. */
export interface Cell {
  readonly text: string;
  readonly tint?: (text: string) => string;
}

const gap = 2;

/** A table as lines, at most `columns` cells wide where its columns can shrink or be spared. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: { readonly columns: number; readonly head?: (text: string) => string },
): string[] {
  const shown = columns.map((_, index) => index);
  const natural = columns.map(({ title }, index) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[index]?.text ?? "")), widthOf(title)),
  );
  const least = (index: number) => Math.min(natural[index] ?? 0, columns[index]?.atLeast ?? natural[index] ?? 0);
  const total = (of: (index: number) => number) =>
    shown.reduce((sum, index) => sum + of(index), 0) + gap * Math.max(0, shown.length - 1);
  while (total(least) > options.columns) {
    const most = Math.max(...shown.map((index) => columns[index]?.spare ?? 0));
    if (most === 0) break;
    shown.splice(
      shown.findIndex((index) => columns[index]?.spare === most),
      1,
    );
  }
  const widths = [...natural];
  for (let over = total((index) => widths[index] ?? 0) - options.columns; over > 0; over--) {
    // One cell from a column that can still give one: the readiest, and of those the widest.
    const gives = (index: number) => columns[index]?.gives ?? 0;
    const giver = shown
      .filter((index) => (widths[index] ?? 0) > least(index))
      .sort((left, right) => gives(right) - gives(left) || (widths[right] ?? 0) - (widths[left] ?? 0))[0];
    if (giver === undefined) break;
    widths[giver] = (widths[giver] ?? 0) - 1;
  }
  const line = (cells: (index: number) => Cell, tint?: (text: string) => string) =>
    shown
      .map((index) => {
        const cell = cells(index);
        const text = fit(cell.text, widths[index] ?? 0, columns[index]?.align);
        return (tint ?? cell.tint)?.(text) ?? text;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [
    line((index) => ({ text: columns[index]?.title ?? "" }), options.head),
    ...rows.map((row) => line((index) => row[index] ?? { text: "" })),
  ];
}

/** Names and values under each other; a long value goes on below its beginning. */
export function pairs(
  entries: readonly (readonly [name: string, value: string])[],
  options: { readonly columns: number; readonly name?: (text: string) => string },
): string[] {
  const { columns, name = (text: string) => text } = options;
  const width = entries.reduce((most, [key]) => Math.max(most, widthOf(key)), 0);
  return entries.flatMap(([key, value]) =>
    wrap(value, Math.max(20, columns - width - gap), 20).map(
      (line, index) => `${index === 0 ? name(fit(key, width)) : " ".repeat(width)}${" ".repeat(gap)}${line}`,
    ),
  );
}
