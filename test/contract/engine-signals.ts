import { type Engine, user } from "@remit/core";
import { describe, expect, test } from "vitest";
import { ask, call, close, confirm, finish, makeDesk, makeGate, turns, World } from "./engine-desk.ts";
import { type EngineKit, input, lost, parked, someone, start, storedTypes, tenant, typesOf } from "./engine-kit.ts";

/** How runs start, take answers and are cancelled. */
export function signalsContract({ fresh, late }: EngineKit): void {
  describe("what is acknowledged is durable", () => {
    test("a start", async () => {
      const { engine, journal } = late();
      const run = await makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) }).start(input, start);
      expect(await storedTypes(journal, run)).toContain("run.started");
      await run.result();
    });

    test("an answer, a cancel, a person's word on a write", async () => {
      const { engine, journal } = late();
      const world = new World();
      world.after = lost("write_plain");
      const script = { clerk: [ask("which?"), [call("write_plain", "a")], ask("more?")] };
      const run = await makeDesk({ engine, world, model: turns(script) }).start(input, start);
      await run.settled();
      await run.send("this");
      expect(await storedTypes(journal, run)).toContain("input.received");
      await parked(run);
      const [effect] = await run.uncertain();
      await run.settle(effect?.effect ?? "", { outcome: "happened", output: { done: true }, reason: "seen" });
      expect(await storedTypes(journal, run)).toContain("effect.decided");
      await parked(run);
      await run.cancel("enough");
      expect(await storedTypes(journal, run)).toContain("cancel.requested");
      expect((await run.result()).status).toBe("cancelled");
    });
  });

  describe("start", () => {
    test("one idempotency key starts one run, one after the other and at once, also when it has ended", async () => {
      const desk = makeDesk({ engine: fresh(), model: turns({ clerk: [finish("ok")] }) });
      const keyed = { ...start, idempotencyKey: "k" };
      const [one, two] = await Promise.all([desk.start(input, keyed), desk.start(input, keyed)]);
      const three = await desk.start(input, keyed);
      await one.result();
      const four = await desk.start(input, keyed);
      expect(new Set([one.id, two.id, three.id, four.id]).size).toBe(1);
      expect(typesOf(await one.entries()).filter((type) => type === "run.started")).toHaveLength(1);
      const elsewhere = await desk.start(input, { ...keyed, tenant: "other" });
      expect(elsewhere.id).not.toBe(one.id);
      await elsewhere.result();
    });

    test("a key of another input or another person is refused, at once and later, and starts nothing", async () => {
      const desk = makeDesk({ engine: fresh(), model: turns({ clerk: [finish("ok"), finish("ok")] }) });
      const keyed = { ...start, idempotencyKey: "k" };
      const other = (what: string) => ({ code: "run/key-of-another", data: { what } });
      const [one, two] = await Promise.allSettled([desk.start(input, keyed), desk.start({ text: "other" }, keyed)]);
      expect(two).toMatchObject({ status: "rejected", reason: other("input") });
      const run = one.status === "fulfilled" ? one.value : undefined;
      await run?.result();
      await expect(desk.start({ text: "other" }, keyed)).rejects.toMatchObject(other("input"));
      await expect(desk.start(input, { ...keyed, principal: user("somebody") })).rejects.toMatchObject(
        other("principal"),
      );
      // Who it is counts, and not which roles they have today.
      const { id, kind } = keyed.principal;
      const again = await desk.start(input, { ...keyed, principal: { id, kind, roles: ["new"], authenticated: true } });
      expect(again.id).toBe(run?.id);
      expect(await desk.list({ tenant })).toHaveLength(1);
    });

    test("wrong input and wrong ids are refused and leave nothing", async () => {
      const desk = makeDesk({ engine: fresh(), model: turns({}) });
      const started = (value: unknown, options: object) => desk.start(value as never, { ...start, ...options });
      await expect(started({ text: 7 }, {})).rejects.toMatchObject({ code: "run/input-invalid" });
      await expect(started(input, { tenant: "a b" })).rejects.toMatchObject({ code: "run/id-invalid" });
      await expect(started(input, { conversationId: "" })).rejects.toMatchObject({ code: "run/id-invalid" });
      expect(await desk.list({ tenant })).toEqual([]);
    });

    test("a closed engine starts nothing", async () => {
      const engine = fresh();
      const desk = makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) });
      await (await desk.start(input, start)).result();
      await engine.close();
      await expect(desk.start(input, start)).rejects.toMatchObject({ code: "engine/closed" });
    });
  });

  describe("answers", () => {
    const asking = async (engine: Engine) => {
      const run = await makeDesk({
        engine,
        model: turns({ clerk: [ask("which?"), confirm("sure?")], closer: [close("bye")] }),
      }).start(input, start);
      await parked(run);
      return run;
    };

    test("a run parks, takes an answer, parks again and ends", async () => {
      const run = await asking(fresh());
      expect(await run.questions()).toMatchObject([{ of: "customer", by: "clerk", question: "which?" }]);
      await run.send("this one", someone);
      await parked(run);
      expect(await run.questions()).toMatchObject([{ question: "sure?" }]);
      await run.send({ yes: true }, someone);
      expect(await run.result()).toMatchObject({ status: "completed", output: { text: "bye" } });
      const answers = (await run.entries()).flatMap((entry) => (entry.type === "input.received" ? [entry.body] : []));
      expect(answers).toMatchObject([
        { answer: "this one", labels: { "": ["user"] } },
        { answer: { yes: true }, principal: { id: "u" } },
      ]);
    });

    test("the same key twice is one answer, at once and later", async () => {
      const run = await asking(fresh());
      await Promise.all([run.send("a", { key: "k" }), run.send("a", { key: "k" })]);
      await parked(run);
      await run.send("a", { key: "k" });
      expect(await run.questions()).toMatchObject([{ question: "sure?" }]);
      await run.send({ yes: false }, { key: "l" });
      await run.result();
      await run.send({ yes: false }, { key: "l" });
      expect(typesOf(await run.entries()).filter((type) => type === "input.received")).toHaveLength(2);
    });

    test("a wrong answer is refused and nothing is lost", async () => {
      const run = await asking(fresh());
      await expect(run.send({ at: new Date(0) } as never)).rejects.toMatchObject({ code: "run/answer-invalid" });
      await run.send("fine");
      await parked(run);
      const before = await run.entries();
      await expect(run.send({ yes: "perhaps" })).rejects.toMatchObject({
        code: "run/answer-invalid",
        data: { issues: [{ pointer: "/yes" }] },
      });
      expect(await run.entries()).toEqual(before);
      await run.send({ yes: true });
      expect((await run.result()).status).toBe("completed");
    });

    test("an answer to nothing is refused", async () => {
      const run = await asking(fresh());
      await expect(run.send("x", { ask: "no such ask" })).rejects.toMatchObject({
        code: "run/not-waiting",
        data: { ask: "no such ask" },
      });
      await run.send("fine");
      await parked(run);
      await run.send({ yes: true });
      await run.result();
      await expect(run.send("late")).rejects.toMatchObject({ code: "run/already-ended" });
      await expect(run.cancel("late")).rejects.toMatchObject({ code: "run/already-ended" });
    });

    test("a run that works waits for no answer", async () => {
      const gate = makeGate();
      const model = turns({ clerk: [() => gate.pass().then(() => finish("ok"))] });
      const run = await makeDesk({ engine: fresh(), model }).start(input, start);
      await gate.reached;
      await expect(run.send("x")).rejects.toMatchObject({ code: "run/not-waiting" });
      gate.open();
      expect((await run.result()).status).toBe("completed");
    });

    test("of two answers that race, one is taken and the other refused", async () => {
      const run = await asking(fresh());
      const outcomes = await Promise.allSettled([run.send("a"), run.send("b")]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      expect(refused).toMatchObject([{ code: "run/not-waiting" }]);
      await parked(run);
      expect(typesOf(await run.entries()).filter((type) => type === "input.received")).toHaveLength(1);
    });
  });

  describe("cancel", () => {
    test("while parked", async () => {
      const run = await makeDesk({ engine: fresh(), model: turns({ clerk: [ask("?")] }) }).start(input, start);
      await parked(run);
      await Promise.all([run.cancel("enough", someone), run.cancel("enough", someone)]);
      expect(await run.result()).toMatchObject({ status: "cancelled", reason: "enough", openEffects: [] });
      await run.cancel("again");
      const types = typesOf(await run.entries());
      expect(types.filter((type) => type === "cancel.requested")).toHaveLength(1);
      expect(await run.questions()).toEqual([]);
    });

    test("while a model call is out: its signal is aborted, its late answer dropped", async () => {
      const gate = makeGate();
      const aborted: boolean[] = [];
      const engine = fresh();
      const model = turns({
        clerk: [
          async (_, signal) => {
            await gate.pass();
            aborted.push(signal.aborted);
            return finish("late");
          },
        ],
      });
      const run = await makeDesk({ engine, model }).start(input, start);
      await gate.reached;
      await run.cancel("enough", someone);
      expect((await run.result()).status).toBe("cancelled");
      const before = await run.entries();
      gate.open();
      await engine.idle();
      expect(aborted).toEqual([true]);
      expect(await run.entries()).toEqual(before);
    });

    test("while a write is out: it is waited for and settled, and nothing follows", async () => {
      const gate = makeGate();
      const world = new World();
      world.before = () => gate.pass();
      const run = await makeDesk({
        engine: fresh(),
        world,
        model: turns({ clerk: [[call("write_keyed", "a")], [call("write_keyed", "b")]] }),
      }).start(input, start);
      await gate.reached;
      await run.cancel("enough", someone);
      expect(await run.status()).toBe("running");
      gate.open();
      expect(await run.result()).toMatchObject({ status: "cancelled", openEffects: [] });
      expect([...world.effects.values()]).toEqual([1]);
      const types = typesOf(await run.entries());
      const after = types.slice(types.indexOf("cancel.requested"));
      expect(after).toContain("tool.returned");
      expect(after).toContain("effect.settled");
      for (const type of ["tool.called", "effect.intended", "model.called"]) expect(after).not.toContain(type);
    });

    test("while a write is out whose outcome is lost: the end names it", async () => {
      const gate = makeGate();
      const world = new World();
      world.after = async () => {
        await gate.pass();
        throw new Error("the line is dead");
      };
      const model = turns({ clerk: [[call("write_keyed", "a")]] });
      const run = await makeDesk({ engine: fresh(), world, model }).start(input, start);
      await gate.reached;
      await run.cancel("enough", someone);
      gate.open();
      const effect = (await run.entries()).find(({ type }) => type === "effect.intended")?.path;
      expect(await run.result()).toMatchObject({ status: "cancelled", openEffects: [effect] });
      expect(world.called("write_keyed")).toBe(1);
    });
  });
}
