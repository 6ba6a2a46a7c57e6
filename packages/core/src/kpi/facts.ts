import { completenessTally } from "../audit/completeness.ts";
import { minusSpend } from "../budget/spend.ts";
import { type Cost, type Entry, endStatusOf, type RunStatus, type Spend } from "../event.ts";
import { type CostTotal, costsOf } from "../run/costs.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { addTo, type CallsFacts, callsTally, nameOf } from "./calls.ts";
import { type Incident, incidentTally } from "./incident.ts";
import { type PeopleFacts, peopleTally, type ReasonWords } from "./people.ts";

/**
 * What one run says of each KPI, from its entries and nothing else. Pure: the same entries give the same facts, in a
 * simulation, in a test and in production. One run's entries are in memory at a time; its facts are small.
 */

/** A run to be scored. */
export interface KpiRun {
  readonly runId: string;
  readonly tenant?: string;
  /** In their order, as `run.entries()` gives them; those of a run that goes on are those so far. */
  readonly entries: readonly Entry[];
  /** Words that the caller knows it by, such as a scenario's tags. */
  readonly tags?: readonly string[];
}

/** Bounds that a success keeps, beside its quality. What is left out is not asked for. */
export interface Slo {
  /** From the start to the first answer or question to whoever asked. */
  readonly firstResponseMs?: number;
  /** From the start to the end, waiting included. */
  readonly resolutionMs?: number;
  /** The same without the time in which the run was parked. */
  readonly activeMs?: number;
  /** What its model calls may have cost, in millionths of a US dollar. A cost that is not known is not within it. */
  readonly costMicroUsd?: number;
}

/** Amounts in millionths of a US dollar. */
export interface Prices {
  /** Of an hour from a request to a person to their word; waiting for them included, for a journal sees no more. */
  readonly reviewHour?: number;
  /** Of each step that a person decided, however long it took. */
  readonly reviewStep?: number;
  /** Of each try of a tool, by its name. */
  readonly tools?: { readonly [tool: string]: number };
}

export interface FactsOptions {
  /**
   * Whether an ended run came out right; nothing: nobody can say, and it is counted as not judged. Absent: `completed` is
   * right, every other end is wrong.
   */
  readonly success?: (run: KpiRun) => boolean | undefined;
  readonly slo?: Slo;
  /** What the team's own words for an escalation stand for. */
  readonly reasons?: ReasonWords;
  /** True for an entry that tells the customer something, such as the call of a tool that writes to them. */
  readonly responds?: (entry: Entry) => boolean;
  /**
   * Violations that got through, as somebody sees them who looks from outside; nothing: that run was not looked at. A journal
   * cannot say it of itself, so without this they are not counted as 0 but not at all.
   */
  readonly violations?: (run: KpiRun) => number | undefined;
  /** Calls without a cost are free, as those of scripted models; absent: their cost is unknown. */
  readonly unpriced?: "free" | "unknown";
  /** What people's and tools' work is taken to cost: a model of it, told apart from what model calls have cost. */
  readonly prices?: Prices;
  /** Definitions by hash, for what a run must have in its journal (`completenessOf`). */
  readonly definitions?: (hash: string) => SupervisorDefinition | undefined;
}

/** What was stopped in one run, by gates, contracts, judges and people. */
export interface PolicyFacts {
  /** Calls denied by policy, other edges denied by it, and an answer that was held back. */
  readonly caught: number;
  readonly revised: number;
  readonly rejectedByPeople: number;
  readonly handoffsRejected: number;
  readonly outputsRejected: number;
  readonly reached?: number;
}

export interface CostFacts extends Omit<CostTotal, "byBasis"> {
  readonly byBasis: Readonly<Record<Cost["basis"], number>>;
  /** What of it runs of specialists have spent. */
  readonly delegatedMicroUsd: number;
  readonly byModel: ReadonlyMap<string, Spend>;
}

export interface SuccessFacts {
  /** Absent: not judged. */
  readonly quality?: boolean;
  /** By member of the SLO that was asked for. */
  readonly within: { readonly [Key in keyof Slo]?: boolean };
}

export interface RunFacts {
  readonly runId: string;
  readonly tenant: string;
  readonly tags: readonly string[];
  readonly supervisor: string;
  /** Hash of the definition that it began under, and of the one that it is under. */
  readonly definition: string;
  readonly definitionNow: string;
  readonly attributes: { readonly [name: string]: string };
  /**
   * `case`: somebody asked for something. `delegated`: the work of a specialist for another run, whose case it is. `undo`: it
   * undoes writes of another run.
   */
  readonly part: "case" | "delegated" | "undo";
  /** It takes the place of a run that was given up. */
  readonly redrives: boolean;
  readonly status: RunStatus;
  readonly entries: number;
  /** Entries whose bodies were erased. */
  readonly erased: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly firstResponseMs?: number;
  readonly parkedMs: number;
  readonly people: PeopleFacts;
  readonly policy: PolicyFacts;
  readonly calls: CallsFacts;
  readonly cost: CostFacts;
  /** By the prices that were given; absent without them. */
  readonly modelled?: { readonly reviewMicroUsd: number; readonly toolMicroUsd: number };
  readonly handoffs: number;
  readonly turns: number;
  readonly incident?: Incident;
  /** Entries that the run must have and has; absent while it goes on, and where bodies were erased that say what it must have. */
  readonly trace?: { readonly present: number; readonly required: number };
  /** Absent while it goes on. */
  readonly success?: SuccessFacts;
}

