import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineRoute, hedge, type Model, memoryEngine, memoryModelCache, type Run } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { type FakeClock, fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { bodies } from "../contract/engine-approvals.ts";
import { type EngineUnderTest, input, start, tenant } from "../contract/engine-kit.ts";
import { makeOffice } from "../contract/engine-office.ts";
import { type Act, acts, done, hurry, look, overloaded, replays } from "../contract/engine-routes.ts";

const kinds = ["sensitive:health", "sensitive:money"];
const folder = mkdtempSync(join(tmpdir(), "remit-clearance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const engines: readonly { readonly name: string; readonly numRuns: number; readonly open: () => EngineUnderTest }[] = [
  { name: "memory", numRuns: 150, open: () => ({ engine: (options) => memoryEngine(options), survives: false }) },
  {
    name: "sqlite",
    numRuns: 24,
    open: () => {
      const path = join(folder, `${files++}.db`);
      return { engine: (options) => sqliteEngine({ path, ...options }), survives: true };
    },
  },
];

const arbModel = fc.record({
  cleared: fc.subarray(["sensitive", ...kinds]),
  fails: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  /** Whether a hedge has time to ask the other one. */
  slow: fc.boolean(),
});
const arbCase = fc.record({
  models: fc.array(arbModel, { minLength: 1, maxLength: 4 }),
  labels: fc.subarray(kinds),
  split: fc.option(fc.nat(3), { nil: undefined }),
  hedged: fc.boolean(),
  cached: fc.boolean(),
  /** The call of a model at which the process is gone, where the engine survives that. */
  crashAt: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 2 }),
});

/** When the last call that failed is tried again: a process that comes later has not heard of it. */
async function dueOf(run: Run<unknown>): Promise<number> {
  return bodies(await run.entries(), "step.retried").at(-1)?.dueAt ?? 0;
}

/** Has the clock strike for what is due by then, also where that is only now put on it. */
async function ticking<Value>(outcome: Promise<Value>, clock: FakeClock, dueAt: number): Promise<Value> {
  let open = true;
  const over = () => {
    open = false;
  };
  outcome.then(over, over);
  while (open) {
    clock.advance(Math.max(0, dueAt - clock.now()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await outcome;
}

describe.each(engines)("M1 on $name", ({ open, numRuns }) => {
  test("what is sensitive reaches no model that is not cleared for it, whichever fails", async () => {
    const clock = fakeClock();
    const place = open();
    let engine = place.engine({ clock });
    const seen = { refused: 0, fellBack: 0, hedged: 0, cached: 0, resumed: 0 };
    await fc.assert(
      fc.asyncProperty(arbCase, async ({ models, labels, split, hedged, cached, crashAt }) => {
        const gone = Promise.withResolvers<void>();
        let calls = 0;
        const pool = models.map(({ cleared, fails, slow }, n) =>
          acts(
            `m${n}`,
            [0, 1, 2].map(
              (at): Act =>
                async (request) => {
                  if (place.survives && ++calls === crashAt) {
                    gone.resolve();
                    return new Promise<never>(() => {});
                  }
                  if (slow) {
                    clock.advance(2);
                    await new Promise((resolve) => setImmediate(resolve));
                  }
                  if (fails[at]) return overloaded(request);
                  return request.context.agentCall === 0 ? look(request) : done;
                },
            ),
            { cleared },
          ),
        );
        const [first, second, ...others] = pool;
        const candidates: Model[] =
          hedged && first && second ? [hedge([first, second], { afterMs: 1, clock }), ...others] : pool;
        const of = split === undefined ? undefined : candidates[split % candidates.length];
        const model = defineRoute("r", {
          candidates,
          ...(of ? { split: { of: [{ model: of, weight: 1 }] } } : {}),
        });
        const store = memoryModelCache({ clock });
        const cache = { store, ttlMs: 60_000, models: candidates.map(({ id }) => id) };
        const reopen = () => hurry(makeOffice({ engine, model, labels, ...(cached ? { cache } : {}) }), clock);
        let office = reopen();

        const play = async () => {
          let run: Run<{ text: string }> = await office.start(input, start);
          const ended = run.settled();
          ended.catch(() => {});
          await Promise.race([ended, gone.promise]);
          if (crashAt !== undefined && calls === crashAt) {
            calls++;
            await engine.close();
            engine = place.engine({ clock });
            office = reopen();
            await office.resume();
            run = await office.find(run.id, { tenant });
          }
          const result = await ticking(run.result(), clock, await dueOf(run));
          const entries = await run.entries();
          for (const { cleared = [], asked } of pool) {
            const shown = asked.flatMap((request) => request.labels).filter((label) => kinds.includes(label));
            expect(shown.filter((label) => !cleared.includes("sensitive") && !cleared.includes(label))).toEqual([]);
          }
          const answers = bodies(entries, "model.responded");
          const able = ({ cleared = [] }: Model) =>
            cleared.includes("sensitive") || labels.every((label) => cleared.includes(label));
          if (bodies(entries, "tool.called").length > 0 && !candidates.some(able)) {
            seen.refused++;
            expect(result).toMatchObject({ status: "failed", error: { code: "model/not-cleared" } });
          } else if (result.status === "failed") {
            // All that may see it are down, which a breaker may know by then.
            expect(["model/overloaded", "breaker/open"]).toContain(result.error.code);
          } else if (answers.some(({ choice }) => choice?.why === "fallback")) seen.fellBack++;
          // The second turn has seen what is sensitive: what was answered to it is kept for nobody.
          if (labels.length > 0) {
            expect(answers.filter((one) => one.cached && one.command.includes("model#2"))).toEqual([]);
          }
          seen.cached += answers.filter((one) => one.cached).length;
          seen.resumed += bodies(entries, "run.resumed").filter(({ lost }) => lost.length > 0).length;
          await replays(office, run);
        };
        await play();
        // The same again finds what was kept.
        if (cached) await play();
        if (candidates !== pool && second?.asked.length) seen.hedged++;
      }),
      { numRuns },
    );
    await engine.close();
    // None of this is true because nothing happened.
    const happened = place.survives ? (["resumed"] as const) : (["refused", "fellBack", "hedged", "cached"] as const);
    for (const member of happened) expect(seen[member]).toBeGreaterThan(0);
  });
});
