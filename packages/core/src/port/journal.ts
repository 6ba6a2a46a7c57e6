import type { Entry, RunStatus } from "../event.ts";
import type { Json } from "../json.ts";

/** A stream of entries. The tenant is part of the key's type: an unscoped read does not compile. */
export interface StreamKey {
  readonly tenant: string;
  readonly kind: StreamKind;
  readonly id: string;
}
/** `run` is one run, `answers` what other processes have said to its tools (ADR 21), `vault` what its tokens stand for
 * and `disclosures` to whom that was shown (ADR 25); the others outlive runs (D6). `delegations` says who serves a
 * specialist, and holds what was left for it (ADR 30). */
export type StreamKind =
  | "run"
  | "budget"
  | "dead-letters"
  | "restrictions"
  | "memory"
  | "pins"
  | "world"
  | "answers"
  | "delegations"
  | "checkpoints"
  | "audit"
  | "vault"
  | "disclosures";

/**
 * One appended batch: one stored row. `lines` holds an entry a line, five parts between tabs:
 * header JSON, commitment, hash, salt, body JSON. `hash = SHA-256(previous hash ⏎ header ⏎ commitment)`,
 * `commitment = SHA-256(salt ⏎ body)`. Erasing a body empties its salt and body and leaves the chain whole (D5).
 */
export interface Batch {
  /** Seq of the first line; entries count from 1. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lines: string;
  /** Hash of the last line. */
  readonly hash: string;
  /** Hash of the entry that it was sealed behind, from whoever sealed it; not stored. Where it is absent, the lines tell. */
  readonly previous?: string;
  /** What the lines say, from a journal that has them opened; where it is absent, they are read. Never to be changed. */
  readonly entries?: readonly Entry[];
}

/**
 * Something that a run can wait for: a person's decision (on a write, or on a question of a tool under way), an answer, word
 * of an uncertain write, a time.
 */
export type Wait = "approval" | "question" | "effect" | "timer";
/** What a run waits for, each kind once. */
export type Waits = readonly Wait[];

/** What the index knows of a run, kept in the same transaction as the batch that changed it. */
export interface RunRecord {
  readonly tenant: string;
  readonly runId: string;
  readonly supervisor: string;
  readonly definitionHash: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly lastSeq: number;
  readonly conversationId?: string;
  /** Epoch ms at which a parked run wants to be woken. */
  readonly wakeAt?: number;
  readonly waits?: Waits;
  /** What an ended run has cost; absent where that has to be read from its entries. */
  readonly microUsd?: number;
}

export interface RunFilter {
  readonly tenant: string;
  readonly status?: readonly RunStatus[];
  readonly supervisor?: string;
  readonly conversationId?: string;
  /** Only runs that wait for this, among other things perhaps. */
  readonly waitingFor?: Exclude<Wait, "timer">;
  /** At most this many, newest first; 100 when absent. */
  readonly most?: number;
  /** Only runs started before this (epoch ms), to page on. */
  readonly before?: number;
  /** With `before`: of the runs started at that very millisecond, those behind this id too. */
  readonly beforeRunId?: string;
}

/** Which unfinished runs, of every tenant; all of them where nothing is said. */
export interface UnfinishedFilter {
  readonly status?: "running" | "parked";
  /** Only parked runs that want to be woken at this time (epoch ms) or before. */
  readonly dueAt?: number;
  readonly tenant?: string;
  readonly runId?: string;
  /** Only runs of these, each `supervisor@definitionHash`. */
  readonly definitions?: readonly string[];
}

/** A page of unfinished runs. */
export interface UnfinishedPage extends UnfinishedFilter {
  /** At most this many; 100 when absent. */
  readonly most?: number;
  /** Only runs behind this one: the last of the page before, under the same filter. */
  readonly after?: RunRecord;
}

/** A definition that unfinished runs belong to, and so must be loaded for them to go on. */
export interface WaitingDefinition {
  readonly supervisor: string;
  readonly definitionHash: string;
  /** How many unfinished runs there are. */
  readonly runs: number;
  /** The oldest of them, at most 20. */
  readonly some: readonly { readonly tenant: string; readonly runId: string }[];
}

