import { redactText, type TextDetector } from "../answer/redaction.ts";
import type { Logger } from "../port/logger.ts";
import type { Span, SpanAttributes, Tracer } from "../port/tracer.ts";

/**
 * The one point before log and span (R12): what detectors find in a line or an attribute is not shown to those who look on.
 * What comes out of runs has tokens there already; this is for the words of errors, and for what nobody thought of.
 */

/** The same logger, whose lines show `[email]` in place of an address. */
export function redactingLogger(logger: Logger, detectors: readonly TextDetector[]): Logger {
  if (detectors.length === 0) return logger;
  const method =
    (level: keyof Logger): Logger["info"] =>
    (fields, sentence) =>
      logger[level](redactFields(fields, detectors) as typeof fields, sentence);
  return { debug: method("debug"), info: method("info"), warn: method("warn"), error: method("error") };
}

/** The same tracer, whose attributes show `[email]` in place of an address. */
export function redactingTracer(tracer: Tracer, detectors: readonly TextDetector[]): Tracer {
  if (detectors.length === 0) return tracer;
  const own = new WeakMap<Span, Span>();
  const shown = (attributes: SpanAttributes) => redactFields(attributes, detectors) as SpanAttributes;
  return {
    ...(tracer.content === undefined ? {} : { content: tracer.content }),
    span: (name, attributes, parent) => {
      const span = tracer.span(name, shown(attributes), parent && own.get(parent));
      const redacting: Span = { set: (more) => span.set(shown(more)), end: (error) => span.end(error) };
      own.set(redacting, span);
      return redacting;
    },
  };
}

/**
 * Any value, with what detectors find in its texts and names of members replaced by the names of what they find; the same one
 * where that is nothing. What holds itself has `[circular]` in that place.
 */
export function redactFields(value: unknown, detectors: readonly TextDetector[]): unknown {
  return redacted(value, detectors, []);
}

function redacted(value: unknown, detectors: readonly TextDetector[], above: readonly object[]): unknown {
  if (typeof value === "string") return redactText(value, detectors);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return redactText(String(value.stack ?? value.message), detectors);
  if (above.includes(value)) return "[circular]";
  const around = [...above, value];
  if (Array.isArray(value)) {
    const items = value.map((item) => redacted(item, detectors, around));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  let same = true;
  const entries = Object.entries(value).map(([name, member]) => {
    const shown = [redactText(name, detectors), redacted(member, detectors, around)] as const;
    same &&= shown[0] === name && shown[1] === member;
    return shown;
  });
  return same ? value : Object.fromEntries(entries);
}
