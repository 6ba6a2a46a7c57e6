import {
  type Distribution,
  type GateResult,
  type KpiChange,
  type KpiName,
  type KpiReading,
  type KpiReport,
  type Kpis,
  type KpiUnit,
  kpiNames,
  namedKpi,
  type Rate,
} from "@remit/core/kpi";
import { dollars } from "./money.ts";
import type { Screen } from "./screen.ts";
import { tallyText } from "./summary.ts";
import { type Cell, type Column, pairs, table } from "./table.ts";
import { count, duration, printable } from "./text.ts";

/** KPIs as a person reads them: a rate beside what it is of, and a dash where there is nothing to tell. */

const nothing = "–";

export function valueText(unit: KpiUnit, value: number): string {
  switch (unit) {
    case "rate":
      return `${percent(value)} %`;
    case "ms":
      return duration(value);
    case "usd":
      return dollars(value * 1e6);
    case "count":
      return Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(1);
  }
}

/** One digit behind the point; what is not all is never 100.0, and what is something is never 0.0. */
function percent(value: number): string {
  if (value === 0 || value === 1) return String(value * 100);
  return Math.min(99.9, Math.max(0.1, value * 100)).toFixed(1);
}

/** @param counts `of`: of how many things it is, also where it is no rate */
export function readingText(unit: KpiUnit, { value, count: some, of }: KpiReading, counts?: "of"): string {
  if (value === undefined) return nothing;
  if (some === undefined && counts) return `${valueText(unit, value)} (of ${number(of)})`;
  return some === undefined ? valueText(unit, value) : `${valueText(unit, value)} (${number(some)} of ${number(of)})`;
}

/** Every named KPI of a report, by name. */
export function readingsOf(report: KpiReport): Readonly<Record<string, KpiReading>> {
  return Object.fromEntries(kpiNames.map((name) => [name, namedKpi(name).read(report)]));
}

function rateText({ value, count: some, of }: Rate): string {
  return value === undefined ? nothing : `${number(some)} of ${number(of)} (${valueText("rate", value)})`;
}

function timesText({ count: some, p50, p95 }: Distribution, unit: KpiUnit = "ms"): string {
  if (p50 === undefined || p95 === undefined || some === 0) return nothing;
  return `p50 ${valueText(unit, p50)}, p95 ${valueText(unit, p95)}`;
}

/** The headline numbers, by name: what screen and page show. */
export function headlines(report: KpiReport): readonly (readonly [name: string, value: string])[] {
  const { runs, containment, escalation, review, time, policy, success, cost, incidents, trace } = report;
  const tally = (counts: Readonly<Record<string, number | undefined>>) => {
    const text = tallyText(counts as Readonly<Record<string, number>>);
    return text === "" ? "" : `; ${text}`;
  };
  const open = runs.cases - runs.ended;
  const apart = [
    ...(open > 0 ? [`${number(open)} not ended, in no rate`] : []),
    ...(runs.erased > 0 ? [`${number(runs.erased)} erased`] : []),
    ...(containment.untold > 0 ? [`${number(containment.untold)} that cannot tell`] : []),
  ];
  const reached = policy.reached
    ? `${number(policy.reached.violations)} got through in ${count(policy.reached.of, "run")} looked at`
    : "nobody looked what got through";
  const unknown = cost.unknownCalls > 0 ? `; the cost of ${count(cost.unknownCalls, "call")} is unknown` : "";
  const each =
    cost.unknownCalls > 0
      ? ""
      : `, ${readingText("usd", namedKpi("costPerRun").read(report))} a run, ${readingText("usd", namedKpi("costPerSuccess").read(report))} a success`;
  const bases = Object.entries(cost.byBasis).flatMap(([basis, microUsd]) =>
    microUsd > 0 ? [`${basis} ${dollars(microUsd)}`] : [],
  );
  const waiting = review.waiting > 0 ? `, ${number(review.waiting)} waiting` : "";
  const steps = review.steps > 0 ? `; ${count(review.steps, "step")}${waiting}${tally(review.byReason)}` : "";
  return [
    ["contained", `${rateText(containment)} closed without a person${apart.length > 0 ? `; ${apart.join(", ")}` : ""}`],
    ["escalated", `${rateText(escalation)}${tally(escalation.byReason)}`],
    ["reviewed", `${rateText(review)}${steps}`],
    ["review time", timesText(review.time)],
    ["success", `${rateText(success)}${success.unjudged > 0 ? `; ${number(success.unjudged)} not judged` : ""}`],
    ["first response", timesText(time.firstResponse)],
    ["resolution", timesText(time.resolution)],
    ["at work", `${timesText(time.active)}; parked ${timesText(time.parked)}`],
    ["policy", `${number(policy.caught)} stopped, in ${rateText(policy.runs)} ended runs; ${reached}`],
    ["cost", `${dollars(cost.microUsd)}${each}${bases.length > 0 ? `; ${bases.join(", ")}` : ""}${unknown}`],
    ["per run", `${timesText(report.turns, "count")} model calls; ${timesText(report.handoffs, "count")} handoffs`],
    ["incidents", `${rateText(incidents)}${tally(incidents.byStep)}`],
    ["trace", `${rateText(trace)} of the entries that must be there; ${rateText(trace.complete)} runs complete`],
  ];
}

