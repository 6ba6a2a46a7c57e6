import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BudgetAmount, Entry, Spend } from "../event.ts";
import { seededIds } from "../ids.ts";
import { openBatch } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import { sqliteJournal } from "../journal/sqlite.ts";
import type { Journal } from "../port/journal.ts";
import { type BudgetLedger, budgetLedger, type TenantBudget } from "./ledger.ts";

const { salt } = seededIds(1);
const noon = Date.UTC(2026, 10, 28, 12);
const day = 24 * 3_600_000;
const ledgerOver = (journal: Journal, acme: TenantBudget, now = () => noon) =>
  budgetLedger({ journal, now, salt, budgets: { acme } });
const spend = (microUsd: number, tokens = 0): Spend => ({ microUsd, tokens });
const demand = (run: string, needed: Spend, slice = "s1") => ({ slice, run, needed });

async function entriesOf(journal: Journal, id = "all"): Promise<Entry[]> {
  const batches = await journal.read({ tenant: "acme", kind: "budget", id });
  return batches.flatMap((batch) => openBatch(batch, id));
}

/** The most that was spent and reserved together at any moment, counted by nothing but the entries. */
async function mostGone(journal: Journal): Promise<Spend> {
  const taken = new Map<string, Spend>();
  const most = { microUsd: 0, tokens: 0 };
  for (const entry of await entriesOf(journal)) {
    if (entry.type === "slice.taken") {
      const { run, amount } = entry.body;
      const before = taken.get(run) ?? spend(0);
      taken.set(run, spend(before.microUsd + amount.microUsd, before.tokens + amount.tokens));
    }
    if (entry.type === "slice.settled") taken.set(entry.body.run, entry.body.spent);
    for (const member of ["microUsd", "tokens"] as const) {
      const gone = [...taken.values()].reduce((sum, amount) => sum + amount[member], 0);
      most[member] = Math.max(most[member], gone);
    }
  }
  return most;
}

describe("a slice", () => {
  test("is what is needed, or the least slice where that is more and is there", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 100, slice: { microUsd: 40 } });
    expect(await ledger.take("acme", demand("a", spend(5)))).toEqual({ stream: "all", amount: spend(40) });
    expect(await ledger.take("acme", demand("b", spend(50, 9)))).toEqual({ stream: "all", amount: spend(50, 9) });
    expect(await ledger.take("acme", demand("c", spend(1)))).toEqual({ stream: "all", amount: spend(10) });
    expect(await ledger.take("acme", demand("d", spend(0)))).toEqual({ stream: "all", amount: spend(0) });
  });

  test("is refused when any bounded member has less left than is needed", async () => {
    const journal = memoryJournal();
    const ledger = ledgerOver(journal, { microUsd: 100, tokens: 10 });
    await ledger.take("acme", demand("a", spend(60, 10)));
    expect(await ledger.take("acme", demand("b", spend(1, 1)))).toMatchObject({
      error: {
        code: "budget/exceeded",
        data: {
          scope: "tenant",
          name: "acme",
          left: { microUsd: 40, tokens: 0 },
          bound: { microUsd: 100, tokens: 10 },
          needed: { microUsd: 1, tokens: 1 },
        },
      },
    });
    expect(await entriesOf(journal)).toHaveLength(1);
  });

  test("is told with its bound, so that the stream explains itself", async () => {
    const journal = memoryJournal();
    await ledgerOver(journal, { microUsd: 100 }).take("acme", demand("a", spend(60)));
    expect(await entriesOf(journal)).toMatchObject([
      { type: "slice.taken", at: noon, body: { slice: "s1", run: "a", amount: spend(60), bound: { microUsd: 100 } } },
    ]);
  });

  test("B2 asked for twice is one slice, in another process too; of another run it is another one", async () => {
    const journal = memoryJournal();
    const budget = { microUsd: 100, slice: { microUsd: 30 } };
    const first = await ledgerOver(journal, budget).take("acme", demand("a", spend(5)));
    const later = ledgerOver(journal, { ...budget, slice: { microUsd: 99 } });
    expect(await later.take("acme", demand("a", spend(7)))).toEqual(first);
    expect(await later.take("acme", demand("b", spend(7)))).toEqual({ stream: "all", amount: spend(70) });
  });

  test("of a tenant without a budget is what is needed", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 0 });
    expect([ledger.bounds("acme"), ledger.bounds("other")]).toEqual([true, false]);
    expect(await ledger.take("other", demand("a", spend(9, 9)))).toEqual({ stream: "all", amount: spend(9, 9) });
    expect(await ledger.take("acme", demand("a", spend(1)))).toHaveProperty("error");
  });

  test("of parts is rounded up, and what is no amount is refused", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 10 });
    expect(await ledger.take("acme", demand("a", spend(1.2)))).toEqual({ stream: "all", amount: spend(2) });
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, -0.5]) {
      const refused = { code: "limits/not-a-bound", data: { limit: "needed.microUsd", value: String(wrong) } };
      await expect(ledger.take("acme", demand("b", spend(wrong)))).rejects.toMatchObject(refused);
    }
  });
});

