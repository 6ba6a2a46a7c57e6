import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { seededIds } from "../ids.ts";
import type { Batch } from "../port/journal.ts";
import { linesOf, openBatch, sealBatch, verifyChain } from "./chain.ts";
import { type Draft, emptyHead, type Head } from "./draft.ts";
import { isLinked } from "./link.ts";

const draft = (text: string, at = 1): Draft => ({
  type: "timer.fired",
  at,
  path: "a#1",
  cause: 0,
  body: { timer: text },
});

/** A stream of as many batches as there are sizes. */
function stream(sizes: readonly number[]): Batch[] {
  const { salt } = seededIds(1);
  let head: Head = emptyHead;
  return sizes.map((size) => {
    const drafts = Array.from({ length: size }, (_, index) => draft(`tab\there\nline ${head.seq + index}`));
    const batch = sealBatch(head, drafts, salt);
    head = { seq: batch.lastSeq, hash: batch.hash };
    return batch;
  });
}

/** The stream again, after something was done to its stored lines. */
function tampered(batches: readonly Batch[], change: (lines: string[]) => string[]): Batch[] {
  const lines = change(batches.flatMap(({ lines: text }) => text.split("\n").slice(0, -1)));
  const last = batches.at(-1) as Batch;
  return [{ firstSeq: 1, lastSeq: last.lastSeq, lines: lines.map((line) => `${line}\n`).join(""), hash: last.hash }];
}

const parts = (line: string) => line.split("\t");
const swap = (line: string, index: number, value: string) => parts(line).with(index, value).join("\t");

