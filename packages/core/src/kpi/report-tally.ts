import type { RunStatus } from "../event.ts";
import { addTo, type CallFacts, noCalls } from "./calls.ts";
import { type DistributionTally, distributionTally } from "./distribution.ts";
import { addAll, type RunFacts } from "./facts.ts";
import type { Incident } from "./incident.ts";
import type { HumanStep } from "./people.ts";
import type { HumanReason } from "./reason.ts";
import type { CallReport, KpiReport, ModelReport, Rate, Tally } from "./report.ts";

/** Names that are counted one by one; those that come later are counted together. */
const namesMost = 200;
export const otherNames = "(others)";
const someMost = 20;

export interface ReportTally {
  readonly add: (facts: RunFacts) => void;
  readonly close: () => KpiReport;
}

export function reportTally(): ReportTally {
  const statuses = new Map<RunStatus, number>();
  const n = {
    cases: 0,
    ended: 0,
    erased: 0,
    redriven: 0,
    delegated: 0,
    undo: 0,
    contained: 0,
    untold: 0,
    escalated: 0,
    reviewed: 0,
    steps: 0,
    waiting: 0,
    expired: 0,
    caught: 0,
    caughtRuns: 0,
    revised: 0,
    rejectedByPeople: 0,
    handoffsRejected: 0,
    outputsRejected: 0,
    violations: 0,
    violated: 0,
    looked: 0,
    successes: 0,
    right: 0,
    judged: 0,
    microUsd: 0,
    tokens: 0,
    unknownCalls: 0,
    delegatedMicroUsd: 0,
    openMicroUsd: 0,
    reviewMicroUsd: 0,
    toolMicroUsd: 0,
    priced: 0,
    unheard: 0,
    incidents: 0,
    present: 0,
    required: 0,
    complete: 0,
    traced: 0,
  };
  const byBasis = { reported: 0, estimated: 0, reserved: 0 };
  const escalationReasons = new Map<HumanReason, number>();
  const escalationWords = new Map<string, number>();
  const kinds = new Map<HumanStep["kind"], number>();
  const reasons = new Map<HumanReason, number>();
  const denied = new Map<string, number>();
  const codes = new Map<string, number>();
  const steps = new Map<string, number>();
  const some: (Incident & { readonly runId: string; readonly tenant: string })[] = [];
  const within = new Map<string, { count: number; of: number }>();
  const times = {
    review: distributionTally(),
    firstResponse: distributionTally(),
    resolution: distributionTally(),
    active: distributionTally(),
    parked: distributionTally(),
    customer: distributionTally(),
    cost: distributionTally(),
    handoffs: distributionTally(),
    turns: distributionTally(),
  };
  const tools = new Map<string, CallsOf>();
  const models = new Map<string, CallsOf & { microUsd: number; tokens: number }>();

  const addPeople = ({ people }: RunFacts) => {
    for (const { kind, reason, askedAt, endedAt, outcome } of people.steps) {
      n.steps++;
      addTo(kinds, kind);
      addTo(reasons, reason);
      if (outcome === "decided" && endedAt !== undefined) times.review.add(endedAt - askedAt);
      if (outcome === "expired") n.expired++;
      if (outcome === undefined && kind !== "escalation") n.waiting++;
    }
    if (people.customerQuestions > 0) times.customer.add(people.customerMs);
  };
  const addPolicy = ({ policy, calls }: RunFacts) => {
    n.caught += policy.caught;
    n.revised += policy.revised;
    n.rejectedByPeople += policy.rejectedByPeople;
    n.handoffsRejected += policy.handoffsRejected;
    n.outputsRejected += policy.outputsRejected;
    addAll(denied, calls.denied);
    if (policy.reached === undefined) return;
    n.looked++;
    n.violations += policy.reached;
    if (policy.reached > 0) n.violated++;
  };
  const addCalls = ({ calls, cost }: RunFacts) => {
    n.unheard += calls.unheard;
    for (const [name, facts] of calls.tools) addCall(room(tools, name, newCalls), facts);
    const newModel = () => ({ ...newCalls(), microUsd: 0, tokens: 0 });
    for (const [name, facts] of calls.models) addCall(room(models, name, newModel), facts);
    for (const [name, { microUsd, tokens }] of cost.byModel) {
      const model = room(models, name, newModel);
      model.microUsd += microUsd;
      model.tokens += tokens;
    }
  };
  const addEnded = (facts: RunFacts) => {
    const { status, people, policy, cost, incident, trace, success, startedAt, endedAt = startedAt } = facts;
    n.ended++;
    const closed = status === "completed" || status === "denied";
    if (people.steps.length > 0) n.reviewed++;
    if (people.steps.length === 0 && people.untold) n.untold++;
    else if (closed && people.steps.length === 0) n.contained++;
    if (status === "escalated") {
      n.escalated++;
      addTo(escalationReasons, people.steps.findLast(({ kind }) => kind === "escalation")?.reason ?? "unknown");
      addTo(escalationWords, roomFor(escalationWords, people.word ?? "(erased)"));
    }
    if (policy.caught > 0) n.caughtRuns++;
    const wholeMs = Math.max(0, endedAt - startedAt);
    if (closed) times.resolution.add(wholeMs);
    times.active.add(Math.max(0, wholeMs - facts.parkedMs));
    times.parked.add(facts.parkedMs);
    n.microUsd += cost.microUsd;
    n.tokens += cost.tokens;
    n.unknownCalls += cost.unknown;
    n.delegatedMicroUsd += cost.delegatedMicroUsd;
    for (const basis of ["reported", "estimated", "reserved"] as const) byBasis[basis] += cost.byBasis[basis];
    times.cost.add(cost.microUsd);
    if (facts.modelled) {
      n.priced++;
      n.reviewMicroUsd += facts.modelled.reviewMicroUsd;
      n.toolMicroUsd += facts.modelled.toolMicroUsd;
    }
    times.handoffs.add(facts.handoffs);
    times.turns.add(facts.turns);
    if (incident) {
      n.incidents++;
      addTo(codes, roomFor(codes, incident.code || "(erased)"));
      addTo(steps, roomFor(steps, `${incident.type} ${incident.code}`.trim()));
      if (some.length < someMost) some.push({ ...incident, runId: facts.runId, tenant: facts.tenant });
    }
    if (trace) {
      n.traced++;
      n.present += trace.present;
      n.required += trace.required;
      if (trace.present === trace.required) n.complete++;
    }
    if (!success) return;
    const bounds = Object.entries(success.within);
    for (const [bound, kept] of bounds) {
      const rate = within.get(bound) ?? { count: 0, of: 0 };
      within.set(bound, { count: rate.count + (kept ? 1 : 0), of: rate.of + 1 });
    }
    if (success.quality === undefined) return;
    n.judged++;
    if (!success.quality) return;
    n.right++;
    if (bounds.every(([, kept]) => kept)) n.successes++;
  };

  const modelled = () => {
    const { reviewMicroUsd, toolMicroUsd, microUsd, successes } = n;
    const all = microUsd + reviewMicroUsd + toolMicroUsd;
    return { reviewMicroUsd, toolMicroUsd, ...(successes === 0 ? {} : { perSuccess: all / successes }) };
  };

  return {
    add: (facts) => {
      if (facts.part !== "case") {
        n[facts.part]++;
        return;
      }
      n.cases++;
      addTo(statuses, facts.status);
      if (facts.erased > 0) n.erased++;
      if (facts.redrives) n.redriven++;
      if (facts.firstResponseMs !== undefined) times.firstResponse.add(facts.firstResponseMs);
      addPeople(facts);
      addPolicy(facts);
      addCalls(facts);
      if (facts.endedAt === undefined) n.openMicroUsd += facts.cost.microUsd;
      else addEnded(facts);
    },
    close: () => {
      const ofEnded = (count: number) => rateOf(count, n.ended);
      return {
        runs: {
          cases: n.cases,
          ended: n.ended,
          byStatus: tallyOf(statuses),
          erased: n.erased,
          redriven: n.redriven,
          delegated: n.delegated,
          undo: n.undo,
        },
        containment: { ...rateOf(n.contained, n.ended - n.untold), untold: n.untold },
        escalation: {
          ...ofEnded(n.escalated),
          byReason: tallyOf(escalationReasons),
          byWord: tallyOf(escalationWords),
        },
        review: {
          ...ofEnded(n.reviewed),
          steps: n.steps,
          byKind: tallyOf(kinds),
          byReason: tallyOf(reasons),
          waiting: n.waiting,
          expired: n.expired,
          time: times.review.close(),
        },
        time: {
          firstResponse: times.firstResponse.close(),
          resolution: times.resolution.close(),
          active: times.active.close(),
          parked: times.parked.close(),
          customer: times.customer.close(),
        },
        policy: {
          caught: n.caught,
          runs: ofEnded(n.caughtRuns),
          denied: tallyOf(denied),
          revised: n.revised,
          rejectedByPeople: n.rejectedByPeople,
          handoffsRejected: n.handoffsRejected,
          outputsRejected: n.outputsRejected,
          ...(n.looked === 0 ? {} : { reached: { ...rateOf(n.violated, n.looked), violations: n.violations } }),
        },
        success: {
          ...rateOf(n.successes, n.judged),
          quality: rateOf(n.right, n.judged),
          within: Object.fromEntries([...within].map(([bound, { count, of }]) => [bound, rateOf(count, of)])),
          unjudged: n.ended - n.judged,
        },
        cost: {
          microUsd: n.microUsd,
          byBasis,
          tokens: n.tokens,
          unknownCalls: n.unknownCalls,
          delegatedMicroUsd: n.delegatedMicroUsd,
          openMicroUsd: n.openMicroUsd,
          ...(n.ended === 0 ? {} : { perRun: n.microUsd / n.ended }),
          ...(n.successes === 0 ? {} : { perSuccess: n.microUsd / n.successes }),
          ofRun: times.cost.close(),
          ...(n.priced === 0 ? {} : { modelled: modelled() }),
        },
        tools: Object.fromEntries(inOrder(tools).map(([name, calls]) => [name, callReport(calls)])),
        models: Object.fromEntries(inOrder(models).map(([name, calls]) => [name, modelReport(calls)])),
        unheardModelCalls: n.unheard,
        handoffs: times.handoffs.close(),
        turns: times.turns.close(),
        incidents: { ...ofEnded(n.incidents), byCode: tallyOf(codes), byStep: tallyOf(steps), some: [...some] },
        trace: { ...rateOf(n.present, n.required), complete: rateOf(n.complete, n.traced) },
      };
    },
  };
}

