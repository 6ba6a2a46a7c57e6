import type { Clock } from "./port/clock.ts";

const lookMsFirst = 500;
const lookMsMax = 5_000;

/** Acts after half a second, then ever more seldom, until it is cancelled. */
export function regularly(clock: Clock, act: () => void): { readonly cancel: () => void } {
  let timer: { readonly cancel: () => void };
  const arm = (delayMs: number) => {
    timer = clock.at(clock.now() + delayMs, () => {
      arm(Math.min(delayMs * 2, lookMsMax));
      act();
    });
  };
  arm(lookMsFirst);
  return { cancel: () => timer.cancel() };
}
