#!/usr/bin/env node
// @ts-check
/**
 * The commands of this repository that install what they need, under any Node from 20 on and without dependencies:
 *
 *   npm start [-- arguments]   the sandbox (apps/sandbox/src/main.ts)
 *   npm test  [-- arguments]   every check (scripts/test.mjs)
 *   npm run cluster            three Restate nodes and two workers here (scripts/cluster.mjs)
 *
 * Installs what the command needs when a manifest or the lockfile has changed, then hands over to the workspace's own
 * Node with the `@remit/source` condition, so that sources run without a build. The exit code is the child's; a child
 * that a signal ended gives 128 + the signal's number.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const pnpmVersion = "12.21.0";
const windows = process.platform === "win32";
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const node = join(modules, "node", "bin", windows ? "node.exe" : "node");
const stampFile = join(modules, ".remit-install.json");
const lockFile = join(modules, ".remit-install.lock");

/** @typedef {"start" | "all"} Scope "start": what runs the sandbox; "all": with the tools for development and tests */

/** @type {Record<string, { entry: string, scope: Scope }>} */
const commands = {
  start: { entry: join(root, "apps", "sandbox", "src", "main.ts"), scope: "start" },
  test: { entry: join(root, "scripts", "test.mjs"), scope: "all" },
  cluster: { entry: join(root, "scripts", "cluster.mjs"), scope: "all" },
};

const [name = "", ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  console.error(`Unknown command "${name}"; there are: ${Object.keys(commands).join(", ")}.`);
  process.exit(2);
}
if (!installed(command.scope)) underLock(() => installed(command.scope) || install(command.scope));
run(command.entry, args);

/** Hash of everything that decides what is installed: lockfile, workspace file, all manifests, the platform. */
function fingerprint() {
  const manifests = ["packages", "apps"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((child) => join(folder, child, "package.json")),
  );
  manifests.push(join("test", "mcp", "package.json"));
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests.sort()]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`\0${file}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** True when the last install through this script had the same fingerprint and at least this scope. @param {Scope} scope */
function installed(scope) {
  if (!existsSync(stampFile) || !existsSync(node)) return false;
  const [stamp, stampScope] = readFileSync(stampFile, "utf8").trim().split(" ");
  return stamp === fingerprint() && (stampScope === "all" || stampScope === scope);
}

/**
 * Installs with pnpm, quietly unless it fails; then the process ends with pnpm's output and exit code 1.
 * A tree that already has the development tools keeps them: it is never pruned to the smaller scope.
 * @param {Scope} scope
 */
function install(scope) {
  const whole = scope === "all" || existsSync(join(modules, "typescript"));
  const wanted = fingerprint();
  console.error(`Installing dependencies (${whole ? "everything" : "only what runs"}; the first time takes a while) …`);
  rmSync(stampFile, { force: true });
  const pnpmArgs = ["--yes", `pnpm@${pnpmVersion}`, "install", "--frozen-lockfile", ...(whole ? [] : ["--prod"])];
  const result = spawnSync("npx", pnpmArgs, {
    cwd: root,
    encoding: "utf8",
    shell: windows,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, CI: "true" }, // pnpm asks no questions
  });
  if (result.error !== undefined || result.status !== 0 || !existsSync(node)) {
    console.error(result.stdout ?? "", result.stderr ?? "", result.error ?? "");
    console.error(`The install failed. To see it again: npx pnpm@${pnpmVersion} install --frozen-lockfile`);
    process.exit(1);
  }
  writeFileSync(stampFile, `${wanted} ${whole ? "all" : "start"}\n`);
}

/** Runs `work` while holding the install lock; a lock whose owner is gone is taken over. @param {() => unknown} work */
function underLock(work) {
  mkdirSync(modules, { recursive: true });
  for (;;) {
    try {
      const handle = openSync(lockFile, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      if (ownerIsGone()) rmSync(lockFile, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  process.on("exit", () => rmSync(lockFile, { force: true }));
  work();
  rmSync(lockFile, { force: true });
}

function ownerIsGone() {
  try {
    const pid = Number(readFileSync(lockFile, "utf8"));
    if (pid === 0) return Date.now() - statSync(lockFile).mtimeMs > 5_000; // it died, or is about to write its number
    process.kill(pid, 0);
    return false;
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    return code === "ESRCH" || code === "ENOENT";
  }
}

/** Hands over to the workspace's Node. @param {string} entry @param {string[]} entryArgs */
function run(entry, entryArgs) {
  const condition = "--conditions=@remit/source";
  const options = process.env.NODE_OPTIONS ?? "";
  const child = spawn(node, [condition, entry, ...entryArgs], {
    stdio: "inherit",
    env: {
      NODE_COMPILE_CACHE: join(modules, ".cache", "node"), // halves the time to load the sources, in child processes too
      ...process.env,
      NODE_OPTIONS: options.includes(condition) ? options : `${options} ${condition}`.trim(),
    },
  });
  // A terminal sends Ctrl-C to the child as well; a signal sent to this process alone is passed on.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`Cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
  });
}
