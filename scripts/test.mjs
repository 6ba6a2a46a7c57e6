// @ts-check
/**
 * Everything that must hold, stage by stage, stopping at the first that fails. The last line counts the tests:
 * `N passed, N failed, N skipped`, where a failed stage that is not made of tests counts as one failure.
 *
 *   npm test                        all stages
 *   npm test -- --only types,style  some of them
 *   npm test -- --filter journal    the tests of the files whose path contains the text, and nothing else
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { cache, program, root } from "./workspace.mjs";

const { values: options } = parseArgs({ options: { only: { type: "string" }, filter: { type: "string" } } });
const tarballs = join(cache, "tarballs");
const totals = { passed: 0, failed: 0, skipped: 0 };
/** All that is temporary is kept in here: what is left of it at the end was left behind. */
const temporary = mkdtempSync(join(tmpdir(), "remit-test-"));
process.once("exit", () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => process.exit(130));

/**
 * `beside`: it mostly waits, so it runs while the stages behind it do, and is told of at the end.
 * @typedef {{ name: string, title: string, beside?: true, run: (write: Write) => Promise<boolean> }} Stage
 * @typedef {(chunk: Buffer | string) => void} Write
 */

/** @type {Write} */
const told = (chunk) => void process.stdout.write(chunk);

/** @type {Stage[]} */
const stages = [
  {
    name: "types",
    title: "types, type tests included",
    run: (write) => tool(write, program("typescript", "tsc"), ["-p", "tsconfig.json"]),
  },
  {
    name: "style",
    title: "style",
    run: (write) => tool(write, program("@biomejs/biome", "biome"), ["ci", "--colors=off"]),
  },
  {
    name: "docs",
    title: "docs/errors.md lists every error",
    run: (write) => tool(write, "scripts/errors-doc.mjs", ["--check"]),
  },
  { name: "tests", title: "tests", run: (write) => vitest(write, "all", options.filter) },
  {
    name: "conformance",
    title: "the official conformance suite of MCP",
    beside: true,
    run: (write) => tool(write, "scripts/conformance.mjs"),
  },
  {
    name: "restate",
    title: "the engine contract and the packs on a Restate node",
    beside: true,
    run: (write) => vitest(write, "restate", options.filter),
  },
  { name: "build", title: "build", run: (write) => tool(write, "scripts/build.mjs") },
  {
    name: "packages",
    title: "packages as published: publint, attw",
    run: async (write) =>
      (await tool(write, "scripts/pack.mjs", [tarballs])) &&
      (await tool(write, "scripts/lint-packages.mjs", [tarballs])),
  },
  { name: "packaging", title: "packages as installed", run: (write) => vitest(write, "packaging", undefined) },
];

const wanted = (options.only ?? (options.filter === undefined ? undefined : "tests"))?.split(",");
const unknown = wanted?.filter((name) => !stages.some((stage) => stage.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`No stage is called ${unknown.join(", ")}; there are: ${stages.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}
const startedAt = performance.now();
const chosen = stages.filter(({ name }) => wanted?.includes(name) ?? true);
/** @type {(() => Promise<boolean>)[]} */
const besides = [];
let ok = true;
for (const stage of chosen) {
  if (stage.beside) {
    /** @type {(Buffer | string)[]} */
    const kept = [];
    const ended = runStage(stage, (chunk) => void kept.push(chunk));
    besides.push(async () => {
      const passed = await ended;
      for (const chunk of kept) told(chunk);
      return passed;
    });
  } else if (!(await runStage(stage, told))) {
    ok = false;
    break;
  }
}
for (const beside of besides) if (!(await beside())) ok = false;
// A newer npm has Node keep what it compiled there, for the next time: that is nobody's who is tested.
const left = readdirSync(temporary).filter((name) => name !== "node-compile-cache");
// What was stopped in its middle may leave something.
if (ok && left.length > 0) {
  ok = false;
  totals.failed += 1;
  console.log(`\nLeft behind in the temporary folder: ${left.join(", ")}`);
}
console.log(`\n${ok ? "All good" : "Stopped at the first failure"} after ${seconds(startedAt)}.`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = ok ? 0 : 1;

/** @param {Stage} stage @param {Write} write */
async function runStage({ name, title, run }, write) {
  write(`\n== ${title}\n`);
  const stageStartedAt = performance.now();
  const failedBefore = totals.failed;
  const passed = await run(write);
  if (!passed && totals.failed === failedBefore) totals.failed += 1;
  write(`== ${passed ? "ok" : "FAILED"} in ${seconds(stageStartedAt)}\n`);
  if (!passed) {
    const filter = options.filter === undefined ? "" : ` --filter ${options.filter}`;
    write(`   again: npm test -- --only ${name}${filter}\n`);
  }
  return passed;
}

/**
 * Runs a program of ours or of a dependency under this Node; true when it exits with 0.
 * @param {Write} write @param {string} path @param {string[]} args @returns {Promise<boolean>}
 */
function tool(write, path, args = []) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path, ...args], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary, TMP: temporary, TEMP: temporary },
      stdio: ["inherit", "pipe", "pipe"],
    });
    child.stdout.on("data", write);
    child.stderr.on("data", write);
    child.on("error", ({ message }) => {
      write(`${message}\n`);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
}

/**
 * Runs one vitest project and adds its counts to the totals. No test at all is a failure; what was skipped is listed.
 * @param {Write} write @param {string} project @param {string | undefined} filter part of a file's path
 */
async function vitest(write, project, filter) {
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
  const exitedWell = await tool(write, program("vitest"), filter === undefined ? args : [...args, filter]);
  if (!existsSync(reportFile)) return false;
  const report = JSON.parse(readFileSync(reportFile, "utf8"));
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  totals.skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, assertionResults } of report.testResults) {
    const skipped = assertionResults.filter((/** @type {any} */ test) => !["passed", "failed"].includes(test.status));
    if (skipped.length > 0) write(`   skipped in ${relative(root, name)}: ${skipped.length}\n`);
    for (const { fullName } of skipped) write(`     ${fullName}\n`);
  }
  if (report.numPassedTests + report.numFailedTests === 0) write("No test ran.\n");
  return exitedWell && report.numFailedTests === 0 && report.numPassedTests > 0;
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
