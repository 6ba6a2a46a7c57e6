import {
  type Batch,
  costsOf,
  defineAgent,
  defineParallel,
  defineSupervisor,
  type Engine,
  type Journal,
  localEngine,
  type Model,
  OrchestrationError,
  openBatch,
  type ResponsePart,
  type Run,
  type SupervisorDefinition,
  settlementsOf,
  silentLogger,
  systemClock,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { bodies } from "./engine-approvals.ts";
import { call, makeGate, type Say } from "./engine-desk.ts";
import { type EngineKit, input, start, tenant } from "./engine-kit.ts";
import { makeOffice, openOffice, says } from "./engine-office.ts";

const price = { microUsd: 10, tokens: 100 };
const costs = { microUsd: 4, tokens: 30 };

/** A model that may cost 10 and costs 4, if it says so. */
function paid(
  script: Readonly<Record<string, readonly (readonly ResponsePart[] | Say)[]>>,
  more: Partial<Model> = {},
): Model {
  return {
    id: "paid",
    cost: "paid",
    quote: () => price,
    generate: async (request, { signal }) => {
      const turn = script[request.agent]?.[request.context.agentCall];
      if (!turn) throw new Error("no such turn");
      return {
        parts: typeof turn === "function" ? await turn(request, signal) : turn,
        cost: { microUsd: costs.microUsd, basis: "reported" },
        usage: { inputTokens: 20, outputTokens: 10 },
      };
    },
    ...more,
  };
}

const stream = { tenant, kind: "budget", id: "all" } as const;

/** R10: at no time is more taken than there is; returns what every run said at its end. */
async function readBudget(journal: Journal, bound: number): Promise<Map<string, number>> {
  const taken = new Map<string, number>();
  const spent = new Map<string, number>();
  const sum = (amounts: Iterable<number>) => [...amounts].reduce((all, one) => all + one, 0);
  for (const batch of await journal.read(stream)) {
    for (const entry of openBatch(batch, stream.id)) {
      if (entry.type === "slice.taken") {
        const { run, amount } = entry.body;
        expect(spent.has(run)).toBe(false);
        taken.set(run, (taken.get(run) ?? 0) + amount.microUsd);
      }
      if (entry.type === "slice.settled") {
        taken.delete(entry.body.run);
        spent.set(entry.body.run, entry.body.spent.microUsd);
      }
      expect(sum(taken.values()) + sum(spent.values())).toBeLessThanOrEqual(bound);
    }
  }
  expect([...taken]).toEqual([]);
  return spent;
}

async function settledOf(run: Run<unknown>): Promise<number> {
  return settlementsOf(await run.entries()).reduce((sum, { amount }) => sum + amount.microUsd, 0);
}

/** Money is set aside before it is spent (R10). */
export function budgetsContract({ fresh, again, survives, adopt, name, takesOver }: EngineKit): void {
  describe("R10 budgets", () => {
    test("a hundred runs at once on one budget, and the process dies: never overspent, nothing stays taken", async () => {
      const bound = 900;
      let calls = 0;
      const reached = Promise.withResolvers<void>();
      const look: Say = (_, signal) => {
        signal.throwIfAborted();
        if (++calls === 60) reached.resolve();
        return [call("look_up", "a")];
      };
      const options = {
        model: paid({ worker: [look, look, says("ok")] }),
        budgets: { [tenant]: { microUsd: bound, slice: { microUsd: 18 } } },
      };
      let engine = fresh();
      let office = makeOffice({ ...options, engine });
      const keys = Array.from({ length: 100 }, (_, index) => ({ ...start, idempotencyKey: `run-${index}` }));
      const starting = Promise.allSettled(keys.map((key) => office.start(input, key)));
      if (survives()) {
        await reached.promise;
        const closing = engine.close();
        await starting;
        await closing;
        engine = again();
        office = makeOffice({ ...options, engine });
        await office.resume();
      }
      await starting;
      const runs = await Promise.all(keys.map((key) => office.start(input, key)));
      const statuses = new Set<string>();
      for (const run of runs) statuses.add((await run.result()).status);
      expect([...statuses].sort()).toEqual(["completed", "failed"]);
      await engine.idle();
      const spent = await readBudget(engine.journal, bound);
      expect((await office.budget(tenant)).reserved).toEqual({ microUsd: 0, tokens: 0 });
      for (const run of runs) expect(spent.get(run.id) ?? 0).toBe(await settledOf(run));
    });

    test("what is left of a slice is promised to one of two calls that ask at once", async () => {
      const note = z.object({ text: z.string() });
      const agent = (agentName: string) =>
        defineAgent({
          name: agentName,
          description: "Works.",
          model: "m",
          tools: [],
          input: note,
          output: note,
          instructions: "Work.",
        });
      const [opener, left, right, closer] = ["opener", "left", "right", "closer"].map(agent);
      const pass = ({ text }: { text: string }) => ({ text });
      const definition = defineSupervisor({
        name: "fork",
        agents: { opener, left, right, closer },
        entry: "opener",
        exit: "closer",
        handoffs: [
          defineParallel({
            from: opener,
            branches: { l: { to: left, map: pass }, r: { to: right, map: pass } },
            join: { to: closer, map: () => ({ text: "both" }) },
          } as never),
        ],
      } as never) as unknown as SupervisorDefinition;
      const script = Object.fromEntries(["opener", "left", "right", "closer"].map((one) => [one, [says("ok")]]));
      const engine = fresh();
      // The opener takes 14 and uses 4: 10 are left, and each branch may need them.
      const budgets = { [tenant]: { microUsd: 24, slice: { microUsd: 14 } } };
      const all = openOffice(definition, { engine, model: paid(script), budgets });
      expect(await (await all.start(input, start)).result()).toMatchObject({
        status: "completed",
        cost: { microUsd: 16 },
      });
      await readBudget(engine.journal, 24);
      const short = { ...start, tenant: "short" };
      const dear = paid(script, {
        generate: async () => ({ parts: says("ok"), cost: { microUsd: 10, basis: "reported" } }),
      });
      const few = openOffice(definition, {
        engine,
        model: dear,
        budgets: { short: { microUsd: 29, slice: { microUsd: 20 } } },
      });
      const run = await few.start(input, short);
      expect(await run.result()).toMatchObject({ status: "failed", error: { code: "budget/exceeded" } });
      const view = await few.budget("short");
      expect(view.spent.microUsd).toBe(20);
      expect(view.reserved.microUsd).toBe(0);
      expect((await few.replay(run.id, { tenant: "short" })).fault).toBeUndefined();
    });

    test("a slice that was on its way when its process died and the run was cancelled is given back", async ({
      skip,
    }) => {
      const first = fresh();
      if (!survives()) return;
      skip(takesOver(), "the process that dies is a local engine, whose runs the cluster does not drive");
      const taken = makeGate();
      const journal: Journal = {
        ...first.journal,
        append: (key, batch: Batch, ...rest) => {
          const written = first.journal.append(key, batch, ...rest);
          if (key.kind !== "budget") return written;
          // It is in the stream, and nobody hears of it.
          return Promise.resolve(written).then(() => taken.pass());
        },
        close: async () => {},
      };
      const options = { model: paid({ worker: [says("ok")] }), budgets: { [tenant]: { microUsd: 100 } } };
      const dying: Engine = localEngine({ name, journal, clock: systemClock(), logger: silentLogger });
      adopt(dying);
      const run = await makeOffice({ ...options, engine: dying }).start(input, start);
      await taken.reached;
      await run.cancel("enough");
      await dying.close();
      const engine = again();
      const office = makeOffice({ ...options, engine });
      expect(await office.resume()).toBe(1);
      const ended = await office.find(run.id, { tenant });
      expect((await ended.result()).status).toBe("cancelled");
      expect(await readBudget(engine.journal, 100)).toEqual(new Map([[run.id, 0]]));
      taken.open();
    });

    test.each([
      ["run", { budget: { run: { microUsd: 13 } } }],
      ["agent", { budget: { agents: { worker: { microUsd: 13 } } } }],
      ["tenant", { budgets: { [tenant]: { microUsd: 13 } } }],
    ] as const)("of a %s ends the run before a call that it does not hold", async (scope, bounds) => {
      const model = paid({ worker: [[call("look_up", "a")], says("never")] });
      const office = makeOffice({ engine: fresh(), model, ...bounds });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({
        status: "failed",
        error: { code: "budget/exceeded", data: { scope } },
      });
      const entries = await run.entries();
      expect(bodies(entries, "budget.exceeded")).toMatchObject([{ scope }]);
      expect(bodies(entries, "model.responded")).toHaveLength(1);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("a model without a price is not called: where a budget is in force, nothing starts with it", () => {
      const { quote: _, ...unpriced } = paid({ worker: [says("never")] });
      const make = () => makeOffice({ engine: fresh(), model: unpriced, budgets: { [tenant]: { microUsd: 100 } } });
      expect(make).toThrow(/budget\/unpriced/);
    });

    test("a call that an open breaker kept from being made settles at nothing", async () => {
      const clock = fakeClock();
      const busy = () => Promise.reject(new OrchestrationError("model/overloaded", { model: "m", reason: "busy" }));
      const model = paid({}, { generate: busy });
      const budgets = { [tenant]: { microUsd: 100 } };
      const office = makeOffice({ engine: fresh({ clock }), model, budgets, breaker: { failuresMax: 1 } });
      office.on("step.retried", ({ body }) => clock.advance(body.dueAt - clock.now()));
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({ error: { code: "breaker/open" }, cost: { microUsd: 10 } });
      const entries = await run.entries();
      expect(settlementsOf(entries)).toMatchObject([
        { amount: price, basis: "reserved" },
        { amount: { microUsd: 0, tokens: 0 }, basis: "reported" },
      ]);
      // An outcome settles its call, and nothing is written beside it.
      expect(bodies(entries, "budget.settled")).toEqual([]);
    });

    test("failed, aborted and lost calls settle at what was set aside", async () => {
      const failing = paid(
        {},
        { generate: () => Promise.reject(new OrchestrationError("model/failed", { model: "m", reason: "no" })) },
      );
      const budgets = { [tenant]: { microUsd: 100 } };
      const engine = fresh();
      const run = await makeOffice({ engine, model: failing, budgets }).start(input, start);
      expect(await run.result()).toMatchObject({ status: "failed", cost: { microUsd: 10 } });
      expect(settlementsOf(await run.entries())).toMatchObject([{ amount: price, basis: "reserved" }]);
      expect(bodies(await run.entries(), "budget.settled")).toEqual([]);

      const gate = makeGate();
      const slow = paid({ worker: [() => gate.pass().then(() => says("late"))] });
      const aborted = await makeOffice({ engine, model: slow, budgets }).start(input, start);
      await gate.reached;
      await aborted.cancel("enough");
      expect(await aborted.result()).toMatchObject({ status: "cancelled", cost: { microUsd: 10 } });
      expect(bodies(await aborted.entries(), "budget.settled")).toMatchObject([{ amount: price, basis: "reserved" }]);
      gate.open();

      if (!survives()) return;
      const other = makeGate();
      const lostModel = paid({ worker: [() => other.pass().then(() => says("late")), says("ok")] });
      const lost = await makeOffice({ engine, model: lostModel, budgets }).start(input, start);
      await other.reached;
      await engine.close();
      const next = makeOffice({ engine: again(), model: paid({ worker: [says("ok")] }), budgets });
      await next.resume();
      const taken = await next.find(lost.id, { tenant });
      expect(await taken.result()).toMatchObject({ status: "completed", cost: { microUsd: 14 } });
      const entries = await taken.entries();
      expect(settlementsOf(entries)).toMatchObject([{ basis: "reserved" }, { basis: "reported" }]);
      expect(bodies(entries, "budget.settled")).toMatchObject([{ amount: price, basis: "reserved" }]);
      // Two calls were made, and both count, whoever asks.
      expect(costsOf(taken.id, entries).total).toMatchObject({ calls: 2, microUsd: 14 });
      expect((await next.budget(tenant)).spent.microUsd).toBe(34);
      other.open();
    });
  });
}
