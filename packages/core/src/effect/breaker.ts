import { OrchestrationError } from "../errors.ts";
import { assertBound } from "../limits.ts";
import { once } from "../once.ts";
import type { Clock } from "../port/clock.ts";
import { compileSteps, firstStep, nextStep, type StepSnapshot, type StepTable } from "../step.ts";
import { breakerMachine } from "./breaker-machine.ts";
import type { BreakerCommand, BreakerContext, BreakerEvent, BreakerState } from "./breaker-state.ts";

export type { BreakerState } from "./breaker-state.ts";

/**
 * Circuit breakers before what lies outside, one for each target (`tool:orders`, `model:openai`). A breaker is a pure
 * machine; only its keeper knows the time.
 *
 * B1 So many failures in a row open it; a success before that forgets them.
 * B2 While it is open nothing passes. When it has cooled down, a probe passes, and nothing else until the probe is back.
 * B3 The probe's success closes it, its failure opens it again for a whole cool-down. A probe that learnt nothing (it was
 *    cancelled, say) leaves its place to the next one at once.
 * B4 A call counts only for the state that it passed in: what comes late tells of a time that is over.
 * B5 Only what tells of the other side counts ({@link evidenceOf}); a refusal is an answer.
 *
 * It is no memory: what it says enters a run as an event (D6), and a new process begins with closed breakers.
 */

/** Breakers differ in what they start with alone. */
const breakerSteps = once(() => compileSteps(breakerMachine()));

/** One call that was let through. It says once what it learnt of the other side; more is not heard. */
export interface Pass {
  /** @param ok true: it works; false: it does not; undefined: the call says nothing about it */
  readonly record: (ok: boolean | undefined) => void;
}

/** Nothing passes before then (epoch ms). */
export interface Closed {
  readonly retryAt: number;
}

export interface BreakerView {
  readonly key: string;
  readonly state: BreakerState;
  /** Failures in a row. */
  readonly failures: number;
  /** Epoch ms from which a probe may pass; while it is open. */
  readonly retryAt?: number;
}

export interface Breakers {
  /** Lets one call through, or says from when on it is worth asking again. Whoever passes must record. */
  readonly pass: (key: string) => Pass | Closed;
  /** What `pass` would say now; lets nobody through. */
  readonly peek: (key: string) => true | Closed;
  /** Those that were asked of lately, in the order of their keys. */
  readonly states: () => readonly BreakerView[];
}

export interface BreakerOptions {
  readonly clock: Clock;
  /** Failures in a row that open one. */
  readonly failuresMax?: number;
  readonly cooldownMs?: number;
  /** How many calls may find out at once whether the other side is back. */
  readonly probes?: number;
  /** How many targets are remembered; the one that was asked of longest ago is forgotten first, closed ones before open ones. */
  readonly keysMax?: number;
  /** Told of each change of state, after it. Must not throw. */
  readonly onChange?: (change: BreakerView & { readonly from: BreakerState }) => void;
}

interface Entry {
  snapshot: StepSnapshot;
  /** Counts the changes of state (B4). */
  period: number;
  retryAt: number;
}

type Recorder = (key: string, pass: EntryPass, ok: boolean | undefined) => void;

/** What a call under way holds of its breaker. */
class EntryPass implements Pass {
  readonly entry: Entry;
  readonly period: number;
  readonly isProbe: boolean;
  readonly #key: string;
  readonly #tell: Recorder;
  #told = false;

  constructor(tell: Recorder, key: string, entry: Entry, isProbe: boolean) {
    this.#tell = tell;
    this.#key = key;
    this.entry = entry;
    this.period = entry.period;
    this.isProbe = isProbe;
  }

