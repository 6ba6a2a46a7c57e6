import { mkdirSync } from "node:fs";
import {
  type Engine,
  type Logger,
  type Model,
  type Route,
  type Run,
  runSupervisor,
  type Supervisor,
} from "@remit/core";
import { isReply, type PlayOptions, playScenario, type Scenario, type ScenarioOutcome } from "@remit/core/testing";
import { chooseModel } from "../model/choice.ts";
import { liveModels } from "../model/live.ts";
import { scenarioAttribute } from "../model/oracle.ts";
import type { Pack, Place } from "../pack.ts";
import { type ApproverName, approveAll } from "./approver.ts";
import { catalogOf } from "./catalog.ts";
import { passTimeFor } from "./later.ts";
import { openPlace } from "./place.ts";
import type { SuiteFile, Workspace } from "./workspace.ts";

export interface StageOptions {
  readonly suite: Omit<SuiteFile, "catalog">;
  readonly pack: Pack;
  readonly workspace: Workspace;
  readonly engine: Engine;
  readonly logger?: Logger;
  /** Who decides while this stage is open; as the suite says when absent. */
  readonly approver?: ApproverName;
  /** Puts something between the team and its scripted model, such as a vendor's protocol. */
  readonly through?: (scripted: Model) => Model;
}

/** A suite ready to be played: its world's server is running, its supervisor is at the engine, its people are there. */
export interface Stage {
  readonly supervisor: Supervisor;
  readonly tools: number;
  readonly reader: Place["reader"];
  /** Faults that a noisy model made so far, by kind. */
  readonly noise: Readonly<Record<string, number>>;
  /**
   * Plays a scenario to its end, or to where it waits; takes up the run that it has already.
   * @throws SandboxError `model/key-refused`, `model/not-offered` when no call of a model can succeed: the run is left
   *   where it is
   */
  readonly play: (
    scenario: Scenario,
    options?: Pick<PlayOptions, "onRun" | "run" | "unattended">,
  ) => Promise<ScenarioOutcome>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** The world of one scenario's run. */
export function worldOf(suite: Pick<SuiteFile, "id">, scenario: string): string {
  return `${suite.id}.${scenario}`;
}

/** Opens a suite: starts its servers, and notes what its tools are. */
export async function openStage({
  suite,
  pack,
  workspace,
  engine,
  logger,
  approver,
  through,
}: StageOptions): Promise<Stage> {
  const dir = workspace.worldDir(suite.id);
  mkdirSync(dir, { recursive: true });
  const place = await openPlace(pack, { dir, ...(logger ? { logger } : {}) });
  try {
    const { tools, reader } = place;
    workspace.saveSuite({ ...suite, catalog: catalogOf(tools) });
    const noise: Record<string, number> = {};
    const definition = pack.team(tools);
    const { live } = suite.model;
    const refused = Promise.withResolvers<never>();
    refused.promise.catch(() => undefined); // Whoever plays is told; nobody need play.
    const scripted = () => {
      const model = chooseModel(suite.model.name, {
        scenarios: pack.scenarios(),
        seed: suite.model.seed,
        tools: [...tools.keys()],
        onNoise: (kind) => {
          noise[kind] = (noise[kind] ?? 0) + 1;
        },
      });
      const told = through ? through(model) : model;
      return Object.fromEntries(definition.aliases.map((alias) => [alias, told]));
    };
    const models: Readonly<Record<string, Model | Route>> = live
      ? await liveModels(live, definition.aliases, { env: process.env, onRefused: refused.reject })
      : scripted();
    const limit = live?.spendLimitMicroUsd;
    const budgets = limit === undefined ? {} : { [suite.id]: { microUsd: limit } };
    const supervisor = runSupervisor(definition, {
      engine,
      models,
      budgets,
      // Suites of other versions lie in the same folder, each with its own tenant.
      waitingRuns: "leave",
      ...(logger ? { logger } : {}),
    });
    const attended = (approver ?? suite.approver ?? "auto") === "auto";
    const passTime = (until: number, run: Run) => passTimeFor(run, until, { engine, definition, models, budgets });
    const play: Stage["play"] = async (scenario, options) => {
      place.prepare?.(worldOf(suite, scenario.name), scenario.name);
      // Where nobody approves, the people of a scenario do not either; its customers answer as ever.
      const external = attended ? scenario.external : scenario.external.filter(isReply);
      const playing = playScenario(
        { ...scenario, external },
        {
          supervisor,
          tenant: suite.id,
          idempotencyKey: `${suite.id}:${scenario.name}`,
          attributes: { worldId: worldOf(suite, scenario.name), [scenarioAttribute]: scenario.name },
          ...(attended ? { approver: approveAll, passTime } : { unattended: "leave" as const }),
          ...(pack.otherwise ? { otherwise: pack.otherwise } : {}),
          ...options,
        },
      );
      const outcome = await Promise.race([playing, refused.promise]);
      return { ...outcome, scenario, changes: reader.changes(worldOf(suite, scenario.name)) };
    };
    return {
      supervisor,
      tools: tools.size,
      reader,
      noise,
      play,
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await place[Symbol.asyncDispose]();
    throw thrown;
  }
}
