// @ts-check
/**
 * Plays seeded simulations and holds the promises against each.
 *
 *   npm run sim -- --seeds 1000 [--from 0]      many seeds, spread over --jobs n (a job for each core when absent)
 *   npm run sim -- --seed 17                    one seed, with what it came to
 *   npm run sim -- --planted [--seeds 2000]     each planted bug: how many seeds until it is found
 *
 * All take --faults a,b,c or --without a,b,c, --runs n, --agents n, --depth n; the first two take --plant name. The exit code
 * is 1 when a promise did not hold, or when a planted bug was not found; a failing seed is made smaller, and the command
 * that plays it again is the last line. A seed is the same simulation whichever job plays it.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import {
  Coverage,
  faultKinds,
  machines,
  openStates,
  plantNames,
  plants,
  reachable,
  reproduction,
  shrink,
  simulate,
  stormOf,
} from "@remit/sandbox/simulator";

const { values } = parseArgs({
  args: isMainThread ? process.argv.slice(2) : workerData.args,
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    planted: { type: "boolean", default: false },
    faults: { type: "string" },
    without: { type: "string", default: "" },
    runs: { type: "string" },
    agents: { type: "string" },
    depth: { type: "string" },
    plant: { type: "string" },
    jobs: { type: "string" },
  },
});

/** Seeds that a job is given at a time. */
const handful = 20;

const without = values.without === "" ? [] : values.without.split(",");
const options = chosen();
const jobs = values.jobs === undefined ? availableParallelism() : Math.max(1, whole(values.jobs, "--jobs"));
if (!isMainThread) serve();
else if (values.planted) await showPlanted(whole(values.seeds ?? "2000", "--seeds"));
else if (values.seed !== undefined) await showOne(whole(values.seed, "--seed"));
else await showMany(whole(values.from, "--from"), whole(values.seeds ?? "1000", "--seeds"));

/** @returns {import("@remit/sandbox/simulator").SimulationOptions} */
function chosen() {
  /** @type {Record<string, unknown>} */
  const options = {};
  for (const name of /** @type {const} */ (["runs", "agents", "depth"])) {
    const text = values[name];
    if (text !== undefined) options[name] = whole(text, `--${name}`);
  }
  if (values.faults !== undefined) {
    options.faults = values.faults === "none" ? [] : values.faults.split(",");
    for (const kind of /** @type {string[]} */ (options.faults)) known("fault", kind, faultKinds);
  }
  for (const kind of without) known("fault", kind, faultKinds);
  if (values.plant !== undefined) {
    known("planted bug", values.plant, plantNames);
    options.plant = values.plant;
  }
  return options;
}

/**
 * @param {number} seed @param {import("@remit/sandbox/simulator").Plant} [plant]
 * @returns {Promise<import("@remit/sandbox/simulator").SimulationReport>}
 */
function play(seed, plant) {
  const kinds = options.faults ?? stormOf(seed);
  const faults = kinds.filter((kind) => !without.includes(kind));
  return simulate(seed, { ...options, ...(without.length > 0 ? { faults } : {}), ...(plant ? { plant } : {}) });
}

/** @typedef {import("@remit/sandbox/simulator").SimulationReport} SimulationReport */

/** A job: plays the seeds that it is told, one handful after the other. */
function serve() {
  // Refusals are thrown by the thousand here, and nobody reads where from.
  Error.stackTraceLimit = 0;
  parentPort?.on(
    "message",
    async (/** @type {{ from: number, count: number, plant?: string }} */ { from, count, plant }) => {
      const coverage = new Coverage();
      const sum = { seeds: 0, runs: 0, crashes: 0, steps: 0 };
      /** @type {SimulationReport | undefined} */
      let failed;
      for (let seed = from; seed < from + count && !failed; seed++) {
        const report = await play(seed, /** @type {import("@remit/sandbox/simulator").Plant | undefined} */ (plant));
        sum.seeds++;
        sum.runs += report.runs;
        sum.crashes += report.crashes;
        sum.steps += report.steps;
        coverage.add(report.coverage);
        if (report.violations.length === 0) continue;
        // What a simulation without the bug finds as well is not the bug.
        if (plant && (await play(seed)).violations.length > 0) continue;
        failed = report;
      }
      parentPort?.postMessage({
        sum,
        coverage: coverage.toJson(),
        failed: failed?.seed,
        violations: failed?.violations,
      });
    },
  );
}

/**
 * Spreads seeds over jobs until one fails or none is left; of several that fail the lowest counts.
 * @param {number} from @param {number} seeds @param {string} [plant]
 */
