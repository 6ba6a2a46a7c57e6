import { everyTenant, OrchestrationError, user } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { bodies } from "./engine-approvals.ts";
import { call, makeGate, turns } from "./engine-desk.ts";
import { type EngineKit, input, parked, start, tenant, typesOf } from "./engine-kit.ts";
import { boss, judges, makeOffice, packs, says, Till } from "./engine-office.ts";

/** What is tried again, what waits for its time, and what is taken away. */
export function triesContract({ fresh, again, resumes, survives, takesOver }: EngineKit): void {
  /** Fails so many times before it lets through. */
  const failing = (times: number, make: () => Error) => {
    let left = times;
    return () => {
      if (left-- > 0) throw make();
    };
  };
  /** Nobody answered, and nothing was sent. */
  const unreached = () => Object.assign(new Error("away"), { code: "ECONNREFUSED", mayHaveExecuted: false });
  const overloaded =
    (data: object = {}) =>
    () =>
      new OrchestrationError("model/overloaded", { model: "m", reason: "busy", ...data });
  /**
   * Lets a fake clock go on until a promise is settled; everything that waits for it has a turn before. In small steps
   * with many turns: a commit takes real time, and a write must be called within ten of the clock's seconds after it.
   */
  const until = async <T>(promise: Promise<T>, clock: ReturnType<typeof fakeClock>, stepMs = 100): Promise<T> => {
    let done = false;
    const settled = promise.finally(() => {
      done = true;
    });
    settled.catch(() => {});
    while (!done) {
      for (let turn = 0; turn < 100 && !done; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (!done) clock.advance(stepMs);
    }
    return settled;
  };

  describe("tries", () => {
    test("an overloaded model is asked again, not before it wants to be, and given up after its tries", async () => {
      const clock = fakeClock();
      const began = clock.now();
      const fail = failing(2, overloaded({ retryAfterMs: 30_000 }));
      const said = () => {
        fail();
        return says("ok");
      };
      const office = makeOffice({ engine: fresh({ clock }), model: turns({ worker: Array(3).fill(said) }) });
      const run = await office.start(input, start);
      expect((await until(run.result(), clock)).status).toBe("completed");
      expect(bodies(await run.entries(), "step.retried")).toMatchObject([
        { kind: "model", attempt: 2 },
        { kind: "model", attempt: 3 },
      ]);
      expect(clock.now() - began).toBeGreaterThanOrEqual(60_000);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();

      const never = failing(9, overloaded());
      const dead = makeOffice({ engine: fresh({ clock }), model: turns({ worker: Array(9).fill(() => never()) }) });
      const lostRun = await dead.start(input, start);
      expect(await until(lostRun.result(), clock)).toMatchObject({
        status: "failed",
        error: { code: "model/overloaded" },
      });
      expect(bodies(await lostRun.entries(), "model.called")).toHaveLength(3);
    });

    test("a write that was not reached is tried again, and what was refused or does not fit is not", async () => {
      const clock = fakeClock();
      const till = new Till();
      const fail = failing(1, unreached);
      till.before = () => fail();
      const model = turns({
        worker: [
          [call("send_note", "a", "c1"), call("send_note", "far too long for an id of the office", "c2")],
          says("ok"),
        ],
      });
      const office = makeOffice({ engine: fresh({ clock }), model, till });
      const run = await office.start(input, start);
      expect((await until(run.result(), clock)).status).toBe("completed");
      expect(till.ids("send_note")).toEqual(["a", "a"]);
      expect([...till.effects.values()]).toEqual([1]);
      const entries = await run.entries();
      expect(bodies(entries, "step.retried")).toMatchObject([
        { kind: "transport", error: { code: "tool/unreachable" } },
      ]);
      expect(bodies(entries, "tool.denied")).toMatchObject([{ error: { code: "tool/input-invalid" } }]);
      expect(bodies(entries, "effect.settled")).toMatchObject([{ outcome: "done" }]);
    });

    test("a wait outlives its process, and the time without one is no work", async () => {
      const clock = fakeClock();
      const till = new Till();
      const fail = failing(1, unreached);
      till.before = () => fail();
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const engine = fresh({ clock });
      if (!survives()) return;
      const options = { model, till, limits: { activeMs: 60_000 } };
      const office = makeOffice({ ...options, engine });
      const run = await office.start(input, start);
      for await (const { type } of run.events()) if (type === "step.retried") break;
      expect(await run.status()).toBe("running");
      await engine.close();
      clock.advance(3_600_000);
      const next = makeOffice({ ...options, engine: again({ clock }) });
      await next.restrict({ kind: "tool", name: "look_up" }, { tenant, reason: "meanwhile" });
      await resumes(next, 1);
      const taken = await next.find(run.id, { tenant });
      expect((await until(taken.result(), clock, 10)).status).toBe("completed");
      expect(till.ids("send_note")).toEqual(["a", "a"]);
      expect((await next.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("a cancel ends a wait: nothing is dispatched after it", async () => {
      const clock = fakeClock();
      const till = new Till();
      const fail = failing(9, unreached);
      till.before = () => fail();
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh({ clock }), model, till });
      const run = await office.start(input, start);
      for await (const { type } of run.events()) if (type === "step.retried") break;
      await run.cancel("enough");
      expect((await run.result()).status).toBe("cancelled");
      clock.advance(3_600_000);
      expect(till.ids("send_note")).toEqual(["a"]);
      expect(await run.effects()).toMatchObject([{ outcome: "cancelled" }]);
    });

    test("an open breaker withholds its tool from the next request and refuses a call all the same, until it closes", async () => {
      const clock = fakeClock();
      const till = new Till();
      const fail = failing(1, unreached);
      till.before = () => fail();
      const offered: (readonly string[])[] = [];
      const say = (parts: ReturnType<typeof says>) => (request: { tools: readonly { name: string }[] }) => {
        offered.push(request.tools.map(({ name }) => name));
        if (offered.length === 3) clock.advance(60_000);
        return parts;
      };
      const wish = (id: string) => say([call("send_note", id)]);
      const model = turns({ worker: [wish("a"), wish("b"), wish("c"), say(says("ok"))] });
      const breaker = { failuresMax: 1, cooldownMs: 60_000 };
      const office = makeOffice({ engine: fresh({ clock }), model, till, breaker, retry: { attempts: 1 } });
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(offered.map((names) => names.includes("send_note"))).toEqual([true, false, false, true]);
      const entries = await run.entries();
      expect(bodies(entries, "tool.failed").map(({ error }) => error.code)).toEqual([
        "tool/unreachable",
        "breaker/open",
      ]);
      expect(till.ids("send_note")).toEqual(["a", "c"]);
      expect(bodies(entries, "model.responded").map(({ withheld }) => withheld)).toEqual([
        undefined,
        ["send_note"],
        ["send_note"],
        undefined,
      ]);
    });

    test("D7 a key that is not valid any more is not used again: a person decides", async () => {
      const clock = fakeClock();
      const till = new Till();
      till.after = () => {
        clock.advance(10_000);
        throw new Error("the line is dead");
      };
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh({ clock }), model, till, keyValidForMs: 5_000 });
      const run = await office.start(input, start);
      await parked(run);
      expect(till.ids("send_note")).toEqual(["a"]);
      const [effect] = await run.uncertain();
      await run.settle(effect?.effect ?? "", { outcome: "never", reason: "looked" });
      expect((await run.result()).status).toBe("completed");
      expect(bodies(await run.entries(), "effect.settled")).toMatchObject([{ outcome: "failed" }]);
    });
  });

  describe("what waits for its time", () => {
    test("a run begins then, also after a restart, and its deadline counts from then", async () => {
      const clock = fakeClock();
      let engine = fresh({ clock });
      const options = {
        model: turns({ worker: [[call("wipe_disk", "a")], says("ok")] }),
        limits: { deadlineMs: 5_000 },
      };
      let office = makeOffice({ ...options, engine });
      let run = await office.start(input, { ...start, delayMs: 60_000 });
      await engine.idle();
      expect(await run.status()).toBe("parked");
      if (survives()) {
        await engine.close();
        engine = again({ clock });
        office = makeOffice({ ...options, engine });
        await office.resume();
        run = await office.find(run.id, { tenant });
      }
      clock.advance(59_999);
      await engine.idle();
      expect(typesOf(await run.entries())).not.toContain("model.called");
      clock.advance(1);
      await parked(run);
      await engine.idle();
      clock.advance(4_999);
      await engine.idle();
      expect(await run.status()).toBe("parked");
      clock.advance(1);
      expect(await run.result()).toMatchObject({ error: { data: { limit: "deadlineMs" } } });
    });

    test("a run whose start and deadline both passed while nobody was there ends by its deadline", async () => {
      const clock = fakeClock();
      const engine = fresh({ clock });
      if (!survives()) return;
      const options = { model: turns({ worker: [says("ok")] }), limits: { deadlineMs: 5_000 } };
      const run = await makeOffice({ ...options, engine }).start(input, { ...start, delayMs: 1_000 });
      await engine.idle();
      await engine.close();
      clock.advance(60_000);
      const office = makeOffice({ ...options, engine: again({ clock }) });
      expect(await office.resume()).toBe(1);
      const late = await office.find(run.id, { tenant });
      expect(await late.result()).toMatchObject({ status: "failed", error: { code: "limits/exceeded" } });
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("a delivery goes on at its time, also after a restart", async () => {
      const clock = fakeClock();
      let engine = fresh({ clock });
      const options = { model: turns({ worker: [says("later")], closer: [says("closed")] }), afterMs: 30_000 };
      let office = makeOffice({ ...options, engine });
      let run = await office.start(input, start);
      await engine.idle();
      expect(typesOf(await run.entries())).toContain("handoff.delayed");
      if (survives()) {
        await engine.close();
        clock.advance(40_000);
        engine = again({ clock });
        office = makeOffice({ ...options, engine });
        expect(await office.resume()).toBe(1);
        run = await office.find(run.id, { tenant });
      } else clock.advance(30_000);
      expect(await run.result()).toMatchObject({ status: "completed", output: { text: "closed" } });
    });

    test("a cancelled one never begins", async () => {
      const clock = fakeClock();
      const engine = fresh({ clock });
      const office = makeOffice({ engine, model: turns({ worker: [says("ok")] }) });
      const run = await office.start(input, { ...start, startAt: clock.now() + 1_000 });
      await engine.idle();
      await run.cancel("enough");
      expect((await run.result()).status).toBe("cancelled");
      clock.advance(10_000);
      await engine.idle();
      expect(typesOf(await run.entries())).not.toContain("model.called");
    });
  });

  describe("what is taken away", () => {
    const off = { tenant, reason: "an incident", principal: user("guard") };

    test("a tool: from a run at work and from new ones; given back, it is there again", async () => {
      const gate = makeGate();
      const till = new Till();
      const note = [call("send_note", "a")];
      const model = turns({ worker: [() => gate.pass().then(() => note), note, says("ok")] });
      const office = makeOffice({ engine: fresh(), model, till });
      const run = await office.start(input, start);
      await gate.reached;
      expect(await office.restrict({ kind: "tool", name: "send_note" }, off)).toBe(true);
      expect(await office.restrict({ kind: "tool", name: "send_note" }, off)).toBe(false);
      gate.open();
      expect((await run.result()).status).toBe("completed");
      expect(till.calls).toEqual([]);
      const entries = await run.entries();
      const codes = [...bodies(entries, "tool.failed"), ...bodies(entries, "tool.denied")].map(
        ({ error }) => error.code,
      );
      expect(new Set(codes)).toEqual(new Set(["policy/revoked"]));
      expect(await office.restrictions(tenant)).toMatchObject([{ reason: "an incident", principal: { id: "guard" } }]);
      await office.lift({ kind: "tool", name: "send_note" }, off);
      await (await office.start(input, start)).result();
      expect(till.ids("send_note")).toEqual(["a"]);
    });

    test("everything: a parked run ends at its next word, and none begins", async () => {
      const till = new Till();
      const model = turns({ worker: [[call("wipe_disk", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh(), model, till });
      const run = await office.start(input, start);
      await parked(run);
      const [open] = await run.approvals();
      await office.restrict({ kind: "tenant" }, { ...off, tenant: everyTenant });
      await expect(office.start(input, start)).rejects.toMatchObject({ code: "policy/revoked" });
      await expect(office.approvals.approve(tenant, open?.address ?? "", boss)).rejects.toMatchObject({
        code: "approval/unknown",
      });
      expect(await run.result()).toMatchObject({ status: "denied", reason: "revoked" });
      expect(till.calls).toEqual([]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
      await office.lift({ kind: "tenant" }, { ...off, tenant: everyTenant });
      await parked(await office.start(input, start));
    });

    test("by another process: it holds here when what is known is old", async () => {
      const clock = fakeClock();
      const till = new Till();
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh({ clock }), model, till, restrictionsMaxAgeMs: 500 });
      if (!survives()) return;
      await (await office.start(input, start)).result();
      const other = makeOffice({ engine: again({ clock }), model, till });
      await other.restrict({ kind: "tool", name: "send_note" }, off);
      clock.advance(501);
      await (await office.start(input, start)).result();
      expect(till.ids("send_note")).toEqual(["a"]);
    });
  });

  describe("what one process has not heard yet", () => {
    test("it does not give back to a run that has", async ({ skip }) => {
      const clock = fakeClock();
      const till = new Till();
      const model = turns({ worker: [[call("wipe_disk", "a", "c1"), call("wipe_disk", "b", "c2")], says("ok")] });
      const office = makeOffice({ engine: fresh({ clock }), model, till, restrictionsMaxAgeMs: 0 });
      if (!survives()) return;
      skip(takesOver(), "who drives a run is the cluster's choice, so whose knowledge counts is not the test's");
      const run = await office.start(input, start);
      await parked(run);
      const late = makeOffice({ engine: again({ clock }), model, till, restrictionsMaxAgeMs: 60_000 });
      await parked(await late.start(input, start));
      await office.restrict({ kind: "tool", name: "look_up" }, { tenant, reason: "an incident" });
      const [first, last] = await run.approvals();
      await office.approvals.approve(tenant, first?.address ?? "", boss);
      await parked(run);
      await late.approvals.approve(tenant, last?.address ?? "", boss);
      expect((await (await late.find(run.id, { tenant })).result()).status).toBe("completed");
      expect(bodies(await run.entries(), "restrictions.changed")).toMatchObject([
        { restrictions: { tools: ["look_up"] } },
      ]);
    });
  });

  describe("C3 a cancel", () => {
    const dispatching = ["tool.called", "effect.intended", "effect.dispatched", "model.called"];

    test.each([
      ["judged", ["compliance"], "compliance"],
      ["prepared", ["compliance", "reviewer"], "reviewer"],
    ] as const)("while a write is being %s ends the judge, and nothing is made", async (_, wanted, slow) => {
      const gate = makeGate();
      const till = new Till();
      const said = { compliance: judges("escalate"), reviewer: packs("it") };
      const model = turns({
        worker: [[call("move_money", "a")], says("ok")],
        compliance: [slow === "compliance" ? () => gate.pass().then(() => said.compliance) : said.compliance],
        reviewer: [() => gate.pass().then(() => said.reviewer)],
      });
      const office = makeOffice({ engine: fresh(), model, till, judges: wanted });
      const run = await office.start(input, start);
      await gate.reached;
      await run.cancel("enough");
      gate.open();
      expect((await run.result()).status).toBe("cancelled");
      const types = typesOf(await run.entries());
      const after = types.slice(types.indexOf("cancel.requested"));
      for (const type of dispatching) expect(after).not.toContain(type);
      expect(till.calls).toEqual([]);
      expect(await run.effects()).toMatchObject([{ tool: "move_money", outcome: "cancelled" }]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("while a write is out, and the process dies: what became of it is unknown, and nobody asks again", async () => {
      const gate = makeGate();
      const till = new Till();
      till.before = () => gate.pass();
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const engine = fresh();
      if (!survives()) return;
      const office = makeOffice({ engine, model, till });
      const run = await office.start(input, start);
      await gate.reached;
      await run.cancel("enough");
      await engine.close();
      const next = makeOffice({ engine: again(), model, till });
      await resumes(next, 1);
      const ended = await next.find(run.id, { tenant });
      expect(await ended.result()).toMatchObject({ status: "cancelled", openEffects: ["worker#1/tool#1"] });
      expect(till.ids("send_note")).toEqual(["a"]);
      gate.open();
    });
  });

  describe("a subtree that is cancelled", () => {
    test("while its write is out: the write gets the signal and is settled, its supervisor goes on", async () => {
      const gate = makeGate();
      const till = new Till();
      const aborted: boolean[] = [];
      till.before = async (_, { signal }) => {
        await gate.pass();
        aborted.push(signal.aborted);
      };
      const model = turns({ worker: [[call("send_note", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh(), model, till });
      const run = await office.start(input, start);
      await gate.reached;
      await expect(run.cancel("no", { subtree: "nobody#1" })).rejects.toMatchObject({ code: "run/subtree-unknown" });
      await run.cancel("enough", { subtree: "worker#1" });
      gate.open();
      expect(await run.result()).toMatchObject({ status: "failed", error: { code: "agent/cancelled" } });
      expect(aborted).toEqual([true]);
      const entries = await run.entries();
      const after = typesOf(entries).slice(typesOf(entries).indexOf("cancel.requested"));
      for (const type of ["tool.called", "effect.intended", "effect.dispatched", "model.called"]) {
        expect(after).not.toContain(type);
      }
      expect(bodies(entries, "effect.settled")).toMatchObject([{ outcome: "done" }]);
    });
  });
}
