import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { capacityTable, onPaper, simulate } from "../../bench/capacity.mjs";
import { root } from "../architecture/module.ts";

/** The figures in the guide on scale are those of the simulation, and the simulation agrees with arithmetic where it must. */

test("the table in the guide is what `npm run bench:capacity` prints", () => {
  const page = readFileSync(join(root, "docs", "guides", "scale.md"), "utf8");
  const [, found] = /<!-- bench\/capacity\.mjs -->\n\n([\s\S]*?)\n\n<!-- \/bench\/capacity\.mjs -->/.exec(page) ?? [];
  expect(found).toBe(capacityTable());
});

test.each([10, 100])("at %i times the runs, the queues are used as arithmetic says, and nobody waits", (times) => {
  const { use, stepsASecond, delayMs } = simulate(times);
  const paper = onPaper(times);
  for (const [played, reckoned] of [
    [stepsASecond, paper.stepsASecond],
    [use.steps, paper.use.steps],
    [use.index, paper.use.index],
    [use.places, paper.use.places],
  ] as const) {
    expect(played / reckoned).toBeGreaterThan(0.85);
    expect(played / reckoned).toBeLessThan(1.15);
  }
  expect(delayMs.p99).toBeLessThan(20);
});

test("more runs than there are places wait without end; with places enough, the cluster's steps are next", () => {
  const narrow = simulate(1_000);
  expect(narrow.use.places).toBeGreaterThan(0.99);
  expect(narrow.delayMs.p50).toBeGreaterThan(10_000);
  const wide = simulate(1_000, { workers: 6 });
  expect(wide.use.places).toBeLessThan(0.8);
  expect(wide.use.steps).toBeGreaterThan(0.9);
});

test("the same seed is the same day, another one is another", () => {
  expect(simulate(10)).toEqual(simulate(10));
  expect(simulate(10, { seed: 2 })).not.toEqual(simulate(10));
});
