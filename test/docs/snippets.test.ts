import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { root } from "../architecture/module.ts";
import { allPages } from "./pages.ts";
import { partMark, programsOf } from "./program.ts";

/** `UPDATE_DOCS=1` writes what was printed into the pages instead of comparing; read the difference like code. */
const update = process.env.UPDATE_DOCS === "1";

/** Programs are written to a folder inside the repository, where they find the packages, and go with it. */
const parent = join(root, ".remit");
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, "docs-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const pages = allPages().map((page, index) => ({ page, dir: join(folder, String(index)), programs: programsOf(page) }));
const programs = pages.flatMap(({ dir, programs: found }) =>
  found.map((program, index) => ({ ...program, name: program.where, file: join(dir, `program-${index}`) })),
);

beforeAll(() => {
  // What a page keeps in a temporary folder goes with it as well.
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  for (const name of ["TMPDIR", "TMP", "TEMP"]) vi.stubEnv(name, temporary);
  for (const { page, dir } of pages) {
    mkdirSync(dir);
    for (const { language, words, text } of page.blocks) {
      const name = words.find((word) => word.startsWith("file="))?.slice("file=".length);
      if (language === "ts" && name !== undefined) writeFileSync(join(dir, name), `${text}\n`);
    }
  }
  for (const { file, checked, run } of programs) {
    writeFileSync(`${file}.checked.ts`, checked);
    if (run !== "") writeFileSync(`${file}.run.ts`, run);
  }
});

test("the programs on the pages pass the type check", () => {
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
      include: ["**/*.ts"],
      exclude: ["**/*.run.ts"],
    }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  // The longest first: a folder's name may end like another's.
  const longestFirst = programs.toSorted((one, other) => other.file.length - one.file.length);
  const named = longestFirst.reduce(
    (text, { name, file }) => text.replaceAll(`${file.slice(folder.length + 1)}.checked.ts`, name),
    stdout,
  );
  expect(named).toBe("");
  expect(programs.length).toBeGreaterThan(0);
}, 120_000);

describe("the programs on the pages run and print what the page says", () => {
  test.each(programs.filter(({ run }) => run !== ""))("$name", async ({ file, name, outputs }) => {
    const printed: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...values: unknown[]) => {
      const text = format(...values);
      if (text.startsWith(partMark)) printed.push("");
      else printed.push(`${printed.pop() ?? ""}${text}\n`);
    });
    try {
      await import(/* @vite-ignore */ `${file}.run.ts`);
    } finally {
      log.mockRestore();
    }
    const page = name.split(":")[0] ?? "";
    // From the last to the first, so that an update leaves the other line numbers right.
    for (const [part, { text, line }] of [...outputs].reverse()) {
      const actual = trimmed(printed[part] ?? "");
      if (update) replaceBlock(page, line, text, actual);
      else expect(actual, `the output at ${page}:${line}`).toBe(trimmed(text));
    }
  });
});

/** Without spaces at the ends of lines, which pages should not have. */
function trimmed(text: string): string {
  return text.replace(/[ \t]+$/gm, "").trimEnd();
}

/** @param line of the opening fence, counted from 1 */
function replaceBlock(page: string, line: number, before: string, after: string): void {
  const path = join(root, page);
  const rows = readFileSync(path, "utf8").split("\n");
  const height = rows.indexOf("```", line) - line;
  if (rows.slice(line, line + height).join("\n") !== before) throw new Error(`${page}:${line} has moved; run again`);
  rows.splice(line, height, ...after.split("\n"));
  writeFileSync(path, rows.join("\n"));
}
