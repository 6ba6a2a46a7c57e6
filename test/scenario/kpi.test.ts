import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, memoryEngine, operator } from "@remit/core";
import { byDefinition, type KpiRun, kpisOf, runsOf } from "@remit/core/kpi";
import { sqliteEngine } from "@remit/core/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { done, finds, makeAgency, makeCaller } from "../contract/engine-agency.ts";
import { call, turns } from "../contract/engine-desk.ts";
import { input, parked, start, tenant } from "../contract/engine-kit.ts";

/** KPIs of a run whose work another team does: each case, each cost and each person counts once. */

const paying = [[call("pay_back", "7")], done("7")];
const script = { triage: [finds("7")], clerk: paying };

function paid(microUsd: number) {
  return {
    ...turns(script),
    cost: "paid" as const,
    quote: () => ({ microUsd: 10, tokens: 100 }),
    generate: async (...given: Parameters<ReturnType<typeof turns>["generate"]>) => ({
      ...(await turns(script).generate(...given)),
      cost: { microUsd, basis: "reported" as const },
      usage: { inputTokens: 20, outputTokens: 10 },
    }),
  };
}

async function teams(
  options: { readonly risk?: "high"; readonly budget?: { readonly run: { microUsd: number } } } = {},
) {
  const engine = memoryEngine();
  onTestFinished(() => engine.close());
  const model = paid(4);
  const agency = makeAgency({ engine, model, ...options });
  await agency.ready();
  return { agency, desk: makeCaller({ engine, model, ...options }) };
}

async function all(runs: AsyncIterable<KpiRun>): Promise<readonly KpiRun[]> {
  const read: KpiRun[] = [];
  for await (const run of runs) read.push(run);
  return read;
}

/** What the journals say that was reported for calls, by counting. */
function reported(runs: readonly KpiRun[]): number {
  const costOf = (entry: Entry) => (entry.type === "model.responded" ? (entry.body.cost?.microUsd ?? 0) : 0);
  return runs.flatMap(({ entries }) => entries.map(costOf)).reduce((sum, one) => sum + one, 0);
}

test.each([{}, { budget: { run: { microUsd: 100 } } }])(
  "what a specialist spends is in its caller's cost, once, with a budget and without: %j",
  async (options) => {
    const { agency, desk } = await teams(options);
    for (let runs = 0; runs < 3; runs++) await (await desk.start(input, start)).result();
    const [callers, specialists] = [
      await all(runsOf(desk, { tenant })),
      await all(runsOf(agency.supervisor, { tenant })),
    ];
    expect([callers.length, specialists.length]).toEqual([3, 3]);
    const { overall } = await kpisOf([...callers, ...specialists]);
    expect(overall.runs).toMatchObject({ cases: 3, delegated: 3 });
    expect(overall.containment).toMatchObject({ count: 3, of: 3 });
    expect(overall.cost).toMatchObject({
      microUsd: reported([...callers, ...specialists]),
      delegatedMicroUsd: reported(specialists),
      perSuccess: 12,
      unknownCalls: 0,
    });
    expect(overall.cost.byBasis).toEqual({ reported: 36, estimated: 0, reserved: 0 });
    expect(overall.models).toMatchObject({ turns: { calls: 3, microUsd: 12 } });
    expect((await kpisOf(specialists)).overall.runs).toMatchObject({ cases: 0, delegated: 3 });
  },
);

test("a person who decides in the specialist's run is a person in its caller's case", async () => {
  const { desk } = await teams({ risk: "high" });
  const run = await desk.start(input, start);
  await parked(run);
  await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
  const waiting = (await kpisOf(runsOf(desk, { tenant }))).overall;
  expect(waiting.runs).toMatchObject({ cases: 1, ended: 0 });
  expect(waiting.review).toMatchObject({ waiting: 1, byKind: { specialist: 1 } });
  const [open] = await desk.approvals.list({ tenant });
  await desk.approvals.approve(tenant, open?.address ?? "", { principal: operator("boss"), reason: "fine" });
  expect((await run.result()).status).toBe("completed");
  const { containment, review } = (await kpisOf(runsOf(desk, { tenant }))).overall;
  expect(containment).toMatchObject({ count: 0, of: 1, untold: 0 });
  expect(review).toMatchObject({ count: 1, waiting: 0, byKind: { specialist: 1 }, time: { count: 0 } });
});

test("another process reads the journal of a service under way: runs of all versions, and it takes up none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-kpi-"));
  const path = join(folder, "journal.db");
  const [service, onlooker] = [sqliteEngine({ path }), sqliteEngine({ path })];
  onTestFinished(async () => {
    await service.close();
    await onlooker.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const model = paid(4);
  const first = makeCaller({ engine: service, model });
  const second = makeCaller({ engine: service, model, onFailure: "escalate" });
  const looking = makeCaller({ engine: onlooker, model, limits: { steps: 7 } });
  const agency = makeAgency({ engine: service, model, risk: "high" });
  await agency.ready();
  const run = await first.start(input, start);
  await parked(run);
  await parked(await second.start(input, start));
  const [open] = await first.approvals.list({ tenant });
  await first.approvals.approve(tenant, open?.address ?? "", { principal: operator("boss"), reason: "fine" });
  await expect.poll(async () => (await looking.list({ tenant, status: ["completed"] })).length).toBe(1);
  const { overall, segments } = await kpisOf(runsOf(looking, { tenant }), { segmentBy: { version: byDefinition() } });
  expect(overall.runs).toMatchObject({ cases: 2, ended: 1, byStatus: { completed: 1, parked: 1 } });
  expect(overall.review).toMatchObject({ count: 1, of: 1, waiting: 1 });
  expect(Object.keys(segments.version ?? {})).toHaveLength(2);
  expect(onlooker.drives({ tenant, runId: run.id })).toBe(false);
});
