import type { Entry } from "../event.ts";
import type { Journal } from "../port/journal.ts";
import { openBlobs } from "../run/blob.ts";
import { openBatch } from "./chain.ts";

/** All entries of one run, opened; none for an unknown one. @throws OrchestrationError as `openBlobs` does */
export async function openRun(journal: Journal, tenant: string, runId: string): Promise<Entry[]> {
  const stream = { tenant, kind: "run", id: runId } as const;
  const entries: Entry[] = [];
  for (const batch of await journal.read(stream)) {
    entries.push(...(await openBlobs(openBatch(batch, runId), journal, stream)));
  }
  return entries;
}
