import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { memoryEngine } from "../engine/memory.ts";
import { sqliteEngine } from "../engine/sqlite.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Json } from "../json.ts";
import { silentLogger } from "../port/logger.ts";
import { operator, user } from "../principal.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { createSupervisor, runSupervisor } from "../supervisor/supervisor.ts";
import { answers, calls, callsAll, fakeClock, says, scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";
import { loadRun } from "./driver.ts";
import { foldBatch } from "./fold.ts";

const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ code: z.string(), message: z.string() }),
  instructions: "Write.",
});
const definition = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });

/** Entries of a run with a denied call, an output that was sent back, and a payload that looks like an error. */
async function recorded() {
  const journal = memoryJournal();
  const engine = localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger });
  const model = scriptedModel([
    callsAll(clerk, [["drop_table", {}]]),
    says(clerk, { type: "output", value: { code: 7 } }),
    answers(clerk, { code: "ok", message: "all is well" }),
  ]);
  const run = await runSupervisor(definition, { engine, models: { m: model } }).start(
    { text: "hello" },
    { tenant: "acme", principal: user("u_1") },
  );
  await run.result();
  const tenantKey = await journal.tenantKey("acme");
  const fold = (change: (entry: Entry) => Entry) => async () => {
    const core = new RunCore({
      definition: definition as never,
      tenant: "acme",
      runId: run.id,
      tenantKey,
    });
    foldBatch(core, (await run.entries()).map(change), run.id);
    return core.state.status;
  };
  return { fold, journal, tenantKey, key: { tenant: "acme", kind: "run", id: run.id } as const };
}

/** Changes every member of that name inside the body of one type of entry. */
const change = (type: Entry["type"], member: string, to: string) => (entry: Entry) =>
  entry.type === type
    ? ({
        ...entry,
        body: JSON.parse(JSON.stringify(entry.body, (key, value) => (key === member ? to : value))),
      } as Entry)
    : entry;

test("what a restriction sets going while a run is taken up is under way, not lost: no model is asked twice", async () => {
  const pay = defineTool({
    name: "pay",
    description: "Pays.",
    input: z.object({ cents: z.int() }),
    output: z.object({ paid: z.boolean() }),
    effect: "write",
    risk: "high",
    idempotency: "key",
    execute: () => ({ paid: true }),
  });
  const payer = defineAgent({
    name: "payer",
    description: "",
    model: "m",
    tools: [pay],
    input: z.object({ text: z.string() }),
    output: z.object({ done: z.boolean() }),
    instructions: "Pay.",
  });
  const desk = defineSupervisor({ agents: { payer }, entry: "payer", exit: "payer", handoffs: [] });
  const model = scriptedModel([calls(payer, "pay", { cents: 900 }), answers(payer, { done: false })]);
  const supervisor = runSupervisor(desk, { engine: memoryEngine(), models: { m: model } });
  const run = await supervisor.start({ text: "pay" }, { tenant: "acme", principal: user("u_1") });
  expect(await run.settled()).toBe("parked");
  const [open] = await run.approvals();
  await supervisor.restrict({ kind: "tool", name: "pay" }, { tenant: "acme", reason: "not today" });
  const late = supervisor.approvals.approve("acme", open?.address ?? "", { reason: "yes", principal: operator("o") });
  await expect(late).rejects.toMatchObject({ code: "approval/unknown" });
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: false } });
  expect(model.requests).toHaveLength(2);
  const types = (await run.entries()).map(({ type }) => type);
  expect(types).toContain("restrictions.changed");
  expect(types).not.toContain("run.resumed");
});

test("a cancel that an ending run takes no notice of is told to be taken only when that end is durable", async () => {
  const journal = memoryJournal();
  const clock = fakeClock();
  const disk = Promise.withResolvers<void>();
  disk.promise.catch(() => {});
  const failing: typeof journal = {
    ...journal,
    append: (key, batch, ...rest) =>
      batch.lines.includes("limit.exceeded") ? disk.promise : journal.append(key, batch, ...rest),
  };
  const engine = localEngine({ name: "memory", journal: failing, clock, logger: silentLogger });
  const begun = Promise.withResolvers<void>();
  const pay = defineTool({
    name: "pay",
    description: "Pays, and never says so.",
    input: z.object({}),
    output: z.object({}),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => {
      begun.resolve();
      return new Promise<never>(() => {});
    },
  });
  const payer = { ...clerk, tools: [pay] } as const;
  const model = scriptedModel([calls(payer, "pay", {})]);
  const team = defineSupervisor({
    agents: { clerk: payer },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    limits: { activeMs: 1_000 },
  });
  const supervisor = runSupervisor(team, { engine, models: { m: model } });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  await begun.promise;
  clock.advance(1_000);
  const told = run.cancel("enough", { principal: user("u_1") }).then(
    () => "taken",
    (thrown: unknown) => (thrown as { code: string }).code,
  );
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  disk.reject(new OrchestrationError("journal/unavailable", { reason: "the disk is full" }));
  expect(await told).toBe("journal/unavailable");
  expect((await run.entries()).map(({ type }) => type)).not.toContain("limit.exceeded");
});

