import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";
import { openBatch, sealBatch, verifyChain } from "./chain.ts";
import { type Draft, emptyHead, type Head } from "./draft.ts";
import { memoryJournal } from "./memory.ts";
import { headOf, isSameHead, searchable, type UnsealedBatch, unsealedBatch } from "./unsealed.ts";

const key: StreamKey = { tenant: "acme", kind: "run", id: "run_1" };
const salt = () => "salt-of-a-late-seal-aa";
const plain = (text: string) => text;
const drafts = (text: string, count = 1): Draft[] =>
  Array.from({ length: count }, (_, index) => ({
    type: "timer.fired",
    at: 1,
    path: `a#${index}`,
    cause: 0,
    body: { timer: `${text}\t${index}\n` },
  }));
const unsealed = (head: Head, text: string, count?: number) => unsealedBatch(head, drafts(text, count), salt, plain);
const put = (journal: Journal, batch: Batch) => void journal.append(key, batch, batch.firstSeq - 1);

/** A stream of some unsealed batches, and the same sealed at once. */
function stream(journal: Journal, sizes: readonly number[]) {
  let head: Head = emptyHead;
  let sealedHead: Head = emptyHead;
  const sealed: Batch[] = [];
  const kept: UnsealedBatch[] = [];
  for (const [index, size] of sizes.entries()) {
    const batch = unsealed(head, `batch ${index}`, size);
    put(journal, batch);
    head = headOf(batch);
    const other = sealBatch(sealedHead, drafts(`batch ${index}`, size), salt);
    sealedHead = headOf(other);
    sealed.push(other);
    kept.push(batch);
  }
  return { sealed, kept, head };
}

