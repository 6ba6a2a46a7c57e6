import type { Breakers, BreakerView } from "./breaker.ts";
import type { Limiter, QueueView } from "./limiter.ts";
import type { RateLimiter, RateView } from "./rate.ts";

/** How the ways to the outside are, as this process sees them. */
export interface Health {
  readonly breakers: readonly BreakerView[];
  readonly queues: readonly QueueView[];
  /** Providers with a rate limit, once they were called. */
  readonly rates: readonly RateView[];
}

/** The view of whatever gates there are. */
export function health(gates: {
  readonly breakers?: Breakers;
  readonly limiter?: Limiter;
  readonly rates?: RateLimiter;
}): Health {
  const { breakers, limiter, rates } = gates;
  return { breakers: breakers?.states() ?? [], queues: limiter?.queues() ?? [], rates: rates?.states() ?? [] };
}
