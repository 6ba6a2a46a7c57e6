/** Time. Nothing else in the kernel asks what time it is. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Calls back at `dueAt` (epoch ms), or soon after when that is past. The callback must not throw. */
  readonly at: (dueAt: number, callback: () => void) => { readonly cancel: () => void };
  /**
   * Keeps the process alive until it is cancelled: somebody is at work, or waits for what another process does. Absent
   * where nothing has to be kept, as with a clock that is told.
   */
  readonly hold?: () => { readonly cancel: () => void };
}

const timeoutMsMax = 2 ** 31 - 1;

/** The machine's clock. Its timers keep no process alive; what is at work holds it, once, by `hold`. */
export function systemClock(): Clock {
  // Made once and then taken and let go: an engine with one run at a time does both for each.
  let keeper: NodeJS.Timeout | undefined;
  let holding = 0;
  return {
    now: () => Date.now(),
    at: (dueAt, callback) => {
      const left = dueAt - Date.now();
      if (left > timeoutMsMax) return far(dueAt, callback);
      // There are several for each run at work, so they hold nothing but this.
      const handle = setTimeout(callback, Math.max(0, left));
      handle.unref();
      return { cancel: () => clearTimeout(handle) };
    },
    hold: () => {
      keeper ??= setInterval(() => {}, timeoutMsMax);
      if (holding++ === 0) keeper.ref();
      let isHeld = true;
      const cancel = () => {
        if (!isHeld) return;
        isHeld = false;
        if (--holding === 0) keeper?.unref();
      };
      return { cancel };
    },
  };
}

/** For what is further off than one timer can reach. */
function far(dueAt: number, callback: () => void): { readonly cancel: () => void } {
  let handle: NodeJS.Timeout;
  const arm = () => {
    const left = dueAt - Date.now();
    handle = setTimeout(left > timeoutMsMax ? arm : callback, Math.max(0, Math.min(left, timeoutMsMax)));
    handle.unref();
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}