describe("the chain", () => {
  test("holds over what was sealed, and what was sealed opens again", () => {
    const batches = stream([1, 3, 2]);
    expect(batches.map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq])).toEqual([
      [1, 1],
      [2, 4],
      [5, 6],
    ]);
    expect(verifyChain(batches)).toEqual({ head: { seq: 6, hash: batches[2]?.hash } });
    const entries = batches.flatMap((batch) => openBatch(batch, "s"));
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries[3]).toEqual({ seq: 4, ...draft("tab\there\nline 3") });
    expect(verifyChain([])).toEqual({ head: emptyHead });
  });

  test("names the first line after any character of it was changed", () => {
    const batches = stream([2, 2]);
    const lines = batches.flatMap((batch) => batch.lines.split("\n").slice(0, -1));
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(), (index, at) => {
        const line = lines[index] as string;
        const place = at % line.length;
        const changed = `${line.slice(0, place)}${line[place] === "x" ? "y" : "x"}${line.slice(place + 1)}`;
        const { fault } = verifyChain(tampered(batches, (all) => all.with(index, changed)));
        expect(fault?.seq).toBe(index + 1);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, (lines: string[]) => string[], number]>([
    ["dropped", (lines) => lines.toSpliced(2, 1), 3],
    ["dropped at the start", (lines) => lines.slice(1), 1],
    ["dropped at the end of a batch", (lines) => lines.slice(0, -1), 5],
    ["doubled", (lines) => lines.toSpliced(2, 0, lines[1] as string), 3],
    ["moved", (lines) => lines.with(1, lines[2] as string).with(2, lines[1] as string), 2],
    ["inserted", (lines) => [...lines, lines[0] as string], 6],
    ["made a batch of nothing", () => [], 1],
  ])("names the place of a line that was %s", (_, change, seq) => {
    expect(verifyChain(tampered(stream([2, 3]), change)).fault?.seq).toBe(seq);
  });

  test("a line that was sealed again by somebody else breaks at the next one", () => {
    const batches = stream([1, 1, 1]);
    const [first, second] = batches as [Batch, Batch];
    const forged = sealBatch({ seq: 1, hash: first.hash }, [draft("forged")], () => "salt");
    expect(forged.lastSeq).toBe(second.lastSeq);
    expect(verifyChain(batches.with(1, forged)).fault).toEqual({
      seq: 3,
      reason: "its hash does not follow from the entry before",
    });
  });

  test("still verifies when a body was erased, and says so when more than that is gone", () => {
    const batches = stream([2, 2]);
    const erase = (line: string) => swap(swap(line, 3, ""), 4, "");
    const erased = tampered(batches, (lines) => lines.with(1, erase(lines[1] as string)));
    expect(verifyChain(erased)).toEqual(verifyChain(batches));
    expect(openBatch(erased[0] as Batch, "s")[1]?.body).toEqual({});
    const halfErased = (index: number) =>
      tampered(batches, (lines) => lines.with(1, swap(lines[1] as string, index, "")));
    for (const index of [0, 1, 2, 3, 4]) expect(verifyChain(halfErased(index)).fault?.seq).toBe(2);
  });

  test("two equal bodies have different commitments: a salt hides what was said", () => {
    const { salt } = seededIds(2);
    const [one, two] = linesOf(sealBatch(emptyHead, [draft("same"), draft("same")], salt));
    expect(one?.body).toBe(two?.body);
    expect(one?.commitment).not.toBe(two?.commitment);
  });

  test("a body may be stored elsewhere; the line holds what stands for it", () => {
    const batch = sealBatch(
      emptyHead,
      [draft("long")],
      () => "s",
      (text) => JSON.stringify({ length: text.length }),
    );
    expect(linesOf(batch)[0]?.body).toBe('{"length":16}');
    expect(verifyChain([batch]).fault).toBeUndefined();
  });

  test("of a batch only entries of the wanted types are opened, whatever their paths and bodies look like", () => {
    const { salt } = seededIds(1);
    const disguised = '"type":"run.parked"';
    const other: Draft = { type: "run.resumed", at: 2, path: disguised, cause: 1, body: { lost: [disguised] } };
    const batch = sealBatch(emptyHead, [draft(disguised), other, draft("b")], salt);
    const seqs = (...types: string[]) => openBatch(batch, "s", new Set(types)).map(({ seq }) => seq);
    expect(seqs("timer.fired")).toEqual([1, 3]);
    expect(seqs("run.resumed", "timer.fired")).toEqual([1, 2, 3]);
    expect(seqs("run.parked")).toEqual([]);
    expect(openBatch(batch, "s", new Set(["run.resumed"]))).toEqual([{ seq: 2, ...other }]);
  });

  test("of a batch that its journal has opened no line is read", () => {
    const { salt } = seededIds(1);
    const sealed = sealBatch(emptyHead, [draft("a"), draft("b")], salt);
    const entries = openBatch(sealed, "s");
    const batch = { ...sealed, lines: "not a line\n", entries };
    expect(openBatch(batch, "s")).toEqual(entries);
    expect(openBatch(batch, "s", new Set(["timer.fired"])).length).toBe(2);
    expect(openBatch(batch, "s", new Set(["run.parked"]))).toEqual([]);
  });

  test("text that is no line is a typed error with its place", () => {
    try {
      openBatch({ firstSeq: 7, lastSeq: 7, lines: "not a line\n", hash: "" }, "run_1");
      expect.unreachable();
    } catch (thrown) {
      expect(OrchestrationError.is(thrown, "journal/broken-chain")).toBe(true);
      expect((thrown as OrchestrationError).data).toMatchObject({ seq: 7, stream: "run_1" });
    }
  });
});

test("a batch that says what it was sealed behind is linked to that, as its lines are", () => {
  const salt = () => "salt";
  const first = sealBatch(emptyHead, [draft("one")], salt);
  const batch = sealBatch({ seq: 1, hash: first.hash }, [draft("two")], salt);
  const { previous, ...stored } = batch;
  expect(previous).toBe(first.hash);
  for (const one of [batch, stored]) {
    expect(isLinked(first.hash, one)).toBe(true);
    expect(isLinked("", one)).toBe(false);
  }
});
