import type { EntryBodies } from "../event.ts";
import type { StreamKey } from "../port/journal.ts";

/** What a checkpoint says: at a time, a stream stood there. The chain proves all before it; what was cut off behind is missing. */

export type Checkpoint = EntryBodies["checkpoint.signed"];

/** The one stream of a tenant's checkpoints. */
export function checkpointStream(tenant: string): StreamKey {
  return { tenant, kind: "checkpoints", id: "signed" };
}

/**
 * The text that is signed: a label and the facts, a line each. A stream's name and ids hold no line break, so no two
 * checkpoints have one text.
 * @param at epoch ms, as in the entry's header
 */
export function checkpointText(
  tenant: string,
  at: number,
  { stream, seq, hash, previous }: Pick<Checkpoint, "stream" | "seq" | "hash" | "previous">,
): string {
  return ["remit checkpoint 1", tenant, stream, seq, hash, at, previous].join("\n");
}