describe("a settled run", () => {
  test("frees what it did not use, once", async () => {
    const journal = memoryJournal();
    const ledger = ledgerOver(journal, { microUsd: 100 });
    await ledger.take("acme", demand("a", spend(60)));
    expect(await ledger.settle("acme", "all", { run: "a", spent: spend(25) })).toEqual(spend(25));
    expect(await ledger.settle("acme", "all", { run: "a", spent: spend(99) })).toEqual(spend(25));
    expect(await ledger.view("acme")).toEqual({
      stream: "all",
      bound: { microUsd: 100 },
      spent: spend(25),
      reserved: spend(0),
      left: { microUsd: 75 },
      runs: [{ run: "a", taken: spend(60), spent: spend(25) }],
    });
    expect(await entriesOf(journal)).toHaveLength(2);
  });

  test("B1 that used more than it took is recorded as it is, and nothing is left below 0", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 100 });
    await ledger.take("acme", demand("a", spend(60)));
    await ledger.settle("acme", "all", { run: "a", spent: spend(130.5) });
    expect(await ledger.view("acme")).toMatchObject({ spent: spend(131), reserved: spend(0), left: { microUsd: 0 } });
  });

  test("B3 takes nothing any more, also when it took nothing before; what it took it is told again", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 100 });
    await ledger.take("acme", demand("a", spend(60)));
    await ledger.settle("acme", "all", { run: "a", spent: spend(1) });
    await ledger.settle("acme", "all", { run: "b", spent: spend(0) });
    const ended = (run: string) => ({ code: "run/already-ended", data: { run, status: "settled" } });
    await expect(ledger.take("acme", demand("a", spend(1), "s2"))).rejects.toMatchObject(ended("a"));
    await expect(ledger.take("acme", demand("b", spend(1)))).rejects.toMatchObject(ended("b"));
    expect(await ledger.take("acme", demand("a", spend(60)))).toEqual({ stream: "all", amount: spend(60) });
    expect((await ledger.view("acme")).reserved).toEqual(spend(0));
  });
});

