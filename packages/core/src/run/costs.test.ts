import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { costsOf } from "./costs.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Answers.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "Answer.",
});

function open(microUsd: number | undefined, budgets = {}) {
  return createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine(),
    budgets,
    models: {
      m: {
        id: "paid",
        cost: "paid",
        quote: () => ({ microUsd: 10, tokens: 100 }),
        generate: async ({ input }) => ({
          parts: [{ type: "output", value: input }],
          usage: { inputTokens: 20, outputTokens: 5 },
          ...(microUsd === undefined ? {} : { cost: { microUsd, basis: "reported" as const } }),
        }),
      },
    },
  });
}
const as = { tenant: "acme", principal: user("u") };

test("C1 a call counts by what was told; where nobody told it, as unknown, or as what was settled for it", async () => {
  const costs = async (microUsd: number | undefined, budgets = {}) => {
    const run = await open(microUsd, budgets).start({ text: "hi" }, as);
    await run.result();
    return costsOf(run.id, await run.entries()).total;
  };
  const byBasis = { reported: 0, estimated: 0, reserved: 0 };
  expect(await costs(4)).toEqual({
    calls: 1,
    microUsd: 4,
    tokens: 25,
    byBasis: { ...byBasis, reported: 4 },
    unknown: 0,
  });
  expect(await costs(undefined)).toEqual({ calls: 1, microUsd: 0, tokens: 25, byBasis, unknown: 1 });
  const bound = { acme: { microUsd: 1_000 } };
  expect(await costs(undefined, bound)).toEqual({
    calls: 1,
    microUsd: 10,
    tokens: 25,
    byBasis: { ...byBasis, reserved: 10 },
    unknown: 0,
  });
});

test("C2 a tenant's costs are those of all its runs, over as many pages as they take; `most` takes the newest", async () => {
  const supervisor = open(4);
  for (let count = 0; count < 205; count++) await (await supervisor.start({ text: "hi" }, as)).result();
  await (await supervisor.start({ text: "hi" }, { ...as, tenant: "other" })).result();
  const { total, byRun, byAgent, byModel, byStep, byDefinition } = await supervisor.costs("acme");
  expect(total).toMatchObject({ calls: 205, microUsd: 820, tokens: 5_125 });
  expect(byRun.size).toBe(205);
  expect([...byAgent.keys(), ...byModel.keys(), ...byStep.keys()]).toEqual(["clerk", "paid", "clerk#1"]);
  expect([...byDefinition.keys()]).toEqual([supervisor.definition.hash]);
  expect((await supervisor.costs("acme", { most: 120 })).total.calls).toBe(120);
});
