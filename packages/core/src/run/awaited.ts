import type { OrchestrationError } from "../errors.ts";
import { type EndStatus, endStatusOf, type RunStatus } from "../event.ts";
import { searchable, UnsealedBatch } from "../journal/unsealed.ts";
import type { Batch, RunRecord } from "../port/journal.ts";
import { regularly } from "../regularly.ts";
import { type Held, isDrivenElsewhere, record } from "./held.ts";

/** What somebody waited for. */
export interface Awaited {
  readonly known: RunRecord;
  /** The batch that the record speaks of, where it was written while somebody waited here. */
  readonly seen: Batch | undefined;
}

/**
 * Waits until the index says what fits; reads nothing but the index while it waits. What is driven here tells at once;
 * what another process drives is looked for now and then, and this one is kept alive for that.
 */
export async function until(held: Held, fits: (record: RunRecord) => boolean): Promise<Awaited> {
  const {
    key,
    parts: { engine },
  } = held;
  let stop: (() => void) | undefined;
  let looking: { readonly cancel: () => void } | undefined;
  const hold = engine.shared ? engine.clock.hold?.() : undefined;
  try {
    return await new Promise<Awaited>((resolve, reject) => {
      let rest: Batch | undefined;
      let looked = false;
      let failure: OrchestrationError | undefined;
      const look = () => {
        record(held).then(
          (known) => {
            looked = true;
            if (fits(known)) resolve({ known, seen: rest?.lastSeq === known.lastSeq ? rest : undefined });
            else if (failure) reject(failure);
          },
          (thrown: unknown) => {
            // An index that is away for a moment is asked again; whoever closes the engine says so.
            if (!looked) reject(failure ?? thrown);
          },
        );
      };
      stop = engine.watch(key, {
        batch: (batch) => {
          // Only these entries change what the index says.
          if (!isRest(batch)) return;
          rest = batch;
          look();
        },
        stopped: (error) => {
          // Who lost a race to another process has not lost the run: it goes on there.
          if (isDrivenElsewhere(held, error)) return;
          // Before the first look this may be old news: the run may have come to where it fits in another process.
          failure = error;
          if (looked) reject(error);
        },
      });
      look();
      if (engine.shared) looking = regularly(engine.clock, look);
    });
  } finally {
    hold?.cancel();
    looking?.cancel();
    stop?.();
  }
}

export function isEnd(status: RunStatus): status is EndStatus {
  return status !== "running" && status !== "parked";
}

/** True for a batch whose last entry is a park or an end: behind one a batch has no other. */
function isRest(batch: Batch): boolean {
  const known = batch instanceof UnsealedBatch ? batch.lastType : undefined;
  if (known !== undefined) return known === "run.parked" || endStatusOf(known) !== undefined;
  const lines = searchable(batch);
  const last = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const header = lines.slice(last, lines.indexOf("\t", last));
  return /"type":"run\.(parked|completed|denied|escalated|failed|cancelled)"/.test(header);
}
