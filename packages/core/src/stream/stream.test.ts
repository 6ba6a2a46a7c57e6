import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { seededIds } from "../ids.ts";
import { verifyChain } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";
import { user } from "../principal.ts";
import { streamShelf } from "./shelf.ts";
import { type Decided, type Fold, openStream, type StreamDraft } from "./stream.ts";

const key: StreamKey = { tenant: "acme", kind: "dead-letters", id: "letters" };
const said = (run: string): StreamDraft => ({
  type: "letter.dismissed",
  body: { run, reason: "r", principal: user("u") },
});

/** The runs that were dismissed, in order. */
const runsFold: Fold<readonly string[]> = {
  initial: () => [],
  apply: (runs, entry) => (entry.type === "letter.dismissed" ? [...runs, entry.body.run] : runs),
};
const { salt } = seededIds(1);
const open = (journal: Journal, fold = runsFold) => openStream({ journal, key, now: () => 7, salt, fold });
/** Dismisses a run once; answers with how many there were before. */
const once =
  (run: string) =>
  (runs: readonly string[]): Decided<number> =>
    runs.includes(run) ? { answer: runs.indexOf(run) } : { drafts: [said(run)], answer: runs.length };
/** A journal that counts what it is asked. */
function counted(journal: Journal) {
  const calls = { reads: 0, appends: 0 };
  const counting: Journal = {
    ...journal,
    read: (...asked) => {
      calls.reads++;
      return journal.read(...asked);
    },
    append: (...asked) => {
      calls.appends++;
      return journal.append(...asked);
    },
  };
  return { journal: counting, calls };
}

