import {
  type ChainFault,
  type Entry,
  type Head,
  type Journal,
  openBatch,
  type RunRecord,
  verifyChain,
} from "@remit/core";
import { scenarioAttribute } from "../model/oracle.ts";

/** A run as its journal has it. */
export interface RecordedRun {
  readonly tenant: string;
  readonly runId: string;
  /** Up to the fault, if there is one. */
  readonly entries: readonly Entry[];
  /** Seq and hash of the last entry that is what was written. */
  readonly head: Head;
  readonly fault: ChainFault | undefined;
  /** The scenario that it plays, as its start says. */
  readonly scenario: string | undefined;
}

/** Reads a run, checks its chain, and opens payloads that are kept by reference. Needs no definition. */
export async function readRun(
  journal: Journal,
  { tenant, runId }: Pick<RunRecord, "tenant" | "runId">,
): Promise<RecordedRun> {
  const batches = await journal.read({ tenant, kind: "run", id: runId });
  const { head, fault } = verifyChain(batches);
  const entries: Entry[] = [];
  for (const batch of batches) {
    if (batch.firstSeq > head.seq) break;
    // A batch with a broken line is not opened: what stands in it cannot be trusted to be entries.
    if (fault && batch.lastSeq > head.seq) break;
    for (const entry of openBatch(batch, runId)) entries.push(await opened(journal, tenant, entry));
  }
  const [first] = entries;
  const scenario = first?.type === "run.started" ? first.body.attributes?.[scenarioAttribute] : undefined;
  return { tenant, runId, entries, head, fault, scenario };
}

/** A payload that is missing stays a reference; whoever shows it says so. */
export async function opened(journal: Journal, tenant: string, entry: Entry): Promise<Entry> {
  const { $blob: address } = entry.body as { readonly $blob?: string };
  if (address === undefined) return entry;
  const text = await journal.getBlob(tenant, address);
  return text === undefined ? entry : ({ ...entry, body: JSON.parse(text) as unknown } as Entry);
}
