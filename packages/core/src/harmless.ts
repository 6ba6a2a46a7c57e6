import { type Logger, silentLogger } from "./port/logger.ts";
import { type Span, silentTracer, type Tracer } from "./port/tracer.ts";

/**
 * Those who look on cannot hurt: a logger or a tracer that throws loses its line or its span, and the run goes on. The
 * journal is the truth; these two are for people.
 */

/** The same logger, which no longer throws. */
export function harmlessLogger(logger: Logger = silentLogger): Logger {
  const method =
    (level: keyof Logger): Logger["info"] =>
    (fields, sentence) =>
      quietly(() => logger[level](fields, sentence));
  return { debug: method("debug"), info: method("info"), warn: method("warn"), error: method("error") };
}

/** The same tracer, which no longer throws. */
export function harmlessTracer(tracer: Tracer = silentTracer): Tracer {
  // Nothing to be kept from throwing: whoever asks for silence by name finds it again.
  if (tracer === silentTracer) return tracer;
  /** What the tracer itself gave for a span of ours, to be handed back to it as a parent. */
  const own = new WeakMap<Span, Span>();
  return {
    ...(tracer.content === undefined ? {} : { content: tracer.content }),
    span: (name, attributes, parent) => {
      const span: Span | undefined = quietly(() => tracer.span(name, attributes, parent && own.get(parent)));
      const harmless: Span = {
        set: (more) => quietly(() => span?.set(more)),
        end: (error) => quietly(() => span?.end(error)),
      };
      if (span) own.set(harmless, span);
      return harmless;
    },
  };
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined; // There is nobody left to tell: the one who would be told is the one who threw.
  }
}
