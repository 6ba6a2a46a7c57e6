import type { Clock } from "@remit/core";

/** The last of many values, told at intervals. */
export interface Coalesced<Value> {
  readonly push: (value: Value) => void;
  /** What was not told yet is not told any more. */
  readonly cancel: () => void;
}

/** The first value is told at once, and after that the last one of each interval. */
export function coalesced<Value>(clock: Clock, intervalMs: number, tell: (value: Value) => void): Coalesced<Value> {
  let timer: { readonly cancel: () => void } | undefined;
  let last: { readonly value: Value } | undefined;
  const due = () => {
    timer = undefined;
    if (!last) return;
    const { value } = last;
    last = undefined;
    wait();
    tell(value);
  };
  const wait = () => {
    timer = clock.at(clock.now() + intervalMs, due);
  };
  return {
    push: (value) => {
      if (timer) {
        last = { value };
        return;
      }
      wait();
      tell(value);
    },
    cancel: () => {
      timer?.cancel();
      last = undefined;
    },
  };
}
