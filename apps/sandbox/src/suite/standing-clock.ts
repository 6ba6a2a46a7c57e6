import { type Clock, systemClock } from "@remit/core";

/**
 * A clock that stands: its time is that of the newest timer that fell due, and nothing else moves it. Waits take as long
 * as they say, and what is dated by it has the same date every time.
 * @param startAt epoch ms
 */
export function standingClock(startAt: number): Clock {
  const real = systemClock();
  let now = startAt;
  return {
    now: () => now,
    at: (dueAt, callback) =>
      real.at(real.now() + Math.max(0, dueAt - now), () => {
        now = Math.max(now, dueAt);
        callback();
      }),
  };
}
