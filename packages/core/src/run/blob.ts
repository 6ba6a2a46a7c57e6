import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { keyedHash } from "../hash.ts";
import type { Journal, StreamKey } from "../port/journal.ts";

/** Big payloads by reference: a body longer than the bound becomes `{ $blob, chars }`, its text lies under that address. */

interface BlobRef {
  readonly $blob: string;
  readonly chars: number;
}

/** Where long bodies go while a batch is sealed. */
export interface BlobStore {
  /** For `sealBatch`: a long text is stored, and its reference stands for it. */
  readonly divert: (text: string) => string;
  /** What is not durable yet of what was stored; the batch that refers to it must come after. */
  readonly stored: () => Promise<unknown> | undefined;
}

export function blobStore(options: {
  readonly journal: Journal;
  readonly tenant: string;
  readonly tenantKey: string;
  readonly blobChars: number;
}): BlobStore {
  const { journal, tenant, tenantKey, blobChars } = options;
  let open: Promise<void>[] = [];
  return {
    divert: (text) => {
      if (text.length <= blobChars) return text;
      const address = addressOf(tenantKey, text);
      const writing = journal.putBlob(tenant, address, text);
      if (writing) open.push(writing);
      return JSON.stringify({ $blob: address, chars: text.length } satisfies BlobRef);
    },
    stored: () => {
      if (open.length === 0) return undefined;
      const waiting = Promise.all(open);
      open = [];
      return waiting;
    },
  };
}

/**
 * Opens references. The chain covers the address, and the address covers the text.
 * @throws OrchestrationError `journal/blob-missing`, or `journal/broken-chain` for a text that is not what was stored
 */
export function openBlobs(entries: Entry[], journal: Journal, key: StreamKey): Entry[] | Promise<Entry[]> {
  return entries.some(isReference) ? fetchBlobs(entries, journal, key) : entries;
}

function isReference({ body }: Entry): boolean {
  return (body as Partial<BlobRef>).$blob !== undefined;
}

async function fetchBlobs(entries: Entry[], journal: Journal, key: StreamKey): Promise<Entry[]> {
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as Entry;
    const { $blob: address } = entry.body as Partial<BlobRef>;
    if (address === undefined) continue;
    const text = await journal.getBlob(key.tenant, address);
    if (text === undefined)
      throw new OrchestrationError("journal/blob-missing", { address, stream: key.id, seq: entry.seq });
    if (addressOf(await journal.tenantKey(key.tenant), text) !== address) {
      const data = { seq: entry.seq, stream: key.id, reason: "its payload does not fit its address" };
      throw new OrchestrationError("journal/broken-chain", data);
    }
    entries[index] = { ...entry, body: JSON.parse(text) as unknown } as Entry;
  }
  return entries;
}

/** Where a text lies: only it has this address. */
export function addressOf(tenantKey: string, text: string): string {
  return keyedHash(tenantKey, `blob\n${text}`);
}
