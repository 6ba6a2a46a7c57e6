import {
  type Engine,
  type IdSource,
  type Logger,
  type Model,
  type Route,
  type Run,
  runSupervisor,
  type SealOptions,
  type Supervisor,
  type TextDetector,
} from "@remit/core";
import { isReply, type PlayOptions, playScenario, type Scenario, type ScenarioOutcome } from "@remit/core/testing";
import { makeFolder } from "../folder.ts";
import { chooseModel } from "../model/choice.ts";
import { scenarioAttribute } from "../model/oracle.ts";
import type { Pack, Place } from "../pack.ts";
import type { WorldLogLine } from "../world/world.ts";
import { type ApproverName, approveAll } from "./approver.ts";
import { catalogOf } from "./catalog.ts";
import { passTimeFor } from "./later.ts";
import { peopleOf } from "./people.ts";
import { openPlace } from "./place.ts";
import { openTape, type Tape } from "./recording.ts";
import { sandboxSealing } from "./sealing.ts";
import type { SuiteFile, Workspace } from "./workspace.ts";
import { worldOf } from "./world-of.ts";

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
  /** Where ids and salts come from; the operating system's randomness when absent. */
  readonly ids?: IdSource;
  /** What of the exchanges is not written as it is, of a suite that is recorded; a replay needs the same. */
  readonly redact?: (text: string, pointer: string) => string;
  readonly detectors?: readonly TextDetector[];
  /** What is sealed before it is journaled; as the suite says when absent. */
  readonly sealing?: SealOptions;
}

/** A suite ready to be played: its world's server is running, its supervisor is at the engine, its people are there. */
export interface Stage {
  readonly supervisor: Supervisor;
  readonly tools: number;
  readonly reader: Place["reader"];
  /** Faults that a noisy model made so far, by kind. */
  readonly noise: Readonly<Record<string, number>>;
  /** Of a suite that is recorded, or played from a recording. */
  readonly tape: Tape | undefined;
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

/** Opens a suite: starts its servers, and notes what its tools are. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { suite, pack, workspace, engine, logger, approver, through, ids } = options;
  const sealing = options.sealing ?? (suite.sealed ? sandboxSealing(workspace.dir, pack) : {});
  const dir = workspace.worldDir(suite.id);
  makeFolder(dir);
  const place = await openPlace(pack, { dir, ...(logger ? { logger } : {}) });
  try {
    const { tools, reader } = place;
    workspace.saveSuite({ ...suite, catalog: catalogOf(tools) });
    const noise: Record<string, number> = {};
    const definition = pack.team(tools);
    const { live } = suite.model;
    const tape = await tapeOf(options);
    const refused = Promise.withResolvers<never>();
    refused.promise.catch(() => undefined); // Whoever plays is told; nobody need play.
    const scripted = async () => {
      const model = chooseModel(suite.model.name, {
        scenarios: pack.scenarios(),
        seed: suite.model.seed,
        tools: [...tools.keys()],
        conduct: pack.conduct,
        workflow: pack.workflow,
        onNoise: (kind) => {
          noise[kind] = (noise[kind] ?? 0) + 1;
        },
      });
      const made = () => (through ? through(model) : model);
      const told = tape ? await tape.model(model.id, made) : made();
      return Object.fromEntries(definition.aliases.map((alias) => [alias, told]));
    };
    const models: Readonly<Record<string, Model | Route>> = live
      ? await (await import("../model/live.ts")).liveModels(live, definition.aliases, {
          env: process.env,
          onRefused: refused.reject,
          ...(tape ? { place: tape.model } : {}),
        })
      : await scripted();
    tape?.begin();
    const limit = live?.spendLimitMicroUsd;
    const budgets = limit === undefined ? {} : { [suite.id]: { microUsd: limit } };
    const supervisor = runSupervisor(definition, {
      engine,
      models,
      budgets,
      // Suites of other versions lie in the same folder, each with its own tenant.
      waitingRuns: "leave",
      ...sealing,
      ...(ids ? { ids } : {}),
      ...(logger ? { logger } : {}),
    });
    const attended = (approver ?? suite.approver ?? "auto") === "auto";
    const passTime = (until: number, run: Run) =>
      passTimeFor(run, until, { engine, definition, models, budgets, ids, sealing });
    const play: Stage["play"] = async (scenario, options) => {
      // Where nobody approves, the people of a scenario do not either; its customers answer as ever.
      const external = attended ? scenario.external : scenario.external.filter(isReply);
      const worldId = worldOf(suite, scenario.name);
      const otherwise = peopleOf(pack, { scenario, worldId, store: place.store });
      const playing = playScenario(
        { ...scenario, external },
        {
          supervisor,
          tenant: suite.id,
          idempotencyKey: `${suite.id}:${scenario.name}`,
          attributes: {
            ...pack.attributes?.(scenario),
            worldId,
            [scenarioAttribute]: scenario.name,
          },
          ...(attended ? { approver: approveAll, passTime } : { unattended: "leave" as const }),
          ...(otherwise ? { otherwise } : {}),
          ...options,
        },
      );
      const outcome = await Promise.race([playing, refused.promise]);
      const said = [...outcome.said, ...toldIn(pack, reader.log?.(worldId) ?? [])];
      return { ...outcome, scenario, said, changes: await reader.changes(worldId) };
    };
    return {
      supervisor,
      tools: tools.size,
      reader,
      noise,
      tape,
      play,
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await place[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** What tools have told the customer, by the world's own log. */
function toldIn({ tells }: Pack, log: readonly WorldLogLine[]): readonly string[] {
  return tells ? log.flatMap((line) => (line.outcome === "done" ? (tells(line) ?? []) : [])) : [];
}

async function tapeOf({ suite, pack, redact, detectors }: StageOptions): Promise<Tape | undefined> {
  const { name, seed, live, recording } = suite.model;
  if (!recording) return undefined;
  const { choiceToShare, keysOf } = await import("../model/live.ts");
  return openTape({
    ...recording,
    seed,
    about: {
      pack: pack.name,
      model: { name, ...(live ? { live: choiceToShare(live) } : {}) },
      ...(suite.approver === undefined ? {} : { approver: suite.approver }),
    },
    secrets: live ? keysOf(live, process.env).filter(({ length }) => length >= secretChars) : [],
    ...(redact ? { redact } : {}),
    ...(detectors ? { detectors } : {}),
  });
}

/** A key that is shorter is no secret, and would be found in every other word. */
const secretChars = 8;
