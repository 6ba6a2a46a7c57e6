import { type Batch, type InputEvent, type Journal, memoryJournal, type StreamKey } from "@remit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openBatch } from "../../packages/core/src/journal/chain.ts";
import { RunCore } from "../../packages/core/src/run/core.ts";
import { foldBatch } from "../../packages/core/src/run/fold.ts";
import { dice, playTrial } from "../support/trial.ts";

const runs = Number(process.env.REMIT_PROPERTY_RUNS ?? 100);
const arbSeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

interface LateJournal {
  /** What a driver gets: an append comes back at once and is durable some turns of the event loop later. */
  readonly journal: Journal;
  /** What is durable now, by run; it became so in the order of the entries. */
  readonly stored: Map<string, Stored>;
}

interface Stored {
  readonly lastSeq: number;
  /** Keys of intended writes. */
  readonly keys: Set<string>;
  /** How often a model was called, by path. */
  readonly calls: Map<string, number>;
}

/** Delays each append by a number of turns drawn from the seed; the order in one stream is kept, as the port says. */
function lateJournal(seed: number): LateJournal {
  const { unit } = dice(seed);
  const inner = memoryJournal();
  const stored: LateJournal["stored"] = new Map();
  const tails = new Map<string, Promise<void>>();
  let appends = 0;
  const keep = (key: StreamKey, batch: Batch) => {
    if (key.kind !== "run") return;
    const { keys, calls } = stored.get(key.id) ?? { keys: new Set<string>(), calls: new Map<string, number>() };
    for (const { type, path, body } of openBatch(batch, key.id)) {
      if (type === "effect.intended") keys.add(body.key);
      if (type === "model.called") calls.set(path, (calls.get(path) ?? 0) + 1);
    }
    stored.set(key.id, { lastSeq: batch.lastSeq, keys, calls });
  };
  const journal: Journal = {
    ...inner,
    append: (key, batch, expectedSeq, record) => {
      const stream = `${key.kind}/${key.id}`;
      const turns = Math.floor(unit("late", appends++) * 4);
      const before = tails.get(stream) ?? Promise.resolve();
      const mine = (async () => {
        await before;
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        await inner.append(key, batch, expectedSeq, record);
        keep(key, batch);
      })();
      tails.set(
        stream,
        mine.catch(() => {}),
      );
      return mine;
    },
  };
  return { journal, stored };
}

describe("a journal that takes its time", () => {
  test("V2 R1 no write reaches its tool before its intent is durable, no paid model is asked before all that came before", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, async (seed) => {
        const { journal, stored } = lateJournal(seed);
        const asked = new Map<string, number>();
        const wrong: string[] = [];
        const { runId, entries, trial } = await playTrial(seed, journal, {
          prepare: (made) => {
            const { ledger, model } = made;
            ledger.onCall = ({ tool, key }) => {
              if (key === "") return;
              const found = [...stored.values()].some(({ keys }) => keys.has(key));
              if (!found) wrong.push(`${tool} was called before its intent was durable`);
            };
            return {
              ...made,
              model: {
                ...model,
                cost: "paid",
                generate: (request, options) => {
                  const { runId: id, path } = request.context;
                  // Its own `model.called` is durable, and so is all that came before; other branches go on meanwhile.
                  const nth = (asked.get(path) ?? 0) + 1;
                  asked.set(path, nth);
                  const durable = stored.get(id)?.calls.get(path) ?? 0;
                  if (durable < nth) wrong.push(`${path} was asked ${nth} times, and ${durable} of them were durable`);
                  return model.generate(request, options);
                },
              },
            };
          },
        });
        expect(wrong).toEqual([]);
        expect(stored.get(runId)?.lastSeq).toBe(entries.length);
        expect(trial.ledger.calls.length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: runs },
    );
  }, 120_000);
});

describe("a fold", () => {
  test("R1 R13 goes on from any snapshot as it would have from the start, and saves the same", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, fc.nat(), async (seed, cut) => {
        const { trial, journal, runId } = await playTrial(seed, memoryJournal());
        const key = { tenant: "t", kind: "run", id: runId } as const;
        const batches = await journal.read(key);
        const options = {
          definition: trial.definition,
          tenant: key.tenant,
          runId,
          tenantKey: await journal.tenantKey(key.tenant),
        };
        const whole = new RunCore(options);
        let revived: RunCore | undefined;
        for (const [index, batch] of batches.entries()) {
          const entries = openBatch(batch, runId);
          foldBatch(whole, entries, runId);
          if (revived) foldBatch(revived, entries, runId);
          // Once at the drawn place, and from there on again and again, so that a loss would add up.
          if (index >= cut % batches.length) {
            const saved = whole.save();
            if (revived) expect(revived.save()).toEqual(saved);
            revived = new RunCore(options);
            revived.restore(JSON.parse(JSON.stringify(saved)));
            expect(revived.save()).toEqual(saved);
          }
        }
        expect(whole.ended).toBe(true);
        expect(revived?.ended).toBe(true);
      }),
      { numRuns: runs },
    );
  }, 120_000);

  test("C1 C2 takes no input twice and none after the end", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, async (seed) => {
        const { trial, journal, runId } = await playTrial(seed, memoryJournal());
        const key = { tenant: "t", kind: "run", id: runId } as const;
        const tenantKey = await journal.tenantKey(key.tenant);
        const { definition } = trial;
        const core = new RunCore({ definition, tenant: key.tenant, runId, tenantKey });
        const taken: InputEvent[] = [];
        for (const batch of await journal.read(key)) {
          const entries = openBatch(batch, runId);
          foldBatch(core, entries, runId);
          for (const { seq, type, path, cause, body } of entries) {
            if (cause === 0) taken.push({ id: `again:${seq}`, type, path, body } as InputEvent);
          }
          const before = JSON.stringify(core.save());
          for (const event of taken) expect(core.apply(event, batch.lastSeq, batch.lastSeq + 1)).toBeUndefined();
          expect(JSON.stringify(core.save())).toBe(before);
        }
        expect(core.ended).toBe(true);
        const resumed: InputEvent = { id: "late", type: "run.resumed", path: "", body: { lost: [] } };
        expect(core.apply(resumed, 0, 1)).toBeUndefined();
      }),
      { numRuns: runs },
    );
  }, 120_000);
});
