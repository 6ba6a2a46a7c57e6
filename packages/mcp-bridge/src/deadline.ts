import type { Clock } from "@remit/core";

/** The end of one wait: a time, or somebody who no longer wants it. */
export interface Deadline {
  /** Aborts when the time is over or one of the given signals aborts. */
  readonly signal: AbortSignal;
  readonly timedOut: () => boolean;
  /** Lets go of the timer and of the given signals. */
  readonly cancel: () => void;
}

/** Starts the wait; `cancel` must be called when it is over. */
export function deadlineOf(clock: Clock, timeoutMs: number, signals: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  let timedOut = false;
  const abort = () => controller.abort(new DOMException("The request was cancelled.", "AbortError"));
  const timer = clock.at(clock.now() + timeoutMs, () => {
    timedOut = !controller.signal.aborted;
    controller.abort(new DOMException("The request timed out.", "TimeoutError"));
  });
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }
  const cancel = () => {
    timer.cancel();
    for (const signal of signals) signal.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, timedOut: () => timedOut, cancel };
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
