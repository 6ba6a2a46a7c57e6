import type { Clock } from "@remit/core";
import type { Owner, Scheduler } from "./scheduler.ts";

/** A process's clock: the world's time, wrong by what the process is wrong. */
export function virtualClock(scheduler: Scheduler, owner: Owner, keeps: () => boolean = () => true): Clock {
  return {
    now: () => scheduler.now + owner.offsetMs,
    // `keeps` is false for a timer that a planted bug loses.
    at: (dueAt, callback) => (keeps() ? scheduler.at(owner, dueAt, callback) : { cancel: () => {} }),
  };
}
