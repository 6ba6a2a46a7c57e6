import type { Random } from "./random.ts";

/**
 * What can go wrong, and how often it does where it can. Those from `approval-never` on are no faults of ours, only people
 * who meet them: they decide late, twice, wrongly and for themselves, cancel, take away, compensate, redrive, migrate.
 */
export const faultRates = {
  crash: 0.03,
  shutdown: 0.008,
  pause: 0.015,
  "second-worker": 0.012,
  "clock-jump": 0.008,
  "slow-read": 0.15,
  "slow-commit": 0.5,
  "failed-commit": 0.02,
  "lost-acknowledgement": 0.01,
  "torn-commit": 0.5,
  "full-disk": 0.002,
  "failed-snapshot": 0.2,
  "stream-conflict": 0.03,
  "stream-unavailable": 0.02,
  "doubled-completion": 0.06,
  "model-error": 0.01,
  "model-rate-limited": 0.015,
  "model-overloaded": 0.025,
  "model-cut": 0.01,
  "model-outage": 0.004,
  "model-overcharges": 0.02,
  "model-malformed": 0.015,
  "model-refusal": 0.01,
  "model-wrong-schema": 0.08,
  "model-made-up-tool": 0.05,
  "model-silent": 0.01,
  "tool-error": 0.05,
  "tool-outage": 0.02,
  "tool-unreachable": 0.06,
  "tool-unreachable-again": 0.04,
  "tool-timeout-before": 0.04,
  "tool-timeout-after": 0.04,
  "tool-late": 0.04,
  "tool-malformed": 0.04,
  "tool-twice": 0.06,
  "tool-gives-up": 0.3,
  "lookup-silent": 0.08,
  "lookup-unknown": 0.12,
  "answer-late": 0.15,
  "answer-doubled": 0.3,
  "answer-wrong": 0.15,
  "answer-never": 0.04,
  "settled-wrongly": 0.15,
  "approval-never": 0.04,
  "approval-late": 0.12,
  "approval-doubled": 0.2,
  "approval-twice": 0.15,
  "approval-self": 0.12,
  "approval-stale": 0.12,
  "approval-of-others": 0.1,
  "approval-rejected": 0.1,
  "approval-edited": 0.12,
  "approval-edited-invalid": 0.05,
  "approval-batch": 0.15,
  cancel: 0.15,
  "cancel-part": 0.15,
  restrict: 0.06,
  compensate: 0.35,
  redrive: 0.35,
  dismiss: 0.2,
  migrate: 0.5,
  "only-new": 0.4,
  watcher: 0.4,
} as const satisfies Record<string, number>;

export type FaultKind = keyof typeof faultRates;
export const faultKinds = Object.keys(faultRates) as readonly FaultKind[];

/** Decides, by seed, whether a fault strikes where it could; counts those that did. */
export class Faults {
  readonly counts = new Map<FaultKind, number>();
  readonly #random: Random;
  readonly #enabled: ReadonlySet<FaultKind>;
  readonly #onStrike: (kind: FaultKind) => void;

  constructor(random: Random, enabled: ReadonlySet<FaultKind>, onStrike: (kind: FaultKind) => void) {
    this.#random = random;
    this.#enabled = enabled;
    this.#onStrike = onStrike;
  }

  /** The number is drawn whether the fault is enabled or not, so that leaving one out disturbs the others little. */
  strikes(kind: FaultKind, factor = 1): boolean {
    const hit = this.#random.unit() < faultRates[kind] * factor;
    if (!hit || !this.#enabled.has(kind)) return false;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#onStrike(kind);
    return true;
  }
}
