import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import { liveStream } from "./live.ts";

/** Reads a stream as it comes; nothing waits for a time that passes. */
function listening(marks: { now: string }, seen: string | undefined) {
  const clock = fakeClock();
  const leaving = new AbortController();
  const mark = async () => {
    if (marks.now === "away") throw new Error("the journal is away");
    return marks.now;
  };
  const stream = liveStream({ clock, mark, seen, signal: leaving.signal });
  let text = "";
  const read = (async () => {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) text += piece;
  })();
  /** Lets what is under way come to its end. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const heard = async (advanceMs = 0) => {
    await settle();
    clock.advance(advanceMs);
    await settle();
    const all = text;
    text = "";
    return all;
  };
  return { heard, leaving, read };
}

test("who has seen how things stand hears of the next change, with a mark to come back with", async () => {
  const marks = { now: "m1" };
  const { heard, leaving, read } = listening(marks, "m1");
  expect(await heard()).toBe("retry: 1000\nevent: alive\ndata:\n\n");
  expect(await heard(1_000)).toBe("");
  marks.now = "m2";
  expect(await heard(1_000)).toBe("event: changed\nid: m2\ndata: m2\n\n");
  expect(await heard(1_000)).toBe("");
  leaving.abort();
  await read;
});

test("who comes back with an old mark, or with none, is told at once; so the server may have been another one", async () => {
  for (const seen of ["m1", undefined]) {
    const { heard, leaving } = listening({ now: "m5" }, seen);
    expect(await heard()).toContain("event: changed\nid: m5\n");
    leaving.abort();
  }
});

test("a word comes now and then, also while the journal is away, and that is no news", async () => {
  const marks = { now: "m1" };
  const { heard, leaving } = listening(marks, "m1");
  await heard();
  marks.now = "away";
  let text = "";
  for (let second = 0; second < 11; second++) text += await heard(1_000);
  expect(text).toBe("event: alive\ndata:\n\n");
  marks.now = "m1";
  expect(await heard(1_000)).toBe("");
  leaving.abort();
});
