import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import type { Cost, Entry, Usage } from "../event.ts";
import { memoryJournal } from "../journal/memory.ts";
import { silentLogger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { fakeClock } from "../testing/index.ts";
import { RunCore } from "./core.ts";
import { costsOf, microUsdOf } from "./costs.ts";
import { foldBatch } from "./fold.ts";
import { settlementsOf } from "./settlements.ts";

const text = z.object({ text: z.string() });
const options = { name: "clerk", description: "", model: "m", tools: [], input: text, output: text } as const;
const clerk = defineAgent({ ...options, instructions: "Write." });
const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });

/** A run of one call for which 10 and 100 tokens are set aside, and what folds entries of it. */
async function recorded(told: { readonly cost?: Cost; readonly usage?: Usage } = {}) {
  const journal = memoryJournal();
  const engine = localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger });
  const supervisor = runSupervisor(desk, {
    engine,
    budgets: { acme: { microUsd: 1_000 } },
    models: {
      m: {
        id: "paid",
        cost: "paid",
        quote: () => ({ microUsd: 10, tokens: 100 }),
        generate: async ({ input }) => ({ parts: [{ type: "output", value: input }], ...told }),
      },
    },
  });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  await run.result();
  const tenantKey = await journal.tenantKey("acme");
  const fold = (entries: readonly Entry[]) => {
    const definition = desk as unknown as SupervisorDefinition;
    const core = new RunCore({ definition, tenant: "acme", runId: run.id, tenantKey });
    foldBatch(core, entries, run.id);
    return core.state.status;
  };
  return { entries: await run.entries(), fold };
}

/** The same run as it was written when each outcome had `budget.settled` behind it. */
function asBefore(entries: readonly Entry[], change: Partial<Entry<"budget.settled">["body"]> = {}): readonly Entry[] {
  const [settlement] = settlementsOf(entries);
  if (!settlement) throw new Error("nothing was settled");
  const { seq: cause, ...body } = settlement;
  const told = entries.map((entry) => ({
    ...entry,
    seq: entry.seq > cause ? entry.seq + 1 : entry.seq,
    cause: entry.cause > cause ? entry.cause + 1 : entry.cause,
  })) as Entry[];
  const { at, path } = told[cause - 1] as Entry;
  return told.toSpliced(cause, 0, {
    seq: cause + 1,
    type: "budget.settled",
    at,
    path,
    cause,
    body: { ...body, ...change },
  });
}

describe("T1 an outcome settles its call", () => {
  test.each<[string, { readonly cost?: Cost; readonly usage?: Usage }, object]>([
    [
      "at what it says",
      { cost: { microUsd: 4, basis: "reported" }, usage: { inputTokens: 20, outputTokens: 5 } },
      { amount: { microUsd: 4, tokens: 25 }, basis: "reported" },
    ],
    [
      "at the tokens that were set aside where it tells of none",
      { cost: { microUsd: 4, basis: "estimated" } },
      { amount: { microUsd: 4, tokens: 100 }, basis: "estimated" },
    ],
    ["at what was set aside where it says nothing", {}, { amount: { microUsd: 10, tokens: 100 }, basis: "reserved" }],
  ])("%s", async (_, told, settled) => {
    const { entries, fold } = await recorded(told);
    const outcome = entries.find(({ type }) => type === "model.responded");
    expect(settlementsOf(entries)).toEqual([
      { seq: outcome?.seq, command: "clerk#1/model#1", agent: "clerk", ...settled },
    ]);
    expect(entries.map(({ type }) => type)).not.toContain("budget.settled");
    expect(fold(entries)).toBe("completed");
  });
});

test("T2 an entry of its own settles what was lost, and its call once more is another one", () => {
  const at = { at: 0, path: "clerk#1", cause: 0 };
  const command = "clerk#1/model#1";
  const amount = { microUsd: 10, tokens: 100 };
  const entries: Entry[] = [
    { ...at, seq: 1, type: "model.called", body: { command, agent: "clerk", alias: "m", turn: 1, reason: "agent" } },
    { ...at, seq: 2, type: "budget.reserved", body: { command: `${command}/budget@1`, amount } },
    { ...at, seq: 3, type: "run.resumed", body: { lost: [command] } },
    {
      ...at,
      seq: 4,
      cause: 3,
      type: "budget.settled",
      body: { command, agent: "clerk", amount, basis: "reserved" },
    },
    { ...at, seq: 5, type: "budget.reserved", body: { command: `${command}/budget@3`, amount } },
    {
      ...at,
      seq: 6,
      type: "model.responded",
      body: { command, model: "paid", parts: [], cost: { microUsd: 4, basis: "reported" } },
    },
  ];
  expect(settlementsOf(entries).map(({ seq, amount: { microUsd }, basis }) => [seq, microUsd, basis])).toEqual([
    [4, 10, "reserved"],
    [6, 4, "reported"],
  ]);
  expect(costsOf("run_1", entries).total).toMatchObject({ calls: 2, microUsd: 14, tokens: 200 });
  // Of a body that was erased nobody knows what it settled.
  const erased = entries.map((entry) => ({ ...entry, body: {} }) as unknown as Entry);
  expect(settlementsOf(erased)).toEqual([]);
  expect(costsOf("run_1", erased).total).toMatchObject({ calls: 1, microUsd: 0, unknown: 1 });
});

describe("T3 a journal of before, with `budget.settled` behind an outcome", () => {
  test.each([{}, { cost: { microUsd: 4, basis: "reported" } } as const])(
    "replays and costs the same: %j",
    async (told) => {
      const { entries, fold } = await recorded(told);
      const before = asBefore(entries);
      expect(before).toHaveLength(entries.length + 1);
      expect(fold(before)).toBe("completed");
      expect(costsOf("run_1", before)).toEqual(costsOf("run_1", entries));
      expect(microUsdOf(before)).toBe(microUsdOf(entries));
      expect(settlementsOf(before)).toEqual(settlementsOf(entries));
    },
  );

  test.each([
    ["another amount", { amount: { microUsd: 9, tokens: 100 } }],
    ["another basis", { basis: "reported" }],
    ["another call", { command: "clerk#1/model#2" }],
  ] as const)("diverges where it says %s than its outcome settles", async (_, change) => {
    const { entries, fold } = await recorded();
    expect(() => fold(asBefore(entries, change))).toThrow("budget.settled");
  });
});
