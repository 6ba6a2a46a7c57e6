import type { Entry, RunStatus } from "@remit/core";
import type { Kpis } from "@remit/core/kpi";
import { approvalsIn, type Check, deniedIn, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks, Pack } from "../pack.ts";
import type { RecordingReport } from "./recording.ts";
import type { Spending } from "./spend.ts";

/** How one scenario went. */
export interface ScenarioReport {
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly source: string | undefined;
  readonly runId: string;
  readonly status: RunStatus;
  readonly reason: string;
  /** Agents in the order in which they were given work. */
  readonly path: readonly string[];
  readonly ok: boolean;
  /** It waits for somebody and was left so: neither passed nor failed. */
  readonly waiting: boolean;
  readonly checks: readonly Check[];
  readonly marks: Marks;
  readonly durationMs: number;
  readonly counts: RunCounts;
  /** What must never happen and did; empty in a sound run. */
  readonly violations: readonly string[];
  /** Of a suite that is replayed: what was asked and is not recorded, each with the nearest that is. */
  readonly missed?: readonly string[];
}

export interface RunCounts {
  readonly entries: number;
  readonly modelCalls: number;
  readonly reads: number;
  readonly writes: number;
  readonly handoffs: number;
  readonly questions: number;
  /** What judges said of single writes, by verdict; `none` where they said nothing. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** What people decided on single writes: `approve`, `reject`, `edit`, and `expire` where nobody did in time. */
  readonly approvals: Readonly<Record<string, number>>;
  /** Denied calls by error code. */
  readonly denied: Readonly<Record<string, number>>;
  /** Outputs that broke an agent's contract and were sent back. */
  readonly outputsRejected: number;
  /** Payloads that broke a handoff's contract and were not delivered. */
  readonly handoffsRejected: number;
  /** Calls by agent, of those that were carried out. */
  readonly callsByAgent: Readonly<Record<string, number>>;
}

export interface SuiteReport {
  readonly suite: string;
  readonly pack: string;
  readonly title: string;
  readonly model: string;
  readonly seed: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly scenarios: readonly ScenarioReport[];
  readonly passed: number;
  readonly failed: number;
  /** Those that wait for somebody. */
  readonly waiting: number;
  /** Faults that a noisy model made, by kind. */
  readonly noise: Readonly<Record<string, number>>;
  /** Absent with scripted models, which cost nothing. */
  readonly spending?: Spending;
  /** Where the exchanges were written to, or came from. */
  readonly recording?: RecordingReport;
  /** By tag, and over all of its runs. */
  readonly kpis?: Kpis;
  /** Lines of the pack's own scoring. */
  readonly closing: readonly string[];
  readonly violations: readonly string[];
}

export function countsOf(entries: readonly Entry[]): RunCounts {
  const count = (fits: (entry: Entry) => boolean) => entries.filter(fits).length;
  const tally = (names: readonly string[]) => {
    const found: Record<string, number> = {};
    for (const name of names) found[name] = (found[name] ?? 0) + 1;
    return found;
  };
  return {
    entries: entries.length,
    modelCalls: count(({ type }) => type === "model.called"),
    reads: count((entry) => entry.type === "tool.called" && entry.body.effect === "read"),
    writes: count((entry) => entry.type === "effect.intended"),
    handoffs: count((entry) => entry.type === "handoff.delivered" && entry.body.judges === undefined),
    questions: count(({ type }) => type === "input.requested"),
    verdicts: tally(entries.flatMap((entry) => (entry.type === "effect.judged" ? [entry.body.verdict] : []))),
    approvals: tally(approvalsIn(entries).map(({ decision }) => decision)),
    denied: tally(deniedIn(entries).map(({ code }) => code)),
    outputsRejected: count(({ type }) => type === "output.rejected"),
    handoffsRejected: count(({ type }) => type === "handoff.rejected"),
    callsByAgent: tally(entries.flatMap((entry) => (entry.type === "tool.called" ? [entry.body.agent] : []))),
  };
}

export function reasonText(outcome: Pick<ScenarioOutcome, "result">): string {
  const { result } = outcome;
  if (result.status === "failed") return result.error.message;
  if (result.status === "parked") {
    const { approvals, questions } = result;
    return [
      ...approvals.map(({ tool }) => `${tool} waits for an approval`),
      ...questions.map(({ of }) => `a question to the ${of} waits`),
    ].join(", ");
  }
  return "reason" in result ? result.reason : "";
}

export function summarise(options: {
  readonly suite: {
    readonly id: string;
    readonly model: { readonly name: string; readonly seed: number };
    readonly startedAt: number;
  };
  readonly pack: Pack;
  readonly durationMs: number;
  readonly scenarios: readonly ScenarioReport[];
  readonly noise: Readonly<Record<string, number>>;
  readonly spending?: Spending | undefined;
  readonly recording?: RecordingReport | undefined;
  readonly kpis: Kpis;
}): SuiteReport {
  const { suite, pack, durationMs, scenarios, noise, spending, recording, kpis } = options;
  return {
    suite: suite.id,
    pack: pack.name,
    title: pack.title,
    model: suite.model.name,
    seed: suite.model.seed,
    startedAt: suite.startedAt,
    durationMs,
    scenarios,
    passed: scenarios.filter(({ ok }) => ok).length,
    failed: scenarios.filter(({ ok, waiting }) => !ok && !waiting).length,
    waiting: scenarios.filter(({ waiting }) => waiting).length,
    noise,
    ...(spending ? { spending } : {}),
    ...(recording ? { recording } : {}),
    kpis,
    closing: pack.closing?.(scenarios.map(({ marks }) => marks)) ?? [],
    violations: scenarios.flatMap(({ name, violations }) => violations.map((text) => `${name}: ${text}`)),
  };
}
