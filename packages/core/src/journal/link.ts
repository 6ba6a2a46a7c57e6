import { OrchestrationError } from "../errors.ts";
import { sha256 } from "../hash.ts";
import type { Batch, RunRecord, StreamKey } from "../port/journal.ts";

/** What every journal checks before it stores a batch, so that no implementation is laxer than another. */

/** A stream's name in errors and maps: `tenant/kind/id`. Ids hold no slash. */
export function streamName(key: StreamKey): string {
  return `${key.tenant}/${key.kind}/${key.id}`;
}

/**
 * Refuses an append that no journal could keep, whatever the stream holds.
 * @throws OrchestrationError `run/internal` for a batch that does not begin behind `expectedSeq`, an empty one, or a
 *   record of another run
 */
export function assertAppend(key: StreamKey, batch: Batch, expectedSeq: number, record: RunRecord | undefined): void {
  if (batch.firstSeq !== expectedSeq + 1 || batch.lastSeq < batch.firstSeq) {
    const reason = `a batch of entries ${batch.firstSeq} to ${batch.lastSeq} cannot follow entry ${expectedSeq}`;
    throw new OrchestrationError("run/internal", { reason, stream: streamName(key) });
  }
  if (record && (key.kind !== "run" || record.tenant !== key.tenant || record.runId !== key.id)) {
    const reason = `the record of run ${record.tenant}/${record.runId} came with a batch of another stream`;
    throw new OrchestrationError("run/internal", { reason, stream: streamName(key) });
  }
}

/**
 * Refuses a text that UTF-8 cannot hold: it would come back as another one.
 * @throws OrchestrationError `run/internal` for a lone surrogate
 */
export function assertText(what: string, text: string): void {
  if (text.isWellFormed()) return;
  throw new OrchestrationError("run/internal", {
    reason: `the ${what} holds half a character and is not Unicode text`,
  });
}

/**
 * True when a batch was sealed behind an entry with this hash ("" for a new stream). Equal seqs are not enough: a writer
 * that lost a race by exactly as many entries as it meant to append would otherwise go on in the winner's history.
 */
export function isLinked(previousHash: string, batch: Batch): boolean {
  // Its lines are not to be looked at where they need not be: they may not be made yet.
  if (batch.previous !== undefined) return batch.previous === previousHash;
  const { lines } = batch;
  const headerEnd = lines.indexOf("\t");
  const commitmentEnd = lines.indexOf("\t", headerEnd + 1);
  const hashEnd = lines.indexOf("\t", commitmentEnd + 1);
  if (headerEnd < 0 || commitmentEnd < 0 || hashEnd < 0) return false;
  const header = lines.slice(0, headerEnd);
  const commitment = lines.slice(headerEnd + 1, commitmentEnd);
  return sha256(`${previousHash}\n${header}\n${commitment}`) === lines.slice(commitmentEnd + 1, hashEnd);
}

/** The members of `journal/conflict`: the stream stands at `actual`, or it is another history up to there. */
export function conflictData(stream: string, expected: number, actual: number) {
  return expected === actual
    ? { stream, expected, actual, reason: `its history up to entry ${actual} is another one` }
    : { stream, expected, actual };
}

/**
 * What was read of a stream from `fromSeq` on, where each batch follows on the one before: whoever folds it would take a hole
 * for another decision.
 * @throws OrchestrationError `journal/broken-chain` naming the first entry that is missing
 */
export function unbroken(batches: readonly Batch[], { id: stream }: StreamKey, fromSeq = 1): readonly Batch[] {
  let next = Math.max(1, Math.min(fromSeq, batches[0]?.firstSeq ?? 1));
  for (const { firstSeq, lastSeq } of batches) {
    if (firstSeq !== next)
      throw new OrchestrationError("journal/broken-chain", { seq: next, stream, reason: "it is missing" });
    next = lastSeq + 1;
  }
  return batches;
}
