import { type Finding, type RuleId, rules } from "../rules/rule.ts";

/** One row of a diff. */
export type DiffRow = {
  kind: "added" | "removed" | "kept";
  /** Number of the line in the new file; of a removed one in the old file. */
  line: number;
  text: string;
};

export type DiffFile = { path: string; rows: DiffRow[] };

/** Where a comment can stand: pull request, number of the file, number of the row; both count from 1. */
export function anchorOf(pullId: string, fileIndex: number, rowIndex: number): string {
  return `${pullId}/f${fileIndex + 1}/${rowIndex + 1}`;
}

/** The row that an anchor names; nothing where the diff has none. */
export function rowAt(
  pullId: string,
  files: readonly { readonly path: string; readonly rows: readonly Readonly<DiffRow>[] }[],
  anchor: string,
): { readonly path: string; readonly row: Readonly<DiffRow> } | undefined {
  const parts = /^(PR-\d{4})\/f(\d{1,2})\/(\d{1,3})$/.exec(anchor);
  if (parts === null || parts[1] !== pullId) return undefined;
  const file = files[Number(parts[2]) - 1];
  const row = file?.rows[Number(parts[3]) - 1];
  return file && row ? { path: file.path, row } : undefined;
}

export function findingAt(
  pullId: string,
  files: readonly DiffFile[],
  file: number,
  row: number,
  rule: RuleId,
): Finding {
  const at = files[file]?.rows[row];
  if (at === undefined) throw new RangeError(`no row ${row} in file ${file}`);
  const { severity } = rules[rule];
  return { anchor: anchorOf(pullId, file, row), file: files[file]?.path ?? "", line: at.line, rule, severity };
}
