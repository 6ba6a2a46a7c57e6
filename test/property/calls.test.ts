import { type Entry, memoryJournal } from "@remit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PlayedTrial, playTrial } from "../support/trial.ts";

const runs = Number(process.env.REMIT_PROPERTY_RUNS ?? 150);
const arbSeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** What came of each call that was granted, by its path. A doubt is an outcome until a person's word settles it. */
function outcomesOf(entries: readonly Entry[]): Map<string, string[]> {
  const outcomes = new Map<string, string[]>();
  const effects = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === "tool.called") {
      effects.set(entry.body.command, entry.body.effect);
      if (!outcomes.has(entry.path)) outcomes.set(entry.path, []);
    }
    if (entry.type === "tool.returned" || entry.type === "tool.failed") {
      // What came of a write, its settlement says.
      if (effects.get(entry.body.command) === "read") outcomes.get(entry.path)?.push(entry.type);
    }
    if (entry.type === "effect.settled") outcomes.get(entry.body.effect)?.push(entry.body.outcome);
    if (entry.type === "effect.uncertain" && entry.body.next === "person")
      outcomes.get(entry.body.effect)?.push("doubt");
    if (entry.type === "effect.decided") outcomes.get(entry.body.effect)?.splice(0);
  }
  return outcomes;
}

describe("every call has exactly one outcome", () => {
  const one = ({ entries, trial }: PlayedTrial) => {
    const keys = new Map<string, string>();
    for (const entry of entries) if (entry.type === "effect.intended") keys.set(entry.body.effect, entry.body.key);
    const called = new Set(trial.ledger.calls.map(({ key }) => key));
    for (const [effect, seen] of outcomesOf(entries)) {
      expect(seen, `${effect} came to ${seen.join(", ")}`).toHaveLength(1);
      // A write that is said to have been cancelled never reached its tool.
      const key = keys.get(effect);
      if (key !== undefined && seen[0] === "cancelled") expect(called.has(key)).toBe(false);
    }
  };

  test("R11 however the run ended", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, async (seed) => one(await playTrial(seed, memoryJournal()))),
      { numRuns: runs },
    );
  }, 120_000);

  test("R11 wherever it was cancelled, and nothing is asked for after that", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, fc.integer({ min: 1, max: 40 }), async (seed, cancelOn) => {
        const played = await playTrial(seed, memoryJournal(), { cancelOn });
        const { entries, result } = played;
        one(played);
        const cancel = entries.findIndex(({ type }) => type === "cancel.requested");
        if (cancel < 0) return;
        const after = entries.slice(cancel).map(({ type }) => type);
        for (const type of ["model.called", "tool.called", "effect.intended", "input.requested", "handoff.delivered"]) {
          expect(after).not.toContain(type);
        }
        expect(result.status).toBe("cancelled");
        const doubtful = [...outcomesOf(entries)].filter(([, seen]) => seen[0] === "doubt").map(([effect]) => effect);
        expect(result).toMatchObject({ openEffects: doubtful });
      }),
      { numRuns: runs },
    );
  }, 120_000);
});
