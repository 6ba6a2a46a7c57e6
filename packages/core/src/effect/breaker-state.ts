/** What a breaker is told, where it stands, and what it says. */
export type BreakerEvent =
  | { readonly type: "succeeded" }
  | { readonly type: "failed" }
  /** Asks to be let through an open breaker that has cooled down. */
  | { readonly type: "probe" }
  /** A probe came back and learnt nothing. */
  | { readonly type: "abandoned" };

export type BreakerState = "closed" | "open" | "halfOpen";

export type BreakerCommand =
  | { readonly type: "open" }
  | { readonly type: "close" }
  | { readonly type: "unexpected"; readonly event: string };

export interface BreakerContext {
  /** Failures in a row. */
  readonly failures: number;
  readonly failuresMax: number;
  /** Probes under way. */
  readonly probing: number;
  readonly probesMax: number;
}
