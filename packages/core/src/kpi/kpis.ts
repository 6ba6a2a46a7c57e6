import { type FactsOptions, factsOf, type KpiRun, type RunFacts } from "./facts.ts";
import type { KpiReport } from "./report.ts";
import { type ReportTally, reportTally, room } from "./report-tally.ts";
import { type SegmentBy, segmentsOf } from "./segment.ts";

/** KPIs over all runs, and over those of each segment. */
export interface Kpis {
  readonly overall: KpiReport;
  /**
   * By dimension, then by value. A run has one value of a dimension, or several (its tags, its models), and counts in each: the
   * parts of a dimension may add up to more than the whole. A run without any counts under `(none)`.
   */
  readonly segments: { readonly [dimension: string]: { readonly [value: string]: KpiReport } };
}

export interface KpiOptions extends FactsOptions {
  /** Dimensions by name; `byTag()`, `byTenant()` and others make some. */
  readonly segmentBy?: { readonly [dimension: string]: SegmentBy };
}

export interface KpiTally {
  /** Counts a run. Nothing of its entries is kept. */
  readonly take: (run: KpiRun) => void;
  /** The KPIs of the runs so far; more may follow. */
  readonly close: () => Kpis;
}

/** Counts runs one by one, in memory that grows with names and segments (200 of each) and not with runs. */
export function kpiTally(options: KpiOptions = {}): KpiTally {
  const overall = reportTally();
  const dimensions = new Map<string, Map<string, ReportTally>>();
  for (const dimension of Object.keys(options.segmentBy ?? {})) dimensions.set(dimension, new Map());
  const add = (facts: RunFacts, run: KpiRun) => {
    overall.add(facts);
    for (const [dimension, segments] of dimensions) {
      const segmentBy = options.segmentBy?.[dimension];
      if (!segmentBy) continue;
      for (const value of segmentsOf(segmentBy, facts, run)) room(segments, value, reportTally).add(facts);
    }
  };
  return {
    take: (run) => add(factsOf(run, options), run),
    close: () => ({
      overall: overall.close(),
      segments: Object.fromEntries(
        [...dimensions].map(([dimension, segments]) => [
          dimension,
          Object.fromEntries(
            [...segments]
              .sort(([left], [right]) => (left < right ? -1 : 1))
              .map(([value, tally]) => [value, tally.close()]),
          ),
        ]),
      ),
    }),
  };
}

/**
 * KPIs of runs, read one after the other.
 * @param runs of a list, or as they are read (`runsOf`): one at a time is in memory
 */
export async function kpisOf(runs: Iterable<KpiRun> | AsyncIterable<KpiRun>, options: KpiOptions = {}): Promise<Kpis> {
  const tally = kpiTally(options);
  for await (const run of runs) tally.take(run);
  return tally.close();
}
