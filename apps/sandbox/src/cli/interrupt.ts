/** What Ctrl-C does while a suite is played. */
export interface Interrupt {
  /** Aborted by the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal;
  readonly [Symbol.dispose]: () => void;
}

/** Exit code of a process that Ctrl-C has ended, as shells have it. */
export const interrupted = 130;

/** The first Ctrl-C stops gently and tells the person; the second ends the process at once. */
export function onInterrupt(tell: () => void): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(interrupted);
    controller.abort();
    tell();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}
