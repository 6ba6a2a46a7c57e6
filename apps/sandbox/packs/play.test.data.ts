import {
  type Entry,
  type Model,
  memoryEngine,
  runSupervisor,
  type SealOptions,
  type SupervisorDefinition,
} from "@remit/core";
import {
  type Check,
  checkOutcome,
  checkUsed,
  playScenario,
  type Scenario,
  type ScenarioOutcome,
} from "@remit/core/testing";
import { chooseModel, type ModelName } from "../src/model/choice.ts";
import type { Marks, WorldPack } from "../src/pack.ts";
import { approveAll } from "../src/suite/approver.ts";
import { auditRun } from "../src/suite/audit.ts";
import { passTimeFor } from "../src/suite/later.ts";
import { openedEntries } from "../src/suite/opened.ts";
import { peopleOf } from "../src/suite/people.ts";
import type { InProcessWorld } from "../src/world/in-process.ts";
import type { WorldLogLine } from "../src/world/world.ts";

export interface Played {
  readonly outcome: ScenarioOutcome;
  readonly entries: readonly Entry[];
  readonly log: readonly WorldLogLine[];
  readonly checks: readonly Check[];
  readonly marks: Marks;
  readonly changes: readonly unknown[];
  readonly violations: readonly string[];
  readonly replayed: boolean;
}

export interface Playing {
  readonly pack: WorldPack;
  readonly world: InProcessWorld;
  readonly definition: SupervisorDefinition;
  readonly name: ModelName;
  readonly seed: number;
  readonly chosen: readonly Scenario[];
  /** Puts something between the team and its scripted model. */
  readonly through?: (scripted: Model) => Model;
  readonly sealing?: SealOptions;
  /** Seeds up to this one are replayed; of all it would take longer than everything else. The first when absent. */
  readonly replayedSeeds?: number;
  /** Who decides where a scenario says nothing; everything is approved when absent. */
  readonly approver?: "none";
}

/** Plays scenarios one after the other on an engine of their own, each in a world of its own. */
export async function playAll(playing: Playing): Promise<Played[]> {
  const { pack, world, definition, name, seed, chosen, through, sealing = {}, approver, replayedSeeds = 1 } = playing;
  const { conduct, workflow } = pack;
  const scripted = chooseModel(name, {
    scenarios: pack.scenarios(),
    seed,
    tools: [...world.tools.keys()],
    conduct,
    workflow,
  });
  const model = through ? through(scripted) : scripted;
  const engine = memoryEngine();
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(definition, { engine, models, ...sealing });
  const played: Played[] = [];
  try {
    for (const scenario of chosen) {
      const worldId = `${sealing.vault ? "sealed-" : ""}${name}-${seed}.${scenario.name}`;
      const otherwise = peopleOf(pack, { scenario, worldId, store: world.store });
      const result = await playScenario(scenario, {
        supervisor,
        tenant: "test",
        attributes: { ...pack.attributes?.(scenario), worldId, scenario: scenario.name },
        ...(approver === "none" ? {} : { approver: approveAll }),
        ...(otherwise ? { otherwise } : {}),
        passTime: (until, run) => passTimeFor(run, until, { engine, definition, models, sealing }),
      });
      const changes = world.store.changes(worldId);
      const log = world.store.log(worldId);
      const outcome = { ...result, changes };
      const disclosed = sealing.vault ? await supervisor.disclosures(result.run.id, { tenant: "test" }) : [];
      const opened = openedEntries(outcome.entries, log, disclosed);
      const own = pack.score?.({ ...outcome, entries: opened }, world.store.endState(worldId), log);
      played.push({
        outcome,
        log,
        entries: outcome.entries,
        checks: [
          ...(await checkOutcome(outcome)),
          ...(name === "oracle" ? checkUsed(outcome) : []),
          ...(own?.checks ?? []),
        ],
        marks: own?.marks ?? {},
        changes,
        violations: [...auditRun(opened, definition, log), ...(own?.violations ?? [])],
        replayed: seed > replayedSeeds || (await supervisor.replay(outcome.run.id, { tenant: "test" })).ok,
      });
    }
  } finally {
    await engine.close();
  }
  return played;
}
