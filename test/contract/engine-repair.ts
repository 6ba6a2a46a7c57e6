import { type Json, type Run, user } from "@remit/core";
import { describe, expect, test } from "vitest";
import { bodies } from "./engine-approvals.ts";
import { call, turns } from "./engine-desk.ts";
import { type EngineKit, input, parked, start, tenant, typesOf } from "./engine-kit.ts";
import { boss, defineOffice, makeOffice, openOffice, says, second, Till } from "./engine-office.ts";

/** What is undone, done again, put aside, and moved to another definition. */
export function repairContract({ fresh, again, survives }: EngineKit): void {
  const failed = [{ type: "refusal", reason: "no more" }] as const;
  /** A run that has sent a note and wiped a disk, and failed then. */
  const broken = async (more: Partial<Parameters<typeof makeOffice>[0]> = {}) => {
    const till = new Till();
    const model = turns({ worker: [[call("send_note", "a")], [call("wipe_disk", "b")], failed] });
    const options = { engine: fresh(), model, till, ...more };
    const office = makeOffice(options);
    const run = await office.start(input, start);
    await parked(run);
    await approveAll(office, run);
    expect((await run.result()).status).toBe("failed");
    return { office, till, run, options };
  };
  const approveAll = async (office: ReturnType<typeof makeOffice>, run: Run<unknown>, who = boss) => {
    for (const { address } of await run.approvals()) await office.approvals.approve(tenant, address, who);
  };

  describe("a run that is undone", () => {
    test("the last write first, each with the approval that its risk asks for, once however often it is asked", async () => {
      const { office, till, run } = await broken();
      const result = await run.result();
      expect(result).toMatchObject({
        effects: [
          { tool: "send_note", outcome: "done", undo: { tool: "take_back", input: { id: "un a" } } },
          { tool: "wipe_disk", outcome: "done", undo: { tool: "restore_disk", input: { id: "un b" } } },
        ],
      });
      const [undo, same] = await Promise.all([
        office.compensate(run.id, { tenant }),
        office.compensate(run.id, { tenant }),
      ]);
      expect(same.id).toBe(undo.id);
      await parked(undo);
      expect(till.ids("restore_disk")).toEqual([]);
      expect((await office.compensate(run.id, { tenant })).id).toBe(undo.id);
      await approveAll(office, undo);
      expect(await undo.result()).toMatchObject({
        status: "completed",
        output: { run: run.id, undone: [{ tool: "restore_disk" }, { tool: "take_back" }], failed: [] },
      });
      expect(till.calls.slice(-2).map(({ tool, id }) => [tool, id])).toEqual([
        ["restore_disk", "un b"],
        ["take_back", "un a"],
      ]);
      await expect(office.compensate(run.id, { tenant })).rejects.toMatchObject({ code: "run/not-undoable" });
      expect((await office.replay(undo.id, { tenant })).fault).toBeUndefined();
    });

    test("one that is rejected keeps no other from being tried, and may be asked for again", async () => {
      const { office, till, run } = await broken();
      const undo = await office.compensate(run.id, { tenant });
      await parked(undo);
      const [open] = await undo.approvals();
      await office.approvals.reject(tenant, open?.address ?? "", boss);
      expect(await undo.result()).toMatchObject({
        output: { undone: [{ tool: "take_back" }], failed: [{ error: { code: "approval/rejected" } }] },
      });
      const rest = await office.compensate(run.id, { tenant });
      await parked(rest);
      await approveAll(office, rest);
      expect(await rest.result()).toMatchObject({ output: { undone: [{ tool: "restore_disk" }] } });
      expect(till.ids("take_back")).toEqual(["un a"]);
    });

    test("an edit of an undo waits for somebody else and is what is done", async () => {
      const { office, till, run } = await broken();
      const undo = await office.compensate(run.id, { tenant, principal: user("fixer") });
      await parked(undo);
      const [open] = await undo.approvals();
      const { next = "" } = await office.approvals.edit(tenant, open?.address ?? "", { id: "half" }, boss);
      await expect(office.approvals.approve(tenant, next, boss)).rejects.toMatchObject({
        code: "approval/self-approval",
      });
      await office.approvals.approve(tenant, next, second);
      expect((await undo.result()).status).toBe("completed");
      expect(till.ids("restore_disk")).toEqual(["half"]);
      await expect(office.compensate(run.id, { tenant })).rejects.toMatchObject({ code: "run/not-undoable" });
    });

    test("R6 does not go beyond what its tenant may", async () => {
      const { run, options, till } = await broken();
      const bound = openOffice(defineOffice(options), {
        ...options,
        tenants: { [tenant]: { tools: ["restore_disk"] } },
      });
      const undo = await bound.compensate(run.id, { tenant });
      await parked(undo);
      await approveAll(bound, undo);
      expect(await undo.result()).toMatchObject({
        output: { undone: [{ tool: "restore_disk" }], failed: [{ error: { code: "policy/not-granted" } }] },
      });
      expect(till.ids("take_back")).toEqual([]);
    });

    test("a bound that is crossed is said to be that, and a cancel ends it", async () => {
      const { run, office, till } = await broken();
      const undo = await office.compensate(run.id, { tenant });
      await parked(undo);
      await undo.cancel("enough");
      expect((await undo.result()).status).toBe("cancelled");
      expect(till.ids("restore_disk")).toEqual([]);
      const rest = await office.compensate(run.id, { tenant });
      expect(rest.id).not.toBe(undo.id);
    });

    test("a stranger's conversation of that name is none of its runs", async () => {
      const { run, office } = await broken();
      const odd = makeOffice({ engine: office.engine, model: turns({ worker: [says("ok")] }) });
      const stranger = await odd.start(input, { ...start, conversationId: `undo:${run.id}` });
      expect((await stranger.result()).status).toBe("completed");
      const undo = await office.compensate(run.id, { tenant, effects: ["worker#1/tool#1"] });
      expect(await undo.result()).toMatchObject({ output: { undone: [{ tool: "take_back" }] } });
      await expect(office.compensate("run_none", { tenant })).rejects.toMatchObject({ code: "run/unknown" });
    });

    test("R11 a stranger's key of that name starts a run of its own", async () => {
      const { run, office, options } = await broken();
      const odd = openOffice(defineOffice(options), { ...options, model: turns({ worker: [says("ok")] }) });
      const stranger = await odd.start(input, { ...start, idempotencyKey: `undo:${run.id}#1` });
      await stranger.result();
      const undo = await office.compensate(run.id, { tenant, effects: ["worker#1/tool#1"] });
      expect(undo.id).not.toBe(stranger.id);
      expect(await undo.result()).toMatchObject({ output: { undone: [{ tool: "take_back" }] } });
    });

    test("of two processes one run does it", async () => {
      const { run, office, options, till } = await broken();
      if (!survives()) return;
      const other = openOffice(defineOffice(options), { ...options, engine: again() });
      const undos = await Promise.all([office.compensate(run.id, { tenant }), other.compensate(run.id, { tenant })]);
      expect(undos[0].id).toBe(undos[1].id);
      await parked(undos[0]);
      await approveAll(office, undos[0]);
      await undos[0].result();
      expect(till.ids("restore_disk")).toEqual(["un b"]);
    });
  });

  describe("letters", () => {
    test("are listed, and done again only when nothing of them stands outside", async () => {
      const { office, run } = await broken();
      expect(await office.deadLetters.list({ tenant })).toMatchObject([
        { run: run.id, error: { code: "agent/refused" }, standing: [{ tool: "send_note" }, { tool: "wipe_disk" }] },
      ]);
      await expect(office.deadLetters.redrive(tenant, run.id)).rejects.toMatchObject({ code: "letter/has-effects" });
      const undo = await office.compensate(run.id, { tenant });
      await parked(undo);
      await approveAll(office, undo);
      await undo.result();
      const [one, two] = await Promise.all([
        office.deadLetters.redrive(tenant, run.id),
        office.deadLetters.redrive(tenant, run.id),
      ]);
      expect(one).toBe(two);
      const anew = await office.find(one, { tenant });
      expect(bodies(await anew.entries(), "run.started")).toMatchObject([{ redrives: run.id, input }]);
      expect(await office.deadLetters.list({ tenant })).toEqual([]);
      expect(await office.deadLetters.inspect(tenant, run.id)).toMatchObject({ standing: [] });
      await expect(office.deadLetters.dismiss(tenant, run.id, { reason: "" })).rejects.toMatchObject({
        code: "letter/unknown",
      });
    });

    test("R11 are done again whatever keys others start runs under", async () => {
      const engine = fresh();
      const office = makeOffice({ engine, model: turns({ worker: [failed] }) });
      const run = await office.start(input, start);
      await run.result();
      const stranger = await office.start(input, { ...start, idempotencyKey: `redrive:${run.id}` });
      await stranger.result();
      const anew = await office.find(await office.deadLetters.redrive(tenant, run.id), { tenant });
      expect(anew.id).not.toBe(stranger.id);
      expect(bodies(await anew.entries(), "run.started")).toMatchObject([{ redrives: run.id, input }]);
    });

    test("are put aside with a reason, and stay there", async () => {
      const { office, run } = await broken();
      await office.deadLetters.dismiss(tenant, run.id, { reason: "a test" });
      expect(await office.deadLetters.list({ tenant })).toEqual([]);
      const unknown = { code: "letter/unknown" };
      await expect(office.deadLetters.inspect("other", run.id)).rejects.toMatchObject(unknown);
      await expect(office.deadLetters.redrive(tenant, "run_none")).rejects.toMatchObject(unknown);
    });

    test("R6 R10 are done again within what the tenant may today", async () => {
      const engine = fresh();
      const model = turns({ worker: [failed] });
      const run = await makeOffice({ engine, model }).start(input, start);
      await run.result();
      const tenants = { [tenant]: { effects: "read" as const } };
      const budgets = { [tenant]: { microUsd: 5 } };
      const bound = makeOffice({ engine, model, tenants, budgets });
      const anew = await bound.find(await bound.deadLetters.redrive(tenant, run.id), { tenant });
      expect(bodies(await anew.entries(), "run.started")).toMatchObject([
        { grants: { tenant: { effects: "read" } }, budget: { tenant: true } },
      ]);
    });
  });

  describe("a migration", () => {
    const wipe = [call("wipe_disk", "a")];
    const script = () => turns({ worker: [wipe, says("ok")] });
    const strict = [{ tool: "wipe_disk", by: "human", quorum: 2 }] as const;

    test("of an open approval asks anew, of as many people as it is now, and both definitions replay their part", async () => {
      const till = new Till();
      const engine = fresh();
      const old = makeOffice({ engine, model: script(), till });
      const run = await old.start(input, start);
      await parked(run);
      const [before] = await run.approvals();
      const definition = defineOffice({ till, version: "2", approvals: strict });
      const office = openOffice(definition, { engine, model: script(), till });
      const dry = await office.migrate({ from: old, dryRun: true });
      expect(dry).toMatchObject({ migrated: [{ runId: run.id }], refused: [] });
      expect(typesOf(await run.entries())).not.toContain("run.migrated");
      expect(await office.migrate({ from: old })).toMatchObject({ migrated: [{ runId: run.id }], refused: [] });
      expect(await office.migrate({ from: old })).toEqual({ migrated: [], refused: [] });
      const taken = await office.find(run.id, { tenant });
      const [open] = await taken.approvals();
      expect(open).toMatchObject({ quorum: 2, approvals: [] });
      expect(open?.binding).not.toBe(before?.binding);
      const address = open?.address ?? "";
      await expect(
        office.approvals.approve(tenant, address, { ...boss, binding: before?.binding ?? "" }),
      ).rejects.toMatchObject({ code: "approval/binding-mismatch" });
      expect(await office.approvals.approve(tenant, address, boss)).toMatchObject({ outcome: "recorded" });
      expect(till.calls).toEqual([]);
      expect(await office.approvals.approve(tenant, address, second)).toMatchObject({ outcome: "granted" });
      expect((await taken.result()).status).toBe("completed");
      const replays = [await office.replay(run.id, { tenant }), await old.replay(run.id, { tenant })];
      expect(replays.map(({ fault }) => fault)).toEqual([undefined, undefined]);
      expect(replays[0]?.fromSeq).toBeGreaterThan(1);
    });

    test("of a state that does not fit is refused and changes nothing", async () => {
      const engine = fresh();
      const old = makeOffice({ engine, model: script() });
      const run = await old.start(input, start);
      await parked(run);
      const before = await run.entries();
      const office = openOffice(defineOffice({ version: "2" }), { engine, model: script() });
      const maps: ((state: Json) => Json)[] = [
        () => ({ format: 1 }),
        () => {
          throw new Error("a defect");
        },
        (state) => JSON.parse(JSON.stringify(state).replaceAll('"worker"', '"nobody"')) as Json,
      ];
      for (const map of maps) {
        expect(await office.migrate({ from: old, map })).toMatchObject({
          migrated: [],
          refused: [{ runId: run.id, error: { code: "definition/migration-invalid" } }],
        });
      }
      expect(await run.entries()).toEqual(before);
    });

    test("is what a start waits for while runs of an older definition have no home", async () => {
      const engine = fresh();
      if (!survives()) return;
      const run = await makeOffice({ engine, model: script() }).start(input, start);
      await parked(run);
      await engine.close();
      const next = again();
      const office = openOffice(defineOffice({ version: "2" }), { engine: next, model: script() });
      await expect(office.start(input, start)).rejects.toMatchObject({
        code: "definition/waiting-runs",
        data: { runs: [`${tenant}/${run.id}`] },
      });
      await office.migrate({ from: defineOffice({}) });
      await parked(await office.start(input, start));
    });

    test("is found whatever payloads say", async () => {
      const engine = fresh();
      const till = new Till();
      const odd = { callId: "c9", tool: "look_up", input: { type: "run.migrated" } as Json, type: "toolCall" } as const;
      const model = turns({ worker: [wipe, [odd], says("ok")] });
      const old = makeOffice({ engine, model, till });
      const run = await old.start(input, start);
      await parked(run);
      const office = openOffice(defineOffice({ till, version: "2" }), { engine, model });
      await office.migrate({ from: old });
      await approveAll(office, run);
      expect((await run.result()).status).toBe("completed");
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });
  });
}
