import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Journal,
  localEngine,
  memoryJournal,
  OrchestrationError,
  runSupervisor,
  silentLogger,
  systemClock,
} from "@remit/core";
import { checkOutcome, playScenario } from "@remit/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { flaky } from "../desk.test.data.ts";
import { playAll } from "../play.test.data.ts";
import { codeDeskPack } from "./pack.ts";

/** The desk while its systems and its own process fail: what the forge becomes is the same, and everything is said once. */

const pack = codeDeskPack();
const scenarios = pack.scenarios();

let dir = "";
let world: InProcessWorld;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "code-faults-"));
  world = inProcessTools(pack, dir);
});
afterEach(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

test.each(["before", "after"] as const)(
  "every first try fails %s it is done: each comment, push and merge is done once all the same",
  { timeout: 120_000 },
  async (when) => {
    const definition = pack.team(flaky(world.tools, when));
    // A share of all kinds: the oracle's own suite plays them all.
    const chosen = scenarios.filter((_, index) => index % 5 === 0);
    const played = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen });
    expect(played.flatMap(({ checks }) => checks.filter(({ ok }) => !ok))).toEqual([]);
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    const outcomes = new Set(
      played.flatMap(({ log }) => log.flatMap((one) => (one.effect === "write" ? [one.outcome] : []))),
    );
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

test.each(["two-defects", "tests-are-pushed", "a-merge", "a-release-is-published"])(
  "%s ends the same whichever append is the last of its first process",
  { timeout: 120_000 },
  async (name) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (!scenario) throw new RangeError(name);
    const definition = pack.team(world.tools);
    const model = chooseModel("oracle", { scenarios, seed: 0, tools: [] });
    const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
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
      const [changes, log] = [world.store.changes(worldId), world.store.log(worldId)];
      const own = pack.score?.({ ...outcome, changes }, undefined, log);
      const checks = [...(await checkOutcome({ ...outcome, changes })), ...(own?.checks ?? [])];
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect([...auditRun(outcome.entries, definition, log), ...(own?.violations ?? [])]).toEqual([]);
    }
    expect(nth).toBeGreaterThan(10);
  },
);
