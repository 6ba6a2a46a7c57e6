import { afterEach, beforeEach, expect, test } from "vitest";
import { makePlace } from "./child.ts";

/** A suite whose process is killed again and again: every run ends, every write happened once. */

let place: ReturnType<typeof makePlace>;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

test("a suite that is killed at many points ends as if nothing had been", async () => {
  let kills = 0;
  for (const after of [1, 9, 24, 14, 30]) {
    const child = place.child("suite", `until ${after}`, (_, count) => {
      if (count === after) child.kill();
    });
    const { code, complaint } = await child.ended;
    expect(complaint).toBe("");
    if (code === null) kills++;
  }
  expect(kills).toBeGreaterThan(2);
  const { lines, code, complaint } = await place.child("suite", "last").ended;
  expect({ code, complaint }).toEqual({ code: 0, complaint: "" });
  const ended = lines.filter((line) => line.ended);
  expect(ended).toHaveLength(6);
  for (const { status } of ended) expect(status).toBe("completed");

  const runs = await place.runs();
  expect(runs).toHaveLength(6);
  let resumed = 0;
  for (const { record, entries, fault } of runs) {
    expect(fault).toBeUndefined();
    expect(record.status).toBe("completed");
    expect(entries.filter(({ type }) => type === "run.completed")).toHaveLength(1);
    expect(entries.filter(({ type }) => type === "input.received")).toHaveLength(1);
    // One person said yes once, before the write that needed it was meant.
    const seqsOf = (type: string) => entries.filter((entry) => entry.type === type).map(({ seq }) => seq);
    const granted = seqsOf("approval.granted");
    const intended = entries.flatMap((entry) =>
      entry.type === "effect.intended" && entry.body.tool === "write_approved" ? [entry.seq] : [],
    );
    expect([granted.length, intended.length]).toEqual([1, 1]);
    expect(granted[0]).toBeLessThan(intended[0] ?? 0);
    resumed += entries.filter(({ type }) => type === "run.resumed").length;
    // What had its outcome in the journal was not asked for again.
    const outcomes = entries.flatMap((entry) =>
      entry.type === "tool.returned" || entry.type === "model.responded" ? [entry.body.command] : [],
    );
    expect(new Set(outcomes).size).toBe(outcomes.length);
  }
  expect(resumed).toBeGreaterThan(0);

  // Four writes of the clerk and one of the closer in each run: a file for each key, and none for another.
  const written = [...place.effects().values()].sort();
  const expected = Array.from({ length: 6 }, (_, index) => [
    `keyed suite ${index} clerk 1`,
    `looked suite ${index} clerk 2`,
    `keyed suite ${index} clerk 4`,
    `approved suite ${index} clerk 5`,
    `keyed suite ${index} closer 1`,
  ]);
  expect(written).toEqual(expected.flat().sort());
  // A write that is looked up first was never called when it had happened.
  const looked = place.calls().filter(({ what }) => what.startsWith("looked"));
  expect(new Set(looked.map(({ key }) => key)).size).toBe(looked.length);
});
