import type { SuiteReport } from "./report.ts";

/** Numbers over one suite or several. */
export interface Totals {
  readonly suites: number;
  readonly runs: number;
  readonly passed: number;
  readonly failed: number;
  readonly waiting: number;
  readonly durationMs: number;
  readonly entries: number;
  readonly modelCalls: number;
  readonly reads: number;
  readonly writes: number;
  readonly handoffs: number;
  readonly questions: number;
  readonly denials: number;
  readonly outputsRejected: number;
  readonly handoffsRejected: number;
  readonly violations: number;
  /** What judges said of single writes, by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** What people decided on single writes. */
  readonly approvals: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  /** Denied calls by error code. */
  readonly denied: Readonly<Record<string, number>>;
  /** Faults that a noisy model made, by kind. */
  readonly noise: Readonly<Record<string, number>>;
}

type Tally = Record<string, number>;

export function totalsOf(reports: readonly SuiteReport[]): Totals {
  const scenarios = reports.flatMap((report) => report.scenarios);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const merge = (tallies: readonly Readonly<Tally>[]): Tally => {
    const all: Tally = {};
    for (const tally of tallies) for (const [key, number] of Object.entries(tally)) all[key] = (all[key] ?? 0) + number;
    return Object.fromEntries(Object.entries(all).sort(([, left], [, right]) => right - left));
  };
  const counts = scenarios.map((scenario) => scenario.counts);
  const denied = merge(counts.map((count) => count.denied));
  return {
    suites: reports.length,
    runs: scenarios.length,
    passed: scenarios.filter(({ ok }) => ok).length,
    failed: scenarios.filter(({ ok, waiting }) => !ok && !waiting).length,
    waiting: scenarios.filter(({ waiting }) => waiting).length,
    durationMs: sum(reports.map(({ durationMs }) => durationMs)),
    entries: sum(counts.map(({ entries }) => entries)),
    modelCalls: sum(counts.map(({ modelCalls }) => modelCalls)),
    reads: sum(counts.map(({ reads }) => reads)),
    writes: sum(counts.map(({ writes }) => writes)),
    handoffs: sum(counts.map(({ handoffs }) => handoffs)),
    questions: sum(counts.map(({ questions }) => questions)),
    denials: sum(Object.values(denied)),
    outputsRejected: sum(counts.map(({ outputsRejected }) => outputsRejected)),
    handoffsRejected: sum(counts.map(({ handoffsRejected }) => handoffsRejected)),
    violations: sum(reports.map(({ violations }) => violations.length)),
    verdicts: merge(counts.map(({ verdicts }) => verdicts)),
    approvals: merge(counts.map(({ approvals }) => approvals)),
    statuses: merge(scenarios.map(({ status }) => ({ [status]: 1 }))),
    denied,
    noise: merge(reports.map(({ noise }) => noise)),
  };
}

/**
 * True when a person may be content. Models that play the ground truth are held to every check; the others are not
 * expected to reach the right ends, only never to do what is forbidden, to have money enough to come to an end, and, in a
 * replay, to be asked nothing that is not recorded.
 */
export function isContent(reports: readonly SuiteReport[]): boolean {
  return reports.every(
    ({ model, failed, violations, spending, recording }) =>
      violations.length === 0 &&
      (model !== "oracle" || failed === 0) &&
      (spending?.refusedRuns ?? 0) === 0 &&
      (recording?.missed ?? 0) === 0,
  );
}
