import type { Random } from "./random.ts";

/**
 * What can go wrong, and how often it does where it can. The last two are no faults, only people who meet them: they cancel
 * a run, or follow it live.
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
  "doubled-completion": 0.06,
  "model-error": 0.015,
  "model-malformed": 0.015,
  "model-refusal": 0.01,
  "model-wrong-schema": 0.08,
  "model-made-up-tool": 0.05,
  "model-silent": 0.01,
  "tool-error": 0.05,
  "tool-unreachable": 0.04,
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
  cancel: 0.2,
  watcher: 0.5,
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
