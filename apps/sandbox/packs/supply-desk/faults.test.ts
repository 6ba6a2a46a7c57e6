import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AnyTool,
  type Clock,
  completenessOf,
  type Journal,
  localEngine,
  memoryEngine,
  memoryJournal,
  runSupervisor,
  silentLogger,
  systemClock,
  verifyChain,
} from "@remit/core";
import { checkOutcome, playScenario, type Scenario } from "@remit/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { passTimeFor } from "../../src/suite/later.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { flaky } from "../desk.test.data.ts";
import { supplyDeskPack } from "./pack.ts";

/** The desk while its systems and its own process fail: one order for a decision, whatever was lost on the way. */

const pack = supplyDeskPack();
const scenarios = pack.scenarios();
const model = chooseModel("oracle", { scenarios, seed: 0, tools: [] });

let dir = "";
let world: InProcessWorld;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "supply-faults-"));
  world = inProcessTools(pack, dir);
});
afterEach(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

function teamOver(tools: ReadonlyMap<string, AnyTool>) {
  const definition = pack.team(tools);
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  return { definition, models };
}

/** Whatever does not hold of a scenario that was played in this world. */
async function brokenIn(
  scenario: Scenario,
  outcome: Awaited<ReturnType<typeof playScenario>>,
  worldId: string,
  definition: ReturnType<typeof teamOver>["definition"],
): Promise<readonly string[]> {
  const [changes, log] = [world.store.changes(worldId), world.store.log(worldId)];
  const own = pack.score?.({ ...outcome, changes }, undefined, log);
  const checks = [...(await checkOutcome({ ...outcome, changes })), ...(own?.checks ?? [])];
  return [
    ...checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${scenario.name}: ${name}: ${detail}`),
    ...auditRun(outcome.entries, definition, log),
    ...(own?.violations ?? []),
  ];
}

test.each(["before", "after"] as const)(
  "every first try fails %s it is done: each order is placed once all the same",
  { timeout: 120_000 },
  async (when) => {
    // What did not reach its system shows itself at once: nobody waits here until it never will.
    const { definition, models } = teamOver(flaky(world.tools, when, { settlesWithinMs: 1 }));
    const broken: string[] = [];
    const outcomes = new Set<string>();
    // A share of all kinds: the oracle's own suite plays them all.
    for (const scenario of scenarios.filter((_, index) => index % 6 === 0)) {
      // A desk for each: one that sees the same tool fail over and over calls it no more.
      const engine = memoryEngine();
      const supervisor = runSupervisor(definition, { engine, models });
      const worldId = `${when}.${scenario.name}`;
      const outcome = await playScenario(scenario, {
        supervisor,
        tenant: "test",
        attributes: { ...pack.attributes?.(scenario), worldId, scenario: scenario.name },
        approver: approveAll,
        passTime: (until, run) => passTimeFor(run, until, { engine, definition, models }),
      });
      broken.push(...(await brokenIn(scenario, outcome, worldId, definition)));
      for (const line of world.store.log(worldId)) if (line.effect === "write") outcomes.add(line.outcome);
      await engine.close();
    }
    expect(broken).toEqual([]);
    // A write whose answer was lost came again under its key, and was not made again.
    expect([outcomes.has("done"), outcomes.has("duplicate")]).toEqual([true, when === "after"]);
  },
);

/** A journal whose process dies at its n-th append: before it is written, or after it. */
function mortal(journal: Journal, nth: number, written: boolean) {
  let count = 0;
  const died = Promise.withResolvers<"died">();
  const appended: Journal = {
    ...journal,
    append: async (...args) => {
      if (++count < nth) return journal.append(...args);
      if (count === nth && written) await journal.append(...args);
      died.resolve("died");
      return new Promise<never>(() => {});
    },
    close: async () => {},
  };
  return { journal: appended, died: died.promise };
}

/** An hour on: whatever a process that died had under way has settled by then. */
function later(): Clock {
  const clock = systemClock();
  const aheadMs = 3_600_000;
  return { ...clock, now: () => clock.now() + aheadMs, at: (dueAt, callback) => clock.at(dueAt - aheadMs, callback) };
}

test.each([
  ["a-buyer-approves", "before"],
  ["too-late", "after"],
] as const)(
  "UC5-L4 X7 %s: a process that dies at any append, %s it is written, leaves one order and a whole record",
  { timeout: 120_000 },
  async (name, when) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (!scenario) throw new RangeError(name);
    const { definition, models } = teamOver(world.tools);
    let nth = 0;
    let lookedUp = 0;
    for (let died = true; died; ) {
      nth += 1;
      const worldId = `cut-${when}-${nth}.${name}`;
      const journal = memoryJournal();
      const start = {
        tenant: "test",
        idempotencyKey: name,
        attributes: { ...pack.attributes?.(scenario), worldId, scenario: name },
        approver: approveAll,
      };
      const deskOn = (own: Journal, clock: Clock) => {
        const engine = localEngine({ name: "faults", journal: own, clock, logger: silentLogger });
        return { engine, supervisor: runSupervisor(definition, { engine, models }) };
      };
      const first = mortal(journal, nth, when === "after");
      const playing = playScenario(scenario, { ...start, supervisor: deskOn(first.journal, systemClock()).supervisor });
      died = (await Promise.race([first.died, playing])) === "died";
      const { engine, supervisor } = deskOn({ ...journal, close: async () => {} }, later());
      await supervisor.resume({ tenant: "test" });
      const outcome = await playScenario(scenario, { ...start, supervisor });
      expect([nth, await brokenIn(scenario, outcome, worldId, definition)]).toEqual([nth, []]);
      // Not the system's refusal keeps the order single: nobody asked it for a second one.
      const creates = world.store.log(worldId).filter(({ tool }) => tool.startsWith("create_"));
      const refused = creates.filter(({ message }) => message?.includes("has its order"));
      expect([nth, refused]).toEqual([nth, []]);
      expect(creates.filter(({ outcome: came }) => came === "done")).toHaveLength(1);
      lookedUp += outcome.entries.filter(({ type }) => type === "effect.looked-up").length;
      expect(completenessOf(outcome.entries, definition).missing).toEqual([]);
      const batches = await journal.read({ tenant: "test", kind: "run", id: outcome.run.id });
      expect(() => verifyChain(batches)).not.toThrow();
      await engine.close();
    }
    expect(nth).toBeGreaterThan(10);
    // Where a process died between an order and its answer, the order was looked up.
    expect(lookedUp).toBeGreaterThan(0);
  },
);