/** @param run its entries may be of a run that has not ended, or hold erased bodies */
export function factsOf(run: KpiRun, options: FactsOptions = {}): RunFacts {
  const { runId, tenant = "", entries, tags = [] } = run;
  const people = peopleTally(options.reasons);
  const calls = callsTally();
  const incident = incidentTally();
  const policy = policyTally();
  let supervisor = "";
  let definition = "";
  let definitionNow = "";
  let attributes: RunFacts["attributes"] = {};
  let part: RunFacts["part"] = "case";
  let redrives = false;
  let startedAt = entries[0]?.at ?? 0;
  let endedAt: number | undefined;
  let status: RunStatus = "running";
  let respondedAt: number | undefined;
  let parkedAt: number | undefined;
  let parkedMs = 0;
  /** Seq of a migration: the run is moved while it is parked, and stays so whatever is asked anew. */
  let moved = 0;
  let erased = 0;
  let handoffs = 0;
  /** Paths of what specialists do: no model of the run's own is asked there. */
  const delegations = new Set<string>();
  const delegated = { microUsd: 0, tokens: 0 };

  for (const entry of entries) {
    if (isErased(entry)) erased++;
    // A run that is not to begin yet is parked as well; its time has not begun.
    if (parkedAt !== undefined) parkedMs += Math.max(0, entry.at - Math.max(parkedAt, startedAt));
    if (entry.type === "run.migrated") moved = entry.seq;
    const isParked = entry.type === "run.parked" || entry.seq === moved || (moved > 0 && entry.cause === moved);
    parkedAt = isParked ? entry.at : undefined;
    status = endStatusOf(entry.type) ?? (isParked ? "parked" : "running");
    for (const tally of [people, calls, incident, policy]) tally.take(entry);
    switch (entry.type) {
      case "run.started": {
        const { body } = entry;
        supervisor = body.supervisor ?? "";
        definition = body.definitionHash ?? "";
        definitionNow = definition;
        attributes = body.attributes ?? {};
        part = body.compensates ? "undo" : body.delegation ? "delegated" : "case";
        redrives = body.redrives !== undefined;
        startedAt = Math.max(entry.at, body.startAt ?? entry.at);
        break;
      }
      case "run.migrated":
        definitionNow = entry.body.to ?? definitionNow;
        break;
      case "handoff.delivered":
        if (entry.body.judges === undefined) handoffs++;
        break;
      case "delegation.sent":
        delegations.add(entry.path);
        break;
      case "budget.settled":
        if (!delegations.has(entry.path)) break;
        delegated.microUsd += entry.body.amount?.microUsd ?? 0;
        delegated.tokens += entry.body.amount?.tokens ?? 0;
        break;
      default:
    }
    if (endStatusOf(entry.type)) endedAt = entry.at;
    if (respondedAt === undefined && isResponse(entry, options)) respondedAt = entry.at;
  }
  const cost = costOf(run, delegated, options.unpriced === "free");
  const firstResponseMs = respondedAt === undefined ? undefined : Math.max(0, respondedAt - startedAt);
  const seen = people.close(endedAt);
  const called = calls.close();
  const reached = options.violations?.(run);
  const found = endedAt === undefined ? undefined : incident.close();
  const wholeMs = endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt);
  return {
    runId,
    tenant,
    tags,
    supervisor,
    definition,
    definitionNow,
    attributes,
    part,
    redrives,
    status,
    entries: entries.length,
    erased,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(firstResponseMs === undefined ? {} : { firstResponseMs }),
    parkedMs,
    people: seen,
    policy: { ...policy.close(), ...(reached === undefined ? {} : { reached }) },
    calls: called,
    cost,
    ...(options.prices ? { modelled: modelledOf(options.prices, seen, called) } : {}),
    handoffs,
    turns: called.turns,
    ...(found ? { incident: found } : {}),
    ...(endedAt === undefined || erased > 0 ? {} : { trace: traceOf(entries, options, definitionNow) }),
    ...(wholeMs === undefined
      ? {}
      : { success: successOf(run, { status, firstResponseMs, wholeMs, parkedMs, cost }, options) }),
  };
}

/** What is said to whoever asked: a question to them, an answer or a refusal, and that a person takes over. */
function isResponse(entry: Entry, { responds }: FactsOptions): boolean {
  switch (entry.type) {
    case "input.requested":
      if (entry.body.of === "customer") return true;
      break;
    case "run.completed":
    case "run.denied":
    case "run.escalated":
      return true;
    default:
  }
  return responds?.(entry) ?? false;
}

/** True where the body says nothing any more: it was erased, or the payload that it refers to is gone. */
function isErased({ body }: Entry): boolean {
  return Object.keys(body).length === 0 || Object.hasOwn(body, "$blob");
}

