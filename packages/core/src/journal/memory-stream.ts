import { OrchestrationError } from "../errors.ts";
import type { Batch } from "../port/journal.ts";
import { emptyHead } from "./draft.ts";
import { isLinked } from "./link.ts";
import type { Pages } from "./pages.ts";
import { type Keeper, sealText, UnsealedBatch, UnsealedHead } from "./unsealed.ts";

/**
 * One stream of a journal in memory. Batches lie one behind the other as texts, or, of a stream that rests, as places on
 * pages. The first of them are sealed, those behind are not yet.
 */
export class MemoryStream implements Keeper {
  /** Of each batch seq of its last entry, and its text or the place of it. */
  readonly #batches: (number | string)[] = [];
  readonly #texts: Pages;
  /** So many of the numbers and texts above are of sealed batches. */
  #sealed = 0;
  /** Hash of the last sealed entry. */
  #hash = emptyHead.hash;
  #salt: (() => string) | undefined;

  constructor(texts: Pages) {
    this.#texts = texts;
  }

  get lastSeq(): number {
    return (this.#batches.at(-2) as number | undefined) ?? 0;
  }

  /** True when the batch was made behind the last entry, and not behind one of the same seq in another history. */
  isBehind(batch: Batch): boolean {
    const behind = batch instanceof UnsealedBatch ? batch.behind : undefined;
    if (behind instanceof UnsealedHead) {
      if (behind.keeper === this) return behind.seq === this.lastSeq;
      // What it was made behind was refused, and is nobody's history.
      if (behind.known === undefined) return false;
    }
    this.#seal();
    return isLinked(this.#hash, batch);
  }

  append(batch: Batch): void {
    if (batch instanceof UnsealedBatch && !batch.isSealed) {
      this.#batches.push(batch.lastSeq, inOnePiece(batch.text));
      this.#salt = batch.salt;
      batch.head.keptBy(this);
      return;
    }
    this.#seal();
    this.#batches.push(batch.lastSeq, inOnePiece(batch.lines));
    this.#sealed = this.#batches.length;
    this.#hash = batch.hash;
  }

  /** Batches from the one that holds `fromSeq` on. */
  read(fromSeq: number, most: number): Batch[] {
    const first = this.#firstReaching(fromSeq);
    const last = Math.min(first + most, this.#batches.length / 2);
    const read: Batch[] = [];
    for (let index = first; index < last; index++) read.push(this.#batchAt(index));
    return read;
  }

  /** What is kept as text moves to pages. */
  rest(): void {
    // What is on a page already is in front of what is not.
    for (let at = this.#batches.length - 1; typeof this.#batches[at] === "string"; at -= 2) {
      this.#batches[at] = this.#texts.put(this.#batches[at] as string);
    }
  }

  /** The texts of all batches, sealed or not. */
  *all(): Iterable<string> {
    for (let at = 1; at < this.#batches.length; at += 2) yield this.#textAt(at);
  }

  /** Puts other lines in the place of those of sealed batches, where `change` gives any. */
  change(change: (lines: string) => string | undefined): void {
    this.#seal();
    for (let at = 1; at < this.#batches.length; at += 2) {
      const lines = change(this.#textAt(at));
      if (lines !== undefined) this.#replace(at, lines);
    }
  }

  hashAt(seq: number): string {
    if (seq === this.lastSeq) {
      this.#seal();
      return this.#hash;
    }
    return hashIn(this.linesAt(seq));
  }

  linesAt(seq: number): string {
    this.#seal();
    return this.#textAt(this.#firstReaching(seq) * 2 + 1);
  }

  #seal(): void {
    while (this.#sealed < this.#batches.length) {
      const at = this.#sealed + 1;
      const { lines, hash } = sealText(this.#textAt(at), this.#hash, this.#salt!);
      this.#replace(at, lines);
      this.#hash = hash;
      this.#sealed += 2;
    }
  }

  #replace(at: number, lines: string): void {
    const kept = this.#batches[at]!;
    if (typeof kept === "string") this.#batches[at] = inOnePiece(lines);
    else {
      this.#texts.wipe(kept);
      this.#batches[at] = this.#texts.put(lines);
    }
  }

  #textAt(at: number): string {
    const kept = this.#batches[at]!;
    return typeof kept === "number" ? this.#texts.get(kept) : kept;
  }

  #batchAt(index: number): Batch {
    const before = index === 0 ? 0 : this.#lastSeqAt(index - 1);
    const lastSeq = this.#lastSeqAt(index);
    const text = this.#textAt(index * 2 + 1);
    if (index * 2 < this.#sealed) return { firstSeq: before + 1, lastSeq, lines: text, hash: hashIn(text) };
    const behind = index === 0 ? emptyHead : this.#headAt(before);
    return new UnsealedBatch(before + 1, text, behind, this.#headAt(lastSeq), this.#salt!);
  }

  #headAt(seq: number): UnsealedHead {
    const head = new UnsealedHead(seq);
    head.keptBy(this);
    return head;
  }

  #lastSeqAt(index: number): number {
    return this.#batches[index * 2] as number;
  }

  /** Index of the first batch whose last entry is not before `seq`. */
  #firstReaching(seq: number): number {
    let low = 0;
    let high = this.#batches.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lastSeqAt(middle) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const brace = "{".charCodeAt(0);

/**
 * A text that is looked at is one piece, and not all those that it was put together from, which take three times the room.
 * What is seen has to matter: a look without a consequence is compiled away.
 */
function inOnePiece(text: string): string {
  if (text.charCodeAt(0) === brace) return text;
  throw new OrchestrationError("run/internal", { reason: "a batch does not begin with a header" });
}

/** The hash of the last of these lines. */
function hashIn(lines: string): string {
  const line = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const commitment = lines.indexOf("\t", lines.indexOf("\t", line) + 1);
  return lines.slice(commitment + 1, lines.indexOf("\t", commitment + 1));
}
