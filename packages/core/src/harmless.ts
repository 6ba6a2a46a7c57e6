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
  return {
    span: (name, attributes) => {
      const span: Span | undefined = quietly(() => tracer.span(name, attributes));
      return {
        set: (more) => quietly(() => span?.set(more)),
        end: (error) => quietly(() => span?.end(error)),
      };
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