function policyTally() {
  let caught = 0;
  let revised = 0;
  let rejectedByPeople = 0;
  let handoffsRejected = 0;
  let outputsRejected = 0;
  /** Codes of what policy has denied already: an end for the same is not another one. */
  const codes = new Set<string>();
  const take = (entry: Entry): void => {
    switch (entry.type) {
      case "tool.denied": {
        const code = nameOf(entry.body.error?.code);
        if (!code.startsWith("policy/")) return;
        codes.add(code);
        caught++;
        if (code === "policy/revise") revised++;
        return;
      }
      case "policy.decided":
        if (entry.body.effect !== "deny") return;
        for (const code of ["policy/denied", "policy/no-rule", "policy/evaluation-failed"]) codes.add(code);
        caught++;
        return;
      case "approval.rejected":
        rejectedByPeople++;
        return;
      case "handoff.rejected":
        handoffsRejected++;
        return;
      case "output.rejected":
        outputsRejected++;
        return;
      case "run.failed": {
        const code = nameOf(entry.body.error?.code);
        if (code.startsWith("policy/") && !codes.has(code)) caught++;
        return;
      }
      default:
    }
  };
  return {
    take,
    close: (): PolicyFacts => ({ caught, revised, rejectedByPeople, handoffsRejected, outputsRejected }),
  };
}

/** Of an answer that its process has lost, nobody knows which model gave it. */
export const lostModel = "(answer lost)";

/** Settled amounts of all calls and of what specialists have spent (`costsOf`); with `free`, what tells no cost has none. */
function costOf({ runId, entries }: KpiRun, delegated: Spend, free: boolean): CostFacts {
  const { total, byModel } = costsOf(runId, entries);
  const models = new Map<string, Spend>();
  for (const [name, { microUsd, tokens }] of byModel) {
    const key = name === "" ? lostModel : nameOf(name);
    const known = models.get(key) ?? { microUsd: 0, tokens: 0 };
    models.set(key, { microUsd: known.microUsd + microUsd, tokens: known.tokens + tokens });
  }
  // What specialists have spent is settled under no model's name either.
  const lost = models.get(lostModel);
  if (lost) models.set(lostModel, minusSpend(lost, delegated));
  for (const [name, { microUsd, tokens }] of models) if (microUsd < leastMicroUsd && tokens === 0) models.delete(name);
  return { ...total, unknown: free ? 0 : total.unknown, delegatedMicroUsd: delegated.microUsd, byModel: models };
}

/** What adding up fractions may leave of nothing. */
const leastMicroUsd = 1e-6;

function modelledOf(
  { reviewHour = 0, reviewStep = 0, tools = {} }: Prices,
  { steps }: PeopleFacts,
  calls: CallsFacts,
): NonNullable<RunFacts["modelled"]> {
  let reviewMicroUsd = 0;
  for (const { outcome, askedAt, endedAt } of steps) {
    if (outcome !== "decided" || endedAt === undefined) continue;
    reviewMicroUsd += reviewStep + (reviewHour * Math.max(0, endedAt - askedAt)) / 3_600_000;
  }
  let toolMicroUsd = 0;
  for (const [name, one] of calls.tools) {
    if (Object.hasOwn(tools, name)) toolMicroUsd += one.calls * (tools[name] ?? 0);
  }
  return { reviewMicroUsd, toolMicroUsd };
}

function traceOf(
  entries: readonly Entry[],
  { definitions }: FactsOptions,
  hash: string,
): NonNullable<RunFacts["trace"]> {
  const tally = completenessTally(definitions?.(hash));
  for (const entry of entries) tally.take(entry);
  const { present, required } = tally.close();
  return { present, required };
}

interface Outcome {
  readonly status: RunStatus;
  readonly firstResponseMs: number | undefined;
  readonly wholeMs: number;
  readonly parkedMs: number;
  readonly cost: CostFacts;
}

function successOf(
  run: KpiRun,
  { status, firstResponseMs, wholeMs, parkedMs, cost }: Outcome,
  { success, slo = {} }: FactsOptions,
): SuccessFacts {
  const quality = success ? success(run) : status === "completed";
  const within = (bound: number | undefined, value: number | undefined) =>
    bound === undefined ? undefined : value !== undefined && value <= bound;
  const asked = {
    firstResponseMs: within(slo.firstResponseMs, firstResponseMs),
    resolutionMs: within(slo.resolutionMs, wholeMs),
    activeMs: within(slo.activeMs, wholeMs - parkedMs),
    costMicroUsd: within(slo.costMicroUsd, cost.unknown > 0 ? undefined : cost.microUsd),
  };
  const kept = Object.entries(asked).filter(([, value]) => value !== undefined);
  return {
    ...(quality === undefined ? {} : { quality }),
    within: Object.fromEntries(kept) as SuccessFacts["within"],
  };
}

/** Adds counts to counts. */
export function addAll<Key>(to: Map<Key, number>, from: ReadonlyMap<Key, number>): void {
  for (const [key, times] of from) addTo(to, key, times);
}
