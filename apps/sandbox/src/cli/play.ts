import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { SupervisorDefinition } from "@remit/core";
import type { Kpis, KpiTally } from "@remit/core/kpi";
import type { Beat } from "../face/beat.ts";
import { Progress } from "../face/progress.ts";
import type { Screen } from "../face/screen.ts";
import { StoryTeller } from "../face/story.ts";
import { Telling } from "../face/telling.ts";
import type { Pack } from "../pack.ts";
import { ReportFile } from "../report/file.ts";
import type { ApproverName } from "../suite/approver.ts";
import { scoreTally } from "../suite/kpi.ts";
import type { SuiteReport } from "../suite/report.ts";
import { runSuite, type SuiteEvent } from "../suite/runner.ts";
import { addSpending } from "../suite/spend.ts";
import type { SuiteFile, SuiteModel, Verdicts } from "../suite/workspace.ts";
import type { Interrupt } from "./interrupt.ts";
import type { Place } from "./place.ts";
import { readRun } from "./recorded-run.ts";
import type { Store } from "./store.ts";
import { suiteEngine } from "./suite-engine.ts";

export interface PlayOptions {
  readonly place: Place;
  readonly store: Store;
  readonly pack: Pack;
  /** Played one after the other. */
  readonly suites: readonly Omit<SuiteFile, "catalog">[];
  readonly concurrency: number;
  /** Where the watched scenario and the progress are shown; absent: nowhere. */
  readonly screen?: Screen | undefined;
  /** The scenario that is told entry by entry, before the others. */
  readonly watch?: string | undefined;
  readonly report: boolean;
  readonly interrupt: Interrupt;
}

export interface Played {
  readonly reports: readonly SuiteReport[];
  /** Of all suites together. */
  readonly kpis: Kpis | undefined;
  /** The pack's own lines; over several suites those of each, and then of all together. */
  readonly closing: readonly string[];
  /** Absolute path of the page. */
  readonly page: string | undefined;
  /** The suite that Ctrl-C has cut short. */
  readonly stopped: string | undefined;
  /** Seeds of the suites behind it. */
  readonly notBegun: readonly number[];
}

/** How long a person looks at one line of the watched scenario, on a terminal. */
const lineMs = 170;
const speechMs = 450;

/** Plays suites with everything that a person sees meanwhile, and writes the page. */
export async function play(options: PlayOptions): Promise<Played> {
  const { store, pack, suites, screen, watch, interrupt, place } = options;
  const { workspace, engine, ids } = store;
  const reports: SuiteReport[] = [];
  const file = options.report ? new ReportFile({ command: place.command }) : undefined;
  let stopped: string | undefined;
  let scores: KpiTally | undefined;
  for (const planned of suites) {
    const suite = withinLimit(planned, reports);
    const label = suites.length > 1 ? `seed ${suite.model.seed}` : "";
    const onlooker = screen
      ? new Onlooker(screen, { label, strict: suite.model.name === "oracle", watch, interrupt })
      : undefined;
    let definition: SupervisorDefinition | undefined;
    let report: SuiteReport;
    const { live } = suite.model;
    const own = suiteEngine(store, suite.id);
    try {
      report = await runSuite({
        suite,
        pack,
        workspace,
        engine: own,
        ...(ids ? { ids } : {}),
        concurrency: options.concurrency,
        watch: new Set(watch === undefined ? [] : [watch]),
        signal: interrupt.signal,
        onEvent: (event) => {
          if (event.type === "connected") definition = event.supervisor.definition;
          return onlooker?.see(event);
        },
        onScored: (run) => {
          if (!definition) return;
          scores ??= scoreTally({ pack, definition, live: live !== undefined });
          scores.take(run);
        },
      });
    } finally {
      onlooker?.leave();
      await own.close();
    }
    // Of many suites the parts of each would fill a document; those of all together are told, and `remit kpi` tells each.
    const { kpis } = report;
    reports.push(suites.length > 1 && kpis ? { ...report, kpis: { ...kpis, segments: {} } } : report);
    workspace.saveVerdicts(suite.id, verdictsOf(report));
    if (file && definition)
      await file.add(report, definition, (tenant, runId) => readRun(engine.journal, { tenant, runId }));
    if (interrupt.signal.aborted && report.scenarios.length < suite.scenarios.length) stopped = suite.id;
    if (interrupt.signal.aborted) break;
  }
  const [first] = reports;
  const last = reports.at(-1);
  let page: string | undefined;
  if (file && first && last) {
    page = workspace.reportFile(reports.length > 1 ? `${first.suite}-to-seed-${last.seed}` : first.suite);
    file.write(page, scores?.close());
  }
  return {
    reports,
    kpis: scores?.close(),
    closing: closingOf(pack, reports),
    page,
    stopped,
    notBegun: suites.slice(reports.length).map(({ model }) => model.seed),
  };
}

