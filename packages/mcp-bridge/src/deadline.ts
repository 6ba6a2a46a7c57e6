import type { Clock } from "@remit/core";

/** The end of one wait: a time, or somebody who no longer wants it. */
export interface Deadline {
  /** Aborts when the time is over or one of the given signals aborts. */
  readonly signal: AbortSignal;
  readonly timedOut: () => boolean;
  /** A sign of life: the time begins anew, up to the most there is. */
  readonly renew: () => void;
  /** The time stands still until it is called again with `false`. The most there is does not. */
  readonly hold: (held: boolean) => void;
  /** Lets go of the timer and of the given signals. */
  readonly cancel: () => void;
}

export interface DeadlineOptions {
  /** However often it is renewed. */
  readonly totalMsMax?: number;
}

/** Starts the wait; `cancel` must be called when it is over. */
export function deadlineOf(
  clock: Clock,
  timeoutMs: number,
  signals: readonly AbortSignal[],
  { totalMsMax = Number.POSITIVE_INFINITY }: DeadlineOptions = {},
): Deadline {
  const controller = new AbortController();
  let timedOut = false;
  let held = 0;
  const lastAt = clock.now() + totalMsMax;
  let dueAt = Math.min(clock.now() + timeoutMs, lastAt);
  const abort = () => controller.abort(new DOMException("The request was cancelled.", "AbortError"));
  const look = () => {
    // Renewing only moves the time; the timer looks when it fires. It may come back at once, never before.
    const next = held > 0 ? Math.min(clock.now() + timeoutMs, lastAt) : dueAt;
    if (clock.now() < next) {
      timer = clock.at(next, look);
      return;
    }
    timedOut = !controller.signal.aborted;
    controller.abort(new DOMException("The request timed out.", "TimeoutError"));
  };
  let timer = clock.at(dueAt, look);
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }
  const renew = () => {
    dueAt = Math.min(clock.now() + timeoutMs, lastAt);
  };
  return {
    signal: controller.signal,
    timedOut: () => timedOut,
    renew,
    hold: (wanted) => {
      held = Math.max(0, held + (wanted ? 1 : -1));
      renew();
    },
    cancel: () => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", abort);
    },
  };
}

/** The promise, or a rejection as soon as the signal aborts. The promise goes on for others. */
export function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
