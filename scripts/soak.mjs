// @ts-check
/**
 * What takes too long for every day: everything that `npm test` holds a sample of, in full.
 *
 *   npm run soak                                    all parts
 *   npm run soak -- --only kills,parked             some of them
 *   npm run soak -- --only kills --seed 17 --kills 300 --runs 50
 *
 * The parts are `kills` (a worker killed at each of its writes, then at random), `simulator` (--seeds, --jobs),
 * `properties` (--property-runs), `deploy` (a second version while 1,000 runs wait), `parked` (--parked-runs), `wire` (every
 * vendor's protocol: money counted twice over --ledger-runs with hedges and kept answers, all tasks of tau2 retail), `restate` (the engine contract in
 * full on a Restate node, kills on three), `noisy` (a specialist that makes mistakes on tau2 retail, --noisy-seeds) and `mcp` (--mcp-cycles connections). Each ends with a line of its own; the exit code is 1 when one of them did not hold.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { playEveryKill, playRandomKills, startLedger } from "../test/faults/kills.ts";
import { playCycles } from "../test/mcp/cycles.ts";
import { program, root } from "./workspace.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seed: { type: "string" },
    kills: { type: "string", default: "300" },
    runs: { type: "string", default: "50" },
    /** Plays only each n-th of a worker's writes; 0: none of them. */
    every: { type: "string", default: "1" },
    seeds: { type: "string", default: "100000" },
    jobs: { type: "string" },
    "property-runs": { type: "string", default: "2000" },
    "deploy-runs": { type: "string", default: "1000" },
    "parked-runs": { type: "string", default: "100000" },
    "ledger-runs": { type: "string", default: "1000" },
    "noisy-seeds": { type: "string", default: "20" },
    "mcp-cycles": { type: "string", default: "1000" },
  },
});

/** @typedef {{ name: string, play: () => Promise<string> | string }} Part */

/** @type {Part[]} */
const parts = [
  { name: "kills", play: playKills },
  { name: "simulator", play: playSimulator },
  {
    name: "properties",
    play: () => {
      vitest(["test/property", "test/model"], { REMIT_PROPERTY_RUNS: values["property-runs"] });
      return `${values["property-runs"]} runs of each property`;
    },
  },
  {
    name: "deploy",
    play: () => {
      vitest(["test/faults/deploy"], { REMIT_DEPLOY_RUNS: values["deploy-runs"] });
      return `${values["deploy-runs"]} runs that waited, on each engine`;
    },
  },
  {
    name: "parked",
    play: () => {
      node(["--conditions=@remit/source", "bench/parked.mjs", "--runs", values["parked-runs"]]);
      return `${values["parked-runs"]} runs parked and brought to their end`;
    },
  },
  {
    name: "wire",
    play: () => {
      const env = { REMIT_LEDGER_RUNS: values["ledger-runs"], REMIT_WIRE_TASKS: "all" };
      vitest(["test/scenario/model-ledger", "test/scenario/tau2-wire"], env);
      return `${values["ledger-runs"]} runs and all tasks over each vendor's protocol`;
    },
  },
  {
    name: "noisy",
    play: () => {
      vitest(["test/scenario/tau2-retail"], { REMIT_NOISY_SEEDS: values["noisy-seeds"] });
      return `${values["noisy-seeds"]} seeds: no write on another customer's records, none unconfirmed, none twice`;
    },
  },
  {
    name: "restate",
    play: () => {
      vitest([], { REMIT_RESTATE_THEMES: "all" }, "restate");
      node(["--conditions=@remit/source", "test/restate/crash/run.ts"]);
      return "the engine and journal contracts, the packs and 500 runs over a new version on a node, and crashes on three";
    },
  },
  {
    name: "mcp",
    play: async () => {
      // The collector must be asked, or the heap says nothing.
      setFlagsFromString("--expose-gc");
      Object.assign(globalThis, { gc: runInNewContext("gc") });
      const {
        processesLeft,
        handlesLeft,
        listenersLeft,
        heapGrownBytes = 0,
      } = await playCycles(whole("mcp-cycles", values["mcp-cycles"]));
      const grown = `the heap grew by ${(heapGrownBytes / 2 ** 20).toFixed(1)} MiB`;
      const left = `left: ${processesLeft} processes, handles [${handlesLeft}], ${listenersLeft} listeners; ${grown}`;
      if (processesLeft + handlesLeft.length + listenersLeft > 0 || heapGrownBytes > 24 * 2 ** 20)
        throw new Error(left);
      return `${values["mcp-cycles"]} MCP connections made and closed; ${left}`;
    },
  },
];

