import { defineRoute, type Model, type ModelRequest, type ModelResponse, type Run, settlementsOf } from "@remit/core";
import { type FakeClock, fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { bodies } from "./engine-approvals.ts";
import { call, makeGate } from "./engine-desk.ts";
import { type EngineKit, input, start, tenant, typesOf } from "./engine-kit.ts";
import { makeOffice, type Office, says } from "./engine-office.ts";

/** Several models behind one alias: which is asked, what becomes of a run when one is not there, what that costs. */

export type Act = (request: ModelRequest) => ModelResponse | Promise<ModelResponse>;
export interface Asked extends Model {
  /** Requests in the order they came. */
  readonly asked: readonly ModelRequest[];
}

export const done: ModelResponse = { parts: says("ok") };

/** A model that does one thing after the other, and its last one from then on. */
export function acts(id: string, plan: readonly Act[], more: Partial<Model> = {}): Asked {
  const asked: ModelRequest[] = [];
  return {
    id,
    cost: "zero",
    asked,
    generate: async (request) => {
      asked.push(request);
      return (plan[asked.length - 1] ?? plan.at(-1) ?? (() => done))(request);
    },
    ...more,
  };
}

const status =
  (code: number, more: object = {}): Act =>
  () => {
    throw Object.assign(new Error(`status ${code}`), { status: code, ...more });
  };
export const overloaded = status(529);
export const ok: Act = () => done;
export const look: Act = () => ({ parts: [call("look_up", "a")] });

/** Has the clock strike at once for whatever waits to be tried again. */
export function hurry(office: Office, clock: FakeClock): Office {
  office.on("step.retried", ({ body: { dueAt } }) => clock.advance(Math.max(0, dueAt - clock.now())));
  return office;
}

export async function replays(office: Office, run: Run<unknown>): Promise<void> {
  expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
}

export function routesContract({ fresh, again, survives }: EngineKit): void {
  describe("routes", () => {
    test("a model that is overloaded is replaced at once and in the same turn, and the journal says by whom and why", async () => {
      const clock = fakeClock();
      const began = clock.now();
      const first = acts("first", [overloaded]);
      const second = acts("second", [look, ok]);
      const office = makeOffice({
        engine: fresh({ clock }),
        model: defineRoute("r", { candidates: [first, second] }),
      });
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(clock.now()).toBe(began);
      const entries = await run.entries();
      const passedOver = [{ model: "first", code: "model/overloaded" }];
      expect(bodies(entries, "model.failed")).toMatchObject([
        { model: "first", error: { code: "model/overloaded" }, choice: { why: "first" }, next: "second" },
        { model: "first", error: { code: "model/overloaded" }, choice: { why: "first" }, next: "second" },
      ]);
      expect(bodies(entries, "step.retried")).toMatchObject([
        { kind: "model", attempt: 2, dueAt: began, error: { code: "model/overloaded" } },
        { kind: "model", attempt: 2, dueAt: began },
      ]);
      expect(bodies(entries, "model.responded").map(({ model, choice }) => [model, choice])).toEqual([
        ["second", { why: "fallback", passedOver }],
        ["second", { why: "fallback", passedOver }],
      ]);
      expect(bodies(entries, "model.called").map(({ command, turn }) => [command, turn])).toEqual([
        ["worker#1/model#1", 1],
        ["worker#1/model#1/try#2", 1],
        ["worker#1/model#2", 2],
        ["worker#1/model#2/try#2", 2],
      ]);
      expect(second.asked.map(({ context: { turn, attempt, agentCall } }) => [turn, attempt, agentCall])).toEqual([
        [1, 2, 0],
        [2, 2, 1],
      ]);
      // The one asks the same as the other, but for the number of its try.
      const { context: asked, ...request } = first.asked[0] as ModelRequest;
      const { context: askedAgain, ...same } = second.asked[0] as ModelRequest;
      expect([same, askedAgain]).toEqual([request, { ...asked, attempt: 2 }]);
      await replays(office, run);
    });

    test("when all have failed they are asked again from the first after a wait, and given up after their rounds", async () => {
      const clock = fakeClock();
      const order: string[] = [];
      const one = (id: string, plan: readonly Act[]) =>
        acts(
          id,
          plan.map(
            (act): Act =>
              (request) => {
                order.push(id);
                return act(request);
              },
          ),
        );
      const back = { candidates: [one("a", [overloaded, overloaded, ok]), one("b", [status(503)])] };
      const office = hurry(makeOffice({ engine: fresh({ clock }), model: defineRoute("r", back) }), clock);
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(order.splice(0)).toEqual(["a", "b", "a", "b", "a"]);
      const entries = await run.entries();
      expect(bodies(entries, "model.failed").map(({ next }) => next)).toEqual(["b", undefined, "b", undefined]);
      expect(bodies(entries, "step.retried").map(({ attempt }) => attempt)).toEqual([2, 3, 4, 5]);
      const waits = entries.flatMap((entry) =>
        entry.type === "step.retried" ? [entry.body.dueAt - entry.at > 0] : [],
      );
      expect(waits).toEqual([false, true, false, true]);
      expect(bodies(entries, "model.responded")).toMatchObject([{ model: "a", choice: { why: "first" } }]);
      await replays(office, run);

      const never = { candidates: [one("a", [overloaded]), one("b", [overloaded]), one("c", [overloaded])] };
      const dead = hurry(makeOffice({ engine: fresh({ clock }), model: defineRoute("r", never) }), clock);
      const lost = await dead.start(input, start);
      expect(await lost.result()).toMatchObject({
        status: "failed",
        error: { code: "model/overloaded" },
      });
      expect(order).toEqual(["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
      await replays(dead, lost);
    });

    test("a fallback that cannot help does not end what a wait would have healed; nor does one wait where none helps", async () => {
      const clock = fakeClock();
      const wrongKey = status(401);
      const healing = { candidates: [acts("a", [overloaded, ok]), acts("b", [wrongKey])] };
      const office = hurry(makeOffice({ engine: fresh({ clock }), model: defineRoute("r", healing) }), clock);
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(bodies(await run.entries(), "model.responded")).toMatchObject([{ model: "a" }]);
      await replays(office, run);

      const broken = [acts("a", [wrongKey]), acts("b", [wrongKey])];
      const other = hurry(
        makeOffice({ engine: fresh({ clock }), model: defineRoute("r", { candidates: broken }) }),
        clock,
      );
      const failed = await other.start(input, start);
      expect(await failed.result()).toMatchObject({ status: "failed", error: { code: "model/failed" } });
      expect(broken.map(({ asked }) => asked.length)).toEqual([1, 1]);
    });

    test("calls are bounded by the steps of the run, and by seventeen of a round, however many models there are", async () => {
      const clock = fakeClock();
      const many = Array.from({ length: 30 }, (_, n) => acts(`m${n}`, [overloaded]));
      const model = defineRoute("r", { candidates: many });
      const count = () => many.reduce((sum, { asked }) => sum + asked.length, 0);
      const few = hurry(makeOffice({ engine: fresh({ clock }), model, limits: { steps: 5 } }), clock);
      const stopped = await few.start(input, start);
      expect(await stopped.result()).toMatchObject({ error: { data: { limit: "steps" } } });
      expect(count()).toBe(5);
      const free = hurry(makeOffice({ engine: fresh({ clock }), model, limits: { steps: 500 } }), clock);
      const run = await free.start(input, start);
      expect(await run.result()).toMatchObject({ error: { code: "model/overloaded" } });
      expect(count()).toBe(5 + 3 * 17);
      await replays(free, run);
    });

    test("each fallback is reserved on its own; a failed call settles at what it told, else at what was set aside", async () => {
      const quote = () => ({ microUsd: 10, tokens: 100 });
      const paid = (id: string, plan: readonly Act[], most = 10) =>
        acts(id, plan, { cost: "paid", quote: () => ({ ...quote(), microUsd: most }) });
      const told = { usage: { inputTokens: 5, outputTokens: 2 }, cost: { microUsd: 3, basis: "reported" } };
      const answer: Act = () => ({
        ...done,
        usage: { inputTokens: 20, outputTokens: 10 },
        cost: { microUsd: 4, basis: "estimated" },
      });
      const candidates = () => [
        paid("telling", [status(529, told)]),
        paid("mute", [overloaded], 7),
        paid("good", [answer], 5),
      ];
      const options = {
        model: defineRoute("r", { candidates: candidates() }),
        budgets: { [tenant]: { microUsd: 100 } },
      };
      const office = makeOffice({ ...options, engine: fresh() });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed", cost: { microUsd: 3 + 7 + 4 } });
      const entries = await run.entries();
      // The dearest of those that may still be asked.
      expect(bodies(entries, "budget.reserved").map(({ amount }) => amount.microUsd)).toEqual([10, 7, 5]);
      expect(settlementsOf(entries).map(({ amount, basis }) => ({ ...amount, basis }))).toEqual([
        { microUsd: 3, tokens: 7, basis: "reported" },
        { microUsd: 7, tokens: 100, basis: "reserved" },
        { microUsd: 4, tokens: 30, basis: "estimated" },
      ]);
      expect(bodies(entries, "model.failed")).toMatchObject([{ ...told, next: "mute" }, { next: "good" }]);
      expect(await office.budget(tenant)).toMatchObject({
        spent: { microUsd: 14 },
        reserved: { microUsd: 0, tokens: 0 },
      });
      await replays(office, run);

      const few = makeOffice({
        model: defineRoute("r", { candidates: candidates() }),
        engine: fresh(),
        budget: { run: { microUsd: 12 } },
      });
      const poor = await few.start(input, start);
      // 3 of 12 are gone after the first; 7 are set aside for the second, which leaves 2 for the third.
      expect(await poor.result()).toMatchObject({ error: { code: "budget/exceeded" }, cost: { microUsd: 10 } });
      expect(bodies(await poor.entries(), "model.failed")).toHaveLength(2);
    });

    test("what a failed call says oddly of its cost is not believed", async () => {
      const odd = { usage: { inputTokens: -5, outputTokens: 2 }, cost: { microUsd: 1, basis: "reported" } };
      const model = acts("m", [status(400, odd)], { cost: "paid", quote: () => ({ microUsd: 10, tokens: 100 }) });
      const office = makeOffice({ engine: fresh(), model, budgets: { [tenant]: { microUsd: 100 } } });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({ status: "failed", cost: { microUsd: 10 } });
      expect(settlementsOf(await run.entries())).toMatchObject([{ basis: "reserved" }]);
    });

    test("a provider that is down is asked until its breaker opens, then by one probe for each cool-down, until it is back", async () => {
      const clock = fakeClock();
      let down = true;
      const first = acts("first", [(request) => (down ? overloaded(request) : done)], { provider: "alpha" });
      const second = acts("second", [ok], { provider: "beta" });
      const cooldownMs = 30_000;
      const office = makeOffice({
        engine: fresh({ clock }),
        model: defineRoute("r", { candidates: [first, second] }),
        breaker: { failuresMax: 3, cooldownMs },
      });
      const choices: string[] = [];
      const once = async () => {
        const run = await office.start(input, start);
        expect((await run.result()).status).toBe("completed");
        const [answer] = bodies(await run.entries(), "model.responded");
        choices.push(`${answer?.model} ${answer?.choice?.why}`);
        return run;
      };
      for (let n = 0; n < 10; n++) await once();
      expect(first.asked).toHaveLength(3);
      expect(choices.splice(0)).toEqual([...Array(3).fill("second fallback"), ...Array(7).fill("second breaker")]);
      const passed = await once();
      expect(bodies(await passed.entries(), "model.responded")[0]?.choice?.passedOver).toEqual([
        { model: "first", code: "breaker/open" },
      ]);
      expect(typesOf(await passed.entries())).not.toContain("model.failed");
      await replays(office, passed);
      // An outage of ten cool-downs costs ten probes, whatever else is going on.
      for (let n = 0; n < 10; n++) {
        clock.advance(cooldownMs);
        for (let run = 0; run < 5; run++) await once();
      }
      expect(first.asked).toHaveLength(3 + 10);
      down = false;
      clock.advance(cooldownMs);
      choices.splice(0);
      for (let n = 0; n < 3; n++) await once();
      expect(choices).toEqual(Array(3).fill("first first"));
      expect(office.health().breakers).toMatchObject([
        { key: "model:alpha", state: "closed" },
        { key: "model:beta", state: "closed" },
      ]);
    });

    test("B5 the rounds of a call count against the providers that were asked, each for itself and call by call", async () => {
      const clock = fakeClock();
      const model = defineRoute("r", {
        candidates: [
          acts("first", [overloaded], { provider: "alpha" }),
          acts("second", [overloaded], { provider: "beta" }),
          acts("third", [overloaded, overloaded, ok], { provider: "gamma" }),
        ],
      });
      const options = { model, breaker: { failuresMax: 5, cooldownMs: 3_600_000 } };
      const office = hurry(makeOffice({ engine: fresh({ clock }), ...options }), clock);
      const states = () => office.health().breakers.map(({ key, state, failures }) => [key, state, failures]);
      const once = async () => (await office.start(input, start)).result();
      // Three rounds: a provider counts its own calls, and a fallback that answers closes no other breaker than its own.
      expect((await once()).status).toBe("completed");
      expect(states()).toEqual([
        ["model:alpha", "closed", 3],
        ["model:beta", "closed", 3],
        ["model:gamma", "closed", 0],
      ]);
      // Then one call a turn each, until five in a row are there; who is passed over counts nothing.
      for (let n = 0; n < 4; n++) expect((await once()).status).toBe("completed");
      expect(states()).toEqual([
        ["model:alpha", "open", 5],
        ["model:beta", "open", 5],
        ["model:gamma", "closed", 0],
      ]);
    });

    test("B5 one call that nobody answers opens no breaker, and two models of one provider count as that one", async () => {
      const clock = fakeClock();
      const alone = hurry(makeOffice({ engine: fresh({ clock }), model: acts("m", [overloaded]) }), clock);
      expect((await (await alone.start(input, start)).result()).status).toBe("failed");
      expect(alone.health().breakers).toMatchObject([{ key: "model:m", state: "closed", failures: 3 }]);

      const pair = [acts("a", [overloaded], { provider: "one" }), acts("b", [overloaded], { provider: "one" })];
      const both = hurry(
        makeOffice({ engine: fresh({ clock }), model: defineRoute("r", { candidates: pair }) }),
        clock,
      );
      expect((await (await both.start(input, start)).result()).status).toBe("failed");
      // The second round finds it out: five of its six calls are made.
      expect(pair.map(({ asked }) => asked.length)).toEqual([3, 2]);
      expect(both.health().breakers).toMatchObject([{ key: "model:one", state: "open", failures: 5 }]);
    });

    test("a model that is not cleared is called by nobody, and the failure costs nothing", async () => {
      const model = acts("m", [look, ok], { cost: "paid", quote: () => ({ microUsd: 10, tokens: 100 }) });
      const budgets = { [tenant]: { microUsd: 100 } };
      const office = makeOffice({ engine: fresh(), model, budgets, labels: ["sensitive:health"] });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({
        status: "failed",
        error: { code: "model/not-cleared", data: { alias: "m", labels: "sensitive:health" } },
        cost: { microUsd: 10 },
      });
      expect(model.asked).toHaveLength(1);
      expect(settlementsOf(await run.entries()).map(({ amount }) => amount.microUsd)).toEqual([10, 0]);
      await replays(office, run);
    });

    test("one that gives a first sign in time may take its time; one that does not is replaced", async () => {
      const clock = fakeClock();
      const gate = makeGate();
      let signs = true;
      const slow: Model = {
        id: "slow",
        cost: "zero",
        firstSignMs: 1_000,
        timeoutMs: 60_000,
        generate: async (_, { onDelta }) => {
          if (signs) onDelta?.({ type: "text", text: "o" });
          await gate.pass();
          return done;
        },
      };
      const quick = acts("quick", [ok]);
      const model = defineRoute("r", { candidates: [slow, quick] });
      const office = makeOffice({ engine: fresh({ clock }), model });
      const patient = await office.start(input, start);
      await gate.reached;
      clock.advance(59_999);
      gate.open();
      expect((await patient.result()).status).toBe("completed");
      expect(bodies(await patient.entries(), "model.responded")).toMatchObject([{ model: "slow" }]);

      signs = false;
      const never = makeGate();
      Object.assign(gate, { pass: never.pass });
      const waiting = await office.start(input, start);
      await never.reached;
      clock.advance(1_000);
      expect((await waiting.result()).status).toBe("completed");
      expect(bodies(await waiting.entries(), "model.failed")).toMatchObject([
        { model: "slow", error: { code: "model/timeout", data: { timeoutMs: 1_000 } }, next: "quick" },
      ]);
      await replays(office, waiting);
      never.open();
    });

    test("a process that dies between two models knows afterwards whom it has tried, from a snapshot too", async () => {
      for (const snapshotEvery of [1, 1_000]) {
        const clock = fakeClock();
        const engine = fresh({ clock });
        if (!survives()) return;
        const gate = makeGate();
        const candidates = (second: Act) => {
          const [a, b, c] = [acts("a", [overloaded]), acts("b", [second]), acts("c", [ok])];
          return { a, b, c, model: defineRoute("r", { candidates: [a, b, c] }) };
        };
        const before = candidates(() => gate.pass().then(() => done));
        const office = makeOffice({ engine, model: before.model, snapshotEvery });
        const run = await office.start(input, start);
        await gate.reached;
        await engine.close();
        const after = candidates(overloaded);
        const later = again({ clock });
        if (snapshotEvery === 1) {
          const snapshot = await later.journal.loadSnapshot({ tenant, kind: "run", id: run.id });
          const state = snapshot?.state as { readonly invocations: readonly object[] } | undefined;
          expect(state?.invocations).toMatchObject([
            { tried: [{ model: "a", code: "model/overloaded" }], rounds: 0, tries: 1 },
          ]);
        }
        const next = makeOffice({ engine: later, model: after.model, snapshotEvery });
        await next.resume();
        const taken = await next.find(run.id, { tenant });
        expect((await taken.result()).status).toBe("completed");
        expect([after.a.asked.length, after.b.asked.length, after.c.asked.length]).toEqual([0, 1, 1]);
        expect(bodies(await taken.entries(), "model.responded")).toMatchObject([
          {
            model: "c",
            choice: {
              why: "fallback",
              passedOver: [
                { model: "a", code: "model/overloaded" },
                { model: "b", code: "model/overloaded" },
              ],
            },
          },
        ]);
        await replays(next, taken);
        gate.open();
      }
    });

    test("a run that is cancelled while a model has it asks no other one", async () => {
      const gate = makeGate();
      const first = acts("first", [() => gate.pass().then(() => done)]);
      const second = acts("second", [ok]);
      const office = makeOffice({ engine: fresh(), model: defineRoute("r", { candidates: [first, second] }) });
      const run = await office.start(input, start);
      await gate.reached;
      await run.cancel("enough");
      expect((await run.result()).status).toBe("cancelled");
      expect(second.asked).toEqual([]);
      gate.open();
    });
  });
}
