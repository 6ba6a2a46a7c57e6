import type { Kpis } from "./kpis.ts";
import { isKpiName, type KpiName, type KpiReading, type KpiUnit, kpiNames, namedKpi } from "./named.ts";
import type { KpiReport } from "./report.ts";

/**
 * A bound that a KPI has to keep, written as `containment>=0.6`. Of one tool or model, or of the runs of one segment, with its
 * name in brackets: `toolFailure[refund_order]<=1%`, `containment[refund]>=0.5`.
 */
export interface Gate {
  readonly text: string;
  readonly name: KpiName;
  /** A tool or a model, for KPIs that are of one; else a segment. */
  readonly of?: string;
  readonly operator: ">=" | "<=" | ">" | "<";
  /** In the KPI's own unit. */
  readonly bound: number;
}

export type GateRead = { readonly ok: true; readonly gate: Gate } | { readonly ok: false; readonly reason: string };

export interface GateResult {
  readonly gate: Gate;
  readonly held: boolean;
  readonly reading: KpiReading;
  /** How far from the bound, where there is a value and it did not hold. */
  readonly missedBy?: number;
  /** Why it did not hold, where there is no value. */
  readonly reason?: string;
}

const form = /^\s*([A-Za-z][\w.]*)\s*(?:\[([^\]]{1,200})\])?\s*(>=|<=|>|<)\s*([^\s<>=]\S*)\s*$/;
const scales: Readonly<Record<KpiUnit, Readonly<Record<string, number>>>> = {
  rate: { "": 1, "%": 0.01 },
  ms: { "": 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  usd: { "": 1 },
  count: { "": 1 },
};

/** Reads a gate. A name that is no KPI's, and a bound that lies outside of what the KPI can be, make none. */
export function readGate(text: string): GateRead {
  const parts = form.exec(text);
  if (!parts) return no(`"${text}" is no gate: write it as containment>=0.6`);
  const [, name = "", of, operator, written = ""] = parts;
  if (!isKpiName(name)) return no(`there is no KPI ${name}${nearest(name)}; there are ${kpiNames.join(", ")}`);
  const { unit } = namedKpi(name);
  const bound = amountOf(written, unit);
  if (bound === undefined) return no(`"${written}" is no bound for ${name}, which is ${wordOf[unit]}`);
  const most = unit === "rate" ? 1 : Number.POSITIVE_INFINITY;
  const sane = (low: number, high: number) => bound >= low && bound <= high;
  const possible = {
    ">=": sane(0, most),
    "<=": sane(0, most),
    ">": bound >= 0 && bound < most,
    "<": bound > 0 && bound <= most,
  }[operator as Gate["operator"]];
  if (!possible) return no(`${name} cannot be ${operator} ${written}: it is ${wordOf[unit]}`);
  return {
    ok: true,
    gate: {
      text: text.trim(),
      name,
      ...(of === undefined ? {} : { of }),
      operator: operator as Gate["operator"],
      bound,
    },
  };
}

/** Why a text is no gate. */
function no(reason: string): GateRead {
  return { ok: false, reason };
}

const wordOf: Readonly<Record<KpiUnit, string>> = {
  rate: "a share from 0 to 1 (or 0% to 100%)",
  ms: "a time of 0 or more, in milliseconds or with a unit (500ms, 2s, 5m, 1h, 1d)",
  usd: "an amount of US dollars of 0 or more",
  count: "a number of 0 or more",
};

function amountOf(text: string, unit: KpiUnit): number | undefined {
  const parts = /^([+-]?\d{1,15}(?:\.\d{1,15})?)(%|[a-z]*)$/.exec(text);
  const scale = scales[unit][parts?.[2] ?? ""];
  if (!parts || scale === undefined) return undefined;
  // A product is a little off, and what keeps its bound to the point would miss it: 70 * 0.01 is more than 0.7.
  if (parts[2] === "%") return Number(`${parts[1]}e-2`);
  return scale === 1 ? Number(parts[1]) : Math.round(Number(parts[1]) * scale * 1_000) / 1_000;
}

/** A name that is meant, perhaps: alike but for its case or its place, or one that begins the same. */
function nearest(name: string): string {
  const lower = name.toLowerCase();
  const begins = (start: string) => kpiNames.find((known) => known.toLowerCase().startsWith(start));
  const found = begins(lower) ?? begins(lower.slice(0, Math.max(4, Math.ceil(lower.length / 2))));
  return found === undefined ? "" : ` (is it ${found}?)`;
}

/**
 * Holds KPIs to gates. What has no value holds nothing: a gate over no run, over unknown costs or over a segment that is not
 * there is missed, and says why.
 * @param dimension of the segments that gates name
 */
export function checkGates(kpis: Kpis, gates: readonly Gate[], dimension = "tag"): readonly GateResult[] {
  return gates.map((gate): GateResult => {
    const found = readingOf(kpis, gate, dimension);
    if (typeof found === "string") return { gate, held: false, reading: { of: 0 }, reason: found };
    const { value } = found;
    if (value === undefined)
      return { gate, held: false, reading: found, reason: found.note ?? "there is nothing to tell it from" };
    const { operator, bound } = gate;
    const held = { ">=": value >= bound, "<=": value <= bound, ">": value > bound, "<": value < bound }[operator];
    return { gate, held, reading: found, ...(held ? {} : { missedBy: Math.abs(value - bound) }) };
  });
}

function readingOf({ overall, segments }: Kpis, { name, of }: Gate, dimension: string): KpiReading | string {
  const kpi = namedKpi(name);
  if (of === undefined) return kpi.read(overall);
  if (kpi.per !== undefined && kpi.readOf) {
    const calls: KpiReport["tools"] | KpiReport["models"] = kpi.per === "tool" ? overall.tools : overall.models;
    const call = Object.hasOwn(calls, of) ? calls[of] : undefined;
    return call ? kpi.readOf(call) : `no ${kpi.per} ${of} was called`;
  }
  const values = segments[dimension] ?? {};
  const segment = Object.hasOwn(values, of) ? values[of] : undefined;
  return segment ? kpi.read(segment) : `no run has the ${dimension} ${of}`;
}
