import type { History } from "./history.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";

interface Watched {
  state: "closed" | "open" | "halfOpen";
  failures: number;
  retryAt: number;
  /** Changes of state so far: a call counts only for the one that it was made in. */
  period: number;
  probing: number;
  /** Scheduler's step of the last change: within one step, who was first is not to be seen from outside. */
  changedAt: number;
}

/** A call that the world saw, until its outcome is known. */
export interface WatchedCall {
  readonly target: string;
  readonly period: number;
  readonly probe: boolean;
}

/**
 * What the breakers of a process may let through, told from the calls that reached the world and from what came back of
 * them: a second opinion, which shares no code with the breakers.
 */
export class BreakerWatch {
  readonly #targets = new Map<string, Watched>();
  readonly #options: BreakerWatchOptions;

  constructor(options: BreakerWatchOptions) {
    this.#options = options;
  }

  started(target: string): WatchedCall {
    const watched = this.#of(target);
    const { violations, owner } = this.#options;
    if (watched.state === "closed") return { target, period: watched.period, probe: false };
    const settled = watched.changedAt < this.#options.scheduler.steps;
    if (watched.state === "open") {
      if (this.#now() < watched.retryAt && settled) {
        violations.add("R3", `${target} was called by ${owner.name} though its breaker was open`);
      }
      this.#change(watched, "halfOpen");
    } else if (watched.probing > 0 && settled) {
      violations.add("R3", `a second probe of ${target} was made by ${owner.name}`);
    }
    watched.probing++;
    return { target, period: watched.period, probe: true };
  }

  /** @param ok whether the other side works; nothing when the call says nothing of it */
  ended({ target, period, probe }: WatchedCall, ok: boolean | undefined): void {
    const watched = this.#of(target);
    const { failuresMax } = this.#options;
    if (watched.period !== period) return;
    if (watched.state === "closed") {
      if (ok === true) watched.failures = 0;
      if (ok === false && ++watched.failures >= failuresMax) this.#change(watched, "open");
      return;
    }
    if (ok === true) this.#change(watched, "closed");
    else if (ok === false) this.#change(watched, "open");
    else if (probe) {
      this.#options.history.count("breaker.halfOpen → abandoned");
      watched.probing--;
      watched.changedAt = this.#options.scheduler.steps;
    }
  }

  /** Tools of a breaker that is surely open must not be offered. */
  isOpen(target: string): boolean {
    const watched = this.#of(target);
    return (
      watched.state === "open" && this.#now() < watched.retryAt && watched.changedAt < this.#options.scheduler.steps
    );
  }

  #of(target: string): Watched {
    let watched = this.#targets.get(target);
    if (!watched) {
      watched = { state: "closed", failures: 0, retryAt: 0, period: 0, probing: 0, changedAt: -1 };
      this.#targets.set(target, watched);
    }
    return watched;
  }

  #change(watched: Watched, to: Watched["state"]): void {
    this.#options.history.count(`breaker.${watched.state} → ${to}`);
    watched.state = to;
    watched.period++;
    watched.probing = 0;
    watched.changedAt = this.#options.scheduler.steps;
    if (to === "closed") watched.failures = 0;
    if (to === "open") watched.retryAt = this.#now() + this.#options.cooldownMs;
  }

  #now(): number {
    return this.#options.scheduler.now + this.#options.owner.offsetMs;
  }
}

export interface BreakerWatchOptions {
  readonly owner: Owner;
  readonly scheduler: Scheduler;
  readonly history: History;
  readonly violations: Violations;
  readonly failuresMax: number;
  readonly cooldownMs: number;
}

/** Codes of failures that say: the other side does not work. */
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
const answered: ReadonlySet<string> = new Set(["model/response-invalid", "tool/output-invalid", "tool/refused"]);

/** What an outcome says of the other side. */
export function saysOf(code: string | undefined, aborted: boolean): boolean | undefined {
  if (code === undefined || answered.has(code)) return code?.startsWith("model/") && aborted ? undefined : true;
  if (!down.has(code)) return undefined;
  return code.startsWith("model/") && aborted ? undefined : false;
}
