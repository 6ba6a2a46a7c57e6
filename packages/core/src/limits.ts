import { OrchestrationError } from "./errors.ts";

/** Bounds of one run (D8, R11). Each has a default; crossing one is a typed end, never an exception. */
export interface Limits {
  /** Model calls plus tool calls of the whole run tree. */
  readonly steps: number;
  /** Deliveries of a contract, first one included, of the whole run tree. */
  readonly handoffs: number;
  /** Levels of delegation: 1 for a flat supervisor, 2 when one of its agents is a supervisor itself. */
  readonly depth: number;
  /** Milliseconds of work; the time a run is parked does not count. */
  readonly activeMs: number;
  /** Milliseconds from the start to the absolute end, parked time included. */
  readonly deadlineMs: number;
  /** How often one (tool, arguments) pair may be read in a run. */
  readonly repeats: number;
  /** How often one (tool, arguments) pair may be written in a run; refusals by the tool do not count. */
  readonly writeRepeats: number;
  /** Model turns of one agent invocation. */
  readonly turns: number;
  /** Rounds in which an agent may mend an answer that broke its contract. */
  readonly repairs: number;
  /** Tool calls in one model response. */
  readonly callsPerTurn: number;
  /** How often in a row a run is taken up again without getting any further: a step may be what kills its process. */
  readonly resumes: number;
  /** Questions that one try of a tool call may put to people. */
  readonly questions: number;
  /** Milliseconds that such a question waits for its answer; the tool's own time stands still meanwhile. */
  readonly answerMs: number;
  /** Messages waiting for one recipient before senders are told to wait. */
  readonly mailbox: number;
  /** Bytes of one payload, as JSON, that may enter a run. */
  readonly payloadBytes: number;
}

export const defaultLimits: Limits = {
  steps: 64,
  handoffs: 24,
  depth: 4,
  activeMs: 600_000,
  deadlineMs: 30 * 24 * 3_600_000,
  repeats: 3,
  writeRepeats: 1,
  turns: 24,
  repairs: 1,
  callsPerTurn: 16,
  resumes: 20,
  questions: 5,
  answerMs: 15 * 60_000,
  mailbox: 64,
  payloadBytes: 4 * 1024 * 1024,
};

/**
 * Fills in the defaults.
 * @throws OrchestrationError `limits/unknown`; `limits/not-a-bound` for a value that is not a positive integer (`repairs`
 *   may be 0)
 */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(defaultLimits, name)) throw new OrchestrationError("limits/unknown", { limit: name });
    assertBound(name, value, name === "repairs" ? 0 : 1);
  }
  return { ...defaultLimits, ...overrides };
}

/** @throws OrchestrationError `limits/not-a-bound` for what is not a whole number of at least `least` */
export function assertBound(limit: string, value: unknown, least = 1): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new OrchestrationError("limits/not-a-bound", { limit, value: String(value) });
}
