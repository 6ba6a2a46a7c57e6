import type { Distribution } from "./distribution.ts";
import type { CallReport, KpiReport, Rate } from "./report.ts";

/** KPIs by name, as numbers that can be bounded, compared and shown. */

/** `rate`: 0 to 1. `ms`: milliseconds. `usd`: US dollars. `count`: a number of things, or the mean or percentile of such. */
export type KpiUnit = "rate" | "ms" | "usd" | "count";

export interface KpiReading {
  /** Absent: nothing there that it could be told of. */
  readonly value?: number;
  /** Of how many things: runs, calls, steps. */
  readonly of: number;
  /** Of a rate: how many of them. */
  readonly count?: number;
  /** Why there is no value, or what of it is not known. */
  readonly note?: string;
}

export interface NamedKpi {
  readonly title: string;
  readonly unit: KpiUnit;
  /** Which way is good; absent: neither is. */
  readonly better?: "higher" | "lower";
  readonly read: (report: KpiReport) => KpiReading;
  /** It is of one tool or model too: `toolFailure[refund_order]`. */
  readonly per?: "tool" | "model";
  readonly readOf?: (call: CallReport | KpiReport["models"][string]) => KpiReading;
}

const rate = ({ count, of, value }: Rate): KpiReading => ({ of, count, ...(value === undefined ? {} : { value }) });
const at = (distribution: Distribution, place: "p50" | "p95"): KpiReading => {
  const { [place]: value, count } = distribution;
  return { of: count, ...(value === undefined ? {} : { value }) };
};
const usd = (microUsd: number | undefined, of: number, unknownCalls: number): KpiReading => {
  // An amount of which something is missing is no amount: a bound on it could not be trusted.
  if (unknownCalls > 0) return { of, note: `the cost of ${unknownCalls} model calls is unknown` };
  return { of, ...(microUsd === undefined || of === 0 ? {} : { value: microUsd / 1e6 }) };
};
const percentiles = <Name extends string>(
  name: Name,
  title: string,
  unit: KpiUnit,
  of: (report: KpiReport) => Distribution,
) =>
  ({
    [`${name}.p50`]: {
      title: `${title}, p50`,
      unit,
      better: "lower",
      read: (report: KpiReport) => at(of(report), "p50"),
    },
    [`${name}.p95`]: {
      title: `${title}, p95`,
      unit,
      better: "lower",
      read: (report: KpiReport) => at(of(report), "p95"),
    },
  }) as { readonly [Key in `${Name}.p50` | `${Name}.p95`]: NamedKpi };

const failureOf = (calls: readonly { readonly failure: Rate }[]): KpiReading => {
  const count = calls.reduce((sum, { failure }) => sum + failure.count, 0);
  const of = calls.reduce((sum, { failure }) => sum + failure.of, 0);
  return { count, of, ...(of === 0 ? {} : { value: count / of }) };
};
const latency = (per: "tool" | "model", place: "p50" | "p95"): NamedKpi => ({
  title: `latency of ${per}s, ${place}`,
  unit: "ms",
  better: "lower",
  per,
  // Percentiles cannot be made of percentiles; over all of them, the slowest one speaks.
  read: (report) => {
    const all = Object.values(per === "tool" ? report.tools : report.models).map((one) => at(one.latency, place));
    const known = all.flatMap(({ value }) => value ?? []);
    const of = all.reduce((sum, one) => sum + one.of, 0);
    return { of, ...(known.length === 0 ? {} : { value: Math.max(...known) }) };
  },
  readOf: (call) => at(call.latency, place),
});