describe("a period", () => {
  test.each<[TenantBudget["per"], string]>([
    [undefined, "all"],
    ["month", "2026-11"],
    ["day", "2026-11-28"],
  ])("%s is the stream %s", (per, stream) => {
    const budget: TenantBudget = per === undefined ? {} : { per };
    expect(ledgerOver(memoryJournal(), budget).streamOf("acme", noon)).toBe(stream);
  });

  test("is UTC and has a bound of its own; a slice asked for again belongs to the period in which it was needed", async () => {
    let at = Date.UTC(2026, 10, 28, 23, 59, 59, 999);
    const needed = at;
    const ledger = ledgerOver(memoryJournal(), { microUsd: 10, per: "day" }, () => at);
    const first = await ledger.take("acme", demand("a", spend(10)));
    expect(first).toEqual({ stream: "2026-11-28", amount: spend(10) });
    expect(await ledger.take("acme", demand("b", spend(1)))).toHaveProperty("error");
    at += 1;
    expect(await ledger.take("acme", demand("b", spend(1)))).toEqual({ stream: "2026-11-29", amount: spend(1) });
    expect(await ledger.take("acme", { ...demand("a", spend(10)), at: needed })).toEqual(first);
    expect((await ledger.view("acme")).left).toEqual({ microUsd: 9 });
    expect((await ledger.view("acme", needed)).left).toEqual({ microUsd: 0 });
  });

  test("gets of a run over several ones what the run took there, the last one what is over", async () => {
    const journal = memoryJournal();
    let at = noon;
    const ledger = ledgerOver(journal, { microUsd: 100, per: "day" }, () => at);
    const streams: string[] = [];
    for (const slice of ["s1", "s2", "s3"]) {
      const taken = await ledger.take("acme", demand("a", spend(10, 4), slice));
      if ("stream" in taken) streams.push(taken.stream);
      at += day;
    }
    const word = { run: "a", spent: spend(25, 2) };
    await ledger.settle("acme", "2026-11-28", { run: "a", spent: spend(10, 2) }); // as if cut off behind this
    await ledger.settleAll("acme", streams, word);
    await ledger.settleAll("acme", streams, word);
    const views = await Promise.all([0, 1, 2].map((days) => ledger.view("acme", noon + days * day)));
    expect(views.map(({ spent }) => spent)).toEqual([spend(10, 2), spend(10, 0), spend(5, 0)]);
    expect(views.map(({ reserved }) => reserved)).toEqual([spend(0), spend(0), spend(0)]);
    expect(await entriesOf(journal, "2026-11-30")).toHaveLength(2);
  });

  test("may end with more than was taken in all of them", async () => {
    const ledger = ledgerOver(memoryJournal(), { microUsd: 100 });
    await ledger.take("acme", demand("a", spend(10)));
    await ledger.settleAll("acme", ["all", "all"], { run: "a", spent: spend(12) });
    expect((await ledger.view("acme")).spent).toEqual(spend(12));
  });
});

test.each<[string, TenantBudget]>([
  ["microUsd", { microUsd: 1.5 }],
  ["tokens", { tokens: -1 }],
  ["slice.microUsd", { slice: { microUsd: Number.NaN } }],
  ["slice.tokens", { slice: { tokens: Number.POSITIVE_INFINITY } }],
])("a budget is made of whole numbers: %s", (member, budget) => {
  const limit = `budgets.acme.${member}`;
  expect(() => ledgerOver(memoryJournal(), budget)).toThrowError(
    expect.objectContaining({ code: "limits/not-a-bound", data: expect.objectContaining({ limit }) }),
  );
});

/** A run that takes some slices until one is refused, and then settles. Each word is said twice, to either process. */
interface Story {
  readonly needs: readonly Spend[];
  /** How much of what it took it uses, in percent. */
  readonly uses: number;
}

async function tell(ledgers: readonly BudgetLedger[], run: string, { needs, uses }: Story): Promise<Spend> {
  const [one, two] = ledgers as [BudgetLedger, BudgetLedger];
  const all = { microUsd: 0, tokens: 0 };
  for (const [index, needed] of needs.entries()) {
    const asked = demand(run, needed, `s${index}`);
    const answers = await Promise.all([one.take("acme", asked), two.take("acme", asked)]);
    const given = answers.flatMap((answer) => ("amount" in answer ? [answer.amount] : []));
    // What was given once is given always; a refusal may be overtaken by what another run frees.
    expect(new Set(given.map((amount) => JSON.stringify(amount))).size).toBeLessThanOrEqual(1);
    const [amount] = given;
    if (!amount) break;
    expect(amount.microUsd >= needed.microUsd && amount.tokens >= needed.tokens).toBe(true);
    all.microUsd += amount.microUsd;
    all.tokens += amount.tokens;
  }
  const spent = spend(Math.floor((all.microUsd * uses) / 100), Math.floor((all.tokens * uses) / 100));
  const words = await Promise.all([one, two].map((ledger) => ledger.settle("acme", "all", { run, spent })));
  expect(words).toEqual([spent, spent]);
  return spent;
}