interface CallsOf {
  readonly facts: Omit<CallFacts, "durations">;
  readonly latency: DistributionTally;
}

function newCalls(): CallsOf {
  return { facts: noCalls(), latency: distributionTally() };
}

function addCall({ facts, latency }: CallsOf, one: CallFacts): void {
  for (const key of counted) facts[key] += one[key];
  addAll(facts.codes, one.codes);
  for (const duration of one.durations) latency.add(duration);
}

const counted = [
  "calls",
  "returned",
  "refused",
  "failed",
  "retries",
  "uncertain",
  "denied",
  "cached",
  "fallbacks",
] as const satisfies readonly (keyof CallFacts)[];

function callReport({ facts, latency }: CallsOf): CallReport {
  const heard = facts.returned + facts.refused + facts.failed;
  return {
    calls: facts.calls,
    failure: rateOf(facts.failed, heard),
    refused: facts.refused,
    retries: facts.retries,
    byCode: tallyOf(facts.codes),
    uncertain: facts.uncertain,
    denied: facts.denied,
    unheard: Math.max(0, facts.calls - heard),
    latency: latency.close(),
  };
}

function modelReport(calls: CallsOf & { readonly microUsd: number; readonly tokens: number }): ModelReport {
  const { refused: _, uncertain: __, denied: ___, unheard: ____, ...report } = callReport(calls);
  const { cached, fallbacks } = calls.facts;
  return { ...report, cached, fallbacks, microUsd: calls.microUsd, tokens: calls.tokens };
}

function rateOf(count: number, of: number): Rate {
  return { count, of, ...(of === 0 ? {} : { value: count / of }) };
}

/** The name itself while there is room for it. */
function roomFor(known: ReadonlyMap<string, unknown>, name: string): string {
  return known.has(name) || known.size < namesMost ? name : otherNames;
}

export function room<Item>(known: Map<string, Item>, name: string, make: () => Item): Item {
  const key = roomFor(known, name);
  const item = known.get(key) ?? make();
  known.set(key, item);
  return item;
}

/** Most often first, then by name. */
function tallyOf<Key extends string>(counts: ReadonlyMap<Key, number>): Tally<Key> {
  const sorted = [...counts].sort(([left, some], [right, many]) => many - some || (left < right ? -1 : 1));
  return Object.fromEntries(sorted) as Tally<Key>;
}

function inOrder<Item>(items: ReadonlyMap<string, Item>): readonly (readonly [string, Item])[] {
  return [...items].sort(([left], [right]) => (left < right ? -1 : 1));
}