/** Those that stand under a suite's totals, which tell the others in their own way. */
const shortOnes: ReadonlySet<string> = new Set([
  "contained",
  "escalated",
  "reviewed",
  "success",
  "first response",
  "resolution",
  "cost",
  "incidents",
]);

export function kpiLines(report: KpiReport, { columns, paint }: Screen, only: "all" | "short" = "all"): string[] {
  const lines = headlines(report)
    .filter(([name]) => only === "all" || shortOnes.has(name))
    .map(([name, value]) => [name, printable(value)] as const);
  return pairs(lines, { columns, name: paint.quiet });
}

/** KPIs that stand in a table of segments. */
export const segmentKpis = [
  ["contained", "containment"],
  ["escalated", "escalation"],
  ["reviewed", "review"],
  ["success", "success"],
  ["resolution p95", "resolution.p95"],
  ["cost/success", "costPerSuccess"],
] as const satisfies readonly (readonly [string, KpiName])[];

/** Segments with the most runs first; at most `most` of them. */
export function bySize(segments: Readonly<Record<string, KpiReport>>): readonly (readonly [string, KpiReport])[] {
  return Object.entries(segments).sort(
    ([left, some], [right, many]) => many.runs.cases - some.runs.cases || (left < right ? -1 : 1),
  );
}

export function segmentTable(
  segments: Readonly<Record<string, KpiReport>>,
  dimension: string,
  { columns, paint }: Screen,
  most = Number.POSITIVE_INFINITY,
): string[] {
  const titles: Column[] = [
    { title: dimension, atLeast: 12, gives: 1 },
    { title: "runs", align: "right" },
    ...segmentKpis.map(([title], index): Column => ({ title, align: "right", ...(index > 2 ? { spare: index } : {}) })),
  ];
  const sorted = bySize(segments);
  const rows = sorted.slice(0, most).map(([value, report]): Cell[] => [
    { text: printable(value), tint: paint.name },
    { text: number(report.runs.cases) },
    ...segmentKpis.map(([, name]): Cell => {
      const { unit, read } = namedKpi(name);
      const { value: found } = read(report);
      return found === undefined ? { text: nothing, tint: paint.quiet } : { text: valueText(unit, found) };
    }),
  ]);
  return table(titles, rows, { columns, head: paint.quiet });
}

const tagsShown = 6;

/** The largest tags, under a suite's totals. */
export function tagLines({ segments }: Kpis, screen: Screen, command: (words: string) => string): string[] {
  const tags = segments.tag ?? {};
  const more = Object.keys(tags).length - tagsShown;
  return [
    ...segmentTable(tags, "tag", screen, tagsShown),
    ...(more > 0 ? [screen.paint.quiet(`… and ${number(more)} more: ${command("kpi")}`)] : []),
  ];
}

export function toolTable({ tools }: KpiReport, { columns, paint }: Screen): string[] {
  const titles: Column[] = [
    { title: "tool", atLeast: 14, gives: 1 },
    { title: "calls", align: "right" },
    { title: "failed", align: "right" },
    { title: "refused", align: "right", spare: 3 },
    { title: "denied", align: "right", spare: 2 },
    { title: "retries", align: "right", spare: 4 },
    { title: "uncertain", align: "right", spare: 1 },
    { title: "p50", align: "right", spare: 6 },
    { title: "p95", align: "right", spare: 5 },
  ];
  const rows = Object.entries(tools).map(([name, one]): Cell[] => [
    { text: printable(name), tint: paint.name },
    ...[one.calls, one.failure.count, one.refused, one.denied, one.retries, one.uncertain].map(counted(paint.quiet)),
    { text: one.latency.p50 === undefined ? nothing : duration(one.latency.p50) },
    { text: one.latency.p95 === undefined ? nothing : duration(one.latency.p95) },
  ]);
  return table(titles, rows, { columns, head: paint.quiet });
}

