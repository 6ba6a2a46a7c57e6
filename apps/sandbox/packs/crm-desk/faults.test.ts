import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AnyTool,
  type Journal,
  localEngine,
  memoryEngine,
  memoryJournal,
  OrchestrationError,
  runSupervisor,
  silentLogger,
  systemClock,
} from "@remit/core";
import { checkOutcome, playScenario, type Scenario } from "@remit/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { passTimeFor } from "../../src/suite/later.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { flaky } from "../desk.test.data.ts";
import { crmDeskPack } from "./pack.ts";

/** The desk while its services and its own process fail: what the CRM becomes is the same. */

const pack = crmDeskPack();
const scenarios = pack.scenarios();
const model = chooseModel("oracle", { scenarios, seed: 0, tools: [], conduct: pack.conduct });

let dir = "";
let world: InProcessWorld;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crm-faults-"));
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
  "every first try fails %s it is done: each write is made once all the same",
  { timeout: 120_000 },
  async (when) => {
    const { definition, models } = teamOver(flaky(world.tools, when));
    const engine = memoryEngine();
    const supervisor = runSupervisor(definition, { engine, models });
    const broken: string[] = [];
    const outcomes = new Set<string>();
    // A share of all kinds: the oracle's own suite plays them all.
    for (const scenario of scenarios.filter((_, index) => index % 6 === 0)) {
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
    }
    await engine.close();
    expect(broken).toEqual([]);
    // A write whose answer was lost came again under its key, and was not made again.
    expect([outcomes.has("done"), outcomes.has("duplicate")]).toEqual([true, when === "after"]);
  },
);

/** A journal that refuses its n-th append and all that come after it. */
function failingAt(journal: Journal, nth: number) {
  let count = 0;
  const failing: Journal = {
    ...journal,
    append: async (...args) => {
      if (++count >= nth) throw new OrchestrationError("journal/unavailable", { reason: "a test" });
      return journal.append(...args);
    },
    close: async () => {},
  };
  return { failing, struck: () => count >= nth };
}

test.each(["a-visit", "the-owner-says-no", "three-records-of-one-company"])(
  "UC2-L3 %s ends the same whichever append is the last of its first process",
  { timeout: 120_000 },
  async (name) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (!scenario) throw new RangeError(name);
    const { definition, models } = teamOver(world.tools);
    let nth = 0;
    for (let struck = true; struck; ) {
      nth += 1;
      const worldId = `cut-${nth}.${name}`;
      const journal = memoryJournal();
      const first = failingAt(journal, nth);
      const play = async (own: Journal) => {
        const engine = localEngine({ name: "faults", journal: own, clock: systemClock(), logger: silentLogger });
        try {
          const supervisor = runSupervisor(definition, { engine, models });
          await supervisor.resume({ tenant: "test" });
          return await playScenario(scenario, {
            supervisor,
            tenant: "test",
            idempotencyKey: name,
            attributes: { ...pack.attributes?.(scenario), worldId, scenario: name },
            approver: approveAll,
          });
        } finally {
          await engine.close();
        }
      };
      const cut = await play(first.failing).catch((thrown: unknown) => thrown);
      struck = first.struck();
      if (struck) expect(cut).toMatchObject({ code: "journal/unavailable" });
      const outcome = await play(failingAt(journal, Number.POSITIVE_INFINITY).failing);
      expect([nth, await brokenIn(scenario, outcome, worldId, definition)]).toEqual([nth, []]);
      const done = world.store.log(worldId).filter((line) => line.effect === "write" && line.outcome === "done");
      expect(done.map(({ tool }) => tool)).toEqual(scenario.expect.writes);
      // A draft is on record once, whenever the process ended.
      const drafts = done.filter(({ tool }) => tool === "save_draft").length;
      expect(done.filter(({ tool }) => tool === "log_activity")).toHaveLength(drafts);
    }
    expect(nth).toBeGreaterThan(10);
  },
);
