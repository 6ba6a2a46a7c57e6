import type { Clock } from "@remit/core";

/** How much of something may happen: a heap that is taken from, and that fills up again with time. */
export interface Bucket {
  /** False when nothing is left. */
  readonly take: () => boolean;
}

export function createBucket(clock: Clock, burst: number, perSecond: number): Bucket {
  let left = burst;
  let filledAt = clock.now();
  return {
    take: () => {
      const now = clock.now();
      left = Math.min(burst, left + (Math.max(0, now - filledAt) * perSecond) / 1_000);
      filledAt = now;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}
