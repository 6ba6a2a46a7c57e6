import type { Clock } from "@remit/core";
import type { McpLimits } from "./limits.ts";

/**
 * When a server that was lost may be connected to again (K3 of the link): the first time at once, then after waits that grow,
 * with jitter; after so many failures in a row without an answer, not before its quarantine is over.
 */
export interface Reconnects {
  /** A loss, or an attempt that failed. */
  readonly failed: () => void;
  /** The server is kept away from at once. */
  readonly quarantine: () => void;
  /** Something was answered: there is nothing left to wait for the next time. */
  readonly answered: () => void;
  /** What was lost is there, and may be connected to now. */
  readonly soon: () => void;
  /** From now on `due` is called when it is time. False where that was so already. */
  readonly begin: () => boolean;
  /** There is nothing connected now: the next attempt is as soon as it may be. */
  readonly plan: () => void;
  /** Nothing is called any more. */
  readonly rest: () => void;
  /** In a row. */
  readonly failures: () => number;
  /** Epoch ms. */
  readonly retryAt: () => number;
  readonly isQuarantined: () => boolean;
}

/** A wait is cut by at most this part of it, so that many links do not come back in step. */
const jitter = 0.25;

/** @param random from 0 up to 1; how much shorter a wait becomes */
export function reconnects(
  clock: Clock,
  limits: Pick<McpLimits, "backoffMs" | "backoffMsMax" | "breakerFailures" | "breakerMs">,
  random: () => number,
  due: () => void,
): Reconnects {
  let background = false;
  let wake: { readonly cancel: () => void } | undefined;
  let failures = 0;
  let retryAt = 0;
  let isQuarantined = false;
  const waitUntil = (at: number) => {
    retryAt = at;
    wake?.cancel();
    wake = undefined;
    if (!background) return;
    wake = clock.at(at, () => {
      wake = undefined;
      due();
    });
  };
  return {
    failed: () => {
      failures++;
      isQuarantined = failures >= limits.breakerFailures;
      // The first attempt after a loss is made at once.
      const doubled = limits.backoffMs * 2 ** Math.min(failures - 2, 30);
      const waitMs = failures === 1 ? 0 : Math.min(doubled, limits.backoffMsMax) * (1 - jitter * random());
      waitUntil(clock.now() + (isQuarantined ? Math.max(limits.breakerMs, waitMs) : waitMs));
    },
    quarantine: () => {
      failures = Math.max(failures, limits.breakerFailures);
      isQuarantined = true;
      waitUntil(clock.now() + limits.breakerMs);
    },
    answered: () => {
      failures = 0;
      isQuarantined = false;
    },
    soon: () => waitUntil(clock.now()),
    begin: () => {
      const isNew = !background;
      background = true;
      return isNew;
    },
    plan: () => waitUntil(Math.max(retryAt, clock.now())),
    rest: () => {
      background = false;
      wake?.cancel();
    },
    failures: () => failures,
    retryAt: () => retryAt,
    isQuarantined: () => isQuarantined,
  };
}
