import { isUndoConversation } from "@remit/core";
import {
  byDefinition,
  byModel,
  byOutput,
  byStatus,
  checkGates,
  compareKpis,
  type KpiOptions,
  type Kpis,
} from "@remit/core/kpi";
import { SandboxError } from "../errors.ts";
import { changeTable, gateLines, kpiLines, modelTable, readingsOf, segmentTable, toolTable } from "../face/kpi.ts";
import { count } from "../face/text.ts";
import { type ScoredRun, scoreTally } from "../suite/kpi.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import type { Context, ExitCode } from "./context.ts";
import { findSuite, stateOf } from "./find.ts";
import { type GateWish, gatesOf } from "./gates.ts";
import { offlineSupervisor } from "./offline.ts";
import { openPack } from "./packs.ts";
import { readRun } from "./recorded-run.ts";
import { openExistingStore, type Store } from "./store.ts";

export interface KpiCommandOptions extends GateWish {
  readonly by?: string;
  readonly json?: boolean;
}

const dimensions: NonNullable<KpiOptions["segmentBy"]> = {
  status: byStatus(),
  model: byModel(),
  definition: byDefinition(),
  intent: byOutput("triage", "intent"),
};

/** Prints what a suite's runs come to, or how two suites differ. Exit code 1 when a gate is missed or a journal broken. */
export async function kpi(
  wanted: string | undefined,
  other: string | undefined,
  options: KpiCommandOptions,
  context: Context,
): Promise<ExitCode> {
  const { place, out } = context;
  const gates = gatesOf(options, place);
  const by = options.by ?? "tag";
  if (by !== "tag" && !Object.hasOwn(dimensions, by)) {
    const known = ["tag", ...Object.keys(dimensions)].join(", ");
    throw new SandboxError("usage/wrong", { reason: `--by takes one of ${known}, not "${by}"` });
  }
  await using store = openExistingStore(place);
  const suites = [
    findSuite(store.workspace, wanted),
    ...(other === undefined ? [] : [findSuite(store.workspace, other)]),
  ];
  const scored: Scored[] = [];
  for (const suite of suites) scored.push(await score(store, suite));
  const [first] = scored as [Scored, ...Scored[]];
  const last = scored.at(-1) ?? first;
  const results = checkGates(last.kpis, gates);
  const broken = scored.flatMap((one) => one.broken);
  const exitCode = results.every(({ held }) => held) && broken.length === 0 ? 0 : 1;
  const changes = scored.length > 1 ? compareKpis(first.kpis.overall, last.kpis.overall) : undefined;
  if (options.json === true) {
    context.json({
      command: "kpi",
      ok: exitCode === 0,
      exitCode,
      suites: scored.map(({ suite, kpis }) => ({ suite: suite.id, kpis, readings: readingsOf(kpis.overall) })),
      ...(changes ? { changes } : {}),
      gates: results,
      broken,
    });
    return exitCode;
  }
  const { paint } = out;
  const about = ({ suite, kpis }: Scored) =>
    `${paint.strong(suite.id)} ${paint.quiet(`· ${suite.model.name}, seed ${suite.model.seed} · ${count(kpis.overall.runs.cases, "run")}`)}`;
  if (changes) {
    out.print(`before ${about(first)}`, `after  ${about(last)}`, "", ...changeTable(changes, out));
  } else {
    out.print(about(first), "", ...kpiLines(first.kpis.overall, out));
    out.print("", ...segmentTable(first.kpis.segments[by] ?? {}, by, out));
    out.print("", ...toolTable(first.kpis.overall, out));
    out.print("", ...modelTable(first.kpis.overall, out));
    const { some } = first.kpis.overall.incidents;
    if (some.length > 0) out.print("", paint.strong("Incidents"));
    for (const { runId, seq, type, code } of some) {
      out.print(`  entry ${seq}, ${type} ${paint.bad(code)}: ${place.command(`show ${runId}`)}`);
    }
  }
  if (scored.some((one) => one.unjudged)) {
    out.print(
      "",
      paint.quiet("No verdicts are kept of a suite that was cut off: whether its runs came out right is not told."),
    );
  }
  for (const runId of broken) out.print("", paint.bad(`✗ ${runId} is not what was written, and is left out`));
  if (results.length > 0) out.print("", ...gateLines(results, out));
  return exitCode;
}

interface Scored {
  readonly suite: SuiteFile;
  readonly kpis: Kpis;
  /** Runs whose chain does not hold. */
  readonly broken: readonly string[];
  readonly unjudged: boolean;
}

async function score(store: Store, suite: SuiteFile): Promise<Scored> {
  const { engine, workspace } = store;
  const pack = await openPack(suite.pack);
  const { definition } = await offlineSupervisor(store, suite);
  const tally = scoreTally({ pack, definition, live: suite.model.live !== undefined, segmentBy: dimensions });
  const tags = new Map(pack.scenarios().map((scenario) => [scenario.name, scenario.tags]));
  const verdicts = workspace.verdicts(suite.id);
  const broken: string[] = [];
  for (const record of (await stateOf(engine.journal, suite)).runs) {
    if (isUndoConversation(record)) continue;
    const { runId, tenant, entries, scenario, fault } = await readRun(engine.journal, record);
    if (fault) {
      broken.push(runId);
      continue;
    }
    const verdict = verdicts && Object.hasOwn(verdicts, runId) ? verdicts[runId] : undefined;
    const run: ScoredRun = {
      runId,
      tenant,
      entries,
      tags: tags.get(scenario ?? "") ?? [],
      ...(verdict === undefined ? {} : { violations: verdict.violations }),
      ...(verdict?.right === undefined ? {} : { right: verdict.right }),
    };
    tally.take(run);
  }
  return { suite, kpis: tally.close(), broken, unjudged: verdicts === undefined };
}
