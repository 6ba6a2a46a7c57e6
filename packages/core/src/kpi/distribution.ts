/**
 * Percentiles of many numbers in little memory. Pure.
 *
 * Method: nearest rank. Of n numbers in order, `p50` is the one at place ⌈0.50 · n⌉ and `p95` the one at place ⌈0.95 · n⌉,
 * counted from 1: each is a number that was there, never one in between. While at most `exactMost` different numbers were
 * seen, they are exact. Behind that, numbers are kept in buckets of which each ends less than 1/1024 above its beginning, and
 * a percentile is the end of its bucket (at most `max`): never too low, and less than 0.1 % too high. Count, mean, least and
 * most are exact either way. The order in which numbers come changes nothing, but for the last digits of a mean of fractions.
 */
export interface Distribution {
  readonly count: number;
  /** All that follows is absent where nothing was counted. */
  readonly mean?: number;
  readonly min?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly max?: number;
  /** Percentiles are of buckets, up to 0.1 % too high. */
  readonly rounded?: true;
}

/** Different numbers that are kept as they are. */
export const exactMost = 4_096;
const bucketsEach = 1_024;

export interface DistributionTally {
  /** @param value 0 or more; another is no time, no amount and no count, and is left out */
  readonly add: (value: number) => void;
  readonly close: () => Distribution;
}

export function distributionTally(): DistributionTally {
  let counts = new Map<number, number>();
  let rounded = false;
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  const put = (key: number, times: number) => counts.set(key, (counts.get(key) ?? 0) + times);
  const round = () => {
    rounded = true;
    const exact = counts;
    counts = new Map();
    for (const [value, times] of exact) put(bucketEnd(value), times);
  };
  return {
    add: (value) => {
      if (!Number.isFinite(value) || value < 0) return;
      count++;
      sum += value;
      min = Math.min(min, value);
      max = Math.max(max, value);
      put(rounded ? bucketEnd(value) : value, 1);
      if (!rounded && counts.size > exactMost) round();
    },
    close: () => {
      if (count === 0) return { count };
      const sorted = [...counts].sort(([left], [right]) => left - right);
      const at = (share: number) => {
        let left = Math.ceil(share * count);
        for (const [value, times] of sorted) {
          left -= times;
          if (left <= 0) return Math.min(value, max);
        }
        return max;
      };
      return { count, mean: sum / count, min, p50: at(0.5), p95: at(0.95), max, ...(rounded ? { rounded: true } : {}) };
    },
  };
}

export function distributionOf(values: Iterable<number>): Distribution {
  const tally = distributionTally();
  for (const value of values) tally.add(value);
  return tally.close();
}

/** The end of a number's bucket, of which there are 1,024 between a power of two and the next: whole numbers up to 2,048 stay. */
function bucketEnd(value: number): number {
  const size = 2 ** Math.floor(Math.log2(value)) / bucketsEach;
  return size > 0 ? Math.ceil(value / size) * size : value;
}
