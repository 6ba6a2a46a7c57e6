import { OrchestrationError } from "../errors.ts";
import { assertBound } from "../limits.ts";
import type { Clock } from "../port/clock.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { type Lines, lines } from "./lines.ts";

/**
 * How often a target (`model:openai`) is called, and with how many tokens: two buckets that fill as time goes by, to hold
 * what one minute allows. A bucket begins full, so the first minute may see twice its share, as it does at providers that
 * count the same way.
 *
 * T1 Nothing is taken from a bucket that does not hold it. One that wants more than a bucket ever holds waits until it is
 *    full and takes all.
 * T2 Nobody is overtaken: while one waits for much, those behind wait too. The tenants are served in turns, within a
 *    tenant first come, first served.
 * T3 What was taken is an estimate. What was used instead is told once, and the difference goes back; where more was used,
 *    it is missing from then on, up to ten minutes' worth: what is beyond that a provider has long forgotten, or never saw.
 * T4 A queue is bounded, an aborted wait leaves it, and only its first one has a timer.
 */
export interface RateLimiter {
  /**
   * Takes what a call will need, at once where it is there. Whoever has got it tells what became of it.
   * @throws OrchestrationError `limits/queue-full`; the signal's reason, also as a rejection
   */
  readonly take: (wish: RateWish) => Taken | Promise<Taken>;
  /** Targets that have been asked of, in the order of their names. */
  readonly states: () => readonly RateView[];
}

export interface RateWish {
  readonly target: string;
  readonly tenant: string;
  /** Of input and output, at most. */
  readonly tokens: number;
  readonly signal?: StopSignal;
}

/** What was taken for one call. The first word counts, more is not heard. */
export interface Taken {
  /** @param tokens of input and output; undefined where nobody knows, then all of them are gone */
  readonly used: (tokens: number | undefined) => void;
  /** Nothing was called: all goes back. */
  readonly unused: () => void;
}

export interface RateView {
  readonly target: string;
  /** What may be called now; below 0 where more was used than was taken. */
  readonly requestsLeft?: number;
  readonly tokensLeft?: number;
  readonly waiting: number;
}

/** What is not there is not bounded. */
export interface Rates {
  readonly requestsPerMinute?: number;
  /** Input and output tokens together. */
  readonly tokensPerMinute?: number;
}

export interface RateLimiterOptions {
  readonly clock: Clock;
  /** For each target; undefined for no limit. The same target, the same answer. */
  readonly limits: (target: string) => Rates | undefined;
  /** Calls that may wait for one target; 1,000 when absent. */
  readonly waitingMax?: number;
}

const minuteMs = 60_000;
const debtMinutesMax = 10;

/** Levels are whole numbers of 60,000ths, of which each millisecond brings `perMinute`. */
interface Bucket {
  readonly perMinute: number;
  level: number;
}

interface Waiter {
  readonly tokens: number;
  readonly serve: () => void;
}

interface Meter {
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
  readonly waiting: Lines<Waiter>;
  filledAt: number;
  timer: { readonly cancel: () => void } | undefined;
}

