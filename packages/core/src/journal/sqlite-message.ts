import type { ErrorData } from "../errors.ts";
import type { Batch, RunRecord, Snapshot, StreamKey, StreamKind } from "../port/journal.ts";

/** What travels between an SQLite journal and its writer thread. Writes are answered in the order they were sent. */

/** A batch that is sealed where it is committed. */
export interface LateBatch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Header and body of each entry, a tab between them, a line each. */
  readonly text: string;
  /** One for each entry, a line break between them. */
  readonly salts: string;
  /** Names it among the late batches of this journal object. */
  readonly place: number;
  /** What it was made behind: a hash, or the place of the late batch before it while that is not answered. */
  readonly behind: string | number;
}

/** One change of the file. */
export type Write =
  | {
      readonly type: "append";
      readonly key: StreamKey;
      readonly batch: Batch | LateBatch;
      readonly expectedSeq: number;
      readonly record: RunRecord | undefined;
      /** How many writes had been answered when this one was asked for: what its caller could know of failures. */
      readonly known: number;
    }
  | {
      readonly type: "blob";
      readonly tenant: string;
      readonly address: string;
      readonly body: string;
      readonly known: number;
    }
  | {
      readonly type: "snapshot";
      readonly key: StreamKey;
      readonly snapshot: Omit<Snapshot, "state"> & { readonly state: string };
      readonly known: number;
    }
  /** Made durable like any other; then the file is rewritten, so that no byte of what was erased is left in it. */
  | {
      readonly type: "erase";
      readonly streams: readonly StreamKey[];
      readonly before: number | undefined;
      readonly known: number;
    }
  | { readonly type: "key"; readonly tenant: string; readonly secret: string; readonly known: number };

/** The usual write without the names of its members, which cost more than all else on the way to another thread. */
export type PackedWrite = readonly [
  ...key: readonly [tenant: string, kind: StreamKind, id: string],
  ...batch: readonly [
    firstSeq: number,
    lastSeq: number,
    text: string,
    salts: string,
    place: number,
    behind: string | number,
  ],
  expectedSeq: number,
  known: number,
  record: RunRecord | undefined,
];

/** For another thread: an append of a late batch is packed, all else goes as it is. */
export function packed(write: Write): Write | PackedWrite {
  if (write.type !== "append" || !("text" in write.batch)) return write;
  const { key, batch, expectedSeq, known, record } = write;
  const { firstSeq, lastSeq, text, salts, place, behind } = batch;
  return [key.tenant, key.kind, key.id, firstSeq, lastSeq, text, salts, place, behind, expectedSeq, known, record];
}

/** What `packed` was given. */
export function unpacked(given: Write | PackedWrite): Write {
  if ("type" in given) return given;
  const [tenant, kind, id, firstSeq, lastSeq, text, salts, place, behind, expectedSeq, known, record] = given;
  const batch: LateBatch = { firstSeq, lastSeq, text, salts, place, behind };
  return { type: "append", key: { tenant, kind, id }, batch, expectedSeq, known, record };
}

/** To the writer. */
export type Request =
  | { readonly type: "write"; readonly writes: readonly (Write | PackedWrite)[]; readonly fault?: Fault }
  | { readonly type: "close" };

/** Something that goes wrong on purpose, for tests: the disk has no page left; the thread dies before it commits. */
export type Fault = "full-disk" | "crash";

/** Why one write was refused. */
export interface Failure {
  readonly code: "journal/conflict" | "journal/unavailable";
  readonly data: ErrorData;
}

/** From the writer: what became of the next `count` writes. Those that are not among the failures are durable. */
export interface Answer {
  readonly count: number;
  /** Position in this answer, from 0, and what happened. */
  readonly failures: readonly { readonly position: number; readonly failure: Failure }[];
  /** Positions of late batches that are stored, with the hashes of their last entries. */
  readonly sealed: readonly { readonly position: number; readonly hash: string }[];
}

/** From the writer thread, with how long the commit took, in milliseconds. */
export interface TimedAnswer extends Answer {
  readonly tookMs: number;
}
