import type { StartTimerCommand } from "../command.ts";
import type { InputEvent } from "../event.ts";
import { notStarted } from "./empty.ts";
import { isAnswerable, isAskable } from "./questions.ts";
import type { RunState } from "./state.ts";

/** True for an input that still means something to the run; one without a place changes nothing (C1). */
export function hasPlace(state: RunState, timers: readonly StartTimerCommand[], event: InputEvent): boolean {
  switch (event.type) {
    case "run.started":
      return state.startedAt === notStarted;
    case "run.resumed":
      return state.startedAt !== notStarted;
    case "cancel.requested": {
      const { subtree } = event.body;
      if (state.startedAt === notStarted || state.ending) return false;
      return subtree === undefined || state.invocations.has(subtree);
    }
    case "restrictions.changed":
      return (
        state.startedAt !== notStarted && !isKnownVersion(event.body.restrictions.version, state.restrictions.version)
      );
    case "approval.decided": {
      const { effect, key } = event.body;
      return state.approvals.has(effect) && !state.ending && !state.answered.has(decisionKey(key));
    }
    case "question.asked":
      return isAskable(state, event.body);
    case "question.answered":
      return isAnswerable(state, event.body);
    case "budget.reserved":
    case "budget.refused":
    case "budget.returned":
    case "model.responded":
    case "model.failed":
    case "tool.returned":
    case "tool.failed":
    case "effect.looked-up":
    case "delegation.accepted":
    case "delegation.refused":
    case "delegation.ended":
    case "delegation.recalled":
      return state.outstanding.has(event.body.command);
    case "input.received": {
      const { ask, key } = event.body;
      return state.asks.has(ask) && !state.ending && !(key !== undefined && state.answered.has(key));
    }
    case "effect.decided":
      return state.uncertain.has(event.body.effect);
    case "timer.fired":
      return timers.some(({ id }) => id === event.body.timer);
    case "run.migrated":
      return false;
  }
}

/** Keys of decisions and of answers are apart: the same text may serve both. */
export function decisionKey(key: string): string {
  return `approval:${key}`;
}

/**
 * True for a version of the restrictions that says nothing new: the same, or one from before. A process that has not heard
 * yet gives nothing back. Versions are the lengths of their streams, `3.0`.
 */
function isKnownVersion(version: string, seen: string): boolean {
  const had = seen.split(".").map(Number);
  return version.split(".").every((length, index) => Number(length) <= (had[index] ?? 0));
}
