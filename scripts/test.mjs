// @ts-check
/**
 * Everything that must hold, stage by stage, stopping at the first that fails. The last line counts the tests:
 * `N passed, N failed, N skipped`, where a failed stage that is not made of tests counts as one failure.
 *
 *   npm test                        all stages
 *   npm test -- --only types,style  some of them
 *   npm test -- --filter journal    the tests of the files whose path contains the text, and nothing else
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { cache, program, root } from "./workspace.mjs";

const { values: options } = parseArgs({ options: { only: { type: "string" }, filter: { type: "string" } } });
const tarballs = join(cache, "tarballs");
const totals = { passed: 0, failed: 0, skipped: 0 };

/** @typedef {{ name: string, title: string, run: () => boolean }} Stage */

/** @type {Stage[]} */
const stages = [
  {
    name: "types",
    title: "types, type tests included",
    run: () => tool(program("typescript", "tsc"), ["-p", "tsconfig.json"]),
  },
  { name: "style", title: "style", run: () => tool(program("@biomejs/biome", "biome"), ["ci", "--colors=off"]) },
  { name: "docs", title: "docs/errors.md lists every error", run: () => tool("scripts/errors-doc.mjs", ["--check"]) },
  { name: "tests", title: "tests", run: () => vitest("all", options.filter) },
  {
    name: "conformance",
    title: "the official conformance suite of MCP",
    run: () => tool("scripts/conformance.mjs"),
  },
  { name: "build", title: "build", run: () => tool("scripts/build.mjs") },
  {
    name: "packages",
    title: "packages as published: publint, attw",
    run: () => tool("scripts/pack.mjs", [tarballs]) && tool("scripts/lint-packages.mjs", [tarballs]),
  },
  { name: "packaging", title: "packages as installed", run: () => vitest("packaging", undefined) },
];

const wanted = (options.only ?? (options.filter === undefined ? undefined : "tests"))?.split(",");
const unknown = wanted?.filter((name) => !stages.some((stage) => stage.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`No stage is called ${unknown.join(", ")}; there are: ${stages.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}
const startedAt = performance.now();
const ok = stages.filter(({ name }) => wanted?.includes(name) ?? true).every(runStage);
console.log(`\n${ok ? "All good" : "Stopped at the first failure"} after ${seconds(startedAt)}.`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = ok ? 0 : 1;

/** @param {Stage} stage */
function runStage({ name, title, run }) {
  console.log(`\n== ${title}`);
  const stageStartedAt = performance.now();
  const failedBefore = totals.failed;
  const passed = run();
  if (!passed && totals.failed === failedBefore) totals.failed += 1;
  console.log(`== ${passed ? "ok" : "FAILED"} in ${seconds(stageStartedAt)}`);
  if (!passed) {
    const filter = options.filter === undefined ? "" : ` --filter ${options.filter}`;
    console.log(`   again: npm test -- --only ${name}${filter}`);
  }
  return passed;
}

/** Runs a program of ours or of a dependency under this Node; true when it exits with 0. @param {string} path @param {string[]} args */
function tool(path, args = []) {
  const result = spawnSync(process.execPath, [path, ...args], { cwd: root, stdio: "inherit" });
  if (result.error !== undefined) console.error(result.error.message);
  return result.status === 0;
}

/**
 * Runs one vitest project and adds its counts to the totals. No test at all is a failure; what was skipped is listed.
 * @param {string} project @param {string | undefined} filter part of a file's path
 */
function vitest(project, filter) {
  const reportFile = join(cache, `${project}.json`);
  mkdirSync(cache, { recursive: true });
  rmSync(reportFile, { force: true });
  const args = [
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportFile}`,
  ];
  const exitedWell = tool(program("vitest"), filter === undefined ? args : [...args, filter]);
  if (!existsSync(reportFile)) return false;
  const report = JSON.parse(readFileSync(reportFile, "utf8"));
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  totals.skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, assertionResults } of report.testResults) {
    const skipped = assertionResults.filter((/** @type {any} */ test) => !["passed", "failed"].includes(test.status));
    if (skipped.length > 0) console.log(`   skipped in ${relative(root, name)}: ${skipped.length}`);
    for (const { fullName } of skipped) console.log(`     ${fullName}`);
  }
  if (report.numPassedTests + report.numFailedTests === 0) console.error("No test ran.");
  return exitedWell && report.numFailedTests === 0 && report.numPassedTests > 0;
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
