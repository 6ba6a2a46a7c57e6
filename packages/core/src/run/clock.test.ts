import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Model } from "../port/model.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { fakeClock } from "../testing/index.ts";

const yearMs = 366 * 24 * 3_600_000;
const note = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  input: note,
  output: note,
  instructions: "",
});
const away = () => Promise.reject(Object.assign(new Error("away"), { status: 503 }));
const done = { parts: [{ type: "output", value: { text: "done" } }] } as const;

/** A run that begins while the clock of its machine is ahead, of a model that first answers when the clock is right again. */
async function begun(aheadMs: number, generate: Model["generate"]) {
  const fake = fakeClock();
  let jumpMs = aheadMs;
  // As that of a machine: what is waited for is so many milliseconds away, whatever its clock shows then.
  const clock = {
    now: () => fake.now() + jumpMs,
    at: (dueAt: number, due: () => void) => fake.at(dueAt - jumpMs, due),
  };
  const right = Promise.withResolvers<void>();
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: {
      m: {
        id: "m",
        cost: "zero",
        timeoutMs: 10 * yearMs,
        generate: async (request, options) => {
          await right.promise;
          return generate(request, options);
        },
      },
    },
    limits: { activeMs: 600_000, deadlineMs: 10 * yearMs },
    engine: memoryEngine({ clock }),
  });
  const run = await desk.start({ text: "go" }, { tenant: "acme", principal: user("ann") });
  jumpMs = 0;
  right.resolve();
  /** Lets time go by, and what follows from it happen. */
  const passed = async (ms: number) => {
    await setImmediate();
    for (let step = 0; step < 100; step++) {
      fake.advance(ms / 100);
      await setImmediate();
    }
    return (await run.entries()).map(({ type, at }) => ({ type, at }));
  };
  return { passed };
}

test.each([0, yearMs])("another try comes when it is due, also where the clock was %i ms ahead before", async (ms) => {
  let asked = 0;
  const { passed } = await begun(ms, () => (++asked > 1 ? done : away()));
  const entries = await passed(120_000);
  expect(entries.at(-1)?.type).toBe("run.completed");
  const times = entries.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((left, right) => left - right));
});

test.each([0, yearMs])("nor may a run work longer for that (%i ms)", async (ms) => {
  let asked = 0;
  const { passed } = await begun(ms, () => (++asked > 1 ? new Promise(() => {}) : away()));
  expect((await passed(610_000)).at(-1)?.type).toBe("run.failed");
});
