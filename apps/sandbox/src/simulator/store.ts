import {
  type Batch,
  type Entry,
  type Journal,
  memoryJournal,
  openBatch,
  type RunRecord,
  type Snapshot,
  type StreamKey,
} from "@remit/core";
import type { History } from "./history.ts";

interface Stored {
  readonly key: StreamKey;
  readonly batch: Batch;
  readonly expectedSeq: number;
  readonly record: RunRecord | undefined;
}

interface OpenBatch extends Batch {
  readonly entries: readonly Entry[];
}

/** The disk that the processes of a simulation share. It outlives them; what it holds is what is durable. */
export class Store {
  readonly #history: History;
  readonly #newKey: (tenant: string) => string;
  readonly #blobs = new Map<string, string>();
  #log: Stored[] = [];
  /** The same batches by stream, opened: a run is read some twenty times and written once. */
  readonly #streams = new Map<string, OpenBatch[]>();
  readonly #snapshots = new Map<string, Omit<Snapshot, "state"> & { readonly text: string }>();
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
    const stored = opened(key, batch);
    const batches = this.#batchesOf(key);
    batches.push(stored);
    if (batches.length === 1) this.#streams.set(nameOf(key), batches);
    this.#history.committed(key, stored, (address) => this.#blobs.get(`${key.tenant} ${address}`));
  }

  /** What the journal gives, opened already. */
  async read(key: StreamKey, fromSeq?: number, most?: number): Promise<readonly OpenBatch[]> {
    return partOf(this.#batchesOf(key), fromSeq, most);
  }

  async erase(streams: readonly StreamKey[], before?: number): Promise<number> {
    const entries = await this.#journal.erase(streams, before);
    for (const key of streams) {
      this.#snapshots.delete(nameOf(key));
      if (!this.#streams.has(nameOf(key))) continue;
      this.#streams.set(
        nameOf(key),
        (await this.#journal.read(key)).map((batch) => opened(key, batch)),
      );
    }
    return entries;
  }

  /** @param text the state as JSON, so that what comes back is nobody else's object */
  saveSnapshot(key: StreamKey, { seq, hash, text }: Omit<Snapshot, "state"> & { readonly text: string }): void {
    this.#snapshots.set(nameOf(key), { seq, hash, text });
  }

  async loadSnapshot(key: StreamKey): Promise<Snapshot | undefined> {
    const found = this.#snapshots.get(nameOf(key));
    return found && { seq: found.seq, hash: found.hash, state: JSON.parse(found.text) as Snapshot["state"] };
  }

  /**
   * What is on the disk, for the audit: each stream is read and opened once, from its text and from nothing that processes
   * have had in hands. Told of each entry that one of them changed for the others.
   */
  audited(onChanged: (key: StreamKey, batch: Batch) => void): Journal {
    const journal = this.#journal;
    const streams = new Map<string, Promise<readonly OpenBatch[]>>();
    const readOnce = async (key: StreamKey): Promise<readonly OpenBatch[]> => {
      const shared = this.#batchesOf(key);
      const batches = (await journal.read(key)).map((batch) => opened(key, batch));
      for (const [index, { entries }] of shared.entries()) {
        const own = batches[index];
        if (own && JSON.stringify(own.entries) !== JSON.stringify(entries)) onChanged(key, own);
      }
      return batches;
    };
    const read: Journal["read"] = async (key, fromSeq, most) => {
      const name = nameOf(key);
      const batches = streams.get(name) ?? readOnce(key);
      streams.set(name, batches);
      return partOf(await batches, fromSeq, most);
    };
    return { ...journal, read };
  }

  #batchesOf(key: StreamKey): OpenBatch[] {
    return this.#streams.get(nameOf(key)) ?? [];
  }

  /** For a planted bug: forgets the last batch of the run that was written last. */
  async forgetLast(): Promise<void> {
    const last = this.#log.findLastIndex(({ key, expectedSeq }) => key.kind === "run" && expectedSeq > 0);
    if (last < 0) return;
    const [gone] = this.#log.splice(last, 1);
    if (gone) this.#batchesOf(gone.key).pop();
    const before = this.#journal;
    const after = memoryJournal({ newKey: this.#newKey });
    for (const { key, batch, expectedSeq, record } of this.#log) {
      await after.append(key, batch, expectedSeq, record);
    }
    this.#snapshots.clear();
    // Blobs are addressed by what they hold; the old disk still answers for them.
    this.#journal = { ...after, getBlob: before.getBlob, putBlob: before.putBlob };
  }
}

function nameOf({ tenant, kind, id }: StreamKey): string {
  return `${tenant}/${kind}/${id}`;
}

function opened(key: StreamKey, batch: Batch): OpenBatch {
  return { ...batch, entries: openBatch(batch, key.id) };
}

/** Most readers want all, or the last few. */
function partOf(batches: readonly OpenBatch[], fromSeq = 1, most?: number): readonly OpenBatch[] {
  let first = batches.length;
  while (first > 0 && (batches[first - 1] as OpenBatch).lastSeq >= fromSeq) first--;
  return batches.slice(first, most === undefined ? undefined : first + most);
}
