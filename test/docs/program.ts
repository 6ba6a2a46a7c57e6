import type { Page } from "./page.ts";

/**
 * The programs of a page. A block says what it is behind its language:
 *
 *   ```ts runnable             begins a program: it is type-checked and run
 *   ```ts runnable continued   the next part of the program before it
 *   ```ts checked              begins a program that is type-checked only; also with `continued`
 *   ```ts file=name.ts         a file beside the page's programs: type-checked, run only by them
 *   ```text output             exactly what the runnable part before it prints; other languages too
 *   ```yaml scenario           a scenario file that the loader takes
 *
 * Everything else is for reading.
 */
export interface Program {
  /** `docs/guides/x.md:12`. */
  readonly where: string;
  /** What the compiler sees. */
  readonly checked: string;
  /** What is run; empty when nothing is. Each part announces itself with {@link partMark}. */
  readonly run: string;
  /** What the parts must print, by their number from 0; absent: anything. */
  readonly outputs: ReadonlyMap<number, { readonly text: string; readonly line: number }>;
}

/** Printed before each part of a program that is run. */
export const partMark = "\u0000part ";

export function programsOf(page: Page): Program[] {
  const made: { line: number; parts: { text: string; run: boolean }[]; outputs: Map<number, Output> }[] = [];
  for (const { language, words, text, line } of page.blocks) {
    if (language === "ts" && (words.includes("runnable") || words.includes("checked"))) {
      if (!words.includes("continued")) made.push({ line, parts: [], outputs: new Map() });
      made.at(-1)?.parts.push({ text, run: words.includes("runnable") });
    } else if (words.includes("output")) {
      const program = made.at(-1);
      const part = program ? program.parts.filter(({ run }) => run).length - 1 : -1;
      if (!program || part < 0) throw new Error(`${page.file}:${line}: output of nothing`);
      program.outputs.set(part, { text, line });
    }
  }
  return made.map(({ line, parts, outputs }) => ({
    where: `${page.file}:${line}`,
    checked: `${parts.map(({ text }) => text).join("\n\n")}\nexport {};\n`,
    run: parts
      .filter(({ run }) => run)
      .map(({ text }, part) => `console.log(${JSON.stringify(`${partMark}${part}`)});\n${text}`)
      .join("\n\n"),
    outputs,
  }));
}

interface Output {
  readonly text: string;
  readonly line: number;
}
