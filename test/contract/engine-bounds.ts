import {
  type Entry,
  type Journal,
  type Limits,
  localEngine,
  type Run,
  type RunResult,
  silentLogger,
  systemClock,
  verifyChain,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { ask, call, close, finish, makeDesk, makeGate, makeNestedDesk, pass, turns, World } from "./engine-desk.ts";
import { type EngineKit, input, lost, parked, someone, start, tenant, typesOf } from "./engine-kit.ts";

/** Limits, doubtful writes, tenants and full mailboxes. */
export function boundsContract({ adopt, fresh, name, takesOver }: EngineKit): void {
  describe("limits", () => {
    const ended = async (
      limits: Partial<Limits>,
      script: Parameters<typeof turns>[0],
      world = new World(),
    ): Promise<{ result: RunResult<unknown>; entries: readonly Entry[] }> => {
      const run = await makeDesk({ engine: fresh(), model: turns(script), limits, world }).start(input, start);
      return { result: await run.result(), entries: await run.entries() };
    };
    const exceeded = (limit: string, bound: number) => ({
      status: "failed",
      error: { code: "limits/exceeded", data: { limit, bound } },
    });
    const reads = (count: number) => Array.from({ length: count }, (_, index) => [call("read_note", `n${index}`)]);

    test("steps", async () => {
      const world = new World();
      const { result } = await ended({ steps: 4 }, { clerk: reads(5) }, world);
      expect(result).toMatchObject(exceeded("steps", 4));
      expect(world.calls).toHaveLength(2);
    });

    test("handoffs", async () => {
      const around = Array.from({ length: 5 });
      const script = { clerk: around.map(() => pass("on")), closer: around.map(() => close("back")) };
      const { result, entries } = await ended({ handoffs: 3 }, script);
      expect(result).toMatchObject(exceeded("handoffs", 3));
      expect(typesOf(entries).filter((type) => type === "handoff.delivered")).toHaveLength(3);
    });

    test("turns of one agent", async () => {
      const { result } = await ended({ turns: 2 }, { clerk: reads(5) });
      expect(result).toMatchObject({ ...exceeded("turns", 2), by: "clerk" });
    });

    test("depth", async () => {
      const engine = fresh();
      const model = turns({ closer: [close("deep")] });
      const run = (levels: number, depth: number) => makeNestedDesk({ engine, model, limits: { depth } }, levels);
      const allowed = await run(3, 3).start(input as never, start);
      expect(await allowed.result()).toMatchObject({ status: "completed", output: { text: "deep" } });
      const tooDeep = await run(3, 2).start(input as never, start);
      expect(await tooDeep.result()).toMatchObject(exceeded("depth", 2));
    });

    test("repeated reads are denied, and a loop that goes on is stopped", async () => {
      const world = new World();
      const same = () => [call("read_note", "same")];
      const { result, entries } = await ended(
        { repeats: 2 },
        { clerk: [same(), same(), same(), same(), same(), finish("never")] },
        world,
      );
      expect(world.called("read_note")).toBe(2);
      const denials = entries.flatMap((entry) => (entry.type === "tool.denied" ? [entry.body.error.code] : []));
      expect(denials).toEqual(Array(3).fill("limits/repeated-call"));
      expect(result).toMatchObject({ status: "failed", error: { code: "limits/no-progress" } });
    });

    test("repeated writes are denied at once", async () => {
      const world = new World();
      const same = () => [call("write_keyed", "same")];
      const { result } = await ended({}, { clerk: [same(), same(), finish("ok")] }, world);
      expect(world.called("write_keyed")).toBe(1);
      expect([...world.effects.values()]).toEqual([1]);
      expect(result.status).toBe("completed");
    });

    test("activeMs counts work, not the time parked", async () => {
      const clock = fakeClock();
      const gates = [makeGate(), makeGate()];
      const held = (index: number, parts: ReturnType<typeof ask>) => () =>
        gates[index]?.pass().then(() => parts) ?? parts;
      const model = turns({ clerk: [held(0, ask("?")), held(1, finish("late"))] });
      const run = await makeDesk({ engine: fresh({ clock }), model, limits: { activeMs: 1_000 } }).start(input, start);
      await gates[0]?.reached;
      clock.advance(600);
      gates[0]?.open();
      await parked(run);
      clock.advance(60_000);
      await run.send("x");
      await gates[1]?.reached;
      clock.advance(399);
      expect(await run.status()).toBe("running");
      expect(typesOf(await run.entries())).not.toContain("timer.fired");
      clock.advance(1);
      expect(await run.result()).toMatchObject(exceeded("activeMs", 1_000));
      gates[1]?.open();
    });

    test("deadlineMs wakes a parked run and ends it", async () => {
      const clock = fakeClock();
      const engine = fresh({ clock });
      const model = turns({ clerk: [ask("?")] });
      const desk = makeDesk({ engine, model, limits: { deadlineMs: 5_000 } });
      const run = await desk.start(input, start);
      await parked(run);
      await engine.idle();
      clock.advance(4_999);
      await engine.idle();
      expect(await run.status()).toBe("parked");
      clock.advance(1);
      expect(await run.result()).toMatchObject(exceeded("deadlineMs", 5_000));
      expect(await run.questions()).toEqual([]);
    });

    test("deadlines of several parked runs fall due one after the other", async () => {
      const clock = fakeClock();
      const engine = fresh({ clock });
      const desk = makeDesk({ engine, model: turns({ clerk: [ask("?")] }), limits: { deadlineMs: 5_000 } });
      const runs: Run<unknown>[] = [];
      for (let index = 0; index < 3; index++) {
        const run = await desk.start(input, start);
        await parked(run);
        runs.push(run);
        clock.advance(1_000);
      }
      const statuses = () => Promise.all(runs.map((run) => run.status()));
      clock.advance(2_000);
      await runs[0]?.result();
      expect(await statuses()).toEqual(["failed", "parked", "parked"]);
      clock.advance(1_000);
      await runs[1]?.result();
      expect(await statuses()).toEqual(["failed", "failed", "parked"]);
      clock.advance(1_000);
      await runs[2]?.result();
    });
  });

  describe("writes", () => {
    test("that may have happened and have no key park; a person's word ends the doubt", async () => {
      for (const outcome of ["happened", "never"] as const) {
        const world = new World();
        world.after = lost("write_plain");
        const model = turns({ clerk: [[call("write_plain", "a")], finish("ok")] });
        const run = await makeDesk({ engine: fresh(), world, model }).start(input, start);
        await parked(run);
        const [effect] = await run.uncertain();
        expect(effect).toMatchObject({ tool: "write_plain" });
        await expect(run.send("x")).rejects.toMatchObject({ code: "run/not-waiting" });
        const decision = { outcome, reason: "looked", ...someone } as const;
        await expect(run.settle("another", decision)).rejects.toMatchObject({ code: "run/not-waiting" });
        await run.settle(effect?.effect ?? "", { ...decision, output: { done: true } });
        expect((await run.result()).status).toBe("completed");
        expect(await run.uncertain()).toEqual([]);
        expect(world.called("write_plain")).toBe(1);
        const settled = (await run.entries()).find((entry) => entry.type === "effect.settled");
        expect(settled?.body).toMatchObject({ outcome: outcome === "happened" ? "done" : "failed" });
      }
    });

    test("whose answer was lost are called again under their key", async () => {
      const world = new World();
      world.after = lost("write_keyed");
      const model = turns({ clerk: [[call("write_keyed", "a")], finish("ok")] });
      const run = await makeDesk({ engine: fresh(), world, model }).start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(world.called("write_keyed")).toBe(2);
      expect([...world.effects.values()]).toEqual([1]);
    });

    test("that can be looked up are: found is done, never is called again", async () => {
      for (const when of ["before", "after"] as const) {
        const world = new World();
        world[when] = lost("write_looked");
        const model = turns({ clerk: [[call("write_looked", "a")], finish("ok")] });
        const run = await makeDesk({ engine: fresh(), world, model }).start(input, start);
        expect((await run.result()).status).toBe("completed");
        expect(world.called("write_looked")).toBe(when === "after" ? 1 : 2);
        expect([...world.effects.values()]).toEqual([1]);
        expect(typesOf(await run.entries())).toContain("effect.looked-up");
      }
    });
  });

  describe("runs and their tenants", () => {
    test("a conversation's runs are listed together, a tenant's runs to nobody else", async () => {
      const engine = fresh();
      const desk = makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) });
      const other = makeDesk({ engine, model: turns({ clerk: [finish("ok")] }), name: "other-desk" });
      const begin = async (options: object, at = desk) => {
        const run = await at.start(input, { ...start, ...options });
        await run.result();
        return run.id;
      };
      const first = await begin({ conversationId: "talk" });
      const second = await begin({ conversationId: "talk" });
      const alone = await begin({});
      const foreign = await begin({ tenant: "other", conversationId: "talk" });
      const elsewhere = await begin({ conversationId: "talk" }, other);
      const listed = async (filter: object = {}) =>
        (await desk.list({ tenant, ...filter })).map(({ runId }) => runId).sort();
      expect(await listed({ conversationId: "talk" })).toEqual([first, second].sort());
      expect(await listed()).toEqual([first, second, alone].sort());
      expect(await listed({ tenant: "other" })).toEqual([foreign]);
      expect(await listed({ status: ["parked"] })).toEqual([]);
      const unknown = { code: "run/unknown" };
      await expect(desk.find(foreign, { tenant })).rejects.toMatchObject(unknown);
      await expect(desk.find(elsewhere, { tenant })).rejects.toMatchObject(unknown);
      await expect(desk.find("run_none", { tenant })).rejects.toMatchObject(unknown);
      expect((await (await desk.find(foreign, { tenant: "other" })).result()).status).toBe("completed");
    });

    test("many runs at once end each for itself, with whole chains that replay", async () => {
      const world = new World();
      const engine = fresh();
      const model = turns({
        clerk: [[call("read_note", "a"), call("write_keyed", "b", "c2")], pass("on")],
        closer: [close("bye")],
      });
      const desk = makeDesk({ engine, world, model });
      const runs = await Promise.all(Array.from({ length: 30 }, () => desk.start(input, start)));
      for (const run of runs) {
        expect((await run.result()).status).toBe("completed");
        const batches = await engine.journal.read({ tenant, kind: "run", id: run.id });
        expect(verifyChain(batches).fault).toBeUndefined();
        expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
      }
      expect(world.effects.size).toBe(30);
      await engine.idle();
    });

    test("a run that nobody has loaded the definition of says so", async () => {
      const engine = fresh();
      const desk = makeDesk({ engine, model: turns({ clerk: [ask("?")] }) });
      const run = await desk.start(input, start);
      await parked(run);
      const key = { tenant, runId: run.id };
      const cancel = { id: "x", type: "cancel.requested", path: "", body: { reason: "", ...someone } } as const;
      await expect(engine.deliver(key, "desk@elsewhere", cancel)).rejects.toMatchObject({
        code: "definition/unknown",
      });
    });
  });

  describe("backpressure", () => {
    test("a full mailbox refuses, and what was taken is done", async ({ skip }) => {
      const { journal } = fresh();
      skip(takesOver(), "over a network, what is said at once arrives in any order; the mailbox is the local engine's");
      const gate = makeGate();
      let held = false;
      const slow: Journal = {
        ...journal,
        append: async (...args) => {
          if (held) await gate.pass();
          await journal.append(...args);
        },
      };
      const engine = localEngine({ name, journal: slow, clock: systemClock(), logger: silentLogger, mailbox: 2 });
      adopt(engine);
      const desk = makeDesk({ engine, model: turns({ clerk: [ask("?")] }) });
      const run = await desk.start(input, start);
      await parked(run);
      await engine.idle();
      held = true;
      const cancels = [run.cancel("first")];
      await gate.reached;
      cancels.push(run.cancel("second"), run.cancel("third"));
      await expect(Promise.all([cancels[0], run.cancel("fourth"), run.cancel("fifth")])).rejects.toMatchObject({
        code: "bus/mailbox-full",
        data: { address: run.id, capacity: 2 },
      });
      gate.open();
      const outcomes = await Promise.allSettled(cancels);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
      expect(await run.result()).toMatchObject({ status: "cancelled", reason: "first" });
    });
  });
}
