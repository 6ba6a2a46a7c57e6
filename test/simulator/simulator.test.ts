import {
  faultKinds,
  type Plant,
  plantNames,
  reproduction,
  type SimulationReport,
  shrink,
  simulate,
} from "@remit/sandbox/simulator";
import { describe, expect, test } from "vitest";

const seeds = Number(process.env.REMIT_SIMULATOR_SEEDS ?? 250);
const plantSeeds = 2_000;
/** Seeds that were played without a bug here, and in which every promise held. */
const sound = new Set<number>();

async function isSound(seed: number): Promise<boolean> {
  return sound.has(seed) || (await simulate(seed)).violations.length === 0;
}

test("R1–R13 and D4 hold in a sample of seeds, in which nearly every fault strikes", async () => {
  const met = new Set<string>();
  for (let seed = 0; seed < seeds; seed++) {
    const report = await simulate(seed);
    expect(report.violations, reproduction(report)).toEqual([]);
    sound.add(seed);
    for (const kind of report.coverage.faults.keys()) met.add(kind);
  }
  // A few are rare; thousands of seeds are played elsewhere.
  if (seeds >= 250) expect(faultKinds.filter((kind) => !met.has(kind)).length).toBeLessThanOrEqual(3);
}, 240_000);

test("the same seed is the same simulation, to the last hash", async () => {
  for (const seed of [3, 5, 8, 13]) {
    const { coverage: first, ...before } = await simulate(seed);
    const { coverage: second, ...after } = await simulate(seed);
    expect(after).toEqual(before);
    expect(second.toJson()).toEqual(first.toJson());
  }
  expect((await simulate(3)).hash).not.toBe((await simulate(5)).hash);
}, 60_000);

describe("a planted bug is found", () => {
  /** The promises that may be seen broken first, and a seed from which on it is looked for. */
  const plants: Readonly<Record<Plant, readonly [from: number, ...promises: string[]]>> = {
    "key-not-passed": [1, "R7"],
    "early-acknowledgement": [0, "R1", "R7", "R10"],
    "entry-lost": [1, "R1", "R8", "R10"],
    "no-fencing": [6, "R1", "R7", "R10"],
    "crossed-completion": [1, "R5"],
    "command-twice": [1, "R7", "R1", "R3"],
    "agent-swapped": [6, "R4"],
    "payload-leaks": [0, "R5"],
    "told-early": [6, "R1"],
    "unknown-guessed": [1, "R7"],
    "cancel-ignored": [4, "R11"],
    "timer-lost": [37, "R11"],
    "resume-forgotten": [1, "R11"],
    "clock-in-contract": [0, "R13"],
    "stale-snapshot": [1, "R13"],
    "intent-late": [1, "R7", "R1"],
    "approval-reused": [2, "R8"],
    "approval-unbound": [1, "R8"],
    // From a seed on in which no start is sent again: by another principal, as this bug has it, that is refused (R11).
    "self-approval": [6, "R8"],
    "expiry-ignored": [1, "R8"],
    "budget-settled-twice": [0, "R10"],
    "reservation-skipped": [0, "R10"],
    "restriction-ignored": [90, "D4"],
    "dedupe-off": [3, "R11"],
    "breaker-stuck": [23, "R3"],
    "contract-one-sided": [1, "R5"],
    "label-dropped": [0, "R9"],
    "grant-lost": [0, "R6"],
    "delegation-wide": [0, "R6"],
    "rule-forgotten": [0, "R4"],
    "checkpoint-lost": [0, "R1"],
    "specialist-unbounded": [0, "R6"],
    "specialist-misheard": [0, "R5"],
    "parked-twice": [1, "R1", "R7", "R10"],
  };
  test.each(plantNames)(
    "%s",
    async (plant) => {
      const [from, ...promises] = plants[plant];
      for (let seed = from; seed < plantSeeds; seed++) {
        const [violation] = (await simulate(seed, { plant })).violations;
        // What a simulation without the bug finds as well is not the bug.
        if (!violation || !(await isSound(seed))) continue;
        expect(promises).toContain(violation.promise);
        return;
      }
      expect.unreachable(`${plant} was not found in ${plantSeeds} seeds`);
    },
    120_000,
  );
});

test("a failure shrinks to fewer faults that still break the same promise, and says how to play it again", async () => {
  let seed = 0;
  let failed: SimulationReport = await simulate(seed, { plant: "entry-lost" });
  while (failed.violations.length === 0) failed = await simulate(++seed, { plant: "entry-lost" });
  const promise = failed.violations[0]?.promise;
  const small = await shrink(failed);
  expect(small.violations[0]?.promise).toBe(promise);
  expect(small.options.faults?.length).toBeLessThan(failed.coverage.faults.size);
  expect(reproduction(small)).toMatch(/^npm run sim -- --seed \d+ .*--plant entry-lost --faults .*crash/);
}, 60_000);
