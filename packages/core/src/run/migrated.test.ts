import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { memoryJournal } from "../journal/memory.ts";
import { silentLogger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { fakeClock, scriptedModel } from "../testing/index.ts";
import { loadRun } from "./driver.ts";

const text = z.object({ text: z.string() });
const desk = (version: string) => {
  const agent = { name: "clerk", description: "", model: "m", tools: [], input: text, output: text } as const;
  const clerk = defineAgent({ ...agent, instructions: `Write by book ${version}.` });
  return defineSupervisor({ version, agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
};

test("C4 V3 whoever takes up a run with the definition that it was migrated away from has lost it", async () => {
  const journal = memoryJournal();
  const engine = localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger });
  const models = { m: scriptedModel([]) };
  const before = runSupervisor(desk("1"), { engine, models });
  const after = runSupervisor(desk("2"), { engine, models });
  const run = await before.start({ text: "hello" }, { tenant: "acme", principal: user("u_1"), delayMs: 60_000 });
  await engine.idle();
  expect(await after.migrate({ from: before })).toMatchObject({ migrated: [{ runId: run.id }], refused: [] });

  const key = { tenant: "acme", kind: "run", id: run.id } as const;
  const tenantKey = await journal.tenantKey("acme");
  const load = ({ definition }: typeof before) => loadRun(journal, key, { definition, tenantKey });
  await expect(load(before)).rejects.toMatchObject({ code: "journal/conflict" });
  expect((await load(after)).core.parked).toBe(true);
  expect(await before.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true, status: "parked" });
  expect(await after.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true, status: "parked" });
});

test("D4 V3 a run that another version was quicker to start under the same key is not taken up by this one", async () => {
  const journal = memoryJournal();
  const models = { m: scriptedModel([]) };
  const engineOf = (name: string, over = journal) =>
    localEngine({ name, journal: over, clock: fakeClock(), logger: silentLogger });
  const start = { tenant: "acme", principal: user("u_1"), delayMs: 60_000, idempotencyKey: "once" };
  let quick: string | undefined;
  // Between the look for the run and the delivery of its start somebody else starts it.
  const slow: typeof journal = {
    ...journal,
    findRun: async (tenant, runId) => {
      const found = await journal.findRun(tenant, runId);
      if (quick !== undefined) return found;
      quick = "on its way";
      const first = runSupervisor(desk("1"), { engine: engineOf("quick"), models });
      quick = (await first.start({ text: "hello" }, start)).id;
      return found;
    },
  };
  const second = runSupervisor(desk("2"), { engine: engineOf("slow", slow), models, waitingRuns: "leave" });
  const run = await second.start({ text: "hello" }, start);
  expect(run.id).toBe(quick);
  const { hash } = desk("1");
  expect(await journal.findRun("acme", run.id)).toMatchObject({ definitionHash: hash, status: "parked", lastSeq: 2 });
  const key = { tenant: "acme", kind: "run", id: run.id } as const;
  const loading = loadRun(journal, key, {
    definition: second.definition,
    tenantKey: await journal.tenantKey("acme"),
  });
  await expect(loading).rejects.toMatchObject({ code: "journal/conflict" });
});

test("V3 also behind a snapshot that the new definition has made", async () => {
  const journal = memoryJournal();
  const engine = localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger });
  const models = { m: scriptedModel([]) };
  const before = runSupervisor(desk("1"), { engine, models });
  const after = runSupervisor(desk("2"), { engine, models });
  const run = await before.start({ text: "hello" }, { tenant: "acme", principal: user("u_1"), delayMs: 60_000 });
  await engine.idle();
  await after.migrate({ from: before });
  const key = { tenant: "acme", kind: "run", id: run.id } as const;
  const tenantKey = await journal.tenantKey("acme");
  const { core, head } = await loadRun(journal, key, { definition: after.definition, tenantKey });
  await journal.saveSnapshot(key, { ...head, state: core.save() });

  const late = loadRun(journal, key, { definition: before.definition, tenantKey });
  await expect(late).rejects.toMatchObject({ code: "journal/conflict" });
  expect((await loadRun(journal, key, { definition: after.definition, tenantKey })).snapshotSeq).toBe(head.seq);
});
