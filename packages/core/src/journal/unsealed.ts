import { OrchestrationError } from "../errors.ts";
import type { EntryType } from "../event.ts";
import { sha256 } from "../hash.ts";
import type { Batch } from "../port/journal.ts";
import type { Draft, Head } from "./draft.ts";

/**
 * Batches that are sealed when somebody looks at their lines, for a journal that says so (ADR 33).
 *
 * U1 What an entry says is fixed when it is decided: what its makers do to their objects afterwards changes nothing.
 * U2 Sealed at once or late, the lines have one form and prove the same: nothing that anybody reads, exports or signs is
 *    unsealed.
 * U3 A batch stands behind the one that it was made behind, sealed or not, and behind no other of the same length.
 */

/** A stream that keeps unsealed batches, and seals them when it is asked for one. */
export interface Keeper {
  /** Hash of the entry at `seq`, the last one of a batch. */
  readonly hashAt: (seq: number) => string;
  /** The lines of the batch that ends with `seq`. */
  readonly linesAt: (seq: number) => string;
}

/** The end of an unsealed batch. Holds nothing of what the batch says. */
export class UnsealedHead implements Head {
  readonly seq: number;
  #hash: string | undefined;
  #keeper: Keeper | undefined;

  constructor(seq: number) {
    this.seq = seq;
  }

  /** @throws OrchestrationError `run/internal` when nobody has sealed the batch or keeps it */
  get hash(): string {
    const { known } = this;
    if (known !== undefined) return known;
    throw new OrchestrationError("run/internal", { reason: `the batch up to entry ${this.seq} was never stored` });
  }

  /** Absent until the batch is sealed, or kept by somebody who seals it. */
  get known(): string | undefined {
    this.#hash ??= this.#keeper?.hashAt(this.seq);
    return this.#hash;
  }

  get keeper(): Keeper | undefined {
    return this.#keeper;
  }

  keptBy(keeper: Keeper): void {
    this.#keeper = keeper;
  }

  sealedAs(hash: string): void {
    this.#hash = hash;
  }
}

/** A batch whose salts, commitments and hashes are made when its lines are asked for. Its `lines` and `hash` are getters. */
export class UnsealedBatch implements Batch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Header and body of each entry, a tab between them, a line each. */
  readonly text: string;
  readonly behind: Head;
  readonly head: UnsealedHead;
  readonly salt: () => string;
  /** Type of its last entry; absent where that has to be read. */
  readonly lastType: EntryType | undefined;
  #salts: readonly string[] | undefined;
  #lines: string | undefined;

  constructor(
    firstSeq: number,
    text: string,
    behind: Head,
    head: UnsealedHead,
    salt: () => string,
    lastType?: EntryType,
  ) {
    this.firstSeq = firstSeq;
    this.lastSeq = head.seq;
    this.text = text;
    this.behind = behind;
    this.head = head;
    this.salt = salt;
    this.lastType = lastType;
  }

  get lines(): string {
    return this.#lines ?? this.head.keeper?.linesAt(this.lastSeq) ?? this.#seal();
  }

  get hash(): string {
    if (this.head.known === undefined) this.#seal();
    return this.head.hash;
  }

  /** One for each entry, drawn once: wherever the batch is sealed with them, its lines are the same. */
  get salts(): readonly string[] {
    this.#salts ??= Array.from({ length: this.lastSeq - this.firstSeq + 1 }, this.salt);
    return this.#salts;
  }

  get previous(): string {
    return this.behind.hash;
  }

  /** Its lines were looked at before anybody kept it, and so they are what is to be kept. */
  get isSealed(): boolean {
    return this.#lines !== undefined;
  }

  #seal(): string {
    const { lines, hash } = sealText(this.text, this.previous, oneByOne(this.salts));
    this.#lines = lines;
    this.head.sealedAs(hash);
    return lines;
  }
}

/** Writes drafts down behind `head`; what `sealBatch` does, but for the sealing. */
export function unsealedBatch(
  head: Head,
  drafts: readonly Draft[],
  salt: () => string,
  divert: (text: string) => string,
): UnsealedBatch {
  const { text, lastSeq } = textOf(head, drafts, divert);
  return new UnsealedBatch(head.seq + 1, text, head, new UnsealedHead(lastSeq), salt, drafts.at(-1)?.type);
}

/** Header and body of each entry, a tab between them, a line each. */
export function textOf(
  { seq: before }: Head,
  drafts: readonly Draft[],
  divert: (text: string) => string,
): { readonly text: string; readonly lastSeq: number } {
  let seq = before;
  let text = "";
  let quotedPath = '""';
  let lastPath = "";
  for (const { type, at, path, cause, body } of drafts) {
    seq++;
    // Entries of a batch come from few places.
    if (path !== lastPath) {
      lastPath = path;
      quotedPath = JSON.stringify(path);
    }
    // The header is the text that JSON.stringify makes of these members; type names need no escapes.
    const header = `{"seq":${seq},"type":"${type}","at":${at},"path":${quotedPath},"cause":${cause}}`;
    text += `${header}\t${divert(JSON.stringify(body))}\n`;
  }
  return { text, lastSeq: seq };
}

/** Seals the text of one batch or of several that follow each other. */
export function sealText(
  text: string,
  previous: string,
  salt: () => string,
): { readonly lines: string; readonly hash: string } {
  let hash = previous;
  let lines = "";
  for (let from = 0; from < text.length; ) {
    const tab = text.indexOf("\t", from);
    const end = text.indexOf("\n", tab);
    const header = text.slice(from, tab);
    const body = text.slice(tab + 1, end);
    const grain = salt();
    const commitment = sha256(`${grain}\n${body}`);
    hash = sha256(`${hash}\n${header}\n${commitment}`);
    lines += `${header}\t${commitment}\t${hash}\t${grain}\t${body}\n`;
    from = end + 1;
  }
  return { lines, hash };
}

/** Salts that were drawn before, in their order. */
export function oneByOne(salts: readonly string[]): () => string {
  let index = 0;
  return () => salts[index++] ?? "";
}

/** Where a stream stands behind a batch. */
export function headOf(batch: Batch): Head {
  return batch instanceof UnsealedBatch ? batch.head : { seq: batch.lastSeq, hash: batch.hash };
}

/** True for the same place in the same history. Of two ends of one stream that keeps them unsealed, nothing is sealed for it. */
export function isSameHead(left: Head, right: Head): boolean {
  if (left.seq !== right.seq) return false;
  if (left instanceof UnsealedHead && right instanceof UnsealedHead && left.keeper && left.keeper === right.keeper) {
    return true;
  }
  return left.hash === right.hash;
}

/** Whatever of a batch can be searched for what its entries say: in both forms a line begins with the header and ends with the body. */
export function searchable(batch: Batch): string {
  return batch instanceof UnsealedBatch ? batch.text : batch.lines;
}