async function spread(from, seeds, plant) {
  const coverage = new Coverage();
  const sum = { seeds: 0, runs: 0, crashes: 0, steps: 0 };
  /** @type {{ seed: number, violations: SimulationReport["violations"] } | undefined} */
  let failed;
  let next = from;
  const work = async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { args: process.argv.slice(2) } });
    try {
      while (next < from + seeds && (failed === undefined || next < failed.seed)) {
        const first = next;
        next += handful;
        const answer = once(worker, "message");
        worker.postMessage({
          from: first,
          count: Math.min(handful, from + seeds - first),
          ...(plant ? { plant } : {}),
        });
        const [told] = await answer;
        for (const key of /** @type {const} */ (["seeds", "runs", "crashes", "steps"])) sum[key] += told.sum[key];
        coverage.add(Coverage.fromJson(told.coverage));
        if (told.failed !== undefined && told.failed < (failed?.seed ?? Number.POSITIVE_INFINITY)) {
          failed = { seed: told.failed, violations: told.violations };
        }
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, Math.ceil(seeds / handful)) }, work));
  return { coverage, sum, failed };
}

/** @param {number} from @param {number} seeds */
async function showMany(from, seeds) {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const { coverage, sum, failed } = await spread(from, seeds);
  const seconds = (performance.now() - startedAt) / 1000;
  // Of all jobs and of whatever works for them, what loading them takes included.
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  console.log(
    `${sum.seeds} seeds · ${sum.runs} runs · ${sum.crashes} crashes · ${sum.steps} steps · ` +
      `${(sum.runs / seconds).toFixed(0)} runs per second in ${jobs} jobs`,
  );
  console.log(
    `${(sum.runs / cpuSeconds).toFixed(1)} runs per second per core, by processor time: ` +
      `${((cpuSeconds * 1000) / sum.runs).toFixed(1)} ms for each, with its faults, restarts, audit and replay`,
  );
  console.log(`ends: ${listed(coverage.ends)}`);
  showCoverage(coverage);
  if (failed) await showFailure(await play(failed.seed));
  else console.log("\nno violation");
}

/** @param {number} seed */
async function showOne(seed) {
  const report = await play(seed);
  console.log(
    `seed ${seed}: ${report.runs} runs, ${report.crashes} crashes, ${report.steps} steps, ` +
      `${(report.virtualMs / 1000).toFixed(1)} s of simulated time, journal hash ${report.hash}`,
  );
  console.log(`ends: ${listed(report.coverage.ends)}\nfaults: ${listed(report.coverage.faults)}`);
  if (report.violations.length === 0) return console.log("no violation");
  for (const { promise, reason } of report.violations) console.log(`${promise} ${reason}`);
  process.exitCode = 1;
}

/** @param {number} seeds */
async function showPlanted(seeds) {
  console.log("| planted bug | what it is | found by | seeds needed |\n| --- | --- | --- | --- |");
  for (const plant of plantNames) {
    const { failed } = await spread(0, seeds, plant);
    if (!failed) process.exitCode = 1;
    const found = failed ? failed.violations[0]?.promise : "not found";
    console.log(`| ${plant} | ${plants[plant]} | ${found} | ${failed ? failed.seed + 1 : seeds} |`);
  }
}

/** @param {Coverage} coverage */
function showCoverage(coverage) {
  const width = Math.max(...faultKinds.map(({ length }) => length));
  console.log(`\n${"fault".padEnd(width)} ${"times".padStart(8)}   states of runs that it met`);
  for (const kind of faultKinds) {
    const met = openStates.filter((state) => coverage.meetings.has(`${kind} × ${state}`));
    const missed = openStates.filter((state) => !met.includes(state));
    const times = String(coverage.faults.get(kind) ?? 0).padStart(8);
    const not = missed.length > 0 && met.length > 0 ? `, not ${missed.join(" ")}` : "";
    console.log(`${kind.padEnd(width)} ${times}   ${met.length} of ${openStates.length}${not}`);
  }
  console.log(`\n${coverage.entryTypes.size} entry types: ${listed(coverage.entryTypes)}`);
  const missed = reachable.filter((step) => !coverage.transitions.has(step));
  const seen = reachable.length - missed.length;
  console.log("");
  for (const [machine, steps] of Object.entries(machines)) {
    const taken = steps.filter((step) => coverage.transitions.has(step)).length;
    console.log(`${machine}: ${taken} of ${steps.length} transitions taken`);
  }
  console.log(`\n${seen} of ${reachable.length} transitions${missed.length > 0 ? `, not ${missed.join(", ")}` : ""}:`);
  for (const [step, times] of [...coverage.transitions].sort()) console.log(`  ${step} ${times}`);
}

/** @param {import("@remit/sandbox/simulator").SimulationReport} failed */
async function showFailure(failed) {
  const report = await shrink(failed);
  console.log(`\na promise did not hold, with seed ${failed.seed}:`);
  for (const { promise, reason } of report.violations) console.log(`  ${promise} ${reason}`);
  console.log(`\n${reproduction(report)}`);
  process.exitCode = 1;
}

/** @param {ReadonlyMap<string, number>} map */
function listed(map) {
  return [...map]
    .sort()
    .map(([key, times]) => `${key} ${times}`)
    .join(" · ");
}

/** @param {string} text @param {string} option */
function whole(text, option) {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${option} takes a whole number, not "${text}".`);
  process.exit(2);
}

/** @param {string} what @param {string} name @param {readonly string[]} names */
function known(what, name, names) {
  if (names.includes(name)) return;
  console.error(`Unknown ${what} "${name}"; there are: ${names.join(", ")}.`);
  process.exit(2);
}