async function expectWhole(journal: Journal, ledger: BudgetLedger, bound: BudgetAmount, spends: readonly Spend[]) {
  const sum = (member: keyof Spend) => spends.reduce((total, spent) => total + spent[member], 0);
  const most = await mostGone(journal);
  expect(most.microUsd).toBeLessThanOrEqual(bound.microUsd ?? Number.POSITIVE_INFINITY);
  expect(most.tokens).toBeLessThanOrEqual(bound.tokens ?? Number.POSITIVE_INFINITY);
  expect(await ledger.view("acme")).toMatchObject({
    spent: spend(sum("microUsd"), sum("tokens")),
    reserved: spend(0),
    left: {
      ...(bound.microUsd === undefined ? {} : { microUsd: bound.microUsd - sum("microUsd") }),
      ...(bound.tokens === undefined ? {} : { tokens: bound.tokens - sum("tokens") }),
    },
  });
  const said = (await entriesOf(journal)).map((entry) => {
    if (entry.type === "slice.taken") return `${entry.body.run} takes ${entry.body.slice}`;
    return entry.type === "slice.settled" ? `${entry.body.run} is settled` : entry.type;
  });
  expect(new Set(said).size).toBe(said.length);
}

const arbSpend = fc.record({ microUsd: fc.nat(40), tokens: fc.nat(20) });
const arbStory: fc.Arbitrary<Story> = fc.record({
  needs: fc.array(arbSpend, { maxLength: 3 }),
  uses: fc.integer({ min: 0, max: 100 }),
});
const arbBudget: fc.Arbitrary<TenantBudget> = fc.record(
  { microUsd: fc.nat(200), tokens: fc.nat(100), slice: fc.record({ microUsd: fc.nat(50) }) },
  { requiredKeys: [] },
);

test("B1 B2 B3 however two processes mix, the bound holds at every moment and nothing stays reserved", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      arbBudget,
      fc.array(arbStory, { minLength: 1, maxLength: 6 }),
      async (s, budget, stories) => {
        const journal = memoryJournal();
        const slow: Journal = {
          ...journal,
          read: s.scheduleFunction(journal.read),
          append: s.scheduleFunction(async (...asked: Parameters<Journal["append"]>) => journal.append(...asked)),
        };
        const ledgers = [ledgerOver(slow, budget), ledgerOver(slow, budget)];
        const spends = await s.waitFor(Promise.all(stories.map((story, run) => tell(ledgers, `run_${run}`, story))));
        await expectWhole(journal, ledgerOver(journal, budget), budget, spends);
      },
    ),
    { numRuns: 60 },
  );
});

describe("100 parallel runs over one budget", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "remit-budget-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const bound = { microUsd: 1_000, tokens: 900 };
  const budget = { ...bound, slice: { microUsd: 15 } };
  const arbStories = fc.array(arbStory, { minLength: 100, maxLength: 100 });

  test("hold it in memory", async () => {
    await fc.assert(
      fc.asyncProperty(arbStories, async (stories) => {
        const journal = memoryJournal();
        const ledgers = [ledgerOver(journal, budget), ledgerOver(journal, budget)];
        const spends = await Promise.all(stories.map((story, run) => tell(ledgers, `run_${run}`, story)));
        await expectWhole(journal, ledgerOver(journal, budget), bound, spends);
      }),
      { numRuns: 10 },
    );
  });

  test("hold it in one file that two journals share", async () => {
    let files = 0;
    await fc.assert(
      fc.asyncProperty(arbStories, async (stories) => {
        const path = join(folder, `${files++}.db`);
        const journals = [sqliteJournal({ path }), sqliteJournal({ path })];
        try {
          const ledgers = journals.map((journal) => ledgerOver(journal, budget));
          const spends = await Promise.all(stories.map((story, run) => tell(ledgers, `run_${run}`, story)));
          const [journal = journals[0] as Journal] = journals;
          await expectWhole(journal, ledgerOver(journal, budget), bound, spends);
        } finally {
          for (const journal of journals) await journal.close();
        }
      }),
      { numRuns: 2 },
    );
  }, 60_000);
});
