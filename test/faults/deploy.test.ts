import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Engine,
  type Journal,
  type Json,
  localEngine,
  memoryJournal,
  operator,
  silentLogger,
  systemClock,
  user,
} from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { type Desk, desk, each, endsOf, one, replayed, three, two } from "./deploy-desk.ts";

/**
 * A second version is deployed while many runs of the first wait for their approvals (D4). The versions differ in a guard
 * and a prompt, and each run's end shows both.
 */

const count = Number(process.env.REMIT_DEPLOY_RUNS ?? 200);
const tenant = "acme";
const person = operator("o_1");
const folder = mkdtempSync(join(tmpdir(), "remit-deploy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

/** Every run's last hash: what stands for all that was written of it. */
async function headsOf({ journal }: Engine, ids: readonly string[]): Promise<Map<string, string>> {
  const heads = new Map<string, string>();
  await each(ids, async (id) => {
    heads.set(id, (await journal.read({ tenant, kind: "run", id })).at(-1)?.hash ?? "");
  });
  return heads;
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
