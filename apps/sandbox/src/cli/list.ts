import type { RunRecord } from "@remit/core";
import { type Cell, table } from "../face/table.ts";
import { duration, printable } from "../face/text.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { choosePack } from "./choose-pack.ts";
import type { Context, ExitCode } from "./context.ts";
import { filtered } from "./filtered.ts";
import { findSuite, isUnfinished, type SuiteState, stateOf } from "./find.ts";
import { packNames } from "./packs.ts";
import { readRun } from "./recorded-run.ts";
import { hasStore, openExistingStore, type Store } from "./store.ts";

export interface ListOptions {
  readonly scenarios?: boolean;
  readonly tau2?: string;
  readonly filter?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const suitesShown = 10;
const runsShown = 20;

/** Lists suites and the runs of one of them, or the scenarios of a pack. */
export async function list(wanted: string | undefined, options: ListOptions, context: Context): Promise<ExitCode> {
  if (options.scenarios === true || options.tau2 !== undefined) return listScenarios(wanted, options, context);
  const { place, out } = context;
  if (!hasStore(place)) {
    if (options.json === true) context.json({ command: "list", folder: place.state, suites: [], runs: [] });
    else out.print(`Nothing has been played in ${place.state} yet. ${place.command("run")} does.`);
    return 0;
  }
  await using store = openExistingStore(place);
  const { suites, broken } = store.workspace.suites();
  for (const file of broken) context.err.print(`remit: suite/broken: ${file} cannot be read and is left out`);
  if (suites.length === 0 && wanted === undefined) {
    if (options.json === true) context.json({ command: "list", folder: place.state, suites: [], runs: [] });
    else out.print(`There is no suite in ${place.state} yet. ${place.command("run")} makes one.`);
    return 0;
  }
  const suite = findSuite(store.workspace, wanted);
  const states = await Promise.all(
    (wanted === undefined ? suites : [suite]).map((one) => stateOf(store.engine.journal, one)),
  );
  const runs = await runsOf(store, suite);
  if (options.json === true) {
    const about = states.map((state) => ({
      ...withoutCatalog(state.suite),
      statuses: statusesOf(state),
      unfinished: isUnfinished(state),
    }));
    context.json({ command: "list", folder: place.state, suites: about, suite: suite.id, runs });
    return 0;
  }
  const most = options.all === true ? Number.POSITIVE_INFINITY : suitesShown;
  out.print(...suiteLines(states.slice(0, most), context));
  if (states.length > most)
    out.print(out.paint.quiet(`… and ${states.length - most} more: ${place.command("list --all")}`));
  const shown = wanted !== undefined || options.all === true ? runs : runs.slice(0, runsShown);
  out.print("", out.paint.strong(`Runs of ${suite.id}`), ...runLines(shown, context));
  if (shown.length < runs.length) {
    out.print(out.paint.quiet(`… and ${runs.length - shown.length} more: ${place.command(`list ${suite.id}`)}`));
  }
  return 0;
}

interface ListedRun extends RunRecord {
  readonly scenario: string | undefined;
}

async function runsOf({ engine }: Store, suite: SuiteFile): Promise<readonly ListedRun[]> {
  const { runs } = await stateOf(engine.journal, suite);
  const order = new Map(suite.scenarios.map((name, index) => [name, index]));
  const listed: ListedRun[] = [];
  for (const record of runs) listed.push({ ...record, scenario: (await readRun(engine.journal, record)).scenario });
  const place = ({ scenario }: ListedRun) => order.get(scenario ?? "") ?? order.size;
  return listed.sort((left, right) => place(left) - place(right));
}

function suiteLines(states: readonly SuiteState[], { out }: Context): string[] {
  const { paint, columns } = out;
  const rows = states.map((state): Cell[] => {
    const { suite, ended, runs } = state;
    const parked = runs.filter(({ status }) => status === "parked").length;
    const progress = isUnfinished(state) ? `${ended} of ${suite.scenarios.length} ended` : `${ended} ended`;
    return [
      { text: suite.id, tint: paint.name },
      { text: new Date(suite.startedAt).toISOString().slice(0, 16).replace("T", " ") },
      { text: suite.model.name === "noisy" ? `noisy, seed ${suite.model.seed}` : suite.model.name },
      {
        text: parked > 0 ? `${progress}, ${parked} wait` : progress,
        tint: isUnfinished(state) ? paint.warn : paint.good,
      },
    ];
  });
  const titles = [
    { title: "suite", atLeast: 24 },
    { title: "began (UTC)", spare: 1 },
    { title: "model" },
    { title: "runs" },
  ];
  return table(titles, rows, { columns, head: paint.quiet });
}

function runLines(runs: readonly ListedRun[], { out }: Context): string[] {
  const { paint, columns } = out;
  const rows = runs.map(({ runId, scenario, status, lastSeq, startedAt, updatedAt }): Cell[] => [
    { text: runId, tint: paint.name },
    { text: printable(scenario ?? "?") },
    { text: status, tint: status === "completed" ? paint.good : status === "failed" ? paint.bad : paint.warn },
    { text: String(lastSeq) },
    { text: duration(updatedAt - startedAt), tint: paint.quiet },
  ]);
  const titles = [
    { title: "run" },
    { title: "scenario", atLeast: 16 },
    { title: "status" },
    { title: "entries", align: "right" as const },
    { title: "time", align: "right" as const, spare: 1 },
  ];
  return table(titles, rows, { columns, head: paint.quiet });
}

async function listScenarios(packName: string | undefined, options: ListOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  const { tau2 } = options;
  const { pack, chosen } = await choosePack({ pack: packName, tau2 }, context);
  const scenarios = filtered(pack.scenarios(), options.filter);
  if (options.json === true) {
    const about = scenarios.map(({ name, title, tags, source }) => ({ name, title, tags, source: source ?? null }));
    context.json({ command: "list", pack: pack.name, scenarios: about });
    return 0;
  }
  const { paint, columns } = out;
  out.print(`${paint.strong(printable(pack.title))} ${paint.quiet(`· ${printable(pack.description)}`)}`, "");
  const rows = scenarios.map(({ name, title, tags }): Cell[] => [
    { text: printable(name), tint: paint.name },
    { text: printable(title) },
    { text: printable(tags.join(", ")), tint: paint.quiet },
  ]);
  const titles = [
    { title: "scenario" },
    { title: "what it is about", atLeast: 20 },
    { title: "tags", atLeast: 8, spare: 1 },
  ];
  out.print(...table(titles, rows, { columns, head: paint.quiet }));
  if (tau2 === undefined && chosen.module === undefined) {
    out.print("", paint.quiet(`Packs: ${packNames.join(", ")}. tau2-retail and tau2-telecom need --tau2 <folder>.`));
  }
  return 0;
}

function withoutCatalog({ catalog: _, ...suite }: SuiteFile) {
  return suite;
}

function statusesOf({ runs }: SuiteState): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { status } of runs) found[status] = (found[status] ?? 0) + 1;
  return found;
}
