import type { Clock } from "../port/clock.ts";

/**
 * Whose state stays in memory. A run that waits inside a call needs none of it until something comes in, and a state is
 * a fold over the journal (R1): of too many that wait, those that have waited longest let go of theirs.
 */
export interface AtHand {
  /** A run begins to wait. `letGo` is called at most once, and not after the function that this gives. */
  readonly wait: (letGo: () => void) => () => void;
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

interface Waiting {
  readonly since: number;
  readonly letGo: () => void;
}

export function statesAtHand({ most, clock }: AtHandOptions): AtHand {
  /** The longest waits come first. */
  const waiting = new Set<Waiting>();
  let looking: { readonly cancel: () => void } | undefined;

  const lookAt = (dueAt: number) => {
    looking = clock.at(dueAt, () => {
      looking = undefined;
      look(clock.now(), dueAt);
    });
  };
  const look = (now: number, dueAt: number) => {
    if (now > dueAt + lateMs) return lookAt(now + lookAgainMs);
    for (const one of waiting) {
      if (waiting.size <= most) return;
      if (one.since + waitedMs > now) return lookAt(one.since + waitedMs);
      waiting.delete(one);
      one.letGo();
    }
  };

  return {
    wait: (letGo) => {
      if (most === 0) {
        letGo();
        return () => {};
      }
      const one = { since: clock.now(), letGo };
      waiting.add(one);
      if (waiting.size > most && !looking) lookAt(one.since + waitedMs);
      return () => {
        waiting.delete(one);
        if (waiting.size > most) return;
        looking?.cancel();
        looking = undefined;
      };
    },
  };
}
