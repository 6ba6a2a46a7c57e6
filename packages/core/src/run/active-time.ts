import { type CoreWork, startTimer } from "./core-work.ts";
import { activeTimer } from "./timers.ts";

/** The time that a run is at work, which has a bound of its own; waiting for people is none of it. */

/** The bound counts on, less the work that was done before. */
export function startActiveTimer(work: CoreWork): void {
  const left = Math.max(0, work.limits.activeMs - work.state.activeMs);
  const dueAt = work.at + left;
  startTimer(work, { type: "startTimer", id: activeTimer, path: "", dueAt, durable: false });
}

export function stopActiveTimer(work: CoreWork): void {
  work.state.activeMs += work.at - work.state.activeSince;
  work.stopTimer(activeTimer);
}
