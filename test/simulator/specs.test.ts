import { simulate } from "@remit/sandbox/simulator";
import { expect, test } from "vitest";
import { toolSpecs, toolTimeoutMs } from "../../apps/sandbox/src/simulator/specs.ts";

test("the key of every drawn tool outlasts one attempt, in some seeds by nothing more", () => {
  const valid = Array.from({ length: 4_000 }, (_, seed) => toolSpecs(seed))
    .flat()
    .flatMap(({ keyValidForMs }) => (keyValidForMs === undefined ? [] : [keyValidForMs]));
  expect(Math.min(...valid)).toBe(toolTimeoutMs + 1);
});

test.each([400, 422, 5034, 7018, 10021, 10067])(
  "seed %i, whose shortest key is the shortest there may be, is played to its end",
  async (seed) => {
    const { runs, violations } = await simulate(seed);
    expect(violations).toEqual([]);
    expect(runs).toBeGreaterThan(0);
  },
);
