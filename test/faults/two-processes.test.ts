import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makePlace } from "./child.ts";

/** Two processes that drive one run: one history, and a typed error for who came second. */

let place: ReturnType<typeof makePlace>;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const well = { code: 0, complaint: "" };

describe("two processes at one run", () => {
  test("that both answer it while it is parked: one answer is taken, the other refused as a conflict", async () => {
    expect(await place.child("park").ended).toMatchObject({ ...well, lines: [{ status: "parked" }] });
    const pair = [place.child("answer", "a"), place.child("answer", "b")] as const;
    // Both have loaded the same state and decided what follows from their answer.
    await Promise.all(pair.map((child) => child.saw(({ at }) => at === "append")));
    for (const child of pair) child.go();
    const outcomes = await Promise.all(pair.map(({ ended }) => ended));
    for (const outcome of outcomes) expect(outcome).toMatchObject(well);
    const refused = outcomes.flatMap(({ lines }) => lines.filter((line) => line.refused));
    expect(refused[0]).toEqual({ refused: "journal/conflict" });
    expect(
      outcomes.flatMap(({ lines }) => lines.filter((line) => line.outcome === "completed")).length,
    ).toBeGreaterThan(0);

    const [run, ...others] = await place.runs();
    expect(others).toEqual([]);
    expect(run?.fault).toBeUndefined();
    expect(run?.record.status).toBe("completed");
    const types = run?.entries.map(({ type }) => type) ?? [];
    expect(types.filter((type) => type === "input.received")).toHaveLength(1);
    expect(types.filter((type) => type === "run.completed")).toHaveLength(1);
    expect([...place.effects().values()].sort()).toEqual(["keyed ask clerk 2", "keyed ask closer 1"]);
    expect(place.calls()).toHaveLength(2);
  });

  test("of which one takes over while the other's write is out: written once, the slow one sees the run end", async () => {
    const slow = place.child("hold", "slow");
    await slow.saw(({ at }) => at === "write");
    const quick = place.child("take", "quick");
    expect(await quick.ended).toMatchObject({ ...well, lines: [{ woken: 1 }, { outcome: "completed" }] });
    slow.go();
    const outcome = await slow.ended;
    expect(outcome).toMatchObject(well);
    expect(outcome.lines.at(-1)).toEqual({ outcome: "completed" });

    const [run] = await place.runs();
    expect(run?.fault).toBeUndefined();
    expect(run?.record.status).toBe("completed");
    const entries = run?.entries ?? [];
    expect(entries.filter(({ type }) => type === "run.completed")).toHaveLength(1);
    expect(entries.filter(({ type }) => type === "effect.settled")).toHaveLength(2);
    const [first] = place.calls();
    expect(place.calls().map(({ who, key, what }) => ({ who, what, again: key === first?.key }))).toEqual([
      { who: "slow", what: "keyed write clerk 1", again: true },
      { who: "quick", what: "keyed write clerk 1", again: true },
      { who: "quick", what: "keyed write closer 1", again: false },
    ]);
    expect(place.effects().size).toBe(2);
  });
});