  record(ok: boolean | undefined): void {
    if (this.#told || this.entry.period !== this.period) return;
    this.#told = true;
    this.#tell(this.#key, this, ok);
  }
}

/** @throws OrchestrationError `limits/not-a-bound` */
export function breakers(options: BreakerOptions): Breakers {
  const { clock, failuresMax = 5, cooldownMs = 30_000, probes = 1, keysMax = 1_000, onChange } = options;
  for (const [name, value] of Object.entries({ failuresMax, cooldownMs, probes, keysMax })) {
    assertBound(`${name} of the breakers`, value);
  }
  const context = { failures: 0, failuresMax, probing: 0, probesMax: probes } satisfies BreakerContext;
  const table: StepTable = { ...breakerSteps(), context };
  const entries = new Map<string, Entry>();
  /** The key that was asked of last. */
  let newest: string | undefined;
  const stateOf = ({ snapshot }: Entry) => snapshot.state as BreakerState;
  const contextOf = ({ snapshot }: Entry) => snapshot.context as BreakerContext;

  const view = (key: string, entry: Entry): BreakerView => ({
    key,
    state: stateOf(entry),
    failures: contextOf(entry).failures,
    ...(stateOf(entry) === "open" ? { retryAt: entry.retryAt } : {}),
  });

  const take = (key: string, entry: Entry, event: BreakerEvent) => {
    const from = stateOf(entry);
    const { snapshot, commands } = nextStep<BreakerCommand>(table, entry.snapshot, event);
    entry.snapshot = snapshot;
    if (commands.some(({ type }) => type === "open")) entry.retryAt = clock.now() + cooldownMs;
    if (stateOf(entry) === from) return;
    entry.period++;
    onChange?.({ ...view(key, entry), from });
  };

  /** The entry of a key, which is now the one that was asked of last. */
  const touch = (key: string): Entry => {
    const known = entries.get(key);
    if (known && key === newest) return known;
    newest = key;
    const entry = known ?? { snapshot: firstStep(table), period: 0, retryAt: 0 };
    entries.delete(key);
    if (entries.size >= keysMax) {
      const keys = [...entries.keys()];
      const out = keys.find((one) => stateOf(entries.get(one) ?? entry) === "closed") ?? keys[0];
      if (out !== undefined) entries.delete(out);
    }
    entries.set(key, entry);
    return entry;
  };

  const closed = (entry: Entry | undefined): Closed | undefined => {
    if (!entry || stateOf(entry) === "closed") return undefined;
    if (stateOf(entry) === "open") return clock.now() < entry.retryAt ? { retryAt: entry.retryAt } : undefined;
    const { probing, probesMax } = contextOf(entry);
    // When the probe comes back nobody knows; if it fails, this is the earliest time.
    return probing < probesMax ? undefined : { retryAt: clock.now() + cooldownMs };
  };

  const recordOf = (key: string, { entry, period, isProbe }: EntryPass, ok: boolean | undefined) => {
    if (entry.period !== period || entries.get(key) !== entry) return;
    // The usual case says nothing new.
    if (ok && !isProbe && contextOf(entry).failures === 0) return;
    if (ok !== undefined) take(key, entry, { type: ok ? "succeeded" : "failed" });
    else if (isProbe) take(key, entry, { type: "abandoned" });
  };

  return {
    pass: (key) => {
      const entry = touch(key);
      const refused = closed(entry);
      if (refused) return refused;
      const probe = stateOf(entry) !== "closed";
      if (probe) take(key, entry, { type: "probe" });
      return new EntryPass(recordOf, key, entry, probe);
    },
    peek: (key) => closed(entries.get(key)) ?? true,
    states: () => [...entries].map(([key, entry]) => view(key, entry)).sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** The error of a call that a breaker did not let through. */
export function breakerOpen(target: string, { retryAt }: Closed): OrchestrationError {
  return new OrchestrationError("breaker/open", { target, retryAt: new Date(retryAt).toISOString() });
}

/** Codes that say: the other side does not do its work. */
const down: ReadonlySet<string> = new Set([
  "model/failed",
  "model/overloaded",
  "model/rate-limited",
  "model/timeout",
  "model/unreachable",
  "tool/failed",
  "tool/timeout",
  "tool/unreachable",
]);
/** Codes that say: it answered, though not as we would have liked. */
const answered: ReadonlySet<string> = new Set([
  "model/response-invalid",
  "model/summary-invalid",
  "tool/output-invalid",
  "tool/refused",
]);
/** The same, as a bridge says it in `data.cause`. */
const answeredThere: ReadonlySet<unknown> = new Set([
  "mcp/call-rejected",
  "mcp/result-invalid",
  "mcp/result-too-large",
]);

/**
 * What a failed call says of the other side: false, it does not work; true, it answered; undefined, nothing (a denial, a
 * cancel, an argument that did not fit).
 */
export function evidenceOf({ code, data }: Pick<OrchestrationError, "code" | "data">): boolean | undefined {
  if (answered.has(code)) return true;
  if (!down.has(code)) return undefined;
  const { status, cause } = data;
  // A request that a provider would not take says more of the request.
  if (code === "model/failed" && typeof status === "number" && status >= 400 && status < 500) return true;
  if (code === "tool/failed" && answeredThere.has((cause as { code?: unknown } | undefined)?.code)) return true;
  return false;
}