const wanted = values.only?.split(",") ?? parts.map(({ name }) => name);
const unknown = wanted.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`No part is called ${unknown.join(", ")}; there are: ${parts.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}
/** @type {string[]} */
const lines = [];
for (const { name, play } of parts.filter((part) => wanted.includes(part.name))) {
  console.log(`\n== ${name}`);
  const began = performance.now();
  let line;
  try {
    line = `ok      ${await play()}`;
  } catch (thrown) {
    line = `FAILED  ${thrown instanceof Error ? thrown.message : thrown}`;
    process.exitCode = 1;
  }
  lines.push(`${name.padEnd(10)} ${line} (${((performance.now() - began) / 1_000).toFixed(0)} s)`);
  console.log(lines.at(-1));
}
console.log(`\n${lines.join("\n")}`);

async function playKills() {
  const seed = whole("seed", values.seed ?? String(Date.now() % 1_000_000));
  const kills = whole("kills", values.kills);
  const runs = whole("runs", values.runs);
  const every = whole("every", values.every);
  const again = `npm run soak -- --only kills --every 0 --seed ${seed} --kills ${kills} --runs ${runs}`;
  const ledger = await startLedger();
  try {
    /** @param {import("../test/faults/kills.ts").KillPoint} point */
    const onPoint = ({ by, at, when }) => console.log(`killed ${when} ${by} write ${at}`);
    const points = every === 0 ? [] : await playEveryKill(ledger, { every, onPoint });
    const asked = points.reduce((sum, { settled }) => sum + settled.length, 0);
    console.log(`${points.length} points, each with its kill; a person was asked ${asked} times`);
    console.log(`random kills with seed ${seed}; again: ${again}`);
    /** @param {number} done */
    const onKill = (done) => done % 25 === 0 && console.log(`${done} random kills`);
    const random = await playRandomKills(ledger, { seed, runs, kills, onKill });
    return `${points.length} points; ${random.kills} random kills, seed ${seed}, ${random.entries} entries, a person was asked ${random.settled.length} times`;
  } catch (thrown) {
    throw new Error(`${thrown instanceof Error ? thrown.message : thrown}; again: ${again}`, { cause: thrown });
  } finally {
    ledger.close();
  }
}

function playSimulator() {
  const script = join("scripts", "sim.mjs");
  const takesJobs = /\bjobs: \{/.test(readFileSync(join(root, script), "utf8"));
  const jobs = takesJobs && values.jobs !== undefined ? ["--jobs", values.jobs] : [];
  node(["--conditions=@remit/source", script, "--seeds", values.seeds, ...jobs]);
  return `${values.seeds} seeds`;
}

/** @param {string[]} paths @param {Record<string, string>} env @param {string} project */
function vitest(paths, env, project = "all") {
  // Many runs of one property are one long test.
  const args = [program("vitest"), "run", "--project", project, "--testTimeout", "3600000", ...paths];
  node(args, { NODE_OPTIONS: "--conditions=@remit/source", ...env });
}

/** Runs a program and waits for its end. @param {string[]} args @param {Record<string, string>} [env] */
function node(args, env = {}) {
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`it ended with ${status}`);
}

/** @param {string} option @param {string} text */
function whole(option, text) {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${option} takes a whole number, not "${text}".`);
  process.exit(2);
}
