import type { Random } from "../../../src/world/random.ts";
import type { Finding, RuleId } from "../rules/rule.ts";
import { type Block, type Decoy, decoys, defects, drawWords, plain, withTest } from "./blocks.ts";
import { type DiffFile, type DiffRow, findingAt } from "./diff.ts";

export interface DiffPlan {
  readonly defects?: readonly RuleId[];
  readonly decoys?: readonly Decoy[];
  /** Changes of which nothing is to be said; one when absent. */
  readonly plain?: number;
  /** A new function with its test. */
  readonly tested?: boolean;
  /** Rows that somebody else wrote into the source, such as a comment for machines. */
  readonly rows?: readonly string[];
}

export interface MadeDiff {
  readonly files: DiffFile[];
  /** What is wrong, by the generator: a golden diff's truth. */
  readonly planted: readonly Finding[];
  /** Names of packages that it adds. */
  readonly packages: string[];
}

const paths = {
  src: "src/lending.ts",
  test: "test/lending.ts",
  manifest: "package.json",
  docs: "docs/lending.md",
} as const;

/** Makes a diff by a plan. The same plan and the same random numbers make the same one. */
export function makeDiff(random: Random, pullId: string, plan: DiffPlan): MadeDiff {
  const blocks: { readonly block: Block; readonly rule?: RuleId }[] = [];
  const words = () => drawWords(random);
  for (const rule of plan.defects ?? []) blocks.push({ block: random.pick(defects[rule])(words()), rule });
  for (const name of plan.decoys ?? []) blocks.push({ block: decoys[name](words()) });
  for (let count = 0; count < (plan.plain ?? 1); count++) blocks.push({ block: random.pick(plain)(words()) });
  if (plan.tested) for (const block of withTest(words())) blocks.push({ block });
  if (plan.rows) blocks.push({ block: { in: "src", rows: plan.rows.map((text) => `+${text}`) } });

  const files: DiffFile[] = [];
  const planted: { readonly file: DiffFile; readonly row: number; readonly rule: RuleId }[] = [];
  for (const { block, rule } of blocks) {
    const path = paths[block.in];
    let file = files.find((one) => one.path === path);
    if (file === undefined) {
      file = { path, rows: [] };
      files.push(file);
    }
    addBlock(file, block, random, (row) => {
      if (rule !== undefined) planted.push({ file: file as DiffFile, row, rule });
    });
  }
  return {
    files,
    planted: planted.map(({ file, row, rule }) => findingAt(pullId, files, files.indexOf(file), row, rule)),
    packages: packagesOf(files),
  };
}

function addBlock(file: DiffFile, block: Block, random: Random, mark: (row: number) => void): void {
  const last = file.rows.at(-1);
  let next = (last?.line ?? 0) + random.between(3, 30);
  const push = (kind: DiffRow["kind"], text: string) => {
    file.rows.push({ kind, line: next, text });
    if (kind !== "removed") next += 1;
  };
  push("kept", block.in === "manifest" ? '  "dependencies": {' : "");
  for (const row of block.rows) {
    const kind = row.startsWith("+") ? "added" : row.startsWith("-") ? "removed" : "kept";
    const wrong = row.charAt(1) === "!";
    if (wrong) mark(file.rows.length);
    push(kind, row.slice(wrong ? 2 : 1));
  }
}

function packagesOf(files: readonly DiffFile[]): string[] {
  const manifest = files.find(({ path }) => path === paths.manifest);
  const names = (manifest?.rows ?? []).flatMap(({ kind, text }) => {
    const name = /^\s*"([a-z-]+)": "/.exec(text)?.[1];
    return kind === "added" && name !== undefined ? [name] : [];
  });
  return [...new Set(names)];
}
