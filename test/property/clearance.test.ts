import { defineRoute, memoryEngine } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bodies } from "../contract/engine-approvals.ts";
import { input, start } from "../contract/engine-kit.ts";
import { makeOffice } from "../contract/engine-office.ts";
import { type Act, acts, done, hurry, look, overloaded, replays } from "../contract/engine-routes.ts";

test("M1 what is sensitive reaches no model that is not cleared for it, whichever fails", async () => {
  const kinds = ["sensitive:health", "sensitive:money"];
  let refused = 0;
  let fellBack = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          cleared: fc.subarray(["sensitive", ...kinds]),
          fails: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      fc.subarray(kinds),
      fc.option(fc.nat(3), { nil: undefined }),
      async (models, labels, drawn) => {
        const clock = fakeClock();
        const engine = memoryEngine({ clock });
        const pool = models.map(({ cleared, fails }, n) =>
          acts(
            `m${n}`,
            [0, 1, 2].map(
              (at): Act =>
                (request) => {
                  if (fails[at]) return overloaded(request);
                  return request.context.agentCall === 0 ? look(request) : done;
                },
            ),
            { cleared },
          ),
        );
        const of = drawn === undefined ? undefined : pool[drawn % pool.length];
        const route = defineRoute("r", {
          candidates: pool,
          ...(of ? { split: { of: [{ model: of, weight: 1 }] } } : {}),
        });
        const office = hurry(makeOffice({ engine, model: route, labels }), clock);
        const run = await office.start(input, start);
        const result = await run.result();
        const entries = await run.entries();
        for (const { cleared = [], asked } of pool) {
          const seen = asked.flatMap((request) => request.labels).filter((label) => kinds.includes(label));
          expect(seen.filter((label) => !cleared.includes("sensitive") && !cleared.includes(label))).toEqual([]);
        }
        const able = ({ cleared }: (typeof models)[number]) =>
          cleared.includes("sensitive") || labels.every((label) => cleared.includes(label));
        if (bodies(entries, "tool.called").length > 0 && !models.some(able)) {
          refused++;
          expect(result).toMatchObject({ status: "failed", error: { code: "model/not-cleared" } });
        } else if (result.status === "failed") {
          // All that may see it are down, which a breaker may know by then.
          expect(["model/overloaded", "breaker/open"]).toContain(result.error.code);
        } else if (bodies(entries, "model.responded").some(({ choice }) => choice?.why === "fallback")) fellBack++;
        await replays(office, run);
        await engine.close();
      },
    ),
    { numRuns: 150 },
  );
  expect(refused).toBeGreaterThan(0);
  expect(fellBack).toBeGreaterThan(0);
});