test("a run that shall wait for ever is listed and taken up as any other, whatever its journal counts with", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-far-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const engine = sqliteEngine({ path: join(folder, "journal.db") });
  const desk = { agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] } as const;
  const limits = { deadlineMs: Number.MAX_SAFE_INTEGER };
  const supervisor = createSupervisor({ ...desk, limits, engine, models: { m: scriptedModel([]) } });
  const about = { tenant: "acme", principal: user("u_1") };
  const run = await supervisor.start({ text: "hello" }, { ...about, delayMs: Number.MAX_SAFE_INTEGER });
  expect(await run.status()).toBe("parked");
  expect(await supervisor.list({ tenant: "acme" })).toMatchObject([{ runId: run.id, wakeAt: Number.MAX_SAFE_INTEGER }]);
  expect(await supervisor.resume()).toBe(0);
  await engine.close();
});

describe("a snapshot is a cache (R1)", () => {
  test("one that does not fit the entries behind it is left aside, and the run is folded from its start", async () => {
    const { journal, tenantKey, key } = await recorded();
    const options = { definition: definition as never, tenantKey };
    const whole = await loadRun(journal, key, options);
    const core = new RunCore({ ...options, tenant: key.tenant, runId: key.id });
    const [first] = await journal.read(key);
    if (!first) throw new Error("the run has no entries");
    foldBatch(core, openBatch(first, key.id), key.id);
    const saved = JSON.parse(JSON.stringify(core.save())) as { state: object; purse: object };
    const { seq, hash } = { seq: first.lastSeq, hash: first.hash };
    const loadWith = (state: Json) => {
      const damaged = { ...journal, loadSnapshot: async () => ({ seq, hash, state }) };
      return loadRun(damaged, key, options);
    };
    expect((await loadWith(saved as unknown as Json)).snapshotSeq).toBe(seq);
    for (const state of [
      { ...saved, purse: { ...saved.purse, spent: undefined } },
      { ...saved, state: { ...saved.state, limits: undefined, ending: { status: "failed", body: {} } } },
    ]) {
      const loaded = await loadWith(JSON.parse(JSON.stringify(state)) as Json);
      expect(loaded.snapshotSeq).toBe(0);
      expect(loaded.head.hash).toBe(whole.head.hash);
      expect(loaded.core.save()).toEqual(whole.core.save());
    }
  });

  test("what the journal itself says is said, with a snapshot too", async () => {
    const { journal, tenantKey, key } = await recorded();
    const [first] = await journal.read(key);
    const snapshot = { seq: first?.lastSeq ?? 0, hash: first?.hash ?? "", state: {} };
    const read = vi.fn(async () => {
      throw new OrchestrationError("journal/unavailable", { reason: "gone" });
    });
    const gone = { ...journal, loadSnapshot: async () => snapshot, read };
    await expect(loadRun(gone, key, { definition: definition as never, tenantKey })).rejects.toMatchObject({
      code: "journal/unavailable",
    });
    expect(read).toHaveBeenCalledOnce();
  });
});

test("a journal with a hole is broken, and no other definition would mend it", async () => {
  const { journal, tenantKey, key } = await recorded();
  const batches = await journal.read(key);
  expect(batches.length).toBeGreaterThan(2);
  for (const gone of batches.slice(0, -1)) {
    const holed = {
      ...journal,
      read: async (_: unknown, fromSeq = 1) => batches.filter((one) => one !== gone && one.lastSeq >= fromSeq),
    };
    await expect(loadRun(holed, key, { definition: definition as never, tenantKey })).rejects.toMatchObject({
      code: "journal/broken-chain",
      data: { seq: gone.firstSeq },
    });
  }
  // A snapshot that names no entry is none.
  for (const seq of [-3, 0, 1.5, 10_000]) {
    const odd = { ...journal, loadSnapshot: async () => ({ seq, hash: "", state: {} }) };
    expect((await loadRun(odd, key, { definition: definition as never, tenantKey })).snapshotSeq).toBe(0);
  }
});

describe("comparing decisions", () => {
  test("a run folds into the status that it ended with", async () => {
    const { fold } = await recorded();
    expect(await fold((entry) => entry)()).toBe("completed");
  });

  test("the words of errors and issues may change with a release", async () => {
    const { fold } = await recorded();
    expect(await fold(change("tool.denied", "message", "in other words"))()).toBe("completed");
    expect(await fold(change("output.rejected", "message", "in other words"))()).toBe("completed");
  });

  test("their codes and pointers may not, nor may a payload that only looks like an error", async () => {
    const { fold } = await recorded();
    const diverged = { code: "replay/diverged" };
    await expect(fold(change("tool.denied", "code", "policy/other"))()).rejects.toMatchObject(diverged);
    await expect(fold(change("output.rejected", "pointer", "/other"))()).rejects.toMatchObject(diverged);
    await expect(fold(change("run.completed", "message", "all is lost"))()).rejects.toMatchObject(diverged);
    await expect(fold(change("handoff.returned", "message", "all is lost"))()).rejects.toMatchObject(diverged);
  });
});
