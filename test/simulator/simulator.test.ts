import { faultKinds, type Plant, plantNames, reproduction, shrink, simulate } from "@remit/sandbox/simulator";
import { describe, expect, test } from "vitest";

const seeds = Number(process.env.REMIT_SIMULATOR_SEEDS ?? 300);
const plantSeeds = 2_000;

test("R1 R4 R5 R7 R11 R13 hold in a sample of seeds, in which every fault strikes", async () => {
  const met = new Set<string>();
  for (let seed = 0; seed < seeds; seed++) {
    const report = await simulate(seed);
    expect(report.violations, reproduction(report)).toEqual([]);
    for (const kind of report.coverage.faults.keys()) met.add(kind);
  }
  if (seeds >= 300) expect([...met].sort()).toEqual([...faultKinds].sort());
}, 120_000);

test("the same seed is the same simulation, to the last hash", async () => {
  for (const seed of [3, 5, 8, 13]) {
    const { coverage: _first, ...first } = await simulate(seed);
    const { coverage: _second, ...second } = await simulate(seed);
    expect(second).toEqual(first);
  }
  expect((await simulate(3)).hash).not.toBe((await simulate(5)).hash);
});

describe("a planted bug is found", () => {
  /** The promises that may be seen broken first. */
  const promises: Readonly<Record<Plant, readonly string[]>> = {
    "key-not-passed": ["R7"],
    "early-acknowledgement": ["R1", "R7"],
    "entry-lost": ["R1"],
    "no-fencing": ["R1", "R7"],
    "crossed-completion": ["R5"],
    "command-twice": ["R7"],
    "agent-swapped": ["R4"],
    "payload-leaks": ["R5"],
    "told-early": ["R1"],
    "unknown-guessed": ["R7"],
    "cancel-ignored": ["R11"],
    "timer-lost": ["R11"],
    "resume-forgotten": ["R11"],
    "clock-in-contract": ["R13"],
    "stale-snapshot": ["R13"],
  };
  test.each(plantNames)(
    "%s",
    async (plant) => {
      for (let seed = 0; seed < plantSeeds; seed++) {
        const [violation] = (await simulate(seed, { plant })).violations;
        // What a simulation without the bug finds as well is not the bug.
        if (!violation || (await simulate(seed)).violations.length > 0) continue;
        expect(promises[plant]).toContain(violation.promise);
        return;
      }
      expect.unreachable(`${plant} was not found in ${plantSeeds} seeds`);
    },
    60_000,
  );
});

test("a failure shrinks to fewer faults that still break the same promise, and says how to play it again", async () => {
  let seed = 0;
  let failed = await simulate(seed, { plant: "entry-lost" });
  while (failed.violations.length === 0) failed = await simulate(++seed, { plant: "entry-lost" });
  const promise = failed.violations[0]?.promise;
  const small = await shrink(failed);
  expect(small.violations[0]?.promise).toBe(promise);
  expect(small.options.faults?.length).toBeLessThan(failed.coverage.faults.size);
  expect(reproduction(small)).toMatch(/^npm run sim -- --seed \d+ .*--plant entry-lost --faults .*crash/);
});
