/** Entry `@remit/core/otel`: spans, metrics and log records for OpenTelemetry. Needs `@opentelemetry/api`. */

export {
  exportOtelLogs,
  type OtelLogger,
  type OtelLogOptions,
  type OtelLogRecord,
  otelLogRecord,
} from "./otel/logs.ts";
export { type OtelTracerOptions, otelTracer } from "./otel/tracer.ts";
export { attributeNames, metricNames, operations, spanNames } from "./port/tracer.ts";
