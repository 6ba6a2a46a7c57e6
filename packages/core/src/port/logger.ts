/** Logs are for people: a constant sentence plus fields. pino's logger fits as it is. Payloads only at `debug`. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}
type LogMethod = (fields: Readonly<Record<string, unknown>>, sentence: string) => void;

/** Says nothing. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
