import type { Clock } from "@remit/core";
import type { Stop } from "./wire/stop.ts";

/** The end of one wait: a time, or somebody who no longer wants it. */
export interface Deadline extends Stop {
  readonly timedOut: () => boolean;
  /** Which time that was: the most there is, or the one that is renewed. Milliseconds. */
  readonly overMs: () => number;
  /** A sign of life: the time begins anew, up to the most there is. */
  readonly renew: () => void;
  /** The time stands still until it is called again with `false`, and so does the most there is. */
  readonly hold: (held: boolean) => void;
  /** Lets go of the timer and of the given signals. */
  readonly cancel: () => void;
}

export interface DeadlineOptions {
  /** However often it is renewed. */
  readonly totalMsMax?: number;
}

/** Starts the wait, which ends too when one of the signals aborts; `cancel` must be called when it is over. */
export function deadlineOf(
  clock: Clock,
  timeoutMs: number,
  signals: readonly AbortSignal[],
  { totalMsMax = Number.POSITIVE_INFINITY }: DeadlineOptions = {},
): Deadline {
  const begunAt = clock.now();
  let controller: AbortController | undefined;
  let listeners: (() => void)[] | undefined;
  let stoppedFor: DOMException | undefined;
  let timedOut = false;
  let held = 0;
  let lastAt = begunAt + totalMsMax;
  let heldAt = 0;
  let overMs = timeoutMs;
  let dueAt = Math.min(begunAt + timeoutMs, lastAt);
  const stop = (reason: DOMException) => {
    if (stoppedFor) return;
    stoppedFor = reason;
    const told = listeners ?? [];
    listeners = undefined;
    for (const listener of told) listener();
    controller?.abort(reason);
  };
  const abort = () => stop(new DOMException("The request was cancelled.", "AbortError"));
  const look = () => {
    // Renewing only moves the time; the timer looks when it fires. It may come back at once, never before.
    const next = held > 0 ? clock.now() + timeoutMs : dueAt;
    if (clock.now() < next) {
      timer = clock.at(next, look);
      return;
    }
    timedOut = !stoppedFor;
    if (dueAt === lastAt) overMs = totalMsMax;
    stop(new DOMException("The request timed out.", "TimeoutError"));
  };
  let timer = clock.at(dueAt, look);
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  }
  const renew = () => {
    dueAt = Math.min(clock.now() + timeoutMs, lastAt);
  };
  return {
    stopped: () => stoppedFor !== undefined,
    reason: () => stoppedFor,
    listen: (listener) => {
      if (stoppedFor) return;
      listeners ??= [];
      listeners.push(listener);
    },
    unlisten: (listener) => {
      const at = listeners?.indexOf(listener) ?? -1;
      if (at !== -1) listeners?.splice(at, 1);
    },
    signal: () => {
      controller ??= new AbortController();
      if (stoppedFor) controller.abort(stoppedFor);
      return controller.signal;
    },
    timedOut: () => timedOut,
    overMs: () => overMs,
    renew,
    hold: (wanted) => {
      const before = held;
      held = Math.max(0, held + (wanted ? 1 : -1));
      if (before === 0 && held > 0) heldAt = clock.now();
      if (before > 0 && held === 0) lastAt += clock.now() - heldAt;
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

/** What aborts with the first of two. Unlike `AbortSignal.any` it leaves nothing in a signal that lives longer: `letGo`. */
export function firstOf(
  one: AbortSignal,
  other: AbortSignal | undefined,
): { readonly signal: AbortSignal; readonly letGo: () => void } {
  if (!other) return { signal: one, letGo: () => {} };
  const controller = new AbortController();
  const both = [one, other].map((signal) => {
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    return () => signal.removeEventListener("abort", abort);
  });
  return {
    signal: controller.signal,
    letGo: () => {
      for (const off of both) off();
    },
  };
}
