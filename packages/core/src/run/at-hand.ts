import type { Clock } from "../port/clock.ts";

/**
 * Whose state stays in memory. A run that waits inside a call needs none of it until something comes in, and a state is
 * a fold over the journal (R1): of too many that wait, those that have waited longest let go of theirs.
 */
export interface AtHand {
  /** A run begins to wait. It is asked to let go at most once, and not after it has come back. */
  readonly wait: (run: Resting) => { readonly back: () => void };
}

/** A run that can let go of its state while it waits. */
export interface Resting {
  readonly letGo: () => void;
}

export interface AtHandOptions {
  /** States of waiting runs that are kept; 0 keeps none. */
  readonly most: number;
  readonly clock: Clock;
}

/** A wait that is shorter is not worth folding for. */
const waitedMs = 100;
/** A look that comes later finds a process with much to do, in which everybody waits long and nobody for long. */
const lateMs = 10;
const lookAgainMs = 20;

/** One that waits, in the order of the waits. A set would be rebuilt each time that it becomes empty, at every call of a lone run. */
class Waiting {
  readonly since: number;
  readonly run: Resting;
  readonly #onBack: (one: Waiting) => void;
  before: Waiting | undefined;
  behind: Waiting | undefined;
  gone = false;

  constructor(since: number, run: Resting, onBack: (one: Waiting) => void, before: Waiting | undefined) {
    this.since = since;
    this.run = run;
    this.#onBack = onBack;
    this.before = before;
  }

  back(): void {
    this.#onBack(this);
  }
}

const nowhere = { back: () => {} };

export function statesAtHand({ most, clock }: AtHandOptions): AtHand {
  let longest: Waiting | undefined;
  let newest: Waiting | undefined;
  let count = 0;
  let looking: { readonly cancel: () => void } | undefined;

  const leave = (one: Waiting) => {
    if (one.gone) return;
    one.gone = true;
    count--;
    if (one.before) one.before.behind = one.behind;
    else longest = one.behind;
    if (one.behind) one.behind.before = one.before;
    else newest = one.before;
    one.before = undefined;
    one.behind = undefined;
  };
  const lookAt = (dueAt: number) => {
    looking = clock.at(dueAt, () => {
      looking = undefined;
      look(clock.now(), dueAt);
    });
  };
  const look = (now: number, dueAt: number) => {
    if (now > dueAt + lateMs) return lookAt(now + lookAgainMs);
    while (longest && count > most) {
      const one = longest;
      if (one.since + waitedMs > now) return lookAt(one.since + waitedMs);
      leave(one);
      one.run.letGo();
    }
  };

  const back = (one: Waiting) => {
    leave(one);
    if (count > most) return;
    looking?.cancel();
    looking = undefined;
  };

  return {
    wait: (run) => {
      if (most === 0) {
        run.letGo();
        return nowhere;
      }
      const one = new Waiting(clock.now(), run, back, newest);
      if (newest) newest.behind = one;
      else longest = one;
      newest = one;
      if (++count > most && !looking) lookAt(one.since + waitedMs);
      return one;
    },
  };
}
