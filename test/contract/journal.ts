import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyChain } from "../../packages/core/src/journal/chain.ts";
import type { Journal, RunFilter, RunRecord, UnfinishedPage } from "../../packages/core/src/port/journal.ts";
import { testRecord, testStream } from "./journal-stream.ts";

/** A journal to test, empty. */
export interface JournalUnderTest {
  readonly journal: Journal;
  /** Closes the journal and opens it again; absent when it does not outlive its object. */
  readonly reopen?: () => Journal | Promise<Journal>;
}

/** What every journal keeps. `open` is called for each test; the journal is closed after it. */
export function journalContract(name: string, open: () => JournalUnderTest | Promise<JournalUnderTest>): void {
  describe(`journal contract: ${name}`, () => {
    let opened: JournalUnderTest;
    let journal: Journal;
    beforeEach(async () => {
      opened = await open();
      journal = opened.journal;
    });
    afterEach(() => journal.close());

    /** Closes and opens again where that keeps anything; elsewhere the test goes on with the same journal. */
    const reopened = async () => {
      if (opened.reopen) journal = await opened.reopen();
      return journal;
    };

    describe("streams", () => {
      test("an unknown stream is empty", async () => {
        expect(await journal.read(testStream("run_1").key)).toStrictEqual([]);
      });

      test("batches come back as they were appended, in order, and chain", async () => {
        const stream = testStream("run_1");
        for (const entries of [1, 3, 2]) {
          const { batch, expectedSeq } = stream.next(entries);
          await journal.append(stream.key, batch, expectedSeq);
        }
        const found = await (await reopened()).read(stream.key);
        expect(found).toStrictEqual(stream.batches);
        expect(verifyChain(found)).toStrictEqual({ head: { seq: 6, hash: stream.batches[2]?.hash } });
      });

      test("reading from an entry begins with the batch that holds it", async () => {
        const stream = testStream("run_1");
        for (const entries of [1, 3, 2]) {
          const { batch, expectedSeq } = stream.next(entries);
          await journal.append(stream.key, batch, expectedSeq);
        }
        const firstSeqs = async (fromSeq: number) => (await journal.read(stream.key, fromSeq)).map((b) => b.firstSeq);
        expect(await firstSeqs(0)).toEqual([1, 2, 5]);
        expect(await firstSeqs(1)).toEqual([1, 2, 5]);
        expect(await firstSeqs(2)).toEqual([2, 5]);
        expect(await firstSeqs(4)).toEqual([2, 5]);
        expect(await firstSeqs(5)).toEqual([5]);
        expect(await firstSeqs(6)).toEqual([5]);
        expect(await firstSeqs(7)).toEqual([]);
      });

      test("a page holds at most so many batches, and the next one goes on behind it", async () => {
        const stream = testStream("run_1");
        for (const entries of [1, 3, 2]) {
          const { batch, expectedSeq } = stream.next(entries);
          await journal.append(stream.key, batch, expectedSeq);
        }
        const firstSeqs = async (fromSeq: number, most: number) =>
          (await journal.read(stream.key, fromSeq, most)).map((b) => b.firstSeq);
        expect(await firstSeqs(1, 2)).toEqual([1, 2]);
        expect(await firstSeqs(5, 2)).toEqual([5]);
        expect(await firstSeqs(3, 1)).toEqual([2]);
        expect(await firstSeqs(7, 2)).toEqual([]);
      });

      test("erasing empties the bodies of the streams that are named and of no other, and leaves each chain", async () => {
        const [one, other] = [testStream("run_1"), testStream("run_2")];
        for (const stream of [one, other, one]) await stream.append(journal);
        await journal.saveSnapshot(one.key, { seq: 1, hash: one.batches[0]?.hash ?? "", state: "kept" });
        expect(await journal.erase([one.key], 0)).toBe(0);
        expect(await journal.erase([one.key])).toBe(2);
        expect(await journal.erase([one.key, testStream("run_3").key])).toBe(0);
        journal = await reopened();
        const erased = await journal.read(one.key);
        expect(erased.map(({ hash }) => hash)).toEqual(one.batches.map(({ hash }) => hash));
        expect(verifyChain(erased)).toStrictEqual(verifyChain(one.batches));
        for (const { lines } of erased)
          expect(
            lines
              .split("\n")
              .filter(Boolean)
              .every((l) => l.endsWith("\t\t")),
          ).toBe(true);
        expect(await journal.loadSnapshot(one.key)).toBeUndefined();
        expect(await journal.read(other.key)).toStrictEqual(other.batches);
        await one.append(journal);
        expect((await journal.read(one.key)).length).toBe(3);
      });

      test("a large batch comes back whole", async () => {
        const stream = testStream("run_1");
        const { batch, expectedSeq } = stream.next(3, 1_000_000);
        await journal.append(stream.key, batch, expectedSeq);
        expect(await (await reopened()).read(stream.key)).toStrictEqual([batch]);
      });

      test("a read sees appends that were made before it and not awaited", async () => {
        const stream = testStream("run_1");
        const appends = [stream.append(journal), stream.append(journal), stream.append(journal)];
        expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
        await Promise.all(appends);
      });

      test("streams of one id are apart by kind and by tenant", async () => {
        const run = testStream("same", { story: "run" });
        const memory = testStream("same", { kind: "memory", story: "memory" });
        const other = testStream("same", { tenant: "other", story: "other" });
        for (const stream of [run, memory, other]) await stream.append(journal);
        for (const stream of [run, memory, other]) expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
      });

      test("streams are listed by tenant and kind, each once", async () => {
        for (const id of ["b", "a"]) {
          const stream = testStream(id, { kind: "memory" });
          await stream.append(journal);
          await stream.append(journal);
        }
        await testStream("c", { kind: "pins" }).append(journal);
        await testStream("d", { kind: "memory", tenant: "other" }).append(journal);
        expect([...(await journal.listStreams("acme", "memory"))].sort()).toStrictEqual(["a", "b"]);
        expect(await journal.listStreams("acme", "budget")).toStrictEqual([]);
        expect(await journal.listStreams("nobody", "memory")).toStrictEqual([]);
      });
    });

    describe("compare-and-append", () => {
      test("a stale append is refused with both seqs and writes nothing, its record neither", async () => {
        const first = testStream("run_1", { story: "first" });
        await first.append(journal, { status: "running" });
        await first.append(journal, { status: "parked" });
        const late = testStream("run_1", { story: "late" });
        await expect(late.append(journal, { status: "completed" })).rejects.toMatchObject({
          code: "journal/conflict",
          data: { stream: "acme/run/run_1", expected: 0, actual: 2 },
        });
        expect(await journal.read(first.key)).toStrictEqual(first.batches);
        expect((await journal.findRun("acme", "run_1"))?.status).toBe("parked");
      });

      test("an append ahead of its stream is refused", async () => {
        const stream = testStream("run_1");
        stream.next();
        await expect(stream.append(journal)).rejects.toMatchObject({
          code: "journal/conflict",
          data: { expected: 1, actual: 0 },
        });
        expect(await journal.read(stream.key)).toStrictEqual([]);
        expect(await journal.listStreams("acme", "run")).toStrictEqual([]);
      });

      test("an append with the right seq behind another history is refused", async () => {
        const winner = testStream("run_1", { story: "winner" });
        await winner.append(journal);
        const loser = testStream("run_1", { story: "loser" });
        loser.next();
        await expect(loser.append(journal)).rejects.toMatchObject({
          code: "journal/conflict",
          data: { expected: 1, actual: 1, reason: expect.stringContaining("another") },
        });
        expect(await journal.read(winner.key)).toStrictEqual(winner.batches);
      });

      test("after a refused append, those queued behind it are refused, and others go on", async () => {
        const winner = testStream("run_1", { story: "winner" });
        await winner.append(journal);
        const loser = testStream("run_1", { story: "loser" });
        const bystander = testStream("run_2");
        const outcomes = await Promise.allSettled([
          loser.append(journal),
          bystander.append(journal),
          loser.append(journal),
          loser.append(journal),
          bystander.append(journal),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          "rejected",
          "fulfilled",
          "rejected",
          "rejected",
          "fulfilled",
        ]);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "journal/conflict" });
        }
        expect(await journal.read(winner.key)).toStrictEqual(winner.batches);
        expect(await journal.read(bystander.key)).toStrictEqual(bystander.batches);
      });

      test("the winner goes on after a loser was refused", async () => {
        const winner = testStream("run_1", { story: "winner" });
        await winner.append(journal);
        await expect(testStream("run_1", { story: "loser" }).append(journal)).rejects.toThrow("journal/conflict");
        await winner.append(journal);
        expect(await journal.read(winner.key)).toStrictEqual(winner.batches);
      });

      test("many streams at once keep each its own order", async () => {
        const streams = Array.from({ length: 40 }, (_, index) => testStream(`run_${index}`, { story: `${index}` }));
        const appends = Array.from({ length: 25 }).flatMap(() => streams.map((stream) => stream.append(journal)));
        await Promise.all(appends);
        for (const stream of streams) expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
      });

      test("a batch that does not begin behind its expected entry, or a record of another run, is a defect", async () => {
        const stream = testStream("run_1");
        const { batch } = stream.next();
        const append = async (expectedSeq: number, record?: RunRecord) =>
          journal.append(stream.key, batch, expectedSeq, record);
        await expect(append(3)).rejects.toMatchObject({ code: "run/internal" });
        await expect(append(0, testRecord({ tenant: "acme", id: "run_2" }))).rejects.toMatchObject({
          code: "run/internal",
        });
        await expect(append(0, testRecord({ tenant: "other", id: "run_1" }))).rejects.toMatchObject({
          code: "run/internal",
        });
        expect(await journal.read(stream.key)).toStrictEqual([]);
      });
    });

    describe("payloads", () => {
      test("a payload is found under its address, by its tenant alone", async () => {
        const body = `{"text":"\\u0000 é 😀 ${"long ".repeat(50_000)}"}`;
        await journal.putBlob("acme", "address", body);
        await reopened();
        expect(await journal.getBlob("acme", "address")).toBe(body);
        expect(await journal.getBlob("other", "address")).toBeUndefined();
        expect(await journal.getBlob("acme", "elsewhere")).toBeUndefined();
      });

      test("storing a payload again changes nothing", async () => {
        await journal.putBlob("acme", "address", "first");
        await journal.putBlob("acme", "address", "first");
        await journal.putBlob("other", "address", "second");
        expect(await journal.getBlob("acme", "address")).toBe("first");
        expect(await journal.getBlob("other", "address")).toBe("second");
      });

      test("an empty payload and one with a NUL are payloads", async () => {
        await journal.putBlob("acme", "empty", "");
        await journal.putBlob("acme", "nul", "a\0b");
        expect(await journal.getBlob("acme", "empty")).toBe("");
        expect(await journal.getBlob("acme", "nul")).toBe("a\0b");
      });

      test("a text that would come back as another is refused", async () => {
        await expect((async () => journal.putBlob("acme", "address", "half \ud83d"))()).rejects.toMatchObject({
          code: "run/internal",
        });
        expect(await journal.getBlob("acme", "address")).toBeUndefined();
      });
    });

    describe("snapshots", () => {
      test("the last snapshot of a stream is found", async () => {
        const { key } = testStream("run_1");
        expect(await journal.loadSnapshot(key)).toBeUndefined();
        await journal.saveSnapshot(key, { seq: 3, hash: "h3", state: { value: "triage", list: [1, null, "é"] } });
        await journal.saveSnapshot(key, { seq: 5, hash: "h5", state: { value: "action" } });
        await reopened();
        expect(await journal.loadSnapshot(key)).toStrictEqual({ seq: 5, hash: "h5", state: { value: "action" } });
        expect(await journal.loadSnapshot({ ...key, tenant: "other" })).toBeUndefined();
        expect(await journal.loadSnapshot({ ...key, kind: "memory" })).toBeUndefined();
      });

      test("a snapshot is nobody else's object", async () => {
        const { key } = testStream("run_1");
        const list = [1];
        await journal.saveSnapshot(key, { seq: 1, hash: "h", state: { list } });
        list.push(2);
        expect((await journal.loadSnapshot(key))?.state).toStrictEqual({ list: [1] });
      });
    });

    describe("runs", () => {
      const start = async (id: string, members: Partial<RunRecord> = {}, tenant = "acme") => {
        await testStream(id, { tenant }).append(journal, members);
      };
      const listed = async (filter: Omit<RunFilter, "tenant"> = {}) =>
        (await journal.listRuns({ tenant: "acme", ...filter })).map(({ runId }) => runId);

      test("a run is found as its last record says", async () => {
        const stream = testStream("run_1");
        await stream.append(journal, { conversationId: "talk", wakeAt: 9_000, status: "parked" });
        expect(await journal.findRun("acme", "run_1")).toStrictEqual(
          testRecord({ tenant: "acme", id: "run_1" }, { conversationId: "talk", wakeAt: 9_000, status: "parked" }),
        );
        await stream.append(journal, { updatedAt: 2_000 });
        await reopened();
        expect(await journal.findRun("acme", "run_1")).toStrictEqual(
          testRecord({ tenant: "acme", id: "run_1" }, { updatedAt: 2_000, lastSeq: 2 }),
        );
        expect(await journal.findRun("other", "run_1")).toBeUndefined();
        expect(await journal.findRun("acme", "run_2")).toBeUndefined();
      });

      test("an append without a record leaves the record", async () => {
        const stream = testStream("run_1");
        await stream.append(journal, { status: "parked" });
        await stream.append(journal);
        expect(await journal.findRun("acme", "run_1")).toMatchObject({ status: "parked", lastSeq: 1 });
      });

      test("lists are newest first, of one tenant, and hold 100 unless told", async () => {
        for (let index = 0; index < 105; index++) await start(`run_${1000 + index}`, { startedAt: index });
        await start("foreign", { startedAt: 50 }, "other");
        expect(await listed()).toStrictEqual(Array.from({ length: 100 }, (_, index) => `run_${1104 - index}`));
        expect(await listed({ most: 3 })).toEqual(["run_1104", "run_1103", "run_1102"]);
        expect(await listed({ most: 0 })).toEqual([]);
        expect(await listed({ most: 1_000 })).toHaveLength(105);
        expect(await listed({ before: 2 })).toEqual(["run_1001", "run_1000"]);
      });

      test("lists are by status, supervisor and conversation, and by any of them together", async () => {
        await start("a", { startedAt: 1, status: "completed", supervisor: "desk", conversationId: "one" });
        await start("b", { startedAt: 2, status: "parked", supervisor: "desk", conversationId: "two" });
        await start("c", { startedAt: 3, status: "completed", supervisor: "shop", conversationId: "one" });
        await start("d", { startedAt: 4, status: "denied", supervisor: "shop" });
        await start("e", { startedAt: 5, status: "completed", supervisor: "desk", conversationId: "one" });
        expect(await listed({ status: ["completed"] })).toEqual(["e", "c", "a"]);
        expect(await listed({ status: ["denied", "parked", "denied"] })).toEqual(["d", "b"]);
        expect(await listed({ status: [] })).toEqual([]);
        expect(await listed({ supervisor: "shop" })).toEqual(["d", "c"]);
        expect(await listed({ conversationId: "one" })).toEqual(["e", "c", "a"]);
        expect(await listed({ conversationId: "one", supervisor: "desk" })).toEqual(["e", "a"]);
        expect(await listed({ supervisor: "desk", status: ["completed"] })).toEqual(["e", "a"]);
        expect(await listed({ conversationId: "two", status: ["completed"] })).toEqual([]);
        expect(await listed({ conversationId: "one", status: ["completed"], before: 5, most: 1 })).toEqual(["c"]);
        expect(await listed({ supervisor: "nobody" })).toEqual([]);
      });

      test("a run leaves the list of one status when it enters that of another", async () => {
        const stream = testStream("run_1");
        await stream.append(journal, { status: "running" });
        await stream.append(journal, { status: "parked" });
        await stream.append(journal, { status: "completed" });
        expect(await listed({ status: ["running", "parked"] })).toEqual([]);
        expect(await listed({ status: ["completed"] })).toEqual(["run_1"]);
      });

      test("paging shows every run once, also when many were started in one millisecond", async () => {
        const ids = Array.from({ length: 23 }, (_, index) => `run_${10 + index}`);
        const statuses = ["running", "completed", "denied"] as const;
        for (const [index, id] of ids.entries()) {
          await start(id, { startedAt: index < 17 ? 7 : 8, status: statuses[index % 3]!, conversationId: "talk" });
        }
        for (const filter of [{}, { supervisor: "desk" }, { conversationId: "talk" }]) {
          const seen: string[] = [];
          let page: RunFilter = { tenant: "acme", most: 5, ...filter };
          for (;;) {
            const runs = await journal.listRuns(page);
            seen.push(...runs.map(({ runId }) => runId));
            const last = runs.at(-1);
            if (!last) break;
            page = { ...page, before: last.startedAt, beforeRunId: last.runId };
          }
          expect(seen).toEqual([...ids].reverse());
        }
      });

      test("unfinished runs are those of every tenant that have not ended", async () => {
        await start("a", { startedAt: 1, status: "running" });
        await start("b", { startedAt: 2, status: "parked" }, "other");
        const ends = ["completed", "denied", "escalated", "failed", "cancelled"] as const;
        for (const status of ends) await start(`run_${status}`, { status });
        const ended = testStream("c");
        await ended.append(journal, { startedAt: 3, status: "parked" });
        await ended.append(journal, { startedAt: 3, status: "failed" });
        const found = await (await reopened()).unfinishedRuns();
        expect(namesOf(found)).toEqual(["acme/a", "other/b"]);
      });

      test("unfinished runs are by status, tenant, id and definition, oldest first", async () => {
        await start("b", { startedAt: 1, status: "parked", definitionHash: "d2" });
        await start("a", { startedAt: 1, status: "running" }, "other");
        await start("a", { startedAt: 1, status: "running", supervisor: "shop" });
        await start("c", { startedAt: 0, status: "running", definitionHash: "d2" });
        const found = async (page: UnfinishedPage = {}) => namesOf(await journal.unfinishedRuns(page));
        expect(await found()).toEqual(["acme/c", "acme/a", "acme/b", "other/a"]);
        expect(await found({ most: 2 })).toEqual(["acme/c", "acme/a"]);
        expect(await found({ most: 0 })).toEqual([]);
        expect(await found({ status: "running" })).toEqual(["acme/c", "acme/a", "other/a"]);
        expect(await found({ status: "parked" })).toEqual(["acme/b"]);
        expect(await found({ tenant: "acme" })).toEqual(["acme/c", "acme/a", "acme/b"]);
        expect(await found({ runId: "a" })).toEqual(["acme/a", "other/a"]);
        expect(await found({ runId: "a", tenant: "other" })).toEqual(["other/a"]);
        expect(await found({ definitions: ["desk@d1", "shop@d1"] })).toEqual(["acme/a", "other/a"]);
        expect(await found({ definitions: ["desk@d2"], status: "running" })).toEqual(["acme/c"]);
        expect(await found({ definitions: [] })).toEqual([]);
        expect(await found({ tenant: "nobody" })).toEqual([]);
      });

      test("parked runs that are due come first due first, whatever their age", async () => {
        await start("a", { startedAt: 1, status: "parked", wakeAt: 30 });
        await start("b", { startedAt: 2, status: "parked", wakeAt: 10 });
        await start("c", { startedAt: 3, status: "parked", wakeAt: 20 }, "other");
        await start("d", { startedAt: 4, status: "parked" });
        await start("e", { startedAt: 5, status: "running", wakeAt: 5 });
        await start("f", { startedAt: 6, status: "failed", wakeAt: 5 });
        const due = async (page: UnfinishedPage) => namesOf(await journal.unfinishedRuns(page));
        expect(await due({ dueAt: 9 })).toEqual([]);
        expect(await due({ dueAt: 20 })).toEqual(["acme/b", "other/c"]);
        expect(await due({ dueAt: 30 })).toEqual(["acme/b", "other/c", "acme/a"]);
        expect(await due({ dueAt: 30, tenant: "acme" })).toEqual(["acme/b", "acme/a"]);
        expect(await due({ dueAt: 30, status: "running" })).toEqual([]);
        expect(await due({ dueAt: 30, definitions: ["desk@d2"] })).toEqual([]);
      });

      test("pages of unfinished runs show every run once", async () => {
        const names: string[] = [];
        for (let index = 0; index < 30; index++) {
          const tenant = `tenant-${index % 3}`;
          const status = index % 2 === 0 ? "running" : "parked";
          await start(`run_${10 + index}`, { startedAt: index >> 3, status, wakeAt: 40 - (index >> 2) }, tenant);
          names.push(`${tenant}/run_${10 + index}`);
        }
        const filters = [{}, { dueAt: 99 }, { status: "running" }, { tenant: "tenant-1" }] as const;
        for (const filter of [...filters, { dueAt: 99, tenant: "tenant-1" }]) {
          const whole = await journal.unfinishedRuns(filter);
          const seen: RunRecord[] = [];
          for (;;) {
            const last = seen.at(-1);
            const page = await journal.unfinishedRuns({ ...filter, most: 4, ...(last ? { after: last } : {}) });
            if (page.length === 0) break;
            seen.push(...page);
          }
          expect(seen).toEqual(whole);
        }
        expect(namesOf(await journal.unfinishedRuns()).sort()).toEqual(names.sort());
      });

      test("tenants with unfinished runs are listed in order, page by page", async () => {
        for (const tenant of ["c", "a", "b", "d"]) {
          await start("one", { status: tenant === "d" ? "failed" : "running" }, tenant);
          await start("two", { status: "parked", wakeAt: tenant === "b" ? 20 : 10 }, tenant);
        }
        await start("three", { status: "parked" }, "e");
        expect(await journal.unfinishedTenants()).toEqual(["a", "b", "c", "d", "e"]);
        expect(await journal.unfinishedTenants({ most: 2 })).toEqual(["a", "b"]);
        expect(await journal.unfinishedTenants({ most: 2, after: "b" })).toEqual(["c", "d"]);
        expect(await journal.unfinishedTenants({ status: "running" })).toEqual(["a", "b", "c"]);
        expect(await journal.unfinishedTenants({ dueAt: 19 })).toEqual(["a", "c", "d"]);
        expect(await journal.unfinishedTenants({ dueAt: 19, tenant: "c" })).toEqual(["c"]);
        expect(await journal.unfinishedTenants({ definitions: ["shop@d1"] })).toEqual([]);
      });

      test("the next wake-up is the earliest of the parked runs, or the next one after a time", async () => {
        expect(await journal.nextWakeAt()).toBeUndefined();
        await start("a", { status: "running", wakeAt: 1 });
        await start("b", { status: "failed", wakeAt: 2 });
        await start("c", { status: "parked" });
        expect(await journal.nextWakeAt()).toBeUndefined();
        const stream = testStream("d", { tenant: "other" });
        await stream.append(journal, { status: "parked", wakeAt: 30 });
        await start("e", { status: "parked", wakeAt: 20 });
        expect(await journal.nextWakeAt()).toBe(20);
        expect(await journal.nextWakeAt(19)).toBe(20);
        expect(await journal.nextWakeAt(20)).toBe(30);
        expect(await journal.nextWakeAt(30)).toBeUndefined();
        await stream.append(journal, { status: "running", wakeAt: 30 });
        expect(await journal.nextWakeAt(20)).toBeUndefined();
        await stream.append(journal, { status: "parked", wakeAt: 10 });
        expect(await (await reopened()).nextWakeAt()).toBe(10);
      });

      test("the definitions that unfinished runs belong to are counted, with the oldest 20 of their runs", async () => {
        expect(await journal.waitingDefinitions()).toEqual([]);
        for (let index = 0; index < 25; index++) {
          const status = index % 2 === 0 ? "running" : "parked";
          await start(`run_${10 + index}`, { startedAt: 50 - index, status, supervisor: "shop" });
        }
        await start("a", { status: "parked", definitionHash: "d2" }, "other");
        await start("b", { status: "parked" });
        await start("c", { status: "completed", supervisor: "gone" });
        expect(await journal.waitingDefinitions()).toEqual([
          { supervisor: "desk", definitionHash: "d1", runs: 1, some: [{ tenant: "acme", runId: "b" }] },
          { supervisor: "desk", definitionHash: "d2", runs: 1, some: [{ tenant: "other", runId: "a" }] },
          {
            supervisor: "shop",
            definitionHash: "d1",
            runs: 25,
            some: Array.from({ length: 20 }, (_, index) => ({ tenant: "acme", runId: `run_${34 - index}` })),
          },
        ]);
      });

      test("lists are by what a run waits for, newest first and page by page", async () => {
        await start("a", { startedAt: 1, status: "parked", waits: ["question", "approval", "timer"] });
        await start("b", { startedAt: 2, status: "parked", waits: ["effect"], conversationId: "talk" });
        await start("c", { startedAt: 3, status: "parked", waits: ["approval"], supervisor: "shop" });
        await start("d", { startedAt: 3, status: "parked", waits: ["approval"], conversationId: "talk" });
        await start("e", { startedAt: 4, status: "parked", waits: [] });
        await start("f", { startedAt: 5, status: "running" });
        await start("g", { startedAt: 6, status: "parked", waits: ["approval"] }, "other");
        await reopened();
        expect(await listed({ waitingFor: "approval" })).toEqual(["d", "c", "a"]);
        expect(await listed({ waitingFor: "question" })).toEqual(["a"]);
        expect(await listed({ waitingFor: "effect" })).toEqual(["b"]);
        expect(await listed({ waitingFor: "approval", most: 1 })).toEqual(["d"]);
        expect(await listed({ waitingFor: "approval", before: 3, beforeRunId: "d" })).toEqual(["c", "a"]);
        expect(await listed({ waitingFor: "approval", before: 3 })).toEqual(["a"]);
        expect(await listed({ waitingFor: "approval", supervisor: "shop" })).toEqual(["c"]);
        expect(await listed({ waitingFor: "approval", conversationId: "talk" })).toEqual(["d"]);
        expect(await listed({ waitingFor: "approval", status: ["running"] })).toEqual([]);
        expect((await journal.findRun("acme", "a"))?.waits).toEqual(["question", "approval", "timer"]);
        expect((await journal.findRun("acme", "e"))?.waits).toEqual([]);
        expect(await journal.findRun("acme", "f")).not.toHaveProperty("waits");
      });

      test("a run that is decided leaves the list of those that wait", async () => {
        const stream = testStream("run_1");
        await stream.append(journal, { status: "parked", waits: ["approval"] });
        await stream.append(journal, { status: "running" });
        expect(await listed({ waitingFor: "approval" })).toEqual([]);
        await stream.append(journal, { status: "parked", waits: ["question"] });
        expect(await listed({ waitingFor: "question" })).toEqual(["run_1"]);
      });
    });

    describe("tenant keys", () => {
      test("a tenant's key is 32 bytes, its own, and the same ever after", async () => {
        const [key, again] = await Promise.all([journal.tenantKey("acme"), journal.tenantKey("acme")]);
        expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(again).toBe(key);
        expect(await journal.tenantKey("other")).not.toBe(key);
        await reopened();
        expect(await journal.tenantKey("acme")).toBe(key);
      });
    });

    describe("closing", () => {
      test("closing waits for what was appended and not awaited", async () => {
        const stream = testStream("run_1");
        const appends = [stream.append(journal), stream.append(journal)];
        await journal.close();
        await expect(Promise.all(appends)).resolves.toHaveLength(2);
        await journal.close();
        if (opened.reopen) expect(await (await reopened()).read(stream.key)).toStrictEqual(stream.batches);
      });

      test("a closed journal says so", async () => {
        const stream = testStream("run_1");
        await journal.close();
        const closed = { code: "journal/unavailable", data: { reason: "it is closed" } };
        await expect(stream.append(journal)).rejects.toMatchObject(closed);
        await expect(journal.read(stream.key)).rejects.toMatchObject(closed);
        await expect(journal.tenantKey("acme")).rejects.toMatchObject(closed);
      });
    });
  });
}

function namesOf(runs: readonly RunRecord[]): string[] {
  return runs.map(({ tenant, runId }) => `${tenant}/${runId}`);
}
