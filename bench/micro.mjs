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
 */
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
for (let round = 0; round < Number(values.rounds); round++) {
  for (const one of cases) least[one.name] = Math.min(least[one.name] ?? Number.POSITIVE_INFINITY, await timeOf(one));
}
const { floor = Number.NaN, ...parts } = least;

/** @type {Record<string, number>} */
const baseline = values.check ? JSON.parse(readFileSync(file, "utf8")) : {};
const slower = [];
/** @type {Record<string, number>} */
const ratios = {};
console.log(`the floor: ${floor.toFixed(2)} µs\npart | µs | ratio to the floor | baseline`);
for (const [name, us] of Object.entries(parts)) {
  const ratio = Number((us / floor).toFixed(3));
  ratios[name] = ratio;
  const before = baseline[name];
  if (before !== undefined && ratio > before * allowed) slower.push(name);
  console.log(`${name} | ${us.toFixed(2)} | ${ratio.toFixed(2)} | ${before?.toFixed(2) ?? "–"}`);
}
if (values.write) writeFileSync(file, `${JSON.stringify(ratios, null, 2)}\n`);
if (slower.length > 0) {
  console.error(`Slower than the baseline by more than 25 %: ${slower.join(", ")}`);
  process.exit(1);
}
process.exit(0);
