import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { memoryModelCache } from "../model/cache.ts";
import type { Model } from "../port/model.ts";
import { user } from "../principal.ts";
import { settlementsOf } from "../run/settlements.ts";
import { fakeClock } from "../testing/index.ts";
import { defineSupervisor } from "./definition.ts";
import type { RuntimeOptions } from "./options.ts";
import { runSupervisor } from "./supervisor.ts";

/** The gates of a supervisor, as a run sees them. */

const note = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Writes a note.",
  model: "m",
  tools: [],
  input: note,
  output: note,
  instructions: "",
});
const definition = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });

function office(options: Partial<RuntimeOptions<"m">>) {
  const clock = fakeClock();
  const model: Model = {
    id: "small",
    provider: "openai",
    cost: "zero",
    generate: async () => ({ parts: [{ type: "output", value: { text: "x" } }], usage }),
  };
  const usage = { inputTokens: 3, outputTokens: 2 };
  const desk = runSupervisor(definition, { models: { m: model }, engine: memoryEngine({ clock }), ...options });
  const start = (text: string) => desk.start({ text }, { tenant: "acme", principal: user("u") });
  return { clock, desk, start };
}

/** Lets everything run that waits for nothing. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

test("runs share the rate of a provider: one waits until there is room for it, and `health` shows that", async () => {
  const { clock, desk, start } = office({ rates: { openai: { requestsPerMinute: 1, tokensPerMinute: 100 } } });
  const [first, second] = [await start("a"), await start("b")];
  await settle();
  expect(desk.health().rates).toEqual([{ target: "model:openai", requestsLeft: 0, tokensLeft: 95, waiting: 1 }]);
  clock.advance(60_000);
  const results = await Promise.all([first.result(), second.result()]);
  expect(results.map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect(desk.health().rates).toMatchObject([{ waiting: 0 }]);
});

test("a second run gets the answer of the first one, for nothing, and its journal says so", async () => {
  const store = memoryModelCache({ clock: fakeClock() });
  const { desk, start } = office({
    cache: { store, ttlMs: 60_000, models: ["small"] },
    budgets: { acme: { tokens: 100 } },
  });
  const runs = [];
  for (const _ of [1, 2]) {
    const run = await start("the same");
    expect(await run.result()).toMatchObject({ status: "completed", output: { text: "x" } });
    const entries = await run.entries();
    const [responded] = entries.filter(({ type }) => type === "model.responded").map(({ body }) => body);
    const [settled] = settlementsOf(entries);
    runs.push({ responded, settled });
    expect(await desk.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  }
  expect(runs[0]?.responded).not.toHaveProperty("cached");
  expect(runs[1]).toMatchObject({
    responded: { model: "small", cached: true, cost: { microUsd: 0, basis: "reported" } },
    settled: { amount: { microUsd: 0, tokens: 0 }, basis: "reported" },
  });
});

test.each([
  { rates: { openai: { requestsPerMinute: 0 } } },
  { rates: { openai: { tokensPerMinute: 1.5 } } },
  { concurrency: { models: { openai: 0 } } },
  { concurrency: { tools: { any: Number.NaN } } },
  { concurrency: { perTenant: Number.NaN } },
  { context: { m: { maxTokens: Number.NaN } } },
  { context: { m: { maxTokens: 100, keepTurns: -1 } } },
])("what is no bound is refused before anything starts: %j", (options) => {
  expect(() => office(options)).toThrow("limits/not-a-bound");
});

test.each<readonly [object, string]>([
  [{ rates: { openai: { requestPerMinute: 1 } } }, "limits/unknown"],
  [{ concurrency: { model: { openai: 1 } } }, "limits/unknown"],
  [{ context: { m: { maxTokens: 100, keep: 1 } } }, "limits/unknown"],
  [{ budgets: { acme: { microUSD: 1 } } }, "limits/unknown"],
  // One that is not said at all is misspelt all the same.
  [{ rates: { openai: { requestPerMinute: undefined } } }, "limits/unknown"],
  [{ concurrency: { model: undefined } }, "limits/unknown"],
  [{ concurrency: { toString: 1 } }, "limits/unknown"],
  [{ budgets: { acme: { tokens: 1, per: "week" } } }, "options/invalid"],
  [{ budgets: { acme: "$5" } }, "options/invalid"],
])("a misspelt bound bounds nothing, and is refused before anything starts: %j", (options, code) => {
  expect(() => office(options as Partial<RuntimeOptions<"m">>)).toThrow(code);
});

test("what is said of names that nothing here has is told, for it does nothing", () => {
  const warned: object[] = [];
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, error: quiet, warn: (fields: object) => void warned.push(fields) };
  const rate = { requestsPerMinute: 1 };
  office({
    logger,
    rates: { openai: rate, opanai: rate },
    concurrency: { tools: { pay: 1 }, models: { openai: 1 } },
    context: { m: { maxTokens: 100 }, n: { maxTokens: 100 } },
    cache: { store: memoryModelCache({ clock: fakeClock() }), ttlMs: 1, models: ["small", "smal"] },
  });
  expect(warned).toEqual([
    { supervisor: "supervisor", option: "rates", names: ["opanai"] },
    { supervisor: "supervisor", option: "concurrency.tools", names: ["pay"] },
    { supervisor: "supervisor", option: "context", names: ["n"] },
    { supervisor: "supervisor", option: "cache.models", names: ["smal"] },
  ]);
});
