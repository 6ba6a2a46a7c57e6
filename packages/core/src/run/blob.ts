import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { keyedHash } from "../hash.ts";
import type { Draft } from "../journal/chain.ts";
import type { Journal, StreamKey } from "../port/journal.ts";

/** Big payloads by reference: a body longer than the bound becomes `{ $blob, chars }`, its text lies under that address. */

interface BlobRef {
  readonly $blob: string;
  readonly chars: number;
}

export async function sealBlobs(
  drafts: readonly Draft[],
  options: {
    readonly journal: Journal;
    readonly tenant: string;
    readonly tenantKey: string;
    readonly blobChars: number;
  },
): Promise<readonly Draft[]> {
  const { journal, tenant, tenantKey, blobChars } = options;
  let sealed: Draft[] | undefined;
  for (let index = 0; index < drafts.length; index++) {
    const draft = drafts[index] as Draft;
    if (!mayBeLong(draft.body, blobChars)) continue;
    const text = JSON.stringify(draft.body);
    if (text.length <= blobChars) continue;
    const address = keyedHash(tenantKey, `blob\n${text}`);
    await journal.putBlob(tenant, address, text);
    const body: BlobRef = { $blob: address, chars: text.length };
    sealed ??= [...drafts];
    sealed[index] = { ...draft, body } as unknown as Draft;
  }
  return sealed ?? drafts;
}

/** Opens references. @throws OrchestrationError `journal/blob-missing` */
export async function openBlobs(entries: Entry[], journal: Journal, key: StreamKey): Promise<Entry[]> {
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as Entry;
    const { $blob: address } = entry.body as Partial<BlobRef>;
    if (address === undefined) continue;
    const text = await journal.getBlob(key.tenant, address);
    if (text === undefined) throw new OrchestrationError("journal/blob-missing", { address, stream: key.id });
    entries[index] = { ...entry, body: JSON.parse(text) as unknown } as Entry;
  }
  return entries;
}

/** A cheap look that spares most bodies the serialisation: counts characters of strings until the bound. */
function mayBeLong(value: unknown, bound: number): boolean {
  let left = bound;
  const visit = (part: unknown): boolean => {
    if (typeof part === "string") left -= part.length + 2;
    else if (typeof part === "object" && part !== null) {
      for (const key in part) {
        left -= key.length + 4;
        if (left < 0 || visit((part as Record<string, unknown>)[key])) return true;
      }
    } else left -= 8;
    return left < 0;
  };
  return visit(value);
}
