import {
  type Entry,
  type Journal,
  type Limits,
  localEngine,
  OrchestrationError,
  openBatch,
  type Run,
  type RunResult,
  silentLogger,
  systemClock,
  user,
  verifyChain,
} from "@remit/core";
import { type FakeClock, fakeClock } from "@remit/core/testing";
import { afterEach, describe, expect, test } from "vitest";
import type { Engine } from "../../packages/core/src/port/engine.ts";
import {
  ask,
  call,
  close,
  confirm,
  finish,
  lateJournal,
  makeDesk,
  makeGate,
  makeNestedDesk,
  pass,
  turns,
  World,
} from "./engine-desk.ts";

/** One place in which engines keep their runs; each `engine` call opens a new one over it. */
export interface EngineUnderTest {
  readonly engine: (options?: { readonly clock?: FakeClock }) => Engine;
  /** What an engine leaves behind when it is closed is found by the next one. */
  readonly survives: boolean;
}

const tenant = "acme";
const start = { tenant, principal: user("u") } as const;
const someone = { principal: user("u") } as const;
const input = { text: "go" };

/** What every engine keeps. `open` is called for each test; the engines that it made are closed after it. */
export function engineContract(name: string, open: () => EngineUnderTest): void {
  describe(`engine contract: ${name}`, () => {
    const engines: Engine[] = [];
    afterEach(async () => {
      for (const engine of engines.splice(0)) await engine.close();
    });
    let place: EngineUnderTest | undefined;
    const fresh = (options?: { clock?: FakeClock }): Engine => {
      place = open();
      return again(options);
    };
    const again = (options?: { clock?: FakeClock }): Engine => {
      if (!place) throw new Error("open a place first");
      const engine = place.engine(options);
      engines.push(engine);
      return engine;
    };
    /** An engine whose appends become durable late, and the journal as it is meanwhile. */
    const late = () => {
      const { journal } = fresh();
      const engine = localEngine({
        name,
        journal: lateJournal(journal),
        clock: systemClock(),
        logger: silentLogger,
      });
      engines.push(engine);
      return { engine, journal };
    };
    const storedTypes = async (journal: Journal, { id }: Run<unknown>) => typesOf(await storedEntries(journal, id));

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
        const [one, two] = await Promise.all([desk.start(input, keyed), desk.start({ text: "other" }, keyed)]);
        const three = await desk.start(input, keyed);
        await one.result();
        const four = await desk.start(input, keyed);
        expect(new Set([one.id, two.id, three.id, four.id]).size).toBe(1);
        expect(typesOf(await one.entries()).filter((type) => type === "run.started")).toHaveLength(1);
        const elsewhere = await desk.start(input, { ...keyed, tenant: "other" });
        expect(elsewhere.id).not.toBe(one.id);
        await elsewhere.result();
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

    describe("events", () => {
      const model = () => turns({ clerk: [[call("read_note", "a")], ask("?"), pass("on")], closer: [close("bye")] });

      test("come live, each once and in order, and end with the run", async () => {
        const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
        const seen: Entry[] = [];
        for await (const entry of run.events()) {
          seen.push(entry);
          if (entry.type === "run.parked") await run.send("x");
        }
        expect(seen).toEqual(await run.entries());
        expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
        expect(seen.at(-1)?.type).toBe("run.completed");
      });

      test("are resumed from every seq, while the run lives and after its end", async () => {
        const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
        await parked(run);
        const known = (await run.entries()).length;
        const live = Array.from({ length: known + 2 }, (_, index) => collect(run.events({ fromSeq: index + 1 })));
        await run.send("x");
        await run.result();
        const all = await run.entries();
        for (const [index, stream] of live.entries()) expect(await stream).toEqual(all.slice(index));
        for (let fromSeq = 1; fromSeq <= all.length + 1; fromSeq++) {
          expect(await collect(run.events({ fromSeq }))).toEqual(all.slice(fromSeq - 1));
        }
      });

      test("stop when their signal is aborted, before and while they wait", async () => {
        const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
        await parked(run);
        expect(await collect(run.events({ signal: AbortSignal.abort() }))).toEqual([]);
        const stop = new AbortController();
        const seen = collect(run.events({ signal: stop.signal }), (entry) => {
          if (entry.type === "run.parked") stop.abort();
        });
        expect(await seen).toEqual(await run.entries());
      });

      test("broken off after each entry and taken up at the next are the whole story", async () => {
        const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
        const seen: Entry[] = [];
        for (let ended = false; !ended; ) {
          ended = true;
          for await (const entry of run.events({ fromSeq: seen.length + 1 })) {
            seen.push(entry);
            ended = false;
            if (entry.type === "run.parked") await run.send("x");
            break;
          }
        }
        expect(seen).toEqual(await run.entries());
      });

      test("a watcher and an observer that throw hurt nobody", async () => {
        const engine = fresh();
        const desk = makeDesk({ engine, model: turns({ clerk: [ask("?"), finish("ok")] }) });
        desk.on("model.called", () => {
          throw new Error("an observer");
        });
        desk.on("model.called", async () => {
          throw new Error("an asynchronous observer");
        });
        const heard: string[] = [];
        desk.on("model.called", ({ type }) => heard.push(type));
        const run = await desk.start(input, start);
        await parked(run);
        const key = { tenant, runId: run.id };
        const thrower = () => {
          throw new Error("a watcher");
        };
        engine.watch(key, { batch: thrower, stopped: thrower });
        const batches: number[] = [];
        engine.watch(key, { batch: ({ firstSeq }) => batches.push(firstSeq), stopped: thrower });
        await run.send("x");
        expect((await run.result()).status).toBe("completed");
        await engine.idle();
        expect(heard).toEqual(["model.called", "model.called"]);
        expect(batches.length).toBeGreaterThan(0);
      });

      test("a failed drive is told to who asks later, too; after a resume the run ends", async () => {
        const { journal } = fresh();
        let broken = false;
        let asked = 0;
        const failing: Journal = {
          ...journal,
          append: (...args) => {
            if (broken) throw new OrchestrationError("journal/unavailable", { reason: "a test" });
            return journal.append(...args);
          },
        };
        const engine = localEngine({ name, journal: failing, clock: systemClock(), logger: silentLogger });
        engines.push(engine);
        const desk = makeDesk({
          engine,
          model: turns({
            clerk: [
              () => {
                broken = asked++ === 0;
                return finish("ok");
              },
            ],
          }),
        });
        const run = await desk.start(input, start);
        await engine.idle();
        const unavailable = { code: "journal/unavailable" };
        await expect(run.result()).rejects.toMatchObject(unavailable);
        await expect(run.settled()).rejects.toMatchObject(unavailable);
        await expect(collect(run.events())).rejects.toMatchObject(unavailable);
        broken = false;
        expect(await desk.resume()).toBe(1);
        expect((await run.result()).status).toBe("completed");
        expect(await collect(run.events())).toEqual(await run.entries());
      });
    });

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
        const run = await makeDesk({ engine: fresh({ clock }), model, limits: { activeMs: 1_000 } }).start(
          input,
          start,
        );
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
      test("a full mailbox refuses, and what was taken is done", async () => {
        const { journal } = fresh();
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
        engines.push(engine);
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

    describe("closing", () => {
      test("tells who waits", async () => {
        const engine = fresh();
        const run = await makeDesk({ engine, model: turns({ clerk: [ask("?")] }) }).start(input, start);
        await parked(run);
        const waiting = [run.result(), collect(run.events())].map((promise) =>
          promise.catch((error: unknown) => error),
        );
        await engine.journal.findRun(tenant, run.id);
        await engine.close();
        for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "engine/closed" });
      });

      test("leaves runs that another engine continues", async () => {
        const first = fresh();
        if (!place?.survives) return;
        const world = new World();
        const gate = makeGate();
        const clerk = [[call("read_note", "a")], () => gate.pass().then(() => ask("?")), finish("ok")];
        const running = await makeDesk({ engine: first, world, model: turns({ clerk }) }).start(input, start);
        const parkedOne = await makeDesk({ engine: first, model: turns({ clerk: [ask("?")] }), name: "other" }).start(
          input,
          start,
        );
        await parked(parkedOne);
        await gate.reached;
        const stopped = running.result().catch((error: unknown) => error);
        await first.close();
        expect(await stopped).toMatchObject({ code: "engine/closed" });
        gate.open();

        const second = again();
        const desk = makeDesk({ engine: second, world, model: turns({ clerk: [[], ask("?"), finish("ok")] }) });
        const other = makeDesk({ engine: second, model: turns({ clerk: [[], finish("other ok")] }), name: "other" });
        expect(await desk.resume()).toBe(1);
        const taken = await desk.find(running.id, { tenant });
        await parked(taken);
        await taken.send("x");
        expect(await taken.result()).toMatchObject({ status: "completed", output: { text: "ok" } });
        expect(world.called("read_note")).toBe(1);
        const parkedAgain = await other.find(parkedOne.id, { tenant });
        await parkedAgain.send("y");
        expect((await parkedAgain.result()).status).toBe("completed");
        expect(await desk.resume()).toBe(0);
        expect((await desk.replay(running.id, { tenant })).fault).toBeUndefined();
      });

      test("leaves deadlines that another engine keeps", async () => {
        const clock = fakeClock();
        const first = fresh({ clock });
        if (!place?.survives) return;
        const options = { model: turns({ clerk: [ask("?")] }), limits: { deadlineMs: 5_000 } };
        const run = await makeDesk({ engine: first, ...options }).start(input, start);
        const missed = await makeDesk({ engine: first, ...options, name: "missed" }).start(input, start);
        await parked(run);
        await parked(missed);
        await first.close();
        clock.advance(4_000);
        const second = again({ clock });
        const desk = makeDesk({ engine: second, ...options });
        expect(await desk.resume()).toBe(0);
        const taken = await desk.find(run.id, { tenant });
        clock.advance(1_000);
        expect(await taken.result()).toMatchObject({ error: { data: { limit: "deadlineMs" } } });
        const late = makeDesk({ engine: second, ...options, name: "missed" });
        expect(await late.resume()).toBe(1);
        expect((await (await late.find(missed.id, { tenant })).result()).status).toBe("failed");
      });
    });
  });
}

/** A hook that loses one answer of a tool. */
function lost(tool: string) {
  let once = true;
  return (name: string) => {
    if (name !== tool || !once) return;
    once = false;
    throw new Error("the line is dead");
  };
}

async function parked(run: Run<unknown>): Promise<void> {
  expect(await run.settled()).toBe("parked");
}

async function collect(events: AsyncIterable<Entry>, look: (entry: Entry) => void = () => {}): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of events) {
    all.push(entry);
    look(entry);
  }
  return all;
}

function typesOf(entries: readonly Entry[]): string[] {
  return entries.map(({ type }) => type);
}

async function storedEntries(journal: Journal, id: string): Promise<Entry[]> {
  return (await journal.read({ tenant, kind: "run", id })).flatMap((batch) => openBatch(batch, id));
}
