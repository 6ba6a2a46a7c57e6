// @ts-check
/**
 * Remit beside other frameworks, on the peer kit: the same support ticket, models that answer at once, everything on.
 * Builds and packs this project's packages, puts them as the peer `remit` into a copy of the kit, installs the peers that
 * are asked for, lets the kit measure them in turns, and prints the ratios that are held to a target.
 *
 *   npm run bench:peers -- [--peers floor,remit,…] [--modes cold,seq,conc,durable,park,mcp,size] [--rounds 5] [--quick]
 *     [--kit <folder>] [--out <folder>]
 *
 * The kit is looked for under `--kit`, else `REMIT_PEERS`, else `../shared/bench/peers` beside this project. The copy is
 * removed afterwards; `--out` keeps the kit's own tables.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { packAll, tarballOf } from "../scripts/pack.mjs";
import { root, workspacePackages } from "../scripts/workspace.mjs";
import { durableVariants, judge } from "./peer/targets.mjs";

const { values } = parseArgs({
  options: {
    kit: { type: "string", default: process.env.REMIT_PEERS ?? join(root, "..", "shared", "bench", "peers") },
    peers: { type: "string", default: "floor,remit" },
    modes: { type: "string", default: "size,cold,seq,conc,durable,park" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const kit = resolve(values.kit);
if (!existsSync(join(kit, "run.mjs"))) {
  console.log(`Skipped: there is no peer kit at ${kit}. Name its folder with --kit or REMIT_PEERS.`);
  process.exit(0);
}

const peers = [...new Set([...values.peers.split(","), "remit"])];
const place = mkdtempSync(join(tmpdir(), "remit-peers-"));
try {
  const copy = join(place, "kit");
  cpSync(kit, copy, { recursive: true, filter: (path) => !/[/\\](node_modules|results)$/.test(path) });
  cpSync(join(root, "bench", "peer"), join(copy, "peers", "remit"), { recursive: true });
  addPackages(join(copy, "peers", "remit"));
  run(process.execPath, ["install.mjs", ...peers], copy);
  const how = ["--peers", peers.join(","), "--modes", values.modes];
  if (values.rounds !== undefined) how.push("--rounds", values.rounds);
  if (values.quick) how.push("--quick");
  run(process.execPath, ["run.mjs", ...how], copy);
  const results = join(copy, "results");
  if (values.out !== undefined) cpSync(results, resolve(values.out), { recursive: true });
  const rounds = values.quick ? 1 : Number(values.rounds ?? 5);
  const loads = values.modes.includes("durable") ? loadsIn(copy, rounds) : {};
  console.log(judge(JSON.parse(readFileSync(join(results, "results.json"), "utf8")), loads));
} finally {
  rmSync(place, { recursive: true, force: true });
}

/** Puts the packed packages beside the adapter, under the names that its manifest has. @param {string} folder */
function addPackages(folder) {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const packages = workspacePackages().filter(({ name }) => name in dependencies);
  run(process.execPath, ["scripts/build.mjs", ...packages.map(({ name }) => name)], root);
  const tarballs = join(place, "tarballs");
  packAll(tarballs, packages);
  for (const { name, manifest } of packages) {
    copyFileSync(tarballOf(tarballs, manifest), join(folder, `${name.slice(1).replace("/", "-")}.tgz`));
  }
}

/** In turns. @param {string} copy @param {number} rounds */
function loadsIn(copy, rounds) {
  const loads = Object.fromEntries(
    Object.keys(durableVariants).map((variant) => [variant, /** @type {import("./peer/targets.mjs").Load[]} */ ([])]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const [variant, measured] of Object.entries(loads)) measured.push(loadIn(copy, variant));
  }
  return loads;
}

/** 100 durable runs at a time. @param {string} copy @param {string} variant @returns {import("./peer/targets.mjs").Load} */
function loadIn(copy, variant) {
  const ms = values.quick ? ["1000", "2000"] : ["2000", "5000"];
  const args = [join(copy, "peers", "remit", "load.mjs"), variant, ...ms];
  return JSON.parse(execFileSync(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: "" } }).toString());
}

/** @param {string} command @param {readonly string[]} args @param {string} cwd */
function run(command, args, cwd) {
  // The Node that runs this comes first, and nothing of this project's conditions reaches the peers.
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" };
  const { status } = spawnSync(command, args, { cwd, env, stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
}