describe("one stream", () => {
  test("gives its entries and their fold, and holds the chain", async () => {
    const journal = memoryJournal();
    const stream = open(journal);
    expect(stream.known()).toEqual({ seq: 0, state: [] });
    expect(await stream.append(once("a"))).toBe(0);
    expect(await stream.append(() => ({ drafts: [said("b"), said("c")], answer: "both" }))).toBe("both");
    expect(stream.known()).toEqual({ seq: 3, state: ["a", "b", "c"] });
    expect(await stream.read(3)).toEqual([{ seq: 3, at: 7, path: "", cause: 0, ...said("c") }]);
    expect((await stream.read()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(verifyChain(await journal.read(key))).toEqual({ head: expect.objectContaining({ seq: 3 }) });
    expect(await open(journal).state()).toEqual(["a", "b", "c"]);
  });

  test("writes nothing when there is nothing to write", async () => {
    const journal = memoryJournal();
    const stream = open(journal);
    await stream.append(once("a"));
    expect(await stream.append(once("a"))).toBe(0);
    expect(await journal.read(key)).toHaveLength(1);
  });

  test("takes callers of one process in turn: one read, one append each, no lost race", async () => {
    const { journal, calls } = counted(memoryJournal());
    const stream = open(journal);
    const runs = Array.from({ length: 100 }, (_, index) => `run_${index}`);
    expect(await Promise.all(runs.map((run) => stream.append(once(run))))).toEqual(runs.map((_, index) => index));
    expect(calls).toEqual({ reads: 1, appends: 100 });
  });

  test("S2 says that there is nothing to write only of what it has just read", async () => {
    const journal = memoryJournal();
    const [one, two] = [open(journal), open(journal)];
    await one.append(once("a"));
    await two.append(once("b"));
    const lacks = (run: string) => (runs: readonly string[]) => ({ answer: !runs.includes(run) });
    expect(await one.append(lacks("b"))).toBe(false);
  });
});

describe("two writers", () => {
  test("S1 whoever was slower decides again, from what the other has written", async () => {
    const journal = memoryJournal();
    const [one, two] = [open(journal), open(journal)];
    await one.state();
    await two.append(once("a"));
    const seen: (readonly string[])[] = [];
    const answer = await one.append((runs) => {
      seen.push(runs);
      return once("b")(runs);
    });
    expect({ answer, seen }).toEqual({ answer: 1, seen: [[], ["a"]] });
  });

  test("S1 however their reads and appends mix, nothing is lost and nothing is written twice", async () => {
    const arbWishes = fc.array(fc.tuple(fc.nat(2), fc.constantFrom("a", "b", "c", "d")), {
      minLength: 2,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), arbWishes, async (s, wishes) => {
        const journal = memoryJournal();
        const slow: Journal = {
          ...journal,
          read: s.scheduleFunction(journal.read),
          append: s.scheduleFunction(async (...asked: Parameters<Journal["append"]>) => journal.append(...asked)),
        };
        const writers = [open(slow), open(slow), open(slow)] as const;
        const answers = await s.waitFor(
          Promise.all(wishes.map(([writer, run]) => writers[writer as 0].append(once(run)))),
        );
        const runs = await open(journal).state();
        expect([...runs].sort()).toEqual([...new Set(wishes.map(([, run]) => run))].sort());
        expect(answers).toEqual(wishes.map(([, run]) => runs.indexOf(run)));
        expect(verifyChain(await journal.read(key)).fault).toBeUndefined();
      }),
    );
  });

  test("a race that is lost 100 times is a conflict", async () => {
    const journal = memoryJournal();
    const rival = open(journal);
    let tries = 0;
    const hindered: Journal = {
      ...journal,
      append: async (...asked) => {
        await rival.append(() => ({ drafts: [said(`rival ${++tries}`)], answer: undefined }));
        return journal.append(...asked);
      },
    };
    const stream = open(hindered);
    await expect(stream.append(once("a"))).rejects.toMatchObject({ code: "journal/conflict" });
    expect(tries).toBe(100);
    expect(await rival.state()).not.toContain("a");
  });
});

describe("a failure", () => {
  test("is its caller's alone; the next one goes on from what is stored", async () => {
    const journal = memoryJournal();
    let fails = true;
    // As when a disk fails after it has stored: the outcome is not known.
    const flaky: Journal = {
      ...journal,
      append: async (...asked) => {
        await journal.append(...asked);
        if (fails) throw new OrchestrationError("journal/unavailable", { reason: "gone" });
      },
    };
    const stream = open(flaky);
    const first = stream.append(once("a"));
    const second = first.catch(() => {
      fails = false;
      return Promise.all([stream.append(once("a")), stream.append(once("b"))]);
    });
    await expect(first).rejects.toMatchObject({ code: "journal/unavailable" });
    expect(await second).toEqual([0, 1]);
    expect(await stream.state()).toEqual(["a", "b"]);
  });

  test("of a decision is thrown on, and nothing is written", async () => {
    const stream = open(memoryJournal());
    const thrown = new Error("no");
    await expect(
      stream.append(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(await stream.append(once("a"))).toBe(0);
  });

  test("of a fold half-way leaves what was known and is made good by the next look", async () => {
    const journal = memoryJournal();
    let fails = false;
    // Changes its state in place, so half a batch would stay in it.
    const fold: Fold<string[]> = {
      initial: () => [],
      apply: (runs, entry) => {
        if (fails && entry.seq === 3) throw new Error("fold");
        if (entry.type === "letter.dismissed") runs.push(entry.body.run);
        return runs;
      },
    };
    const stream = openStream({ journal, key, now: () => 7, salt, fold });
    await stream.append(once("a"));
    await open(journal).append(() => ({ drafts: [said("b"), said("c")], answer: undefined }));
    fails = true;
    await expect(stream.state()).rejects.toThrow("fold");
    expect(stream.known().seq).toBe(1);
    fails = false;
    expect(await stream.state()).toEqual(["a", "b", "c"]);
  });

  test("is a body that was erased: a state without it would be another state", async () => {
    const journal = memoryJournal();
    await open(journal).append(once("a"));
    const erase = ({ lines, ...batch }: Batch): Batch => ({
      ...batch,
      lines: `${lines.trimEnd().split("\t").with(3, "").with(4, "").join("\t")}\n`,
    });
    const erased = open({ ...journal, read: async (...asked) => (await journal.read(...asked)).map(erase) });
    await expect(erased.state()).rejects.toMatchObject({
      code: "journal/broken-chain",
      data: { seq: 1, stream: "acme/dead-letters/letters", reason: "its body was erased" },
    });
  });

  test("is not a journal that was put back to an earlier day: it is read from its start", async () => {
    const [late, early] = [memoryJournal(), memoryJournal()];
    await open(early).append(once("z"));
    let journal = late;
    const stream = open({
      ...late,
      read: (...asked) => journal.read(...asked),
      append: (...asked) => journal.append(...asked),
    });
    await stream.append(once("a"));
    await stream.append(once("b"));
    journal = early;
    expect(await stream.append(once("c"))).toBe(1);
    expect(await stream.state()).toEqual(["z", "c"]);
  });
});

test("a shelf keeps what was asked for last, and opens the rest again", () => {
  const journal = memoryJournal();
  const shelf = streamShelf<readonly string[]>(2);
  const opened: string[] = [];
  const get = (name: string) =>
    shelf.get(name, () => {
      opened.push(name);
      return open(journal);
    });
  for (const name of ["a", "b", "a", "c", "a", "b"]) get(name);
  expect(opened).toEqual(["a", "b", "c", "b"]);
  expect(get("a")).toBe(get("a"));
});
