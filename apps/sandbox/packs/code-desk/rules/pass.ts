import type { DiffFile, DiffRow } from "../diffs/diff.ts";
import { findingAt } from "../diffs/diff.ts";
import { type Finding, type RuleId, ruleIds } from "./rule.ts";

/**
 * The rule pass: what a linter finds in a diff, row by row. Pure, and no model. It knows forms and not meanings, so a
 * condition that says the opposite passes it by, and a word that is called a token is taken for one.
 */

type Looks = (row: DiffRow, at: number, file: DiffFile, all: readonly DiffFile[]) => boolean;

const isTest = ({ path }: DiffFile) => path.startsWith("test/");
const isCode = ({ path }: DiffFile) => path.endsWith(".ts");
const added = (row: DiffRow, file: DiffFile) => row.kind === "added" && isCode(file);

const check = /^\s*(?:if \(!(?:may|can|is)[A-Z]\w*\(.*throw|require[A-Z]\w*\(|assert[A-Z]\w*\()/;
const secret = /(?:key|secret|password|token)\w*\s*[:=]\s*["'][\w+/-]{16,}["']/i;
const catches = /^\s*\}\s*catch\s*(?:\(\w+\)\s*)?\{\s*$/;
const nothing = /^\s*(?:\/\/.*|return(?: undefined| null)?;)?\s*$/;
const statement = /\b(?:select|insert|update|delete)\b/i;

const looks: Readonly<Partial<Record<RuleId, Looks>>> = {
  missing_test: (row, _, file, all) => {
    if (!added(row, file) || isTest(file)) return false;
    const name = /^export (?:async )?(?:function|const) (\w+)/.exec(row.text)?.[1];
    if (name === undefined) return false;
    return !all.some((one) => isTest(one) && one.rows.some(({ text }) => text.includes(name)));
  },
  disabled_test: (row, _, file) => added(row, file) && isTest(file) && /\b(?:test|it|describe)\.skip\(/.test(row.text),
  swallowed_error: (row, at, file) => {
    if (!added(row, file) || !catches.test(row.text)) return false;
    const end = file.rows.findIndex(({ text }, index) => index > at && /^\s*\}/.test(text));
    return file.rows.slice(at + 1, end < 0 ? undefined : end).every(({ text }) => nothing.test(text));
  },
  secret_in_code: (row, _, file) => added(row, file) && !isTest(file) && secret.test(row.text),
  off_by_one: (row, _, file) => {
    if (!added(row, file)) return false;
    return /for \(let \w+ = 0; \w+ <= \w+\.length;/.test(row.text) || /\b(\w+)\[\1\.length\]/.test(row.text);
  },
  sql_from_strings: (row, _, file) => {
    if (!added(row, file) || !statement.test(row.text)) return false;
    return /["'] \+ \w|\w \+ ["']/.test(row.text) || /\((?:`[^`]*\$\{)/.test(row.text);
  },
  removed_check: ({ kind, text }, _, __, all) =>
    kind === "removed" &&
    check.test(text) &&
    // Moved is not removed.
    !all.some(({ rows }) => rows.some((one) => one.kind === "added" && one.text.trim() === text.trim())),
  unpinned_dependency: ({ kind, text }, _, { path }) =>
    kind === "added" && path === "package.json" && /^\s*"[a-z@/-]+": "(?:[\^~*>]|latest)/.test(text),
  weak_hash: (row, _, file) => added(row, file) && /createHash\(["'](?:md5|sha1)["']\)/.test(row.text),
  debug_output: (row, _, file) => added(row, file) && /^\s*(?:console\.(?:log|debug)\(|debugger;)/.test(row.text),
  todo_without_issue: (row, _, file) => added(row, file) && /\/\/ (?:TODO|FIXME)(?!\(ISS-\d{4}\))/.test(row.text),
};

/** All that the rules find, in the order of files and rows. */
export function rulePass(pullId: string, files: readonly DiffFile[]): readonly Finding[] {
  return files.flatMap((file, index) =>
    file.rows.flatMap((row, at) =>
      ruleIds.flatMap((rule) =>
        looks[rule]?.(row, at, file, files) ? [findingAt(pullId, files, index, at, rule)] : [],
      ),
    ),
  );
}
