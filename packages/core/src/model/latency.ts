import type { Clock } from "../port/clock.ts";
import type { Model } from "../port/model.ts";

/** How long models took of late, smoothed. */
export interface Latencies {
  /** Milliseconds; nothing where nothing is known that still counts. */
  readonly of: (model: Model) => number | undefined;
  readonly note: (model: Model, tookMs: number) => void;
}

/** Of a new answer's time in the smoothed one. */
const latencyWeight = 0.2;
/** What was measured longer ago than this says nothing of now: a model that was slow once is tried again. */
const latencyMaxAgeMs = 60_000;

export function modelLatencies(clock: Clock): Latencies {
  const latencies = new Map<string, { readonly ms: number; readonly at: number }>();
  const latencyOf = ({ id }: Model): number | undefined => {
    const known = latencies.get(id);
    return known && clock.now() - known.at <= latencyMaxAgeMs ? known.ms : undefined;
  };
  const noteLatency = (model: Model, tookMs: number) => {
    const before = latencyOf(model) ?? tookMs;
    latencies.set(model.id, { ms: before + (tookMs - before) * latencyWeight, at: clock.now() });
  };
  return { of: latencyOf, note: noteLatency };
}
