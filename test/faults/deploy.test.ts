import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSupervisor,
  defineAgent,
  defineDenial,
  defineHandoff,
  defineTool,
  type Engine,
  type Journal,
  type Json,
  localEngine,
  type Model,
  memoryJournal,
  operator,
  type Risk,
  silentLogger,
  systemClock,
  user,
} from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";

/**
 * A second version is deployed while many runs of the first wait for their approvals (D4). The versions differ in a guard
 * and a prompt, and each run's end shows both.
 */

const count = Number(process.env.REMIT_DEPLOY_RUNS ?? 200);
const tenant = "acme";
const person = operator("o_1");
const folder = mkdtempSync(join(tmpdir(), "remit-deploy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Version {
  readonly number: "1" | "2" | "3";
  /** Amounts up to this are closed, those above are denied. */
  readonly limitCents: number;
  readonly risk: Risk;
}
const one: Version = { number: "1", limitCents: 1_000, risk: "high" };
const two: Version = { number: "2", limitCents: 500, risk: "high" };
/** Asks nobody before it transfers. */
const three: Version = { number: "3", limitCents: 500, risk: "low" };

function desk(engine: Engine, { number, limitCents, risk }: Version, effects: string[] = []) {
  const order = z.object({ to: z.string(), amountCents: z.int() });
  const done = z.object({ to: z.string(), amountCents: z.int(), prompt: z.string() });
  const transfer = defineTool({
    name: "transfer_money",
    description: "Transfers money.",
    input: order,
    output: z.object({ done: z.boolean() }),
    effect: "write",
    risk,
    idempotency: "key",
    execute: ({ to }) => {
      effects.push(to);
      return { done: true };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Transfers.",
    model: "m",
    tools: [transfer],
    input: order,
    output: done,
    instructions: `Prompt ${number}.`,
  });
  const closer = defineAgent({
    name: "closer",
    description: "Closes.",
    model: "m",
    tools: [],
    input: done,
    output: done,
    instructions: "Close it.",
  });
  const model: Model = {
    id: "instant",
    cost: "zero",
    generate: async ({ agent, input, instructions, messages }) => {
      const wish = input as { readonly to: string; readonly amountCents: number };
      if (agent === "clerk" && messages.length === 0) {
        return { parts: [{ type: "toolCall", callId: "c", tool: "transfer_money", input: wish }] };
      }
      return { parts: [{ type: "output", value: agent === "clerk" ? { ...wish, prompt: instructions } : wish }] };
    },
  };
  return createSupervisor({
    name: "desk",
    agents: { clerk, closer },
    entry: "clerk",
    exit: "closer",
    handoffs: [
      defineHandoff({
        from: clerk,
        to: closer,
        version: number,
        when: ({ amountCents }) => amountCents <= limitCents,
        map: (output) => output,
      }),
      defineDenial({ from: clerk, reason: "too much", packet: (output) => output }),
    ],
    models: { m: model },
    engine,
  });
}
type Desk = ReturnType<typeof desk>;

/** What stands for a process: an engine over the journal that all of them share. */
type Open = () => { readonly engine: Engine; readonly close: () => Promise<void> };

const engineOver = (journal: Journal, name: string) =>
  localEngine({ name, journal, clock: systemClock(), logger: silentLogger });

const stores: readonly (readonly [name: string, open: () => Open])[] = [
  [
    "memory",
    () => {
      const journal: Journal = { ...memoryJournal(), close: async () => {} };
      return () => {
        const engine = engineOver(journal, "memory");
        return { engine, close: () => engine.close() };
      };
    },
  ],
  [
    "sqlite",
    () => {
      const path = join(mkdtempSync(join(folder, "file-")), "journal.db");
      return () => {
        const engine = engineOver(sqliteJournal({ path }), "sqlite");
        return { engine, close: () => engine.close() };
      };
    },
  ],
];

/** Does something for each, so many at a time, in no order. */
async function each<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await act(item);
  };
  await Promise.all(Array.from({ length: 100 }, work));
}

/** Starts the runs in a process that has the first version alone, and leaves them parked. */
async function parkAll(open: Open): Promise<readonly string[]> {
  const { engine, close } = open();
  const first = desk(engine, one);
  const ids: string[] = [];
  await each(
    Array.from({ length: count }, (_, index) => index),
    async (index) => {
      const run = await first.start({ to: `a_${index}`, amountCents: 900 }, { tenant, principal: user("u_1") });
      expect(await run.settled()).toBe("parked");
      ids.push(run.id);
    },
  );
  await close();
  return ids;
}

async function approveAll(at: Desk): Promise<void> {
  const cases = await at.approvals.list({ tenant, most: count + 1 });
  expect(cases).toHaveLength(count);
  await each(cases, async ({ address, binding }) => {
    await at.approvals.approve(tenant, address, { reason: "as agreed", principal: person, binding });
  });
}

/** How often each end was reached. */
async function endsOf(at: Desk, ids: readonly string[]): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  await each(ids, async (id) => {
    const result = await (await at.find(id, { tenant })).result();
    const prompt =
      result.status === "completed"
        ? result.output.prompt
        : result.status === "denied"
          ? (result.packet as { prompt?: string }).prompt
          : JSON.stringify(result);
    const end = `${result.status}: ${prompt}`;
    ends[end] = (ends[end] ?? 0) + 1;
  });
  return ends;
}

