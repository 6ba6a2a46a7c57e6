import type { Clock } from "../port/clock.ts";

/** A clock that moves when it is told to. */
export interface FakeClock extends Clock {
  /** Moves time on and fires what falls due, in order. */
  readonly advance: (ms: number) => void;
}

export function fakeClock(startAt = 1_700_000_000_000): FakeClock {
  let now = startAt;
  let order = 0;
  let timers: { dueAt: number; order: number; callback: () => void }[] = [];
  return {
    now: () => now,
    at: (dueAt, callback) => {
      const timer = { dueAt, order: order++, callback };
      timers.push(timer);
      return {
        cancel: () => {
          timers = timers.filter((one) => one !== timer);
        },
      };
    },
    advance: (ms) => {
      const until = now + ms;
      for (;;) {
        const [next] = timers
          .filter(({ dueAt }) => dueAt <= until)
          .sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
        if (!next) break;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.dueAt);
        next.callback();
      }
      now = until;
    },
  };
}