/** Of a run that goes on nothing is kept that may still change: who decides on it later has not looked at it again. */
function verdictsOf({ scenarios }: SuiteReport): Verdicts {
  return Object.fromEntries(
    scenarios.flatMap(({ runId, status, ok, violations: { length } }) => {
      const isOpen = status === "running" || status === "parked";
      if (isOpen && length === 0) return [];
      return [[runId, { ...(isOpen ? {} : { right: ok }), violations: length }]];
    }),
  );
}

/** The suite with what the suites before it have left of the spend limit, which is for all of them together. */
function withinLimit(suite: Omit<SuiteFile, "catalog">, before: readonly SuiteReport[]): Omit<SuiteFile, "catalog"> {
  const { live } = suite.model;
  if (live?.spendLimitMicroUsd === undefined) return suite;
  const spent = addSpending(before.flatMap(({ spending }) => spending ?? []))?.microUsd ?? 0;
  const spendLimitMicroUsd = Math.max(0, live.spendLimitMicroUsd - spent);
  return { ...suite, model: { ...suite.model, live: { ...live, spendLimitMicroUsd } } };
}

function closingOf(pack: Pack, reports: readonly SuiteReport[]): string[] {
  if (reports.length <= 1) return reports.flatMap(({ closing }) => closing);
  const each = reports.flatMap(({ closing, seed }) => closing.map((line) => `seed ${seed}: ${line}`));
  const all = pack.closing?.(reports.flatMap(({ scenarios }) => scenarios.map(({ marks }) => marks))) ?? [];
  return [...each, ...all.map((line) => `all seeds: ${line}`)];
}

/** Shows what a suite tells: the watched scenario line by line, of the others how many are done. */
class Onlooker {
  readonly #screen: Screen;
  readonly #progress: Progress;
  readonly #watch: string | undefined;
  readonly #interrupt: Interrupt;
  readonly #teller = new StoryTeller();
  readonly #telling: Telling;

  constructor(
    screen: Screen,
    options: { label: string; strict: boolean; watch: string | undefined; interrupt: Interrupt },
  ) {
    this.#screen = screen;
    this.#progress = new Progress(screen, options);
    this.#watch = options.watch;
    this.#interrupt = options.interrupt;
    this.#telling = new Telling(screen);
  }

  async see(event: SuiteEvent): Promise<void> {
    const { paint } = this.#screen;
    switch (event.type) {
      case "connected":
        return;
      case "started":
        if (event.scenario.name === this.#watch) {
          this.#screen.print("", `${paint.strong(event.scenario.title)} ${paint.quiet(event.runId)}`, "");
        } else this.#progress.started(event.scenario.name);
        return;
      case "entry": {
        const beat = this.#teller.tell(event.entry);
        if (!beat.main) return;
        this.#screen.print(...this.#telling.lines(beat));
        await this.#look(beat);
        return;
      }
      case "ended": {
        const { report, done, total } = event;
        if (report.name !== this.#watch) return this.#progress.ended(report, done, total);
        const held = report.checks.filter(({ ok }) => ok).length;
        if (report.waiting) return this.#screen.print("", `  ${paint.warn(`· ${report.reason}`)}`, "");
        const verdict = `${held} of ${report.checks.length} checks hold`;
        this.#screen.print("", `  ${report.ok ? paint.good(`✓ ${verdict}`) : paint.bad(`✗ ${verdict}`)}`, "");
      }
    }
  }

  leave(): void {
    this.#progress.clear();
  }

  /** A moment to read, where somebody watches. */
  async #look({ kind }: Beat): Promise<void> {
    if (!this.#screen.live || this.#interrupt.signal.aborted) return;
    const ms = kind === "start" || kind === "question" || kind === "answer" || kind === "denied" ? speechMs : lineMs;
    await pause(ms, undefined, { signal: this.#interrupt.signal }).catch((thrown: unknown) => {
      if (!this.#interrupt.signal.aborted) throw thrown;
    });
  }
}

/** Files for suites that are to be played, one for each seed. */
export function newSuites(options: {
  readonly pack: SuiteFile["pack"];
  readonly model: Omit<SuiteModel, "seed">;
  readonly seeds: readonly number[];
  readonly approver: ApproverName;
  readonly scenarios: (seed: number) => readonly string[];
  readonly now: Date;
  /** What their ids begin with; made of the pack, the time and chance when absent. */
  readonly id?: string | undefined;
  readonly sealed?: boolean | undefined;
}): Omit<SuiteFile, "catalog">[] {
  const { pack, model, seeds, approver, scenarios, now } = options;
  const stamp = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const id = options.id ?? `${pack.name}-${stamp}-${randomBytes(3).toString("hex")}`;
  return seeds.map((seed, index) => ({
    format: 1,
    id: `${id}${seeds.length > 1 ? `-s${seed}` : ""}`,
    pack,
    model: { ...model, seed },
    scenarios: scenarios(seed),
    approver,
    ...(options.sealed ? { sealed: true as const } : {}),
    // Later seeds are newer, so that the last one is the newest.
    startedAt: now.getTime() + index,
  }));
}
