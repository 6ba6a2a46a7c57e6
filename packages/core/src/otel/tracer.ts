import {
  type MeterProvider,
  metrics,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { contentNames, attributeNames as names, operations, type Span, type Tracer } from "../port/tracer.ts";
import { callMetrics } from "./metrics.ts";

export interface OtelTracerOptions {
  /** The globally registered one when absent. */
  readonly tracerProvider?: TracerProvider;
  /** The globally registered one when absent; it must be registered by then. */
  readonly meterProvider?: MeterProvider;
  /**
   * Whether instructions, inputs and answers of model calls go along as attributes of their spans; `false` when absent.
   * Those of a request with a sensitive label never do.
   */
  readonly captureContent?: boolean;
}

const scope = "@remit/core";

/**
 * Spans and metrics of runs for OpenTelemetry, by its conventions for generative AI.
 *
 * E1 Without `captureContent` no attribute carries what a model or a tool was told or said: names, ids, counts and codes
 *    alone leave the process. Of a failure it is the code, not its message, which may quote a payload.
 * E2 A span of a run is a root of its own: the process may be at work for somebody else when it takes a run up.
 */
export function otelTracer(options: OtelTracerOptions = {}): Tracer {
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options;
  const captureContent = options.captureContent === true;
  const tracer = tracerProvider.getTracer(scope);
  const measure = callMetrics(meterProvider.getMeter(scope));
  const own = new WeakMap<Span, OtelSpan>();

  const permitted = (attributes: Attributes): Attributes =>
    captureContent || !Object.keys(attributes).some((name) => contentNames.has(name))
      ? attributes
      : Object.fromEntries(Object.entries(attributes).filter(([name]) => !contentNames.has(name)));

  return {
    content: captureContent,
    span: (name, given, parent) => {
      const said: Record<string, string | number | boolean> = { ...permitted(given) };
      const above = parent && own.get(parent);
      const under = above ? trace.setSpan(ROOT_CONTEXT, above) : ROOT_CONTEXT;
      const kind = said[names.operation] === operations.model ? SpanKind.CLIENT : SpanKind.INTERNAL;
      const inner = tracer.startSpan(name, { kind, attributes: said }, under);
      const startedAt = performance.now();
      let ended = false;
      const span: Span = {
        set: (more) => {
          const allowed = permitted(more);
          Object.assign(said, allowed);
          inner.setAttributes(allowed);
        },
        end: (error) => {
          if (ended) return;
          ended = true;
          if (error) {
            said[names.error] = error.code;
            inner.setAttribute(names.error, error.code);
            inner.setStatus({ code: SpanStatusCode.ERROR });
          }
          inner.end();
          measure(said, (performance.now() - startedAt) / 1_000);
        },
      };
      own.set(span, inner);
      return span;
    },
  };
}

type Attributes = Parameters<Tracer["span"]>[1];
