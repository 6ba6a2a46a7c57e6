import type { Entry, Run, Supervisor } from "@remit/core";
import { checkOutcome, checkUsed, pathIn, type Scenario } from "@remit/core/testing";
import { auditRun } from "./audit.ts";
import { type ScoredRun, scoreTally } from "./kpi.ts";
import { openedEntries } from "./opened.ts";
import { missedIn, type RecordingReport, recordedScenarios } from "./recording.ts";
import { countsOf, reasonText, type ScenarioReport, type SuiteReport, summarise } from "./report.ts";
import { overspendIn, spendingOf } from "./spend.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";
import { worldOf } from "./world-of.ts";

/** What somebody who looks on is told, in order. */
export type SuiteEvent =
  | { readonly type: "connected"; readonly tools: number; readonly supervisor: Supervisor }
  | { readonly type: "started"; readonly scenario: Scenario; readonly runId: string }
  | { readonly type: "entry"; readonly scenario: Scenario; readonly entry: Entry }
  | { readonly type: "ended"; readonly report: ScenarioReport; readonly done: number; readonly total: number };

export interface SuiteOptions extends Omit<StageOptions, "approver"> {
  /** Scenarios at the same time; 8 when absent. */
  readonly concurrency?: number;
  /** Scenarios whose entries are told one by one, as they become durable. */
  readonly watch?: ReadonlySet<string>;
  /** A promise from it holds up the telling of that scenario's next entry, never the run itself. */
  readonly onEvent?: (event: SuiteEvent) => void | Promise<void>;
  /** Told each run with what is known of it, to be scored together with those of other suites. */
  readonly onScored?: (run: ScoredRun) => void;
  /** Stops taking up scenarios; those under way come to their end. */
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

/**
 * Plays a suite, or goes on with one that was cut off: runs are started under keys made of suite and scenario, so what
 * has ended is only looked at again, and what has not goes on from its journal.
 */
export async function runSuite(options: SuiteOptions): Promise<SuiteReport> {
  const { suite, pack, onEvent, watch, signal } = options;
  const now = options.now ?? (() => performance.now());
  const begun = now();
  await using stage = await openStage(options);
  const { supervisor, reader, noise } = stage;
  const wanted = new Set(suite.scenarios);
  const scenarios = pack.scenarios().filter(({ name }) => wanted.has(name));
  onEvent?.({ type: "connected", tools: stage.tools, supervisor });
  // Runs that another process left in the middle; parked ones go on when their people answer.
  await supervisor.resume({ tenant: suite.id });

  const reports: ScenarioReport[] = [];
  const journals: (readonly Entry[])[] = [];
  const scores = scoreTally({ pack, definition: supervisor.definition, live: suite.model.live !== undefined });
  /** Time that somebody took to look on after a run had ended; it is no part of how long things took. */
  let lookedMs = 0;

  const play = async (scenario: Scenario): Promise<void> => {
    const started = now();
    const looks: Look[] = [];
    const outcome = await stage
      .play(scenario, {
        onRun: (run) => {
          onEvent?.({ type: "started", scenario, runId: run.id });
          if (watch?.has(scenario.name))
            looks.push(lookOn(run, (entry) => onEvent?.({ type: "entry", scenario, entry })));
        },
      })
      .catch(async (thrown: unknown) => {
        // Whoever looks on fails with the run; the run's own error is the one to tell.
        await Promise.allSettled(looks.map((look) => look.end([])));
        throw thrown;
      });
    const played = now();
    await Promise.all(looks.map((look) => look.end(outcome.entries)));
    const lookingMs = now() - played;
    lookedMs += lookingMs;
    const worldId = worldOf(suite, scenario.name);
    // What waits has no end that could be right or wrong.
    const waiting = outcome.result.status === "parked" && scenario.expect.status !== "parked";
    const log = reader.log?.(worldId) ?? [];
    const disclosed = suite.sealed ? await supervisor.disclosures(outcome.run.id, { tenant: suite.id }) : [];
    // The world has seen values where the journal has tokens.
    const entries = openedEntries(outcome.entries, log, disclosed);
    const own = waiting ? undefined : pack.score?.({ ...outcome, entries }, await reader.endState(worldId), log);
    // A script that is held to be the truth is played to its end, and its people are all heard.
    const used = suite.model.name === "oracle" && outcome.result.status !== "parked" ? checkUsed(outcome) : [];
    const missed = suite.model.recording?.mode === "replay" ? missedIn(outcome.entries) : undefined;
    const checks = [
      ...(waiting ? [] : [...(await checkOutcome(outcome)), ...used, ...(own?.checks ?? [])]),
      ...(missed ? [{ name: "what is asked is recorded", ok: missed.length === 0, detail: missed.join("\n") }] : []),
    ];
    const violations = [...auditRun(entries, supervisor.definition, log), ...(own?.violations ?? [])];
    const report: ScenarioReport = {
      name: scenario.name,
      title: scenario.title,
      tags: scenario.tags,
      source: scenario.source,
      runId: outcome.run.id,
      status: outcome.result.status,
      // A team may escalate what failed; that the money was short, or an answer not recorded, says more.
      reason: missed?.[0] ?? overspendIn(outcome.entries) ?? reasonText(outcome),
      path: pathIn(outcome.entries),
      ok: !waiting && checks.every(({ ok }) => ok) && violations.length === 0,
      waiting,
      checks,
      marks: own?.marks ?? {},
      durationMs: now() - started - lookingMs,
      counts: countsOf(outcome.entries),
      violations,
      ...(missed ? { missed } : {}),
    };
    reports.push(report);
    if (suite.model.live) journals.push(outcome.entries);
    const scored: ScoredRun = {
      runId: report.runId,
      tenant: suite.id,
      entries: outcome.entries,
      tags: scenario.tags,
      ...(waiting ? {} : { right: report.ok }),
      violations: violations.length,
    };
    scores.take(scored);
    options.onScored?.(scored);
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
  const most = "concurrency" in pack && pack.concurrency !== undefined ? pack.concurrency : Number.POSITIVE_INFINITY;
  await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 8, most) }, worker));

  const order = new Map(scenarios.map(({ name }, index) => [name, index]));
  reports.sort((left, right) => (order.get(left.name) ?? 0) - (order.get(right.name) ?? 0));
  const { live } = suite.model;
  const spending = live && spendingOf(journals, live.spendLimitMicroUsd);
  return summarise({
    suite,
    pack,
    durationMs: now() - begun - lookedMs,
    scenarios: reports,
    noise,
    spending,
    recording: recordingOf(options, stage, reports),
    kpis: scores.close(),
  });
}

