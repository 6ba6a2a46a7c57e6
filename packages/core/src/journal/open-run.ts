import type { Entry } from "../event.ts";
import type { Journal } from "../port/journal.ts";
import { openBlobs } from "../run/blob.ts";
import { openBatch } from "./chain.ts";

/**
 * The entries of one run from the batch that holds `fromSeq` on, opened; none for an unknown one.
 * @param only types of the entries that are wanted; all of them when absent
 * @throws OrchestrationError as `openBlobs` does
 */
export async function openRun(
  journal: Journal,
  tenant: string,
  runId: string,
  fromSeq = 1,
  only?: ReadonlySet<string>,
): Promise<Entry[]> {
  const stream = { tenant, kind: "run", id: runId } as const;
  const entries: Entry[] = [];
  for (const batch of await journal.read(stream, fromSeq)) {
    entries.push(...(await openBlobs(openBatch(batch, runId, only), journal, stream)));
  }
  return entries;
}
