import type { Breakers, BreakerView } from "./breaker.ts";
import type { Limiter, QueueView } from "./limiter.ts";

/** How the ways to the outside are, as this process sees them. */
export interface Health {
  readonly breakers: readonly BreakerView[];
  readonly queues: readonly QueueView[];
}

/** The view of whatever gates there are. */
export function health(gates: { readonly breakers?: Breakers; readonly limiter?: Limiter }): Health {
  return { breakers: gates.breakers?.states() ?? [], queues: gates.limiter?.queues() ?? [] };
}