export function modelTable({ models }: KpiReport, { columns, paint }: Screen): string[] {
  const titles: Column[] = [
    { title: "model", atLeast: 14, gives: 1 },
    { title: "calls", align: "right" },
    { title: "failed", align: "right" },
    { title: "retries", align: "right", spare: 2 },
    { title: "cached", align: "right", spare: 3 },
    { title: "cost", align: "right" },
    { title: "p50", align: "right", spare: 5 },
    { title: "p95", align: "right", spare: 4 },
  ];
  const rows = Object.entries(models).map(([name, one]): Cell[] => [
    { text: printable(name), tint: paint.name },
    ...[one.calls, one.failure.count, one.retries, one.cached].map(counted(paint.quiet)),
    { text: dollars(one.microUsd) },
    { text: one.latency.p50 === undefined ? nothing : duration(one.latency.p50) },
    { text: one.latency.p95 === undefined ? nothing : duration(one.latency.p95) },
  ]);
  return table(titles, rows, { columns, head: paint.quiet });
}

/** Before, after and the difference of every KPI that one of both has. */
export function changeTable(changes: readonly KpiChange[], { columns, paint }: Screen): string[] {
  const titles: Column[] = [
    { title: "KPI", atLeast: 16, gives: 1 },
    { title: "before", align: "right" },
    { title: "after", align: "right" },
    { title: "difference", align: "right" },
  ];
  const told = changes.filter(({ before, after }) => before.value !== undefined || after.value !== undefined);
  const rows = told.map(({ name, before, after, difference, went }): Cell[] => {
    const { unit } = namedKpi(name);
    const tint = went === "better" ? paint.good : went === "worse" ? paint.bad : paint.quiet;
    const mark = went === undefined ? "" : ` ${went}`;
    return [
      { text: name, tint: paint.name },
      { text: readingText(unit, before, "of") },
      { text: readingText(unit, after, "of") },
      { text: difference === undefined ? nothing : `${differenceText(unit, difference)}${mark}`, tint },
    ];
  });
  return table(titles, rows, { columns, head: paint.quiet });
}

/** A difference of rates is in points of a percent, which is not a share of the rate. */
function differenceText(unit: KpiUnit, difference: number): string {
  if (difference === 0) return "0";
  const sign = difference > 0 ? "+" : "−";
  const size = Math.abs(difference);
  return `${sign}${unit === "rate" ? `${(size * 100).toFixed(1)} points` : valueText(unit, size)}`;
}

/** What each gate came to: held, or missed and by how much. */
export function gateLines(results: readonly GateResult[], { paint }: Screen): string[] {
  const missed = results.filter(({ held }) => !held).length;
  const title =
    missed === 0 ? `${count(results.length, "gate")} held` : `${missed} of ${count(results.length, "gate")} missed`;
  return [
    missed === 0 ? paint.good(`✓ ${title}`) : paint.bad(`✗ ${title}`),
    ...results.map(({ gate, held, reading, missedBy, reason }) => {
      const { unit } = namedKpi(gate.name);
      const text = printable(gate.text);
      if (held) return `  ${paint.good("✓")} ${text} ${paint.quiet(`· ${readingText(unit, reading)}`)}`;
      const by = missedBy === undefined ? "" : missedText(unit, missedBy);
      const found = reason === undefined ? `${readingText(unit, reading)}${by}` : printable(reason);
      return `  ${paint.bad("✗")} ${text} ${paint.quiet("·")} ${paint.bad(found)}`;
    }),
  ];
}

function missedText(unit: KpiUnit, missedBy: number): string {
  return missedBy === 0 ? ", which is the bound itself" : `, missed by ${differenceText(unit, missedBy).slice(1)}`;
}

function counted(quiet: (text: string) => string): (value: number) => Cell {
  return (value) => (value === 0 ? { text: "·", tint: quiet } : { text: number(value) });
}

function number(value: number): string {
  return value.toLocaleString("en");
}
