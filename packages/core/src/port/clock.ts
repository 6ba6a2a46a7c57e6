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
      if (left > timeoutMsMax) return new FarTimer(dueAt, callback);
      return new SystemTimer(setTimeout(callback, Math.max(0, left)));
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

/** Several of them wait for each run at work, so it holds nothing but what Node calls it. */
class SystemTimer {
  protected handle: NodeJS.Timeout;

  constructor(handle: NodeJS.Timeout) {
    this.handle = handle.unref();
  }

  /** Also for whoever takes it off its timer. */
  get cancel(): () => void {
    return () => clearTimeout(this.handle);
  }
}

/** For what is further off than one timer can reach. */
class FarTimer extends SystemTimer {
  readonly #dueAt: number;
  readonly #callback: () => void;

  constructor(dueAt: number, callback: () => void) {
    super(setTimeout(() => this.#again(), timeoutMsMax));
    this.#dueAt = dueAt;
    this.#callback = callback;
  }

  #again(): void {
    const left = this.#dueAt - Date.now();
    const next = left > timeoutMsMax ? () => this.#again() : this.#callback;
    this.handle = setTimeout(next, Math.max(0, Math.min(left, timeoutMsMax))).unref();
  }
}
