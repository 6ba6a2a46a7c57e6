import { isUnfinished } from "../../journal/listing.ts";
import type { Clock } from "../../port/clock.ts";
import type { Batch, RunRecord } from "../../port/journal.ts";
import type { Recent } from "./journal.ts";

/**
 * What a worker remembers of runs that it has driven, so that whoever asks at once need not ask the cluster.
 *
 * L1 Of a run that has ended its entries are remembered for a second, of every run what the index is to say of it: the
 *    index is told at the same moment, and hears it a moment later.
 * L2 What is remembered of an unfinished run is never taken for all there is: somebody else may drive it by now.
 */
export interface LatelyDriven {
  readonly put: (run: string, record: RunRecord | undefined, batches: readonly Batch[]) => void;
  readonly recent: (run: string) => Recent | undefined;
  /** Records of the last second. */
  readonly runs: () => readonly RunRecord[];
  readonly forget: (run: string) => void;
}

const runsMax = 1_000;
const entriesMs = 1_000;
const charsMax = 8_000_000;

interface Known {
  readonly record: RunRecord;
  readonly batches: readonly Batch[];
  readonly chars: number;
  readonly until: number;
}

export function latelyDriven(clock: Clock): LatelyDriven {
  /** The oldest first. */
  const known = new Map<string, Known>();
  let chars = 0;
  const drop = (run: string) => {
    chars -= known.get(run)?.chars ?? 0;
    known.delete(run);
  };
  const withoutEntries = (run: string, one: Known) => {
    chars -= one.chars;
    known.set(run, { ...one, batches: [], chars: 0 });
  };
  return {
    put: (run, record, batches) => {
      drop(run);
      if (!record) return;
      const now = clock.now();
      const kept = isUnfinished(record.status) ? [] : batches;
      const one = { record, batches: kept, chars: kept.reduce((sum, { lines }) => sum + lines.length, 0) };
      chars += one.chars;
      known.set(run, { ...one, until: now + entriesMs });
      for (const [name, before] of known) {
        if (before.chars > 0 && (before.until <= now || chars > charsMax)) withoutEntries(name, before);
        else if (before.until > now) break;
      }
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size > runsMax) drop(oldest);
    },
    recent: (run) => {
      const one = known.get(run);
      if (!one) return undefined;
      const { record } = one;
      const isWhole = !isUnfinished(record.status);
      return { record, batches: one.until > clock.now() ? one.batches : [], isWhole };
    },
    runs: () => {
      const now = clock.now();
      return [...known.values()].filter(({ until }) => until > now).map(({ record }) => record);
    },
    forget: drop,
  };
}
