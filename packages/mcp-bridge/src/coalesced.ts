import type { Clock } from "@remit/core";

/** The last of many values, told at intervals. */
export interface Coalesced<Value> {
  readonly push: (value: Value) => void;
  /** What was not told yet is not told any more. */
  readonly cancel: () => void;
}

/**
 * The first values, as many as `burst`, are told at once, and after that the last one of each interval. An interval in
 * which nothing came gives one of them back.
 */
export function coalesced<Value>(
  clock: Clock,
  { intervalMs, burst }: { readonly intervalMs: number; readonly burst: number },
  tell: (value: Value) => void,
): Coalesced<Value> {
  let left = burst;
  let timer: { readonly cancel: () => void } | undefined;
  let last: { readonly value: Value } | undefined;
  const due = () => {
    timer = undefined;
    if (!last) {
      left += 1;
      if (left < burst) wait();
      return;
    }
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
      if (left === 0) {
        last = { value };
        return;
      }
      left -= 1;
      if (!timer) wait();
      tell(value);
    },
    cancel: () => {
      timer?.cancel();
      last = undefined;
    },
  };
}
