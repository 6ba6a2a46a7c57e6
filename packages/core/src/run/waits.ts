import type { Wait, Waits } from "../port/journal.ts";
import type { RunState } from "./state.ts";

/** What a run waits for, as its state says. */

/** Ids of questions, of effects that a person must settle or decide on, of timers and of delegations. */
export function waitingForOf({ asks, uncertain, approvals, delayed, delegations }: RunState): string[] {
  return [...asks.keys(), ...uncertain, ...approvals.keys(), ...delayed.keys(), ...delegations.keys()];
}

/** The kinds of it, for the index. */
export function waitsOf({ asks, uncertain, approvals, questions, delayed, delegations }: RunState): Waits {
  const elsewhere = (kind: Wait) => [...delegations.values()].some(({ waits }) => waits.includes(kind));
  const kinds: Wait[] = [];
  if (approvals.size > 0 || questions.size > 0 || elsewhere("approval")) kinds.push("approval");
  if (asks.size > 0 || elsewhere("question")) kinds.push("question");
  if (uncertain.size > 0 || elsewhere("effect")) kinds.push("effect");
  // A specialist's run says so when it has ended, or is looked at.
  if (delayed.size > 0 || delegations.size > 0) kinds.push("timer");
  return kinds;
}

/** The kinds of what a run waits for as one number, to see whether they have changed. */
export function waitBitsOf({ approvals, questions, asks, uncertain, delayed, delegations }: RunState): number {
  let bits =
    (approvals.size > 0 || questions.size > 0 ? 1 : 0) |
    (asks.size > 0 ? 2 : 0) |
    (uncertain.size > 0 ? 4 : 0) |
    (delayed.size > 0 || delegations.size > 0 ? 8 : 0);
  for (const { waits } of delegations.values()) for (const wait of waits) bits |= waitBits[wait];
  return bits;
}

const waitBits = { approval: 1, question: 2, effect: 4, timer: 8 } as const satisfies Record<Wait, number>;