describe("an unsealed batch", () => {
  test("U1 says what its entries said when they were decided", async () => {
    const journal = memoryJournal();
    const body = { timer: "one" };
    const batch = unsealedBatch(emptyHead, [{ type: "timer.fired", at: 1, path: "", cause: 0, body }], salt, plain);
    put(journal, batch);
    body.timer = "another";
    const [read] = await journal.read(key);
    expect(openBatch(read as Batch, "run_1")[0]?.body).toEqual({ timer: "one" });
    expect((read as Batch).lines).toContain('{"timer":"one"}');
  });

  test("U2 has the lines and the hash that it would have had at once, whoever asks first", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.constantFrom("read", "rest", "hash", "lines", "middle"), { maxLength: 6 }),
        async (sizes, acts) => {
          const journal = memoryJournal();
          const { sealed, kept, head } = stream(journal, sizes);
          for (const [index, act] of acts.entries()) {
            const at = index % kept.length;
            if (act === "rest") journal.rest?.(key);
            if (act === "read") await journal.read(key);
            if (act === "middle") {
              const [read] = await journal.read(key, kept[at]?.lastSeq, 1);
              expect(read?.lines).toBe(sealed[at]?.lines);
            }
            if (act === "hash") expect(kept[at]?.hash).toBe(sealed[at]?.hash);
            if (act === "lines") expect(kept[at]?.lines).toBe(sealed[at]?.lines);
          }
          const read = await journal.read(key);
          expect(read.map(({ firstSeq, lastSeq, lines, hash }) => ({ firstSeq, lastSeq, lines, hash }))).toEqual(
            sealed.map(({ previous: _, ...batch }) => batch),
          );
          expect(verifyChain(read)).toEqual({ head: { seq: head.seq, hash: head.hash } });
        },
      ),
    );
  });

  test("U2 opens without being sealed, and can be searched", async () => {
    const journal = memoryJournal();
    const { sealed, kept } = stream(journal, [2, 3]);
    const read = await journal.read(key, 3);
    expect(read).toHaveLength(1);
    expect(openBatch(read[0] as Batch, "run_1")).toEqual(openBatch(sealed[1] as Batch, "run_1"));
    expect(searchable(read[0] as Batch)).toContain('"type":"timer.fired"');
    expect(kept.some(({ isSealed }) => isSealed)).toBe(false);
  });

  test("U3 is kept behind the one that it was made behind, and behind no other of the same length", async () => {
    const journal = memoryJournal();
    const first = unsealed(emptyHead, "first");
    put(journal, first);
    const lost = unsealed(emptyHead, "lost");
    expect(() => put(journal, lost)).toThrow(expect.objectContaining({ code: "journal/conflict" }));
    // Whoever goes on behind what was refused has a history of its own.
    const orphan = unsealed(headOf(lost), "orphan");
    expect(() => put(journal, orphan)).toThrow(expect.objectContaining({ code: "journal/conflict" }));
    put(journal, unsealed(headOf(first), "second"));
    const read = await journal.read(key);
    expect(read.flatMap((batch) => openBatch(batch, "run_1")).map(({ body }) => body)).toEqual([
      { timer: "first\t0\n" },
      { timer: "second\t0\n" },
    ]);
  });

  test("U3 goes on behind a sealed one, a sealed one behind it, and each behind one that was read again", async () => {
    const journal = memoryJournal();
    put(journal, sealBatch(emptyHead, drafts("one"), salt));
    const [one] = await journal.read(key);
    put(journal, unsealed(headOf(one as Batch), "two"));
    const [, two] = await journal.read(key);
    put(journal, unsealed(headOf(two as Batch), "three"));
    const [three] = await journal.read(key, 3);
    put(journal, sealBatch({ seq: 3, hash: (three as Batch).hash }, drafts("four"), salt));
    const read = await journal.read(key);
    expect(verifyChain(read).fault).toBeUndefined();
    expect(read).toHaveLength(4);
    const stranger = { seq: 4, hash: (read[2] as Batch).hash };
    expect(() => put(journal, unsealed(stranger, "five"))).toThrow(
      expect.objectContaining({ code: "journal/conflict" }),
    );
  });

  test("U2 is kept as it was seen by whoever looked at it first", async () => {
    const journal = memoryJournal();
    let salts = 0;
    const counted = () => `salt-${salts++}`;
    const batch = unsealedBatch(emptyHead, drafts("one", 2), counted, plain);
    const { lines } = batch;
    put(journal, batch);
    put(journal, unsealedBatch(headOf(batch), drafts("two"), counted, plain));
    const read = await journal.read(key);
    expect(read[0]?.lines).toBe(lines);
    expect(verifyChain(read).head.seq).toBe(3);
  });

  test("is emptied when it is erased, sealed or not, and the chain holds", async () => {
    const journal = memoryJournal();
    stream(journal, [2, 1]);
    journal.rest?.(key);
    const before = await journal.read(key);
    expect(await journal.erase([key])).toBe(3);
    const read = await journal.read(key);
    expect(verifyChain(read).fault).toBeUndefined();
    expect(read.map(({ lines }) => lines).join("")).not.toContain('timer":');
    // What was read before shows no more than is left when its lines are looked at.
    expect(before.map(({ lines }) => lines).join("")).not.toContain('timer":');
  });

  test("has no hash when nobody stored it", () => {
    const head = headOf(unsealed(emptyHead, "never"));
    expect(() => head.hash).toThrow(expect.objectContaining({ code: "run/internal" }));
  });
});

test("two ends are the same when they are the same place in the same history", async () => {
  const journal = memoryJournal();
  const { head, kept, sealed } = stream(journal, [1, 2]);
  const [, last] = await journal.read(key);
  expect(isSameHead(headOf(last as Batch), head)).toBe(true);
  expect(isSameHead(head, headOf(sealed[1] as Batch))).toBe(true);
  expect(isSameHead(head, headOf(kept[0] as Batch))).toBe(false);
  const other = memoryJournal();
  const elsewhere = unsealed(emptyHead, "elsewhere", 3);
  put(other, elsewhere);
  expect(isSameHead(head, headOf(elsewhere))).toBe(false);
});
