/**
 * What ends a wait. An `AbortSignal` costs as much as all else that a call does here, so there is one only for what takes
 * nothing else.
 */
export interface Stop {
  readonly stopped: () => boolean;
  /** Why, once it has stopped. */
  readonly reason: () => unknown;
  /** Is called when it stops, unless that has happened or the listener is taken back. Must not throw. */
  readonly listen: (listener: () => void) => void;
  readonly unlisten: (listener: () => void) => void;
  /** The same as a signal. */
  readonly signal: () => AbortSignal;
}

/** A signal as what ends a wait. */
export function stopOf(signal: AbortSignal): Stop {
  return {
    stopped: () => signal.aborted,
    reason: () => signal.reason,
    listen: (listener) => signal.addEventListener("abort", listener, { once: true }),
    unlisten: (listener) => signal.removeEventListener("abort", listener),
    signal: () => signal,
  };
}