/** Every run's last hash: what stands for all that was written of it. */
async function headsOf({ journal }: Engine, ids: readonly string[]): Promise<Map<string, string>> {
  const heads = new Map<string, string>();
  await each(ids, async (id) => {
    heads.set(id, (await journal.read({ tenant, kind: "run", id })).at(-1)?.hash ?? "");
  });
  return heads;
}

/** How many runs a definition decides again as it did, and from which entry on. */
async function replayed(at: Desk, ids: readonly string[]): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  await each(ids, async (id) => {
    const { ok, status, fromSeq, fault } = await at.replay(id, { tenant });
    const what = `${ok ? "ok" : `${fault?.kind} ${fault?.reason}`}, ${status}, ${fromSeq === 1 ? "from the start" : "from its migration"}`;
    found[what] = (found[what] ?? 0) + 1;
  });
  return found;
}

describe.each(stores)("two versions at %s", (_, store) => {
  test("runs that wait end by the rules that they began with, in a process that has both versions", async () => {
    const open = store();
    const ids = await parkAll(open);
    const { engine, close } = open();
    const effects: string[] = [];
    const first = desk(engine, one, effects);
    const second = desk(engine, two, effects);
    expect(await second.resume()).toBe(0);
    expect(await first.resume()).toBe(0);
    // The inbox of either version shows and decides what runs of both wait for.
    await approveAll(second);
    expect(await endsOf(second, ids)).toEqual({ "completed: Prompt 1.": count });
    expect(new Set(effects).size).toBe(count);
    expect(effects).toHaveLength(count);
    expect(await replayed(first, ids)).toEqual({ "ok, completed, from the start": count });
    const fresh = await second.start({ to: "a", amountCents: 900 }, { tenant, principal: user("u_1") });
    await fresh.settled();
    const [open1] = await fresh.approvals();
    await second.approvals.approve(tenant, open1?.address ?? "", { reason: "as agreed", principal: person });
    expect(await endsOf(second, [fresh.id])).toEqual({ "denied: Prompt 2.": 1 });
    await close();
  }, 240_000);

  test("a process without their version does not start; once migrated they end by the new rules", async () => {
    const open = store();
    const ids = await parkAll(open);
    const { engine, close } = open();
    const effects: string[] = [];
    const second = desk(engine, two, effects);
    const named = { supervisor: "desk", count, runs: expect.any(Array) };
    const refused = second.start({ to: "a", amountCents: 1 }, { tenant, principal: user("u_1") });
    await expect(refused).rejects.toMatchObject({ code: "definition/waiting-runs", data: named });
    const homeless = await second.resume().catch((thrown: { data: { runs: string[] } }) => thrown.data.runs);
    expect(homeless).toHaveLength(Math.min(20, count));
    for (const run of homeless as string[]) expect(ids).toContain(run.replace(`${tenant}/`, ""));
    await close();

    const both = open();
    const first = desk(both.engine, one, effects);
    expect(await replayed(first, ids)).toEqual({ "ok, parked, from the start": count });
    const before = await headsOf(both.engine, ids);
    const next = desk(both.engine, two, effects);
    const renamed = (state: Json): Json => JSON.parse(JSON.stringify(state).replaceAll('"clerk"', '"nobody"'));
    const misfits = [
      () => next.migrate({ from: first, map: renamed }),
      () => next.migrate({ from: first, map: () => ({ is: "no state" }) }),
      () =>
        next.migrate({
          from: first,
          map: () => {
            throw new Error("a slip");
          },
        }),
      // A definition that asks nobody would let a write go that a person was asked about.
      () => desk(both.engine, three, effects).migrate({ from: first }),
    ];
    for (const migrate of misfits) {
      const report = await migrate();
      expect(report.migrated).toEqual([]);
      expect(report.refused).toHaveLength(count);
      for (const { error } of report.refused) expect(error.code).toBe("definition/migration-invalid");
      expect(await headsOf(both.engine, ids)).toEqual(before);
    }
    expect((await next.migrate({ from: first, dryRun: true })).migrated).toHaveLength(count);
    expect(await headsOf(both.engine, ids)).toEqual(before);
    const [stale] = await first.approvals.list({ tenant, most: 1 });
    const moved = await next.migrate({ from: first });
    expect(moved.migrated).toHaveLength(count);
    expect(moved.refused).toEqual([]);
    expect((await next.migrate({ from: first })).migrated).toEqual([]);
    await both.close();

    const last = open();
    const alone = desk(last.engine, two, effects);
    expect(await alone.resume()).toBe(0);
    // What a person saw before is not what they would decide on now.
    const { address = "", binding = "" } = stale ?? {};
    const late = alone.approvals.approve(tenant, address, { reason: "as agreed", principal: person, binding });
    await expect(late).rejects.toMatchObject({ code: "approval/binding-mismatch" });
    await approveAll(alone);
    expect(await endsOf(alone, ids)).toEqual({ "denied: Prompt 2.": count });
    expect(new Set(effects).size).toBe(count);
    expect(effects).toHaveLength(count);
    expect(await replayed(alone, ids)).toEqual({ "ok, denied, from its migration": count });
    await last.close();
  }, 240_000);
});
