// @ts-check
/**
 * What @remit/core weighs for its users: its import beside zod's and xstate's, what an installation brings, and what its
 * types cost the compiler in the example of two agents that the README shows.
 *
 *   npm run build && npm run bench:weight
 *   npm run bench:weight -- --check     fails above a bound, and above bench/weight.json by more than 25 %
 *   npm run bench:weight -- --write     makes that baseline anew
 */
import { spawnSync } from "node:child_process";
import { globSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packAll, tarballOf } from "../scripts/pack.mjs";
import { program, root, workspacePackages } from "../scripts/workspace.mjs";
import { measureImports } from "./import.mjs";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    rounds: { type: "string", default: "21" },
  },
});
const file = join(root, "bench", "weight.json");
const allowed = 1.25;
/** What must hold, whatever the baseline says. @type {Readonly<Record<string, number>>} */
const bounds = { "import ratio": 1.4, packages: 20, "MiB installed": 16, "type instantiations": 10_000 };

const folder = mkdtempSync(join(tmpdir(), "remit-weight-"));
/** @type {Record<string, number>} */
const measured = {};
try {
  measured["import ratio"] = Number(measureImports(Number(values.rounds)).cpu.toFixed(3));
  const app = install(folder);
  measured.packages = globSync("node_modules/{@*/*,[!@.]*}/package.json", { cwd: app }).length;
  measured["MiB installed"] = Number((kibOf(join(app, "node_modules")) / 1024).toFixed(2));
  measured["type instantiations"] = instantiationsOf(app);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @type {Record<string, number>} */
const baseline = values.check ? JSON.parse(readFileSync(file, "utf8")) : {};
console.log("what | measured | baseline | at most");
const heavier = [];
for (const [name, value] of Object.entries(measured)) {
  const [before, bound = Number.NaN] = [baseline[name], bounds[name]];
  console.log(`${name} | ${value} | ${before ?? "–"} | ${bound}`);
  if (!(value <= bound && value <= (before ?? bound) * allowed)) heavier.push(name);
}
if (values.write) writeFileSync(file, `${JSON.stringify(measured, null, 2)}\n`);
if (values.check && heavier.length > 0) {
  console.error(`Above its bound, or heavier than the baseline by more than 25 %: ${heavier.join(", ")}`);
  process.exitCode = 1;
}

/** Installs the packed package as a user does. @param {string} into @returns {string} the user's folder */
function install(into) {
  const core = workspacePackages().filter(({ name }) => name === "@remit/core");
  const tarballs = join(into, "tarballs");
  packAll(tarballs, core);
  const app = join(into, "app");
  mkdirSync(app);
  const dependencies = Object.fromEntries(
    core.map(({ name, manifest }) => [name, `file:${tarballOf(tarballs, manifest)}`]),
  );
  writeFileSync(
    join(app, "package.json"),
    JSON.stringify({ name: "a-user", private: true, type: "module", dependencies }),
  );
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
  const npm = spawnSync("npm", args, { cwd: app, encoding: "utf8", shell: process.platform === "win32" });
  if (npm.status !== 0) throw new Error(`npm install ended with ${npm.status}\n${npm.stdout}${npm.stderr}`);
  return app;
}

/** What a folder takes on the disk, in whole blocks, as `du -k` says it. @param {string} path */
function kibOf(path) {
  const stats = globSync("**", { cwd: path }).map((name) => lstatSync(join(path, name)));
  return stats.reduce((sum, { blocks }) => sum + blocks / 2, 0);
}

/** Type instantiations of the README's example, compiled as a user's file. @param {string} app */
function instantiationsOf(app) {
  const [, example] = /^```ts runnable\n(.*?)^```/ms.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  if (example === undefined) throw new Error("README.md has no example");
  writeFileSync(join(app, "desk.ts"), example);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2024",
    module: "nodenext",
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
  };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["desk.ts"] }));
  const args = [program("typescript", "tsc"), "-p", app, "--extendedDiagnostics", "--pretty", "false"];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const [, count] = /^Instantiations:\s+(\d+)$/m.exec(stdout) ?? [];
  if (status !== 0 || count === undefined) throw new Error(`the README's example does not compile\n${stdout}`);
  return Number(count);
}
