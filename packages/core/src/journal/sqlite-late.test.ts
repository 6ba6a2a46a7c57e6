import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";
import { sealBatch, verifyChain } from "./chain.ts";
import { type Draft, emptyHead, type Head } from "./draft.ts";
import { sqliteJournal } from "./sqlite.ts";
import type { Fault } from "./sqlite-message.ts";
import { headOf, unsealedBatch } from "./unsealed.ts";

let folder: string;
let journal: Journal;
let faults: Fault[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-late-"));
  faults = [];
  journal = opened();
});
afterEach(async () => {
  await journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const opened = () => sqliteJournal({ path: join(folder, "journal.db"), simulateFault: () => faults.shift() });
const keyOf = (id: string): StreamKey => ({ tenant: "acme", kind: "run", id });
const salt = () => "salt-of-a-late-seal-aa";
const plain = (text: string) => text;
const drafts = (text: string, size = 1): Draft[] => [
  { type: "timer.fired", at: 1, path: "", cause: 0, body: { timer: text.repeat(size) } },
  { type: "timer.fired", at: 1, path: "a#1", cause: 1, body: { timer: text } },
];
const conflict = expect.objectContaining({ code: "journal/conflict" });

/** Appends batches one behind the other without waiting for any of them. */
function appendAll(id: string, texts: readonly string[], behind: Head = emptyHead, size?: number) {
  let head = behind;
  return texts.map((text) => {
    const batch = unsealedBatch(head, drafts(text, size), salt, plain);
    const durable = Promise.resolve(journal.append(keyOf(id), batch, head.seq));
    durable.catch(() => {}); // Who asks later hears of it.
    head = batch.head;
    return { batch, durable };
  });
}

/** What the same batches are when they are sealed at once. */
function sealedAtOnce(texts: readonly string[], size?: number) {
  let head: Head = emptyHead;
  return texts.map((text) => {
    const { previous: _, ...batch } = sealBatch(head, drafts(text, size), salt);
    head = { seq: batch.lastSeq, hash: batch.hash };
    return batch;
  });
}

const stored = async (id: string) =>
  (await journal.read(keyOf(id))).map(({ firstSeq, lastSeq, lines, hash }) => ({ firstSeq, lastSeq, lines, hash }));

describe("a batch that is sealed where it is committed", () => {
  test("has the lines that it would have had at once, here and on the thread", async () => {
    const texts = ["one", "two", "three"];
    await Promise.all(appendAll("here", texts).map(({ durable }) => durable));
    // Too large for a commit here.
    const large = appendAll("thread", texts, emptyHead, 40_000);
    await Promise.all(large.map(({ durable }) => durable));
    expect(await stored("here")).toEqual(sealedAtOnce(texts));
    expect(await stored("thread")).toEqual(sealedAtOnce(texts, 40_000));
    expect(verifyChain(await journal.read(keyOf("thread"))).fault).toBeUndefined();
  });

  test("goes on behind what is still under way, of many streams at once", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `batch ${index}`);
    const ids = Array.from({ length: 80 }, (_, index) => `run_${index}`);
    // Far more than may be with the thread at a time.
    await Promise.all(ids.flatMap((id) => appendAll(id, texts).map(({ durable }) => durable)));
    const expected = sealedAtOnce(texts);
    for (const id of ids) expect(await stored(id)).toEqual(expected);
  });

  test("has a hash as soon as it is durable, and not before", async () => {
    const [one, two] = appendAll("run", ["one", "two"]);
    expect(one?.batch.head.known).toBeUndefined();
    await two?.durable;
    const [first, second] = sealedAtOnce(["one", "two"]);
    expect(one?.batch.hash).toBe(first?.hash);
    expect(two?.batch.hash).toBe(second?.hash);
    expect(two?.batch.lines).toBe(second?.lines);
  });

  test("shows the lines that are stored to whoever looks while it is under way", async () => {
    let salts = 0;
    const counted = () => `salt-${salts++}`;
    const batch = unsealedBatch(emptyHead, drafts("one"), counted, plain);
    const durable = journal.append(keyOf("run"), batch, 0);
    const { lines } = batch;
    await durable;
    expect((await stored("run"))[0]?.lines).toBe(lines);
    const next = unsealedBatch(headOf(batch), drafts("two"), counted, plain);
    await journal.append(keyOf("run"), next, 2);
    expect(verifyChain(await journal.read(keyOf("run"))).head.seq).toBe(4);
  });

  test.for([1, 40_000])("is stored as it was seen by whoever looked before, at a size of %i", async (size) => {
    const batch = unsealedBatch(emptyHead, drafts("one", size), salt, plain);
    const { lines } = batch;
    const seen = Promise.resolve(journal.append(keyOf("run"), batch, 0));
    const [next] = appendAll("run", ["two"], batch.head, size);
    await Promise.all([seen, next?.durable]);
    expect((await stored("run"))[0]?.lines).toBe(lines);
    expect(await stored("run")).toEqual(sealedAtOnce(["one", "two"], size));
  });

  test("is refused behind another history of the same length, and so is all that stands behind it", async () => {
    const other = opened();
    try {
      await other.append(keyOf("run"), sealBatch(emptyHead, drafts("theirs"), salt), 0);
      const [one, two] = appendAll("run", ["ours", "ours too"]);
      await expect(one?.durable).rejects.toEqual(conflict);
      await expect(two?.durable).rejects.toEqual(conflict);
      // The stream has as many entries as its writer believes, and they are not its own.
      const [lost] = appendAll("run", ["later"], one?.batch.head);
      await expect(lost?.durable).rejects.toEqual(conflict);
      expect(await stored("run")).toHaveLength(1);
      const [theirs] = await journal.read(keyOf("run"));
      const [next] = appendAll("run", ["next"], headOf(theirs as Batch));
      await next?.durable;
      expect(await stored("run")).toEqual(sealedAtOnce(["theirs", "next"]));
    } finally {
      await other.close();
    }
  });

  test.for(["full-disk", "crash"] as const)("is lost with a %s, and nothing is stored behind it", async (fault) => {
    const [kept] = appendAll("run", ["kept"]);
    await kept?.durable;
    faults.push(fault);
    const [one, two] = appendAll("run", ["one", "two"], kept?.batch.head, 40_000);
    await expect(one?.durable).rejects.toEqual(expect.objectContaining({ code: "journal/unavailable" }));
    await expect(two?.durable).rejects.toEqual(expect.objectContaining({ code: "journal/unavailable" }));
    const [orphan] = appendAll("run", ["orphan"], two?.batch.head);
    await expect(orphan?.durable).rejects.toEqual(conflict);
    const [again] = appendAll("run", ["again"], kept?.batch.head);
    await again?.durable;
    expect(await stored("run")).toEqual(sealedAtOnce(["kept", "again"]));
  });

  test("is what a snapshot names that was taken before it was durable", async () => {
    const [one] = appendAll("run", ["one"]);
    const head = headOf(one?.batch as Batch);
    const state = { at: "one" };
    const saved = journal.saveSnapshot(keyOf("run"), {
      seq: head.seq,
      get hash() {
        return head.hash;
      },
      state,
    });
    state.at = "later";
    await saved;
    const hash = sealedAtOnce(["one"])[0]?.hash;
    expect(await journal.loadSnapshot(keyOf("run"))).toEqual({ seq: 2, hash, state: { at: "one" } });
  });
});
