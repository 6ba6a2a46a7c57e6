/** Entry `@remit/core/otel`: spans and metrics for OpenTelemetry. Needs `@opentelemetry/api`. */
export { type OtelTracerOptions, otelTracer } from "./otel/tracer.ts";
export { attributeNames, metricNames, operations, spanNames } from "./port/tracer.ts";
