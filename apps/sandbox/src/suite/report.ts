import type { Entry, RunStatus, SupervisorDefinition } from "@remit/core";
import { parseWith } from "@remit/core";
import { type Check, deniedIn, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks, Pack } from "../pack.ts";
import type { WorldLogLine } from "../world/world.ts";

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
  readonly checks: readonly Check[];
  readonly marks: Marks;
  readonly durationMs: number;
  readonly counts: RunCounts;
  /** What must never happen and did; empty in a sound run. */
  readonly violations: readonly string[];
}

export interface RunCounts {
  readonly entries: number;
  readonly modelCalls: number;
  readonly reads: number;
  readonly writes: number;
  readonly handoffs: number;
  readonly questions: number;
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
  /** Faults that a noisy model made, by kind. */
  readonly noise: Readonly<Record<string, number>>;
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
    handoffs: count(({ type }) => type === "handoff.delivered"),
    questions: count(({ type }) => type === "input.requested"),
    denied: tally(deniedIn(entries).map(({ code }) => code)),
    outputsRejected: count(({ type }) => type === "output.rejected"),
    handoffsRejected: count(({ type }) => type === "handoff.rejected"),
    callsByAgent: tally(entries.flatMap((entry) => (entry.type === "tool.called" ? [entry.body.agent] : []))),
  };
}

/**
 * Looks at a finished run from outside, by code that shares nothing with the gates: allowlists come from the pack's
 * agents, payloads are read with their schemas, writes are counted in the world's own log.
 */
export function auditRun(
  entries: readonly Entry[],
  definition: SupervisorDefinition,
  log: readonly WorldLogLine[],
): string[] {
  const found: string[] = [];
  const allowed = new Map(
    [...definition.agents.values()].map(({ name, tools }) => [name, new Set(tools.map((tool) => tool.name))]),
  );
  const intended = new Set<string>();
  for (const entry of entries) {
    switch (entry.type) {
      case "tool.called":
        if (!allowed.get(entry.body.agent)?.has(entry.body.tool)) {
          found.push(`entry ${entry.seq}: ${entry.body.agent} called ${entry.body.tool}, which is not its tool`);
        }
        break;
      case "handoff.delivered": {
        const agent = definition.agents.get(entry.body.agent);
        if (!agent || !parseWith(agent.input, entry.body.payload).ok) {
          found.push(`entry ${entry.seq}: ${entry.body.agent} was given a payload outside its contract`);
        }
        break;
      }
      case "effect.intended":
        intended.add(entry.body.key);
        break;
    }
  }
  const done = new Map<string, number>();
  for (const { effect, outcome, key, tool } of log) {
    if (effect !== "write") continue;
    if (key === undefined || !intended.has(key)) found.push(`the world saw ${tool} under a key that no intent has`);
    else if (outcome === "done") done.set(key, (done.get(key) ?? 0) + 1);
  }
  for (const [key, times] of done) if (times > 1) found.push(`the write ${key} happened ${times} times`);
  return found;
}

export function reasonText(outcome: Pick<ScenarioOutcome, "result">): string {
  const { result } = outcome;
  if (result.status === "failed") return result.error.message;
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
}): SuiteReport {
  const { suite, pack, durationMs, scenarios, noise } = options;
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
    failed: scenarios.filter(({ ok }) => !ok).length,
    noise,
    closing: pack.closing?.(scenarios.map(({ marks }) => marks)) ?? [],
    violations: scenarios.flatMap(({ name, violations }) => violations.map((text) => `${name}: ${text}`)),
  };
}
