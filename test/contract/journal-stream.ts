import { sealBatch } from "../../packages/core/src/journal/chain.ts";
import { type Draft, emptyHead } from "../../packages/core/src/journal/draft.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "../../packages/core/src/port/journal.ts";

/** What the journals' tests write: one stream, batch after batch, each a few small entries behind the last. */
export interface TestStream {
  readonly key: StreamKey;
  /** Everything sealed so far, in order, whether it was appended or not. */
  readonly batches: readonly Batch[];
  /** Seals the next batch. `size` is the length of its text, 10 when absent. */
  readonly next: (entries?: number, size?: number) => { readonly batch: Batch; readonly expectedSeq: number };
  /** Seals the next batch and appends it; a journal that throws at once rejects here like any other. */
  readonly append: (journal: Journal, record?: Partial<RunRecord>) => Promise<Batch>;
}

export interface TestStreamOptions extends Partial<StreamKey> {
  /** Goes into the entries: other stories are other histories. */
  readonly story?: string;
  /** What the stream holds already, to go on behind it. */
  readonly behind?: readonly Batch[];
}

/** A stream of a run unless a kind is given. */
export function testStream(id: string, options: TestStreamOptions = {}): TestStream {
  const { tenant = "acme", kind = "run", story = "a", behind = [] } = options;
  const key: StreamKey = { tenant, kind, id };
  const batches: Batch[] = [...behind];
  const next = (entries = 1, size = 10) => {
    const head = batches.at(-1);
    const expectedSeq = head?.lastSeq ?? 0;
    const draft: Draft = {
      type: "handoff.returned",
      at: 1_000 + expectedSeq,
      path: "triage#1",
      cause: expectedSeq,
      body: { message: `${id}/${expectedSeq}`, agent: "triage", output: `${story}\t\n"é😀"${"x".repeat(size)}` },
    };
    const from = head ? { seq: head.lastSeq, hash: head.hash } : emptyHead;
    // As it is read again: what it was sealed behind is in its lines.
    const { previous: _, ...batch } = sealBatch(
      from,
      Array<Draft>(entries).fill(draft),
      () => "salt-of-a-test-stream-",
    );
    batches.push(batch);
    return { batch, expectedSeq };
  };
  return {
    key,
    batches,
    next,
    append: async (journal, record) => {
      const { batch, expectedSeq } = next();
      await journal.append(key, batch, expectedSeq, record && testRecord(key, { lastSeq: batch.lastSeq, ...record }));
      return batch;
    },
  };
}

/** A run's record with every required member. */
export function testRecord(
  { tenant, id }: Pick<StreamKey, "tenant" | "id">,
  members: Partial<RunRecord> = {},
): RunRecord {
  return {
    tenant,
    runId: id,
    supervisor: "desk",
    definitionHash: "d1",
    status: "running",
    startedAt: 1_000,
    updatedAt: 1_000,
    lastSeq: 1,
    ...members,
  };
}
