import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { sha256 } from "../hash.ts";
import type { Batch } from "../port/journal.ts";
import { type Draft, emptyHead, type Head } from "./draft.ts";
import { sealText, searchable, textOf } from "./unsealed.ts";

/**
 * The hash chain over commitments (D5). It proves that nothing was changed, dropped, inserted or reordered, also after
 * a body was erased. It does not prove who wrote, and it cannot see a tail that was cut off: signed checkpoints do.
 */

/**
 * Seals drafts into one batch behind `head`. Bodies must be JSON.
 * @param divert may put a body's text elsewhere and give the text that stands for it
 */
export function sealBatch(
  head: Head,
  drafts: readonly Draft[],
  salt: () => string,
  divert: (text: string) => string = (text) => text,
): Batch {
  const { text, lastSeq } = textOf(head, drafts, divert);
  return { firstSeq: head.seq + 1, lastSeq, ...sealText(text, head.hash, salt), previous: head.hash };
}

/** The five parts of one stored line. */
export interface Line {
  readonly header: string;
  readonly commitment: string;
  readonly hash: string;
  readonly salt: string;
  readonly body: string;
}

/** Splits a batch into its lines. JSON text holds no raw tab or line break, so the split is exact. */
export function linesOf(batch: Batch): Line[] {
  const found: Line[] = [];
  for (const line of batch.lines.split("\n")) {
    if (line.length === 0) continue;
    const [header = "", commitment = "", hash = "", salt = "", body = ""] = line.split("\t");
    found.push({ header, commitment, hash, salt, body });
  }
  return found;
}

/**
 * Opens a batch without checking the chain.
 * @param only types of the entries that are wanted; all of them when absent
 * @throws OrchestrationError `journal/broken-chain` for text that is not a line
 */
export function openBatch(batch: Batch, stream: string, only?: ReadonlySet<string>): Entry[] {
  if (batch.entries) return batch.entries.filter(({ type }) => !only || only.has(type));
  const entries: Entry[] = [];
  let seq = batch.firstSeq - 1;
  for (const line of searchable(batch).split("\n")) {
    if (line.length === 0) continue;
    const header = line.slice(0, line.indexOf("\t"));
    const body = line.slice(line.lastIndexOf("\t") + 1);
    seq++;
    if (only && !only.has(typeIn(header))) continue;
    try {
      const entry = JSON.parse(header) as { body: unknown };
      // An erased body opens as an empty object; whoever needs it says what is missing.
      entry.body = body === "" ? {} : JSON.parse(body);
      entries.push(entry as Entry);
    } catch (cause) {
      const data = { seq, stream, reason: "the line is not readable" };
      throw new OrchestrationError("journal/broken-chain", data, { cause });
    }
  }
  return entries;
}

const beforeType = '"type":"';

/** The type that a header names, without reading the rest of it: in a JSON text no other member can look like it. */
function typeIn(header: string): string {
  const from = header.indexOf(beforeType) + beforeType.length;
  return header.slice(from, header.indexOf('"', from));
}

/** The first line that is not what was written, if any. */
export interface ChainFault {
  readonly seq: number;
  readonly reason: string;
}

/** Checks batches in order from the start of a stream. Returns the head, or the first fault. */
export function verifyChain(batches: readonly Batch[]): { readonly head: Head; readonly fault?: ChainFault } {
  let { seq, hash } = emptyHead;
  for (const batch of batches) {
    for (const line of linesOf(batch)) {
      const expected = seq + 1;
      const fault = (reason: string) => ({ head: { seq, hash }, fault: { seq: expected, reason } });
      let header: { seq?: unknown };
      try {
        header = JSON.parse(line.header) as { seq?: unknown };
      } catch {
        return fault("its header is not readable");
      }
      if (header.seq !== expected) return fault(`its place is taken by entry ${String(header.seq)}`);
      const erased = line.body === "" && line.salt === "";
      if (!erased && sha256(`${line.salt}\n${line.body}`) !== line.commitment) {
        return fault("its body does not fit its commitment");
      }
      if (sha256(`${hash}\n${line.header}\n${line.commitment}`) !== line.hash) {
        return fault("its hash does not follow from the entry before");
      }
      seq = expected;
      hash = line.hash;
    }
    if (batch.lastSeq !== seq) return { head: { seq, hash }, fault: { seq: seq + 1, reason: "it is missing" } };
  }
  return { head: { seq, hash } };
}