export interface Snapshot {
  readonly seq: number;
  /**
   * Hash of the entry at `seq`: a snapshot of another history is refused. Where batches are sealed late it is known when
   * what was appended before is durable, and must not be read before.
   */
  readonly hash: string;
  readonly state: Json;
}

/** Append-only streams with compare-and-append. */
export interface Journal {
  /**
   * Batches of runs come as `UnsealedBatch`: their lines are made when they are looked at, and who only keeps them need not
   * look. Absent: they come as plain data.
   */
  readonly sealsLate?: true;
  /**
   * Appends one batch, all or none. Returns nothing when the batch is durable on return, else a promise of that.
   * Batches of one stream become durable in the order they were appended; a later one is never durable without an
   * earlier one, and after a failed one all later ones of that stream fail too.
   * @param expectedSeq seq of the last entry the caller believes the stream has, 0 for a new one
   * @throws OrchestrationError `journal/conflict` when the stream has moved on; nothing is written
   * @throws OrchestrationError `journal/unavailable` when it could not be stored
   */
  readonly append: (key: StreamKey, batch: Batch, expectedSeq: number, record?: RunRecord) => void | Promise<void>;
  /**
   * Batches from `fromSeq` on, in order; empty for an unknown stream. A batch that holds `fromSeq` inside comes whole.
   * @param most a wish for at most so many batches, to page on; all of them when absent
   */
  readonly read: (key: StreamKey, fromSeq?: number, most?: number) => Promise<readonly Batch[]>;
  /** Nobody will work on a stream for a while: what is kept of it in memory may move to where it costs less. Absent: nothing is. */
  readonly rest?: (key: StreamKey) => void;
  /** Stores a payload under its address, before the entry that names it. Idempotent. */
  readonly putBlob: (tenant: string, address: string, body: string) => void | Promise<void>;
  readonly getBlob: (tenant: string, address: string) => Promise<string | undefined>;
  /**
   * Empties salt and body of entries of these streams, drops their payloads, except those that another entry of the tenant
   * names, and the streams' snapshots. Headers, commitments and hashes stay, so the chain goes on to hold. Resolves with how
   * many entries were emptied when the bytes are gone from wherever this journal keeps them. Idempotent.
   * @param before only entries of before this time (epoch ms); all of them when absent
   * @throws OrchestrationError `journal/unavailable`, also when the bytes could not be wiped yet: ask again
   */
  readonly erase: (streams: readonly StreamKey[], before?: number) => Promise<number>;
  /** A cache; losing it costs time only. Writes down what it is given before it returns: the run goes on with it. */
  readonly saveSnapshot: (key: StreamKey, snapshot: Snapshot) => void | Promise<void>;
  readonly loadSnapshot: (key: StreamKey) => Promise<Snapshot | undefined>;
  readonly findRun: (tenant: string, runId: string) => Promise<RunRecord | undefined>;
  readonly listRuns: (filter: RunFilter) => Promise<readonly RunRecord[]>;
  /**
   * A page of the runs that have not ended, of every tenant: for the engine's own recovery and the pre-start check, nobody
   * else. Earliest wake-up first when `dueAt` is given, else oldest first; then by tenant and id.
   */
  readonly unfinishedRuns: (page?: UnfinishedPage) => Promise<readonly RunRecord[]>;
  /** Tenants that have such runs, in order, behind the tenant `after`; at most `most`, 100 when absent. */
  readonly unfinishedTenants: (
    page?: UnfinishedFilter & { readonly most?: number; readonly after?: string },
  ) => Promise<readonly string[]>;
  /** When the next parked run of any tenant wants to be woken (epoch ms), later than `after` when that is given. */
  readonly nextWakeAt: (after?: number) => Promise<number | undefined>;
  /** The definitions that unfinished runs of any tenant belong to, by supervisor and hash. */
  readonly waitingDefinitions: () => Promise<readonly WaitingDefinition[]>;
  /** Ids of the streams of one kind of a tenant. */
  readonly listStreams: (tenant: string, kind: StreamKind) => Promise<readonly string[]>;
  /** The tenant's secret for argument hashes and blob addresses; made on first use. */
  readonly tenantKey: (tenant: string) => Promise<string>;
  readonly close: () => Promise<void>;
}
