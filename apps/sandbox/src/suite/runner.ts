import { mkdirSync } from "node:fs";
import { type AnyTool, type Engine, type Entry, type Logger, runSupervisor, type Supervisor } from "@remit/core";
import { checkOutcome, pathIn, playScenario, type Scenario, type ScenarioOutcome } from "@remit/core/testing";
import { connectMcp, stdio } from "@remit/mcp-bridge";
import { chooseModel } from "../model/choice.ts";
import { scenarioAttribute } from "../model/oracle.ts";
import type { Pack } from "../pack.ts";
import { worldServerCommand } from "../world/launch.ts";
import { openWorldReader } from "../world/store.ts";
import { catalogOf } from "./catalog.ts";
import { auditRun, countsOf, reasonText, type ScenarioReport, type SuiteReport, summarise } from "./report.ts";
import type { SuiteFile, Workspace } from "./workspace.ts";

/** What somebody who looks on is told, in order. */
export type SuiteEvent =
  | { readonly type: "connected"; readonly tools: number; readonly supervisor: Supervisor }
  | { readonly type: "started"; readonly scenario: Scenario; readonly runId: string }
  | { readonly type: "entry"; readonly scenario: Scenario; readonly entry: Entry }
  | { readonly type: "ended"; readonly report: ScenarioReport; readonly done: number; readonly total: number };

export interface SuiteOptions {
  readonly suite: Omit<SuiteFile, "catalog">;
  readonly pack: Pack;
  readonly workspace: Workspace;
  readonly engine: Engine;
  readonly logger?: Logger;
  /** Scenarios at the same time; 8 when absent. */
  readonly concurrency?: number;
  /** Scenarios whose entries are told one by one, as they become durable. */
  readonly watch?: ReadonlySet<string>;
  /** A promise from it holds up the telling of that scenario's next entry, never the run itself. */
  readonly onEvent?: (event: SuiteEvent) => void | Promise<void>;
  /** Stops taking up scenarios; those under way come to their end. */
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

/**
 * Plays a suite, or goes on with one that was cut off: runs are started under keys made of suite and scenario, so what
 * has ended is only looked at again, and what has not goes on from its journal.
 */
export async function runSuite(options: SuiteOptions): Promise<SuiteReport> {
  const { suite, pack, workspace, engine, onEvent, watch, signal } = options;
  const now = options.now ?? (() => performance.now());
  const begun = now();
  const dir = workspace.worldDir(suite.id);
  mkdirSync(dir, { recursive: true });
  const { command, args } = worldServerCommand({ ...pack.server, dir });
  await using connection = await connectMcp({
    name: pack.name,
    transport: stdio(command, args),
    tools: pack.tools,
    ...(options.logger ? { logger: options.logger } : {}),
  });
  const tools = new Map(Object.entries(connection.tools as Readonly<Record<string, AnyTool>>));
  workspace.saveSuite({ ...suite, catalog: catalogOf(tools) });

  const wanted = new Set(suite.scenarios);
  const scenarios = pack.scenarios().filter(({ name }) => wanted.has(name));
  const noise: Record<string, number> = {};
  const model = chooseModel(suite.model.name, {
    scenarios,
    seed: suite.model.seed,
    tools: [...tools.keys()],
    onNoise: (kind) => {
      noise[kind] = (noise[kind] ?? 0) + 1;
    },
  });
  const definition = pack.team(tools);
  const supervisor = runSupervisor(definition, {
    engine,
    models: Object.fromEntries(definition.aliases.map((alias) => [alias, model])),
    ...(options.logger ? { logger: options.logger } : {}),
  });
  onEvent?.({ type: "connected", tools: tools.size, supervisor });
  // Runs that another process left in the middle; parked ones go on when their people answer.
  await supervisor.resume({ tenant: suite.id });

  const world = pack.openWorld();
  const reader = openWorldReader({ world, dir });
  const reports: ScenarioReport[] = [];
  /** Time that somebody took to look on after a run had ended; it is no part of how long things took. */
  let lookedMs = 0;

  const play = async (scenario: Scenario): Promise<void> => {
    const started = now();
    const worldId = `${suite.id}.${scenario.name}`;
    const looking: Promise<void>[] = [];
    const outcome = await playScenario(scenario, {
      supervisor,
      tenant: suite.id,
      idempotencyKey: `${suite.id}:${scenario.name}`,
      attributes: { worldId, [scenarioAttribute]: scenario.name },
      onRun: (run) => {
        onEvent?.({ type: "started", scenario, runId: run.id });
        if (watch?.has(scenario.name)) {
          looking.push(
            (async () => {
              for await (const entry of run.events()) await onEvent?.({ type: "entry", scenario, entry });
            })(),
          );
        }
      },
      ...(pack.otherwise ? { otherwise: pack.otherwise } : {}),
    }).catch(async (thrown: unknown) => {
      // Whoever looks on fails with the run; the run's own error is the one to tell.
      await Promise.allSettled(looking);
      throw thrown;
    });
    const played = now();
    await Promise.all(looking);
    const lookingMs = now() - played;
    lookedMs += lookingMs;
    const whole: ScenarioOutcome = { ...outcome, changes: reader.changes(worldId) };
    const own = pack.score?.(whole, reader.endState(worldId));
    const checks = [...(await checkOutcome(whole)), ...(own?.checks ?? [])];
    const violations = auditRun(outcome.entries, definition, reader.log(worldId));
    const report: ScenarioReport = {
      name: scenario.name,
      title: scenario.title,
      tags: scenario.tags,
      source: scenario.source,
      runId: outcome.run.id,
      status: outcome.result.status,
      reason: reasonText(outcome),
      path: pathIn(outcome.entries),
      ok: checks.every(({ ok }) => ok) && violations.length === 0,
      checks,
      marks: own?.marks ?? {},
      durationMs: now() - started - lookingMs,
      counts: countsOf(outcome.entries),
      violations,
    };
    reports.push(report);
    onEvent?.({ type: "ended", report, done: reports.length, total: scenarios.length });
  };

  const queue = [...scenarios];
  // What is watched comes first and alone, so that its story can be followed.
  const first = queue.filter(({ name }) => watch?.has(name));
  for (const scenario of first) if (!signal?.aborted) await play(scenario);
  const rest = queue.filter(({ name }) => !watch?.has(name));
  const worker = async () => {
    for (let scenario = rest.shift(); scenario && !signal?.aborted; scenario = rest.shift()) await play(scenario);
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 8 }, worker));

  const order = new Map(scenarios.map(({ name }, index) => [name, index]));
  reports.sort((left, right) => (order.get(left.name) ?? 0) - (order.get(right.name) ?? 0));
  return summarise({ suite, pack, durationMs: now() - begun - lookedMs, scenarios: reports, noise });
}
