import { OrchestrationError } from "../errors.ts";
import { type Entry, endStatusOf } from "../event.ts";
import type { Batch } from "../port/journal.ts";
import { regularly } from "../regularly.ts";
import { isEnd } from "./awaited.ts";
import { type Held, isDrivenElsewhere, open, record } from "./held.ts";
import type { EventsOptions } from "./run.ts";

/** Entries of a run as they become durable: those that are there, then live ones, each exactly once and in order. */
export async function* durable(held: Held, { fromSeq, signal }: EventsOptions = {}): AsyncGenerator<Entry> {
  const {
    key,
    stream,
    parts: { engine },
  } = held;
  const queue: Batch[] = [];
  let failure: OrchestrationError | undefined;
  let wake: (() => void) | undefined;
  let looking: { readonly cancel: () => void } | undefined;
  const poke = () => {
    wake?.();
    wake = undefined;
  };
  const unwatch = engine.watch(key, {
    batch: (batch) => {
      queue.push(batch);
      poke();
    },
    stopped: (error) => {
      failure = error;
      poke();
    },
  });
  signal?.addEventListener("abort", poke, { once: true });
  try {
    // Entries count from 1, whatever was asked for: nothing before the first one is missing.
    let next = Math.max(1, Math.ceil(fromSeq ?? 1));
    // Asked for in this order, an end that the index knows is among what is read.
    try {
      const { status } = await record(held);
      const known = await engine.journal.read(stream, next);
      if (known.length === 0 && isEnd(status)) return;
      queue.unshift(...known);
    } catch (thrown) {
      throw failure ?? thrown;
    }
    while (!signal?.aborted) {
      const batch = queue.shift();
      if (batch) {
        if (batch.lastSeq < next) continue;
        if (batch.firstSeq > next) {
          // Somebody else drove the run meanwhile; what they wrote is durable, or this batch could not be.
          const missed = (await engine.journal.read(stream, next)).filter(({ firstSeq }) => firstSeq < batch.firstSeq);
          if (missed.length === 0) {
            throw new OrchestrationError("journal/broken-chain", {
              seq: next,
              stream: key.runId,
              reason: "it is missing",
            });
          }
          queue.unshift(...missed, batch);
          continue;
        }
        for (const entry of await open(held, batch)) {
          if (entry.seq < next) continue;
          next = entry.seq + 1;
          yield entry;
          if (endStatusOf(entry.type)) return;
        }
        continue;
      }
      if (failure && !isDrivenElsewhere(held, failure)) throw failure;
      // What another process writes is worth staying alive for, while somebody asks for it.
      const hold = engine.shared ? engine.clock.hold?.() : undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (!engine.shared) return;
        looking ??= regularly(engine.clock, async () => {
          // Somebody else may drive the run: what they write tells nobody here.
          const missed = await engine.journal.read(stream, next).catch(() => []);
          if (missed.length === 0 || queue.length > 0) return;
          queue.push(...missed);
          poke();
        });
      });
      hold?.cancel();
    }
  } finally {
    looking?.cancel();
    unwatch();
    signal?.removeEventListener("abort", poke);
  }
}