/** Every KPI that has a name. */
export const namedKpis = {
  containment: {
    title: "closed without a person",
    unit: "rate",
    better: "higher",
    read: ({ containment }) => rate(containment),
  },
  escalation: { title: "escalated", unit: "rate", better: "lower", read: ({ escalation }) => rate(escalation) },
  review: { title: "looked at by a person", unit: "rate", better: "lower", read: ({ review }) => rate(review) },
  success: {
    title: "right, within all bounds",
    unit: "rate",
    better: "higher",
    read: ({ success }) => rate(success),
  },
  quality: { title: "right", unit: "rate", better: "higher", read: ({ success }) => rate(success.quality) },
  incidents: { title: "failed", unit: "rate", better: "lower", read: ({ incidents }) => rate(incidents) },
  completeness: {
    title: "trace completeness",
    unit: "rate",
    better: "higher",
    read: ({ trace }) => rate(trace),
  },
  violations: {
    title: "violations that got through",
    unit: "count",
    better: "lower",
    read: ({ policy: { reached } }) =>
      reached ? { of: reached.of, value: reached.violations } : { of: 0, note: "nobody has looked from outside" },
  },
  caught: {
    title: "stopped by policy",
    unit: "count",
    read: ({ policy, runs: { cases } }) => ({ of: cases, ...(cases === 0 ? {} : { value: policy.caught }) }),
  },
  cost: {
    title: "cost",
    unit: "usd",
    better: "lower",
    read: ({ cost, runs }) => usd(cost.microUsd, runs.ended, cost.unknownCalls),
  },
  costPerRun: {
    title: "cost per run",
    unit: "usd",
    better: "lower",
    read: ({ cost, runs }) => usd(cost.perRun, runs.ended, cost.unknownCalls),
  },
  costPerSuccess: {
    title: "cost per success",
    unit: "usd",
    better: "lower",
    read: ({ cost, success }) => usd(cost.perSuccess, success.count, cost.unknownCalls),
  },
  fullCostPerSuccess: {
    title: "cost per success, with people's and tools' work as priced",
    unit: "usd",
    better: "lower",
    read: ({ cost, success }) =>
      cost.modelled
        ? usd(cost.modelled.perSuccess, success.count, cost.unknownCalls)
        : { of: success.count, note: "no prices of people's and tools' work were given" },
  },
  ...percentiles("firstResponse", "time to first response", "ms", ({ time }) => time.firstResponse),
  ...percentiles("resolution", "time to resolution", "ms", ({ time }) => time.resolution),
  ...percentiles("active", "time at work", "ms", ({ time }) => time.active),
  ...percentiles("parked", "time parked", "ms", ({ time }) => time.parked),
  ...percentiles("reviewTime", "review time", "ms", ({ review }) => review.time),
  ...percentiles("turns", "model calls of a run", "count", ({ turns }) => turns),
  ...percentiles("handoffs", "handoffs of a run", "count", ({ handoffs }) => handoffs),
  toolFailure: {
    title: "tool failures",
    unit: "rate",
    better: "lower",
    per: "tool",
    read: ({ tools }) => failureOf(Object.values(tools)),
    readOf: ({ failure }) => rate(failure),
  },
  "toolLatency.p50": latency("tool", "p50"),
  "toolLatency.p95": latency("tool", "p95"),
  modelFailure: {
    title: "model failures",
    unit: "rate",
    better: "lower",
    per: "model",
    read: ({ models }) => failureOf(Object.values(models)),
    readOf: ({ failure }) => rate(failure),
  },
  "modelLatency.p50": latency("model", "p50"),
  "modelLatency.p95": latency("model", "p95"),
} as const satisfies { readonly [name: string]: NamedKpi };

export type KpiName = keyof typeof namedKpis;

export const kpiNames = Object.keys(namedKpis) as readonly KpiName[];

export function isKpiName(name: string): name is KpiName {
  return Object.hasOwn(namedKpis, name);
}

export function namedKpi(name: KpiName): NamedKpi {
  return namedKpis[name];
}

/** One KPI before and after. */
export interface KpiChange {
  readonly name: KpiName;
  readonly before: KpiReading;
  readonly after: KpiReading;
  /** After less before; absent where one of them has no value. */
  readonly difference?: number;
  /** Which way it went; absent where it cannot be told, or nothing changed. */
  readonly went?: "better" | "worse";
}

/** Every named KPI of two reports; counts stand beside each, so that a change among few is seen to be one. */
export function compareKpis(before: KpiReport, after: KpiReport): readonly KpiChange[] {
  return kpiNames.map((name): KpiChange => {
    const kpi = namedKpi(name);
    const [was, is] = [kpi.read(before), kpi.read(after)];
    if (was.value === undefined || is.value === undefined) return { name, before: was, after: is };
    const difference = is.value - was.value;
    if (difference === 0 || kpi.better === undefined) return { name, before: was, after: is, difference };
    const went = difference > 0 === (kpi.better === "higher") ? "better" : "worse";
    return { name, before: was, after: is, difference, went };
  });
}
