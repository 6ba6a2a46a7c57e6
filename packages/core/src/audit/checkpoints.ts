import { OrchestrationError, reasonOf } from "../errors.ts";
import { sealBatch } from "../journal/chain.ts";
import { emptyHead, type Head } from "../journal/draft.ts";
import { listening } from "../observer.ts";
import type { Clock } from "../port/clock.ts";
import type { RunSession } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { Signer } from "../port/signer.ts";
import { checkpointStream, checkpointText } from "./checkpoint.ts";

/**
 * Signed checkpoints of runs, in a stream of their tenant (ADR 22).
 *
 * K1 Nothing of a run waits for a checkpoint: it is appended by itself, behind entries that are durable.
 * K2 When a run has ended, its last entry has been checkpointed before the session is given up; a failure is told and
 *    made good with the next checkpoint of the tenant.
 * K3 Each checkpoint names the hash of the one before, under its signature: one that is taken out is missed.
 */

export interface CheckpointOptions {
  readonly signer: Signer;
  /** Beside the end of a run and each park. */
  readonly every?: {
    /** Entries of a run between two checkpoints at most; 256 when absent. */
    readonly entries?: number;
    /** Milliseconds that an entry of a run at work is durable without a checkpoint at most; 10,000 when absent. */
    readonly ms?: number;
  };
}

/** Where a stream stands. */
export interface Point extends Head {
  /** `kind/id`. */
  readonly stream: string;
}

export interface CheckpointWriter {
  /** Signs and appends, several points at once where they come at once. Resolves when they are durable, or have failed. Never rejects. */
  readonly write: (tenant: string, point: Point) => Promise<void>;
}

const racesMax = 100;
const pageBatches = 256;
const snapshotEvery = 256;
/** Tenants whose newest checkpoint is kept in mind. */
const booksMost = 1_000;

/** A tenant's stream, as far as this process knows. */
interface Book {
  head: Head | undefined;
  snapshotSeq: number;
  /** By stream: a newer point stands for an older one. */
  readonly waiting: Map<string, Point>;
  turn: Promise<void> | undefined;
}

export interface CheckpointWriterOptions {
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
  readonly signer: Signer;
  readonly logger: Logger;
}

export function checkpointWriter({ journal, now, salt, signer, logger }: CheckpointWriterOptions): CheckpointWriter {
  const books = new Map<string, Book>();
  const bookOf = (tenant: string): Book => {
    const book = books.get(tenant) ?? { head: undefined, snapshotSeq: 0, waiting: new Map(), turn: undefined };
    books.delete(tenant);
    books.set(tenant, book);
    if (books.size > booksMost) {
      for (const [name, { turn, waiting }] of books) {
        if (turn === undefined && waiting.size === 0) books.delete(name);
        if (books.size <= booksMost) break;
      }
    }
    return book;
  };
  const append = async (tenant: string, book: Book, points: readonly Point[]): Promise<void> => {
    const key = checkpointStream(tenant);
    for (let lost = 0; ; lost++) {
      book.head ??= await headOf(journal, tenant, book);
      let head: Head = book.head;
      let lines = "";
      for (const { stream, seq, hash } of points) {
        const at = now();
        const facts = { stream, seq, hash, previous: head.hash };
        const signature = await signer.sign(checkpointText(tenant, at, facts));
        const body = { ...facts, keyId: signer.keyId, signature };
        const batch = sealBatch(head, [{ type: "checkpoint.signed", at, path: "", cause: 0, body }], salt);
        lines += batch.lines;
        head = { seq: batch.lastSeq, hash: batch.hash };
      }
      try {
        const expected = book.head.seq;
        await journal.append(key, { firstSeq: expected + 1, lastSeq: head.seq, lines, hash: head.hash }, expected);
        book.head = head;
        break;
      } catch (thrown) {
        // Another process was quicker, or nobody knows: what is stored says where the stream stands.
        book.head = undefined;
        if (!OrchestrationError.is(thrown, "journal/conflict") || lost >= racesMax) throw thrown;
      }
    }
    if (book.head && book.head.seq - book.snapshotSeq >= snapshotEvery) {
      book.snapshotSeq = book.head.seq;
      await journal.saveSnapshot(key, { ...book.head, state: null });
    }
  };
  const flush = async (tenant: string, book: Book): Promise<void> => {
    while (book.waiting.size > 0) {
      const points = [...book.waiting.values()];
      book.waiting.clear();
      try {
        await append(tenant, book, points);
      } catch (thrown) {
        for (const point of points) if (!book.waiting.has(point.stream)) book.waiting.set(point.stream, point);
        logger.error({ tenant, points: points.length, reason: reasonOf(thrown) }, "checkpoints could not be written");
        break;
      }
    }
    // In the same turn as the look at what waits, so that nobody leaves a point to a flush that is over.
    book.turn = undefined;
  };
  return {
    write: (tenant, point) => {
      const book = bookOf(tenant);
      const before = book.waiting.get(point.stream);
      if (!before || before.seq < point.seq) book.waiting.set(point.stream, point);
      book.turn ??= flush(tenant, book);
      return book.turn;
    },
  };
}

/** The stream's head, from the newest snapshot that belongs to it on. */
async function headOf(journal: Journal, tenant: string, book: Book): Promise<Head> {
  const key = checkpointStream(tenant);
  const snapshot = await journal.loadSnapshot(key);
  let head: Head = emptyHead;
  if (snapshot) {
    const [anchor] = await journal.read(key, snapshot.seq, 1);
    if (anchor?.lastSeq === snapshot.seq && anchor.hash === snapshot.hash) head = snapshot;
  }
  book.snapshotSeq = head.seq;
  for (let page = await journal.read(key, head.seq + 1, pageBatches); ; ) {
    const last = page.at(-1);
    if (!last) return { seq: head.seq, hash: head.hash };
    head = { seq: last.lastSeq, hash: last.hash };
    page = await journal.read(key, head.seq + 1, pageBatches);
  }
}

/** Drives a session under watch and has its entries checkpointed. */
export function checkpointing(
  writer: CheckpointWriter,
  clock: Clock,
  { entries = 256, ms = 10_000 }: NonNullable<CheckpointOptions["every"]> = {},
) {
  return async (session: RunSession, drive: (watched: RunSession) => Promise<void>): Promise<void> => {
    const { tenant, kind, id } = session.key;
    let fresh = 0;
    let last: { readonly head: Head; readonly lines: string } | undefined;
    let timer: { readonly cancel: () => void } | undefined;
    const checkpoint = async (): Promise<void> => {
      timer?.cancel();
      timer = undefined;
      if (fresh === 0 || !last) return;
      fresh = 0;
      await writer.write(tenant, { stream: `${kind}/${id}`, ...last.head });
    };
    const watched = listening(session, ({ firstSeq, lastSeq, hash, lines }) => {
      last = { head: { seq: lastSeq, hash }, lines };
      fresh += lastSeq - firstSeq + 1;
      if (fresh >= entries) void checkpoint();
      else timer ??= clock.at(clock.now() + ms, () => void checkpoint());
    });
    try {
      await drive(watched);
    } finally {
      const written = checkpoint();
      // Who wakes a parked run shall not wait for its checkpoint (K1).
      if (!isParked(last?.lines ?? "")) await written;
    }
  };
}

/** True when a batch's last entry is a park. */
function isParked(lines: string): boolean {
  const from = lines.lastIndexOf("\n", lines.length - 2) + 1;
  return /^\{"seq":\d+,"type":"run\.parked"/.test(lines.slice(from, from + 100));
}
