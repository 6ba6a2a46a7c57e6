// @ts-check
/**
 * Writes docs/errors.md from the tables of error codes: every export named `errorCodes` or `…ErrorCodes` of a file
 * `errors.ts` in a package's sources.
 *
 *   node scripts/errors-doc.mjs            write
 *   node scripts/errors-doc.mjs --check    fail when the page is not what would be written
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspace.mjs";

const page = join(root, "docs", "errors.md");

/** @typedef {{ retryable: boolean, hint: string, message?: string }} ErrorEntry */

/** The page for a table of codes, sorted by family and code. @param {Record<string, ErrorEntry>} table */
export function errorsPage(table) {
  const codes = Object.keys(table).sort();
  const families = Map.groupBy(codes, (code) => code.slice(0, code.indexOf("/")));
  const lines = [
    "# Errors",
    "",
    "Every error has a `code`, a message with its values, and a `hint`. Retryable means that the same request may succeed",
    "when it is made again. This page is made from the packages' tables of errors by `scripts/errors-doc.mjs`.",
  ];
  for (const [family, members] of families) {
    lines.push(
      "",
      `## ${family}`,
      "",
      "| code | retryable | what happened | what to do |",
      "| --- | --- | --- | --- |",
    );
    for (const code of members) {
      const { retryable, message = "", hint } = /** @type {ErrorEntry} */ (table[code]);
      lines.push(`| \`${code}\` | ${retryable ? "yes" : "no"} | ${cell(message)} | ${cell(hint)} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replace(/\s+/g, " ");
}

/**
 * All tables in one.
 * @throws Error when there is no table at all, or two of them have the same code
 */
async function allCodes() {
  const files = globSync("{packages,apps}/*/src/**/errors.ts", { cwd: root, exclude: ["**/node_modules/**"] }).sort();
  /** @type {Record<string, ErrorEntry>} */
  const all = {};
  for (const file of files) {
    const module = await import(pathToFileURL(join(root, file)).href);
    for (const [name, table] of Object.entries(module)) {
      if (!/^(e|\w+E)rrorCodes$/.test(name)) continue;
      for (const [code, entry] of Object.entries(table)) {
        if (code in all) throw new Error(`${file}: the code ${code} is also in another table`);
        all[code] = entry;
      }
    }
  }
  if (Object.keys(all).length === 0) throw new Error("no table of error codes was found");
  return all;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const errorCodes = await allCodes();
  const wanted = errorsPage(errorCodes);
  if (!process.argv.includes("--check")) {
    writeFileSync(page, wanted);
    console.log(`  docs/errors.md: ${Object.keys(errorCodes).length} codes`);
  } else if (!existsSync(page) || readFileSync(page, "utf8") !== wanted) {
    console.error("  docs/errors.md is not what the table says; write it with: npm run docs:errors");
    process.exitCode = 1;
  } else {
    console.log(`  docs/errors.md lists all ${Object.keys(errorCodes).length} codes`);
  }
}
