import {
  approverKey,
  approverRegistry,
  type Entry,
  type EntryBodies,
  type EntryType,
  operator,
  signDecision,
  user,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { call, makeGate, turns } from "./engine-desk.ts";
import { type EngineKit, input, parked, start, tenant, typesOf } from "./engine-kit.ts";
import {
  boss,
  defineOffice,
  judges,
  makeOffice,
  nestOffice,
  openOffice,
  packs,
  says,
  second,
  Till,
} from "./engine-office.ts";

/** Writes that wait for verdicts and for people (R8). */
export function approvalsContract({ fresh, again, survives }: EngineKit): void {
  const wipe = [call("wipe_disk", "a")];
  const waiting = async (office: ReturnType<typeof makeOffice>) => {
    const run = await office.start(input, start);
    await parked(run);
    const [open] = await office.approvals.list({ tenant });
    if (!open) throw new Error("nothing waits");
    return { run, address: open.address, open };
  };
  /** The office with one write of high risk that waits. */
  const one = async (options: Partial<Parameters<typeof makeOffice>[0]> = {}) => {
    const till = new Till();
    const model = turns({ worker: [wipe, says("ok"), says("ok")] });
    const office = makeOffice({ engine: fresh(), model, till, ...options });
    return { office, till, ...(await waiting(office)) };
  };

  describe("approvals by tier", () => {
    test("without judges low runs, medium and high wait for people; results come in the model's order", async () => {
      const till = new Till();
      const calls = [call("wipe_disk", "a", "c1"), call("send_note", "b", "c2"), call("move_money", "c", "c3")];
      const seen: unknown[] = [];
      const model = turns({
        worker: [
          calls,
          ({ messages }) => {
            seen.push(messages.at(-1));
            return says("ok");
          },
        ],
      });
      const office = makeOffice({ engine: fresh(), model, till });
      const run = await office.start(input, start);
      await parked(run);
      expect(till.calls.map(({ tool }) => tool)).toEqual(["send_note"]);
      const cases = await run.approvals();
      expect(cases.map(({ tool, quorum }) => [tool, quorum])).toEqual([
        ["wipe_disk", 1],
        ["move_money", 1],
      ]);
      for (const { address } of cases.toReversed()) await office.approvals.approve(tenant, address, boss);
      expect((await run.result()).status).toBe("completed");
      expect(till.calls.map(({ tool }) => tool)).toEqual(["send_note", "move_money", "wipe_disk"]);
      expect(seen).toMatchObject([{ results: [{ callId: "c1" }, { callId: "c2" }, { callId: "c3" }] }]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("a verdict lets medium go on; high waits for a person all the same, with verdict and packet", async () => {
      const till = new Till();
      const model = turns({
        worker: [[call("move_money", "m", "c1")], [call("wipe_disk", "w", "c2")], says("ok")],
        compliance: [judges("allow"), judges("allow", "within bounds")],
        reviewer: [packs("wipe w")],
      });
      const office = makeOffice({ engine: fresh(), model, till, judges: ["compliance", "reviewer"] });
      const { run, open, address } = await waiting(office);
      expect(till.ids("move_money")).toEqual(["m"]);
      expect(open).toMatchObject({ tool: "wipe_disk", packet: { what: "wipe w" }, verdict: { verdict: "allow" } });
      await office.approvals.approve(tenant, address, boss);
      expect((await run.result()).status).toBe("completed");
      expect(till.ids("wipe_disk")).toEqual(["w"]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test.each([
      ["escalates", judges("escalate", "no rule"), "escalate"],
      ["garbles", [{ type: "output", value: { verdict: "sure" } }] as const, "none"],
      ["refuses", [{ type: "refusal", reason: "not mine" }] as const, "none"],
    ] as const)("a judge that %s has not allowed: a person decides", async (_, said, verdict) => {
      const till = new Till();
      const model = turns({ worker: [[call("move_money", "m")], says("ok")], compliance: Array(4).fill(said) });
      const office = makeOffice({ engine: fresh(), model, till, judges: ["compliance"] });
      const { run, address } = await waiting(office);
      expect(till.calls).toEqual([]);
      expect(bodies(await run.entries(), "effect.judged")).toMatchObject([{ verdict }]);
      await office.approvals.approve(tenant, address, boss);
      expect((await run.result()).status).toBe("completed");
      expect(till.ids("move_money")).toEqual(["m"]);
    });

    test("a judge that is taken away, before or at work, leaves it to a person", async () => {
      for (const atWork of [false, true]) {
        const gate = makeGate();
        const model = turns({
          worker: [[call("move_money", "m")], says("ok")],
          compliance: [() => gate.pass().then(() => judges("allow"))],
        });
        const till = new Till();
        const office = makeOffice({ engine: fresh(), model, till, judges: ["compliance"], restrictionsMaxAgeMs: 0 });
        const off = () => office.restrict({ kind: "agent", name: "compliance" }, { tenant, reason: "it errs" });
        if (!atWork) await off();
        const run = await office.start(input, start);
        if (atWork) {
          await gate.reached;
          // That a model is asked waits for nothing, so it may be read a moment later.
          const asked = async () => (await run.entries()).findLast(({ type }) => type === "model.called")?.path;
          await expect.poll(asked).toContain("/");
          await run.cancel("it errs", { subtree: (await asked()) ?? "" });
          gate.open();
        }
        await parked(run);
        expect(till.calls).toEqual([]);
        expect(await run.approvals()).toMatchObject([{ tool: "move_money" }]);
        await run.cancel("enough");
      }
    });

    test("a verdict to revise is a denial that names what has to be different", async () => {
      const till = new Till();
      const revise = [
        { type: "output", value: { verdict: "revise", ruleIds: ["r"], reasons: ["big"], conditions: ["less"] } },
      ];
      const model = turns({
        worker: [[call("move_money", "m")], [call("move_money", "m")], says("ok")],
        compliance: [revise as never, judges("allow")],
      });
      const office = makeOffice({ engine: fresh(), model, till, judges: ["compliance"] });
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      const [denied] = bodies(await run.entries(), "tool.denied");
      expect(denied?.error).toMatchObject({ code: "policy/revise", data: { conditions: ["less"] } });
      // What did not happen may be asked for again.
      expect(till.ids("move_money")).toEqual(["m"]);
    });

    test("a team inside another one keeps its own rules, as deep as it may be", async () => {
      const approvals = [{ tool: "send_note", by: "human", quorum: 2, roles: ["lead"] }] as const;
      const definition = nestOffice(defineOffice({ approvals }), 3);
      expect(definition.approvals.get("send_note")).toMatchObject({ tier: "person", quorum: 2, roles: ["lead"] });
      const model = turns({ worker: [[call("send_note", "n")], says("ok")] });
      const office = openOffice(definition, { engine: fresh(), model });
      const { run, address } = await waiting(office);
      await expect(
        office.approvals.approve(tenant, address, { principal: user("intern"), reason: "" }),
      ).rejects.toMatchObject({ code: "approval/role-missing" });
      expect(await office.approvals.approve(tenant, address, boss)).toMatchObject({ outcome: "recorded" });
      expect(await office.approvals.approve(tenant, address, second)).toMatchObject({ outcome: "granted" });
      expect((await run.result()).status).toBe("completed");
    });
  });

  describe("R8 a person's word", () => {
    test("counts once for each of a quorum, and only of who has the role and did not ask", async () => {
      const approvals = [{ tool: "wipe_disk", by: "human", quorum: 2, roles: ["lead"] }] as const;
      const { office, run, till, address } = await one({ approvals });
      const as = (principal: Parameters<typeof user>[0], more = {}) => ({
        principal: { ...user(principal, ["lead"]), ...more },
        reason: "",
      });
      const approve = (given: ReturnType<typeof as>) => office.approvals.approve(tenant, address, given);
      await expect(approve(as("u"))).rejects.toMatchObject({ code: "approval/self-approval" });
      await expect(approve(as("friend", { onBehalfOf: "u" }))).rejects.toMatchObject({
        code: "approval/self-approval",
      });
      await expect(approve(as("x", { roles: [] }))).rejects.toMatchObject({ code: "approval/role-missing" });
      expect(await approve(as("boss"))).toMatchObject({ outcome: "recorded" });
      await expect(approve(as("boss"))).rejects.toMatchObject({ code: "approval/already-decided" });
      await expect(approve(as("aide", { onBehalfOf: "boss" }))).rejects.toMatchObject({
        code: "approval/already-decided",
      });
      expect(till.calls).toEqual([]);
      expect(await approve(as("second"))).toMatchObject({ outcome: "granted" });
      await run.result();
      expect(till.ids("wipe_disk")).toEqual(["a"]);
      await expect(approve(as("third"))).rejects.toMatchObject({ code: "approval/unknown" });
      const [granted] = bodies(await run.entries(), "approval.granted");
      // Nobody's key is registered, so nobody has shown who they are.
      expect(granted).toMatchObject({ by: ["boss", "second"], authenticated: false });
    });

    test("counts once, also where they stand for others and speak for themselves besides", async () => {
      const approvals = [{ tool: "wipe_disk", by: "human", quorum: 2 }] as const;
      const { office, run, till, address } = await one({ approvals });
      const approve = (id: string, more = {}) =>
        office.approvals.approve(tenant, address, { principal: { ...user(id), ...more }, reason: "" });
      expect(await approve("aide", { onBehalfOf: "boss" })).toMatchObject({ outcome: "recorded" });
      for (const more of [{}, { onBehalfOf: "second" }]) {
        await expect(approve("aide", more)).rejects.toMatchObject({ code: "approval/already-decided" });
      }
      expect(till.calls).toEqual([]);
      expect(await approve("second")).toMatchObject({ outcome: "granted" });
      await run.result();
      expect(bodies(await run.entries(), "approval.granted")).toMatchObject([{ by: ["boss", "second"] }]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("is for what was seen: a wrong binding counts for nothing, and one key is one decision", async () => {
      const { office, run, address } = await one();
      await expect(office.approvals.approve(tenant, address, { ...boss, binding: "of another" })).rejects.toMatchObject(
        { code: "approval/binding-mismatch" },
      );
      const keyed = { ...boss, key: "k" };
      const [once, twice] = await Promise.all([
        office.approvals.approve(tenant, address, keyed),
        office.approvals.approve(tenant, address, keyed),
      ]);
      expect(twice).toEqual(once);
      await run.result();
      expect(await office.approvals.approve(tenant, address, keyed)).toEqual(once);
      expect(bodies(await run.entries(), "approval.decided")).toHaveLength(1);
    });

    test("no: the write is not made and the agent is told by whom", async () => {
      const { office, run, till, address } = await one();
      await office.approvals.reject(tenant, address, { ...boss, reason: "too late" });
      expect((await run.result()).status).toBe("completed");
      expect(till.calls).toEqual([]);
      expect(bodies(await run.entries(), "tool.denied")[0]?.error).toMatchObject({
        code: "approval/rejected",
        data: { by: "boss", reason: "too late" },
      });
    });

    test("an edit makes a new proposal, which who edited cannot approve and which answers the same call", async () => {
      const { office, run, till, address } = await one();
      await expect(office.approvals.edit(tenant, address, { id: 7 } as never, boss)).rejects.toMatchObject({
        code: "tool/input-invalid",
      });
      const { next = "" } = await office.approvals.edit(tenant, address, { id: "b" }, boss);
      expect(next).toBe(`${address}/edit#1`);
      await expect(office.approvals.approve(tenant, address, second)).rejects.toMatchObject({
        code: "approval/unknown",
      });
      await expect(office.approvals.approve(tenant, next, boss)).rejects.toMatchObject({
        code: "approval/self-approval",
      });
      await office.approvals.approve(tenant, next, second);
      expect((await run.result()).status).toBe("completed");
      expect(till.ids("wipe_disk")).toEqual(["b"]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("is signed where keys are registered, and nothing else counts then", async () => {
      const key = approverKey();
      const registry = approverRegistry({ keys: [{ ...key, principal: "boss" }] });
      const { office, run, till, address } = await one({ approvers: registry });
      await expect(office.approvals.approve(tenant, address, boss)).rejects.toMatchObject({
        code: "approval/signature-invalid",
      });
      await office.approvals.approve(tenant, address, {
        ...boss,
        sign: (facts) => ({ keyId: key.keyId, value: signDecision(facts, key.privateKey) }),
      });
      await run.result();
      expect(till.ids("wipe_disk")).toEqual(["a"]);
      expect(bodies(await run.entries(), "approval.granted")).toMatchObject([{ authenticated: true }]);
    });

    test("of two processes at once counts once", async () => {
      const till = new Till();
      const model = turns({ worker: [wipe, says("ok")] });
      const office = makeOffice({ engine: fresh(), model, till });
      const { run, address } = await waiting(office);
      if (!survives()) return;
      const other = makeOffice({ engine: again(), model, till });
      const outcomes = await Promise.allSettled([
        office.approvals.approve(tenant, address, boss),
        other.approvals.reject(tenant, address, second),
      ]);
      const won = outcomes.filter(({ status }) => status === "fulfilled");
      expect(won).toHaveLength(1);
      expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({
        reason: { code: "approval/unknown" },
      });
      await office.resume();
      await (await other.find(run.id, { tenant })).result();
      const decided = bodies(await run.entries(), "approval.decided");
      expect(decided).toHaveLength(1);
      expect(till.ids("wipe_disk")).toHaveLength(decided[0]?.decision === "approve" ? 1 : 0);
    });
  });

  describe("an approval that is waited for", () => {
    test("expires at its time, also when nobody was there, and counts no more", async () => {
      for (const restarted of [false, true]) {
        const clock = fakeClock();
        const approvals = [{ tool: "wipe_disk", by: "human", expiresMs: 1_000 }] as const;
        const model = turns({ worker: [wipe, says("ok")] });
        const till = new Till();
        const engine = fresh({ clock });
        if (restarted && !survives()) return;
        let office = makeOffice({ engine, model, till, approvals });
        const { run, address } = await waiting(office);
        await engine.idle();
        clock.advance(999);
        await engine.idle();
        expect(await run.status()).toBe("parked");
        if (restarted) {
          await engine.close();
          clock.advance(5_000);
          office = makeOffice({ engine: again({ clock }), model, till, approvals });
          expect(await office.resume()).toBe(1);
        } else clock.advance(1);
        const there = await office.find(run.id, { tenant });
        expect((await there.result()).status).toBe("completed");
        const entries = await there.entries();
        expect(typesOf(entries)).toContain("approval.expired");
        expect(bodies(entries, "tool.denied")[0]?.error.code).toBe("approval/expired");
        expect(till.calls).toEqual([]);
        await expect(office.approvals.approve(tenant, address, boss)).rejects.toMatchObject({
          code: "approval/unknown",
        });
      }
    });

    test("ends when its tool is taken away, and a later word finds nothing", async () => {
      const { office, run, till, address } = await one();
      await office.restrict({ kind: "tool", name: "wipe_disk" }, { tenant, reason: "broken" });
      await expect(office.approvals.approve(tenant, address, boss)).rejects.toMatchObject({ code: "approval/unknown" });
      expect((await run.result()).status).toBe("completed");
      expect(bodies(await run.entries(), "tool.denied")[0]?.error.code).toBe("policy/revoked");
      expect(till.calls).toEqual([]);
    });

    test("ends with its run, or with the instance that asked", async () => {
      for (const subtree of [undefined, "worker#1"]) {
        const { office, run, till, address } = await one();
        await run.cancel("enough", subtree === undefined ? {} : { subtree });
        expect((await run.result()).status).toBe(subtree === undefined ? "cancelled" : "failed");
        expect(await office.approvals.list({ tenant })).toEqual([]);
        await expect(office.approvals.approve(tenant, address, boss)).rejects.toMatchObject({
          code: "approval/unknown",
        });
        expect(till.calls).toEqual([]);
        expect(await run.effects()).toMatchObject([{ tool: "wipe_disk", outcome: "cancelled" }]);
      }
    });

    test("is the same after a restart at any time, with a snapshot after every entry", async () => {
      const till = new Till();
      const approvals = [{ tool: "wipe_disk", by: "human", quorum: 2 }] as const;
      const model = turns({ worker: [wipe, says("ok")], compliance: [judges("allow")], reviewer: [packs("wipe")] });
      let engine = fresh();
      if (!survives()) return;
      const options = { model, till, approvals, judges: ["compliance", "reviewer"], snapshotEvery: 1 } as const;
      let office = makeOffice({ ...options, engine });
      const { run, address } = await waiting(office);
      const anew = async () => {
        await engine.close();
        engine = again();
        office = makeOffice({ ...options, engine });
        await office.resume();
      };
      await anew();
      await office.approvals.approve(tenant, address, boss);
      await anew();
      const { next = "" } = await office.approvals.edit(tenant, address, { id: "b" }, second);
      await anew();
      await parked(await office.find(run.id, { tenant }));
      // Whoever approved what is void now has approved nothing of what took its place.
      const third = { principal: operator("third"), reason: "" };
      expect(await office.approvals.show(tenant, next)).toMatchObject({ quorum: 2 });
      await office.approvals.approve(tenant, next, boss);
      await anew();
      await office.approvals.approve(tenant, next, third);
      expect((await (await office.find(run.id, { tenant })).result()).status).toBe("completed");
      expect(till.ids("wipe_disk")).toEqual(["b"]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });
  });
}

export function bodies<Type extends EntryType>(entries: readonly Entry[], type: Type): EntryBodies[Type][] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.body as EntryBodies[Type]] : []));
}
