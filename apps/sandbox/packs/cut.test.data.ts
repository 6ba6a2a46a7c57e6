import {
  type Journal,
  localEngine,
  memoryJournal,
  OrchestrationError,
  runSupervisor,
  type SupervisorDefinition,
  silentLogger,
  systemClock,
} from "@remit/core";
import { checkOutcome, playScenario } from "@remit/core/testing";
import { chooseModel } from "../src/model/choice.ts";
import type { WorldPack } from "../src/pack.ts";
import { approveAll } from "../src/suite/approver.ts";
import { auditRun } from "../src/suite/audit.ts";
import type { InProcessWorld } from "../src/world/in-process.ts";
import type { WorldLogLine } from "../src/world/world.ts";

/** One scenario that was cut off at an append and taken up again. */
export interface Cut {
  /** Which append of its first process was refused, and all behind it. */
  readonly nth: number;
  /** What the first process ended with. */
  readonly ended: unknown;
  /** Whatever does not hold of it in the end. */
  readonly broken: readonly string[];
  readonly log: readonly WorldLogLine[];
}

interface Cutting {
  readonly pack: WorldPack;
  readonly world: InProcessWorld;
  readonly definition: SupervisorDefinition;
  /** Of the scenario. */
  readonly name: string;
}

/** Plays a scenario by the oracle once for each append that it makes: the first process fails at that one, a second goes on. */
export async function cutAtEachAppend({ pack, world, definition, name }: Cutting): Promise<readonly Cut[]> {
  const scenarios = pack.scenarios();
  const scenario = scenarios.find((one) => one.name === name);
  if (!scenario) throw new RangeError(name);
  const { conduct } = pack;
  const model = chooseModel("oracle", { scenarios, seed: 0, tools: [], conduct });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const cuts: Cut[] = [];
  for (let nth = 1; ; nth++) {
    const worldId = `cut-${nth}.${name}`;
    const journal = memoryJournal();
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
    const first = failingAt(journal, nth);
    const ended = await play(first.failing).catch((thrown: unknown) => thrown);
    const outcome = await play(failingAt(journal, Number.POSITIVE_INFINITY).failing);
    const [changes, log] = [world.store.changes(worldId), world.store.log(worldId)];
    const own = pack.score?.({ ...outcome, changes }, undefined, log);
    const checks = [...(await checkOutcome({ ...outcome, changes })), ...(own?.checks ?? [])];
    const broken = [
      ...checks.filter(({ ok }) => !ok).map((check) => `${check.name}: ${check.detail}`),
      ...auditRun(outcome.entries, definition, log),
      ...(own?.violations ?? []),
    ];
    // The last one made fewer appends than that, and was not cut off.
    if (!first.struck()) return [...cuts, { nth, ended: undefined, broken, log }];
    cuts.push({ nth, ended, broken, log });
  }
}

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
