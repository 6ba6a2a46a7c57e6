import type { Work } from "./state.ts";
import { activeTimer } from "./timers.ts";

/** The time that a run is at work, which has a bound of its own; waiting for people is none of it. */

/** The bound counts on, less the work that was done before. */
export function startActiveTimer(work: Work): void {
  const left = Math.max(0, work.limits.activeMs - work.state.activeMs);
  const dueAt = work.at + left;
  work.startTimer({ id: activeTimer, path: "", dueAt, durable: false });
}

export function stopActiveTimer(work: Work): void {
  work.state.activeMs += work.at - work.state.activeSince;
  work.stopTimer(activeTimer);
}
