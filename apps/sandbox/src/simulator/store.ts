import { type Batch, type Journal, memoryJournal, type RunRecord, type StreamKey } from "@remit/core";
import type { History } from "./history.ts";

interface Stored {
  readonly key: StreamKey;
  readonly batch: Batch;
  readonly expectedSeq: number;
  readonly record: RunRecord | undefined;
}

/** The disk that the processes of a simulation share. It outlives them; what it holds is what is durable. */
export class Store {
  readonly #history: History;
  readonly #newKey: (tenant: string) => string;
  readonly #blobs = new Map<string, string>();
  #log: Stored[] = [];
  #journal: Journal;
  /** Batches that somebody was told are durable. */
  readonly acknowledged: { readonly key: StreamKey; readonly batch: Batch }[] = [];

  constructor(history: History, newKey: (tenant: string) => string) {
    this.#history = history;
    this.#newKey = newKey;
    this.#journal = memoryJournal({ newKey });
  }

  /** What is on the disk, without faults. */
  get journal(): Journal {
    return this.#journal;
  }

  putBlob(tenant: string, address: string, body: string): void {
    this.#blobs.set(`${tenant} ${address}`, body);
    void this.#journal.putBlob(tenant, address, body);
  }

  /** @throws OrchestrationError `journal/conflict` */
  commit(key: StreamKey, batch: Batch, expectedSeq: number, record: RunRecord | undefined): void {
    void this.#journal.append(key, batch, expectedSeq, record);
    this.#log.push({ key, batch, expectedSeq, record });
    this.#history.committed(key, batch, (address) => this.#blobs.get(`${key.tenant} ${address}`));
  }

  /** For a planted bug: forgets the last batch of the run that was written last. */
  async forgetLast(): Promise<void> {
    const last = this.#log.findLastIndex(({ key, expectedSeq }) => key.kind === "run" && expectedSeq > 0);
    if (last < 0) return;
    this.#log.splice(last, 1);
    const before = this.#journal;
    const after = memoryJournal({ newKey: this.#newKey });
    for (const { key, batch, expectedSeq, record } of this.#log) {
      await after.append(key, batch, expectedSeq, record);
    }
    // Blobs are addressed by what they hold; the old disk still answers for them.
    this.#journal = { ...after, getBlob: before.getBlob, putBlob: before.putBlob };
  }
}
