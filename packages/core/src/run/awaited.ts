import type { OrchestrationError } from "../errors.ts";
import { type EndStatus, endStatusOf, type RunStatus } from "../event.ts";
import { searchable, UnsealedBatch } from "../journal/unsealed.ts";
import type { RunWatcher } from "../port/engine.ts";
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
export function until(held: Held, fits: (record: RunRecord) => boolean): Promise<Awaited> {
  return new Promise((resolve, reject) => new Awaiting(held, fits, resolve, reject).begin());
}

/** Somebody who waits, for as long as it takes: an object without functions of its own, for there may be many of them. */
class Awaiting implements RunWatcher {
  readonly #held: Held;
  readonly #fits: (record: RunRecord) => boolean;
  readonly #resolve: (awaited: Awaited) => void;
  readonly #reject: (thrown: unknown) => void;
  #stop: (() => void) | undefined;
  #looking: { readonly cancel: () => void } | undefined;
  #hold: { readonly cancel: () => void } | undefined;
  #rest: Batch | undefined;
  #looked = false;
  #failure: OrchestrationError | undefined;

  constructor(
    held: Held,
    fits: (record: RunRecord) => boolean,
    resolve: (awaited: Awaited) => void,
    reject: (thrown: unknown) => void,
  ) {
    this.#held = held;
    this.#fits = fits;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const { key, parts } = this.#held;
    const { engine } = parts;
    if (engine.shared) this.#hold = engine.clock.hold?.();
    try {
      this.#stop = engine.watch(key, this);
      this.#look();
      if (engine.shared) this.#looking = regularly(engine.clock, () => this.#look());
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  batch(batch: Batch): void {
    // Only these entries change what the index says.
    if (!isRest(batch)) return;
    this.#rest = batch;
    this.#look();
  }

  stopped(error: OrchestrationError): void {
    // Who lost a race to another process has not lost the run: it goes on there.
    if (isDrivenElsewhere(this.#held, error)) return;
    // Before the first look this may be old news: the run may have come to where it fits in another process.
    this.#failure = error;
    if (this.#looked) this.#fail(error);
  }

  #look(): void {
    record(this.#held).then(
      (known) => this.#found(known),
      (thrown: unknown) => {
        // An index that is away for a moment is asked again; whoever closes the engine says so.
        if (!this.#looked) this.#fail(this.#failure ?? thrown);
      },
    );
  }

  #found(known: RunRecord): void {
    this.#looked = true;
    if (this.#fits(known)) {
      this.#end();
      this.#resolve({ known, seen: this.#rest?.lastSeq === known.lastSeq ? this.#rest : undefined });
    } else if (this.#failure) this.#fail(this.#failure);
  }

  #fail(thrown: unknown): void {
    this.#end();
    this.#reject(thrown);
  }

  #end(): void {
    this.#hold?.cancel();
    this.#looking?.cancel();
    this.#stop?.();
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
