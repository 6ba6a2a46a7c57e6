#!/usr/bin/env node
/**
 * `node test/restate/run.mjs`: the durability model on a real Restate node.
 *
 * Installs the server and the SDK into this folder on first use (about 230 MB, outside the workspace and its lockfile),
 * checks the types against the real SDK, then runs the cases of proof.ts. Exit code 0 when every case holds.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(dirname(dirname(here)), "node_modules");
const node = join(modules, "node", "bin", "node");
if (!existsSync(node)) {
  console.error("Install the workspace first: `npm test` or `npm start` in the repository's root does.");
  process.exit(2);
}

const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
if (!Object.entries(dependencies).every(([name, version]) => installedVersion(name) === version)) {
  console.log("installing the Restate server and SDK …");
  // No scripts: the one in there only reports the installation to a third party.
  step("npm", ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]);
}
step(join(modules, ".bin", "tsc"), ["-p", "."]);
const proof = spawn(node, ["--conditions=@remit/source", "proof.ts", ...process.argv.slice(2)], {
  cwd: here,
  stdio: "inherit",
});
// The child stops its processes and removes their files; this one only passes the signal on and waits.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
  process.on(signal, () => proof.kill(signal));
proof.on("exit", (code) => {
  process.exitCode = code ?? 1;
});

/** @param {string} name */
function installedVersion(name) {
  const manifest = join(here, "node_modules", name, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}

/** Runs a command here and ends with its exit code if that is not 0. @param {string} command @param {string[]} args */
function step(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: here, stdio: "inherit" });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
