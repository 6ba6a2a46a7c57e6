import type { Clock } from "@remit/core";

/** A clock whose timers share one timer of another clock. */
export interface OneTimer extends Clock {
  /** Lets go of the shared timer where nothing waits for it. */
  readonly rest: () => void;
}

interface Due {
  readonly dueAt: number;
  readonly callback: () => void;
  readonly cancel: () => void;
}

/**
 * For many waits that are begun and hardly ever become due: to begin one and to cancel it touches no timer of the system.
 * One that became superfluous fires and finds nothing to do.
 */
export function oneTimer(clock: Clock): OneTimer {
  const waiting = new Set<Due>();
  let timer: { readonly cancel: () => void } | undefined;
  let firesAt = Number.POSITIVE_INFINITY;
  const arm = (at: number) => {
    timer?.cancel();
    firesAt = at;
    timer = clock.at(at, fire);
  };
  const fire = () => {
    timer = undefined;
    firesAt = Number.POSITIVE_INFINITY;
    const now = clock.now();
    const due = [...waiting].filter(({ dueAt }) => dueAt <= now).sort((one, other) => one.dueAt - other.dueAt);
    for (const found of due) if (waiting.delete(found)) found.callback();
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of waiting) next = Math.min(next, dueAt);
    if (next < firesAt) arm(next);
  };
  return {
    now: clock.now,
    at: (dueAt, callback) => {
      const begun: Due = { dueAt, callback, cancel: () => waiting.delete(begun) };
      waiting.add(begun);
      if (dueAt < firesAt) arm(dueAt);
      return begun;
    },
    rest: () => {
      if (waiting.size > 0) return;
      timer?.cancel();
      timer = undefined;
      firesAt = Number.POSITIVE_INFINITY;
    },
  };
}
