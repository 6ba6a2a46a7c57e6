import { recallId } from "../remote/delegation.ts";
import type { OpenDelegation, Work } from "./state.ts";
import { lookTimer } from "./timers.ts";

/** How a run stops a specialist that works for it. */

/** Nobody waits for a specialist's run any more: it is told so, once it is known to have begun. */
export function giveUp(work: Work, open: OpenDelegation, reason: string): void {
  if (open.recalled !== undefined && isRecalling(work, open)) return;
  open.recalled ??= reason;
  work.stopTimer(lookTimer(open.path));
  for (const command of work.state.outstanding.values()) {
    // Its answer is waited for: a run that is about to begin cannot be stopped.
    if (command.type === "delegate" && command.path === open.path) return;
  }
  recall(work, open, open.recalled);
}

export function recall(work: Work, open: OpenDelegation, reason: string): void {
  if (isRecalling(work, open)) return;
  const { path, agent, run, specialist } = open;
  work.emit({ type: "recall", id: recallId(path), path, agent, run, specialist, reason });
}

function isRecalling({ state }: Work, { path }: OpenDelegation): boolean {
  return state.outstanding.has(recallId(path));
}