/** @throws OrchestrationError `limits/not-a-bound`; `take` throws it for what `limits` answers */
export function rateLimiter({ clock, limits, waitingMax = 1_000 }: RateLimiterOptions): RateLimiter {
  assertBound("waitingMax of the rates", waitingMax);
  const meters = new Map<string, Meter>();

  const bucketOf = (name: string, target: string, perMinute: number | undefined): Bucket | undefined => {
    if (perMinute === undefined) return undefined;
    assertBound(`${name} of ${target}`, perMinute);
    return { perMinute, level: perMinute * minuteMs };
  };

  const meterOf = (target: string): Meter | undefined => {
    const known = meters.get(target);
    if (known) return known;
    const { requestsPerMinute, tokensPerMinute } = limits(target) ?? {};
    const requests = bucketOf("requestsPerMinute", target, requestsPerMinute);
    const tokens = bucketOf("tokensPerMinute", target, tokensPerMinute);
    if (!requests && !tokens) return undefined;
    const meter: Meter = { requests, tokens, waiting: lines(), filledAt: clock.now(), timer: undefined };
    meters.set(target, meter);
    return meter;
  };

  const fill = (meter: Meter) => {
    const now = clock.now();
    const elapsedMs = Math.max(0, now - meter.filledAt);
    meter.filledAt = now;
    for (const bucket of [meter.requests, meter.tokens]) if (bucket) give(bucket, elapsedMs * bucket.perMinute);
  };

  /** Milliseconds until both buckets hold this much. */
  const waitMs = ({ requests, tokens }: Meter, wanted: number): number =>
    Math.max(requests ? missingMs(requests, 1) : 0, tokens ? missingMs(tokens, wanted) : 0);

  const takeNow = (meter: Meter, wanted: number): Taken => {
    const { requests, tokens } = meter;
    if (requests) requests.level -= minuteMs;
    const held = tokens ? Math.min(wanted, tokens.perMinute) : 0;
    if (tokens) tokens.level -= held * minuteMs;
    let told = false;
    const giveBack = (ofRequests: number, ofTokens: number) => {
      if (told) return;
      told = true;
      fill(meter);
      if (requests) give(requests, ofRequests * minuteMs);
      if (tokens) give(tokens, ofTokens * minuteMs);
      serve(meter);
    };
    return {
      used: (count) => giveBack(0, count === undefined ? 0 : held - count),
      unused: () => giveBack(1, held),
    };
  };

  /** Serves those whose turn it is for as long as there is enough, and comes back when there is for the next. */
  const serve = (meter: Meter) => {
    meter.timer?.cancel();
    meter.timer = undefined;
    fill(meter);
    for (let first = meter.waiting.first(); first; first = meter.waiting.first()) {
      const ms = waitMs(meter, first.tokens);
      if (ms > 0) {
        meter.timer = clock.at(clock.now() + ms, () => serve(meter));
        return;
      }
      meter.waiting.next();
      first.serve();
    }
  };

  return {
    take: ({ target, tenant, tokens, signal }) => {
      signal?.throwIfAborted();
      assertBound(`tokens of a call of ${target}`, tokens, 0);
      const meter = meterOf(target);
      if (!meter) return unbounded;
      fill(meter);
      if (meter.waiting.size === 0 && waitMs(meter, tokens) === 0) return takeNow(meter, tokens);
      const waiting = meter.waiting.size;
      if (waiting >= waitingMax) throw new OrchestrationError("limits/queue-full", { target, waiting });
      return new Promise<Taken>((resolve, reject) => {
        const waiter: Waiter = {
          tokens,
          serve: () => {
            signal?.removeEventListener("abort", leave);
            resolve(takeNow(meter, tokens));
          },
        };
        const leave = () => {
          meter.waiting.remove(tenant, waiter);
          reject(signal?.reason);
          serve(meter); // Those behind may have waited for nothing else.
        };
        signal?.addEventListener("abort", leave, { once: true });
        meter.waiting.add(tenant, waiter);
        if (meter.waiting.size === 1) serve(meter);
      });
    },
    states: () =>
      [...meters]
        .map(([target, meter]) => {
          fill(meter);
          return {
            target,
            ...(meter.requests ? { requestsLeft: Math.floor(meter.requests.level / minuteMs) } : {}),
            ...(meter.tokens ? { tokensLeft: Math.floor(meter.tokens.level / minuteMs) } : {}),
            waiting: meter.waiting.size,
          };
        })
        .sort((a, b) => (a.target < b.target ? -1 : 1)),
  };
}

const unbounded: Taken = { used: () => {}, unused: () => {} };

function give(bucket: Bucket, parts: number): void {
  const full = bucket.perMinute * minuteMs;
  bucket.level = Math.max(Math.min(bucket.level + parts, full), -debtMinutesMax * full);
}

function missingMs({ perMinute, level }: Bucket, wanted: number): number {
  return Math.max(0, Math.ceil((Math.min(wanted, perMinute) * minuteMs - level) / perMinute));
}
