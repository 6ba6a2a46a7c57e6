// @ts-check
/**
 * Import time of the built root entry of @remit/core, beside what it cannot be lighter than: zod and xstate alone.
 * Each figure is the median of 15 fresh processes, taken in turns; the time is measured inside, around the import.
 *
 *   npm run build && npm run bench:import
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/workspace.mjs";

const rounds = 15;
/** @type {Record<string, readonly string[]>} */
const cases = {
  "zod + xstate": ["zod", "xstate"],
  "@remit/core": ["@remit/core"],
};

if (!existsSync(join(root, "packages", "core", "dist", "index.js"))) {
  console.error("@remit/core is not built; build it with: npm run build");
  process.exit(1);
}
const env = { ...process.env, NODE_OPTIONS: "", NODE_DISABLE_COMPILE_CACHE: "1" };
/** @type {Record<string, number[]>} */
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = -1; round < rounds; round += 1) {
  for (const [name, specifiers] of Object.entries(cases)) {
    const imports = specifiers.map((specifier) => `await import("${specifier}");`).join("");
    const program = `const startedAt = performance.now(); ${imports} console.log(performance.now() - startedAt);`;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: root, env });
    if (round >= 0) times[name]?.push(Number(output.toString())); // the first round warms the disk's cache
  }
}

/** @type {Record<string, number>} */
const medians = {};
for (const [name, values] of Object.entries(times)) {
  values.sort((a, b) => a - b);
  medians[name] = values[Math.floor(values.length / 2)] ?? Number.NaN;
  const range = `${values[0]?.toFixed(1)} to ${values.at(-1)?.toFixed(1)}`;
  console.log(`${name.padEnd(14)} ${medians[name].toFixed(1)} ms  (${range}, ${rounds} processes)`);
}
console.log(`ratio          ${((medians["@remit/core"] ?? 0) / (medians["zod + xstate"] ?? 1)).toFixed(2)}`);
