import { type DestinationStream, type LoggerOptions as PinoOptions, pino } from "pino";
import type { TextDetector } from "./answer/redaction.ts";
import type { Logger } from "./port/logger.ts";
import { redactingLogger } from "./seal/onlookers.ts";

export interface PinoLoggerOptions {
  /** `info` when absent. Payloads appear at `debug` only. */
  readonly level?: "debug" | "info" | "warn" | "error" | "silent";
  /** Field paths that are never written, beside the built-in ones; pino's own syntax. */
  readonly redact?: readonly string[];
  /** What is found in the texts of a line is written as its class: `[email]`. */
  readonly detectors?: readonly TextDetector[];
  /** Where lines go; standard error when absent, because standard output may be a protocol. */
  readonly destination?: DestinationStream;
  /** Fields of every line. */
  readonly base?: Readonly<Record<string, string>>;
}

/** Names under which secrets usually travel, at the top and one level down. */
const secretNames = ["password", "secret", "token", "apiKey", "api_key", "authorization", "cookie", "idempotencyKey"];
const alwaysRedacted = secretNames.flatMap((name) => [name, `*.${name}`]);

/** A logger that writes JSON lines with pino. pino's own loggers fit the port as they are; this one has safe defaults. */
export function pinoLogger(options: PinoLoggerOptions = {}): Logger {
  const { level = "info", redact = [], destination = pino.destination({ fd: 2, sync: false }), base = {} } = options;
  const settings: PinoOptions = {
    level,
    base: { ...base },
    redact: { paths: [...alwaysRedacted, ...redact], censor: "[redacted]" },
  };
  return redactingLogger(pino(settings, destination), options.detectors ?? []);
}
