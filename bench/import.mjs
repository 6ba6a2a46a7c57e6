// @ts-check
/**
 * What importing the built root entry of @remit/core costs, beside what it cannot be lighter than: zod and xstate alone.
 * Each is the median of fresh processes, taken in turns; time and processor time are measured inside, around the import.
 * A ratio is the median of those of processes that follow each other. Where a machine has other work the time wanders,
 * and the ratio of the processor times is what can be held against a bound.
 *
 *   npm run build && npm run bench:import -- --rounds 31
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root } from "../scripts/workspace.mjs";

/** @type {Record<string, readonly string[]>} */
const cases = {
  "zod + xstate": ["zod", "xstate"],
  "@remit/core": ["@remit/core"],
};

/**
 * @typedef {{ readonly median: number, readonly least: number, readonly most: number }} Times in milliseconds, or ratios
 * @typedef {{ readonly wall: Times, readonly cpu: Times }} Cost
 */

/**
 * @param {number} rounds
 * @returns {{ readonly costs: Readonly<Record<string, Cost>>, readonly wall: number, readonly cpu: number }} each case,
 *   and how many times as much as the first one the last one costs
 */
export function measureImports(rounds) {
  if (!existsSync(join(root, "packages", "core", "dist", "index.js"))) {
    throw new Error("@remit/core is not built; build it with: npm run build");
  }
  /** @type {Record<string, { wall: number[], cpu: number[] }>} */
  const measured = Object.fromEntries(Object.keys(cases).map((name) => [name, { wall: [], cpu: [] }]));
  const names = Object.keys(cases);
  for (let round = -1; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const [wall, cpu] = importOnce(cases[name] ?? []);
      if (round < 0) continue; // The first round warms the disk's cache.
      measured[name]?.wall.push(wall);
      measured[name]?.cpu.push(cpu);
    }
  }
  /** @type {Record<string, Cost>} */
  const costs = {};
  for (const [name, { wall, cpu }] of Object.entries(measured))
    costs[name] = { wall: timesOf(wall), cpu: timesOf(cpu) };
  const [floor, ours] = [measured["zod + xstate"], measured["@remit/core"]];
  /** @param {"wall" | "cpu"} kind */
  const ratio = (kind) => timesOf((ours?.[kind] ?? []).map((ms, round) => ms / (floor?.[kind][round] ?? Number.NaN)));
  return { costs, wall: ratio("wall").median, cpu: ratio("cpu").median };
}

/** Milliseconds by the clock and of the processor. @param {readonly string[]} specifiers @returns {[number, number]} */
function importOnce(specifiers) {
  const imports = specifiers.map((specifier) => `await import("${specifier}");`).join("");
  const program = `const before = process.cpuUsage(); const startedAt = performance.now(); ${imports}
    const wall = performance.now() - startedAt; const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify([wall, (user + system) / 1000]));`;
  const env = { ...process.env, NODE_OPTIONS: "", NODE_DISABLE_COMPILE_CACHE: "1" };
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: root, env });
  return JSON.parse(output.toString());
}

/** @param {number[]} values @returns {Times} */
function timesOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ index) => sorted.at(index) ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(-1) };
}

/** @param {Times} times */
function told({ median, least, most }) {
  return `${median.toFixed(1)} ms (${least.toFixed(1)} to ${most.toFixed(1)})`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
  const { costs, wall, cpu } = measureImports(Number(values.rounds));
  console.log(`import | time, median of ${values.rounds} processes | processor time`);
  for (const [name, cost] of Object.entries(costs)) console.log(`${name} | ${told(cost.wall)} | ${told(cost.cpu)}`);
  console.log(`ratio | ${wall.toFixed(2)} | ${cpu.toFixed(2)}`);
}