/** What a report says of the recording; exchanges are unused where their scenario was played or is no more. */
function recordingOf(
  { suite, pack }: Pick<SuiteOptions, "suite" | "pack">,
  { tape }: Stage,
  reports: readonly ScenarioReport[],
): RecordingReport | undefined {
  const { recording, seed } = suite.model;
  if (!recording || !tape) return undefined;
  const missed = reports.reduce((sum, one) => sum + (one.missed?.length ?? 0), 0);
  if (recording.mode === "record") return { ...recording, missed, unused: [] };
  const known = new Set(pack.scenarios().map(({ name }) => name));
  const gone = (recordedScenarios(recording.folder).get(seed) ?? []).filter((name) => !known.has(name));
  return { ...recording, missed, unused: tape.unused([...reports.map(({ name }) => name), ...gone]) };
}

interface Look {
  /** Tells what was not seen yet of these entries; resolves when all is told. */
  readonly end: (entries: readonly Entry[]) => Promise<void>;
}

/** Tells a run's entries as they become durable here, and in the end those that came about elsewhere. */
function lookOn(run: Run, tell: (entry: Entry) => void | Promise<void> | undefined): Look {
  const leaving = new AbortController();
  let seen = 0;
  const looking = (async () => {
    for await (const entry of run.events({ signal: leaving.signal })) {
      seen = entry.seq;
      await tell(entry);
    }
  })();
  return {
    end: async (entries) => {
      leaving.abort();
      await looking;
      for (const entry of entries) if (entry.seq > seen) await tell(entry);
    },
  };
}
