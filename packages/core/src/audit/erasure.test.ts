import { expect, test, vi } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { seededIds } from "../ids.ts";
import { openBatch, sealBatch } from "../journal/chain.ts";
import { type Draft, emptyHead } from "../journal/draft.ts";
import { countBodies } from "../journal/erase.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { operator } from "../principal.ts";
import { eraseEndedRuns, eraseRun, erasureStream } from "./erasure.ts";

const { salt } = seededIds(1);
const erasing = { by: operator("dpo", []), reason: "retention", now: () => 100, salt };
const retention = { ...erasing, endedBefore: 50 };
const streamOf = (id: string): StreamKey => ({ tenant: "acme", kind: "run", id });

/** A run of two batches, one entry at 10 and one at 20, that has ended. */
async function ended(journal: Journal, id: string): Promise<void> {
  let head = emptyHead;
  for (const at of [10, 20]) {
    const draft: Draft<"run.resumed"> = { type: "run.resumed", at, path: "", cause: 0, body: { lost: ["secret"] } };
    const batch = sealBatch(head, [draft], salt);
    const record = { tenant: "acme", runId: id, supervisor: "desk", definitionHash: "d" } as const;
    const times = { startedAt: 10, updatedAt: at, lastSeq: batch.lastSeq };
    await journal.append(streamOf(id), batch, head.seq, { ...record, ...times, status: "completed" });
    head = { seq: batch.lastSeq, hash: batch.hash };
  }
}
const bodiesOf = async (journal: Journal, id: string) =>
  (await journal.read(streamOf(id))).reduce((sum, { lines }) => sum + countBodies(lines), 0);
const wordsOf = async (journal: Journal) =>
  (await journal.read(erasureStream("acme"))).flatMap((batch) => openBatch(batch, "")).map(({ type }) => type);

test("retention takes the rest of a run of which only the beginning was erased", async () => {
  const journal = memoryJournal();
  await ended(journal, "run_1");
  expect(await eraseRun(journal, { tenant: "acme", runId: "run_1" }, { ...erasing, before: 15 })).toBe(1);
  expect(await eraseEndedRuns(journal, "acme", retention)).toBe(1);
  expect(await bodiesOf(journal, "run_1")).toBe(0);
  expect(await eraseEndedRuns(journal, "acme", retention)).toBe(0);
});

test("X1 retention that failed when the bodies were gone is made good by the same call", async () => {
  const journal = memoryJournal();
  await ended(journal, "run_1");
  // As when somebody reads the file: it could not be written anew.
  const read: Journal = {
    ...journal,
    erase: async (...asked) => {
      await journal.erase(...asked);
      throw new OrchestrationError("journal/unavailable", { reason: "somebody reads the file" });
    },
  };
  await expect(eraseEndedRuns(read, "acme", retention)).rejects.toMatchObject({ code: "journal/unavailable" });
  const erase = vi.fn(journal.erase);
  expect(await eraseEndedRuns({ ...journal, erase }, "acme", retention)).toBe(1);
  expect(erase).toHaveBeenCalledOnce();
  expect(await wordsOf(journal)).toEqual(["erasure.requested", "erasure.requested", "run.erased"]);
});

test("retention of classes leaves alone what it has erased, and what was erased as a whole", async () => {
  const journal = memoryJournal();
  await ended(journal, "run_1");
  const classes = ["email"];
  expect(await eraseEndedRuns(journal, "acme", { ...retention, classes })).toBe(1);
  expect(await eraseEndedRuns(journal, "acme", { ...retention, classes })).toBe(0);
  expect(await eraseEndedRuns(journal, "acme", { ...retention, classes: ["email", "iban"] })).toBe(1);
  expect(await eraseEndedRuns(journal, "acme", retention)).toBe(1);
  expect(await eraseEndedRuns(journal, "acme", { ...retention, classes: ["iban"] })).toBe(0);
  expect(await bodiesOf(journal, "run_1")).toBe(0);
});
