import type { Clock } from "../port/clock.ts";

/**
 * The time that a call has. It stands still while the call is on hold, for at most `holdMs` each time: after that it goes
 * on by itself, so that whoever forgets to release a hold still comes to an end (R11).
 */
export interface Patience {
  /** Stops the time; the function returned lets it go on, once. Holds may overlap. */
  readonly hold: () => () => void;
  /** The call is over, one way or the other. */
  readonly isOver: () => boolean;
  readonly stop: () => void;
}

export interface PatienceOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly holdMs: number;
  /** Told once, when the time is up. */
  readonly onDue: () => void;
}

export function patience({ clock, timeoutMs, holdMs, onDue }: PatienceOptions): Patience {
  let leftMs = timeoutMs;
  let since = clock.now();
  /** From `since` on the time stands still for so long. */
  let stillMs = 0;
  let holds = 0;
  let over = false;
  let timer: { readonly cancel: () => void } | undefined;
  const arm = (extraMs: number) => {
    timer?.cancel();
    const now = clock.now();
    // A clock that was put back says nothing of what went by.
    leftMs = Math.max(0, leftMs - Math.max(0, now - since - stillMs));
    since = now;
    stillMs = extraMs;
    timer = clock.at(now + leftMs + extraMs, () => {
      if (over) return;
      over = true;
      onDue();
    });
  };
  arm(0);
  return {
    hold: () => {
      if (over) return () => {};
      holds++;
      arm(holdMs);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        if (--holds === 0 && !over) arm(0);
      };
    },
    isOver: () => over,
    stop: () => {
      over = true;
      timer?.cancel();
    },
  };
}
