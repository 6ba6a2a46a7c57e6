import type { Attributes, Histogram, Meter } from "@opentelemetry/api";
import { metricNames, attributeNames as names, operations, type SpanAttributes } from "../port/tracer.ts";

/** Bounds that the convention advises, so that all who follow it can be added up. */
const secondsBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const tokensBounds = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/** What a metric is told apart by: few values each. Runs, paths and tenants are for spans. */
const modelDimensions = [
  names.operation,
  names.provider,
  names.requestModel,
  names.responseModel,
  names.agent,
  names.error,
  names.cached,
];
const toolDimensions = [names.operation, names.tool, names.agent, names.error];

/**
 * Metrics out of what ended spans say.
 * @returns called with a span's attributes and its seconds when it has ended
 */
export function callMetrics(meter: Meter): (said: SpanAttributes, seconds: number) => void {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { unit: "s", description, advice: { explicitBucketBoundaries: secondsBounds } });
  const modelDuration = seconds(metricNames.modelDuration, "How long model calls take.");
  const toolDuration = seconds(metricNames.toolDuration, "How long tool calls take.");
  const tokens = meter.createHistogram(metricNames.tokens, {
    unit: "{token}",
    description: "Tokens of model calls, by input and output.",
    advice: { explicitBucketBoundaries: tokensBounds },
  });
  const cost = meter.createCounter(metricNames.cost, { unit: "USD", description: "What model calls cost." });

  return (said, took) => {
    if (said[names.operation] === operations.tool) return toolDuration.record(took, pick(said, toolDimensions));
    if (said[names.operation] !== operations.model) return;
    const dimensions = pick(said, modelDimensions);
    modelDuration.record(took, dimensions);
    for (const [type, name] of [
      ["input", names.inputTokens],
      ["output", names.outputTokens],
    ] as const) {
      const used = said[name];
      if (typeof used === "number") tokens.record(used, { ...dimensions, [names.tokenType]: type });
    }
    const costs = said[names.costUsd];
    if (typeof costs === "number") cost.add(costs, { ...dimensions, [names.costBasis]: said[names.costBasis] });
  };
}

function pick(said: SpanAttributes, dimensions: readonly string[]): Attributes {
  return Object.fromEntries(dimensions.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]]])));
}
