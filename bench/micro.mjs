// @ts-check
/**
 * What the parts of a run cost, in microseconds and as ratios to a floor of plain functions measured in the same rounds.
 *
 *   npm run bench
 *   npm run bench:check     compares the ratios with bench/baseline.json, and fails above +25 %
 *   npm run bench -- --write     makes the baseline anew
 *
 * Mitata times each act in batches, so that the clock's own cost does not count, and collects garbage between cases.
 * All are measured in turns, in several rounds, and of each the least median counts: other work on a machine only adds.
 * What an engine makes of the same code differs from process to process (a message on the bus takes 0.08 µs in one and 0.20
 * in the next), so a part that comes out slower is measured again in up to four more processes before it is called slower.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure } from "mitata";
import { root } from "../scripts/workspace.mjs";
import { cases } from "./micro/cases.mjs";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    rounds: { type: "string", default: "12" },
    only: { type: "string" },
  },
});
const file = join(root, "bench", "baseline.json");
const allowed = 1.25;

/** Microseconds of one act, at the median. @param {(typeof cases)[number]} one */
async function timeOf({ act, acts }) {
  const { p50 } = await measure(act, { min_cpu_time: 100 * 1e6 });
  return p50 / 1_000 / acts;
}

/** @type {Record<string, number>} */
const least = {};
const measured = cases.filter(({ name }) => values.only === undefined || name === "floor" || name === values.only);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const one of measured)
    least[one.name] = Math.min(least[one.name] ?? Number.POSITIVE_INFINITY, await timeOf(one));
}
if (values.only !== undefined) {
  console.log(JSON.stringify(least));
  process.exit(0);
}
const { floor = Number.NaN, ...parts } = least;

/** The ratio of one part in a process of its own. @param {string} name */
function againOf(name) {
  const args = ["--conditions=@remit/source", import.meta.filename, "--only", name, "--rounds", "4"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`measuring ${name} again failed: ${stderr}`);
  const again = JSON.parse(stdout);
  return Number((again[name] / again.floor).toFixed(3));
}

/** @type {Record<string, number>} */
const baseline = values.check ? JSON.parse(readFileSync(file, "utf8")) : {};
const slower = [];
/** @type {Record<string, number>} */
const ratios = {};
console.log(`the floor: ${floor.toFixed(2)} µs\npart | µs | ratio to the floor | baseline`);
for (const [name, us] of Object.entries(parts)) {
  const before = baseline[name];
  const most = (before ?? Number.POSITIVE_INFINITY) * allowed;
  let ratio = Number((us / floor).toFixed(3));
  for (let more = 0; more < 4 && ratio > most; more++) ratio = Math.min(ratio, againOf(name));
  ratios[name] = ratio;
  if (ratio > most) slower.push(name);
  console.log(`${name} | ${(ratio * floor).toFixed(2)} | ${ratio.toFixed(2)} | ${before?.toFixed(2) ?? "–"}`);
}
if (values.write) writeFileSync(file, `${JSON.stringify(ratios, null, 2)}\n`);
if (slower.length > 0) {
  console.error(`Slower than the baseline by more than 25 %: ${slower.join(", ")}`);
  process.exit(1);
}
process.exit(0);
