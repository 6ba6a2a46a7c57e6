import { type Batch, type InputEvent, type Journal, memoryJournal, type StreamKey } from "@remit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openBatch } from "../../packages/core/src/journal/chain.ts";
import { RunCore } from "../../packages/core/src/run/core.ts";
import { foldBatch } from "../../packages/core/src/run/driver.ts";
import { dice, playTrial } from "../support/trial.ts";

const runs = Number(process.env.REMIT_PROPERTY_RUNS ?? 100);
const arbSeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

interface LateJournal {
  /** What a driver gets: an append comes back at once and is durable some turns of the event loop later. */
  readonly journal: Journal;
  /** Types and keys of what is durable now, by run. */
  readonly stored: Map<string, { readonly lastSeq: number; readonly keys: Set<string> }>;
  /** Seq of the last entry that was asked to be stored, by run. */
  readonly asked: Map<string, number>;
}

/** Delays each append by a number of turns drawn from the seed; the order in one stream is kept, as the port says. */
function lateJournal(seed: number): LateJournal {
  const { unit } = dice(seed);
  const inner = memoryJournal();
  const stored: LateJournal["stored"] = new Map();
  const asked: LateJournal["asked"] = new Map();
  const tails = new Map<string, Promise<void>>();
  let appends = 0;
  const keep = (key: StreamKey, batch: Batch) => {
    if (key.kind !== "run") return;
    const { keys } = stored.get(key.id) ?? { keys: new Set<string>() };
    for (const entry of openBatch(batch, key.id)) if (entry.type === "effect.intended") keys.add(entry.body.key);
    stored.set(key.id, { lastSeq: batch.lastSeq, keys });
  };
  const journal: Journal = {
    ...inner,
    append: (key, batch, expectedSeq, record) => {
      const stream = `${key.kind}/${key.id}`;
      if (key.kind === "run") asked.set(key.id, batch.lastSeq);
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
  return { journal, stored, asked };
}

describe("a journal that takes its time", () => {
  test("V2 R1 no write reaches its tool before its intent is durable, no paid model is asked before all that came before", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, async (seed) => {
        const { journal, stored, asked } = lateJournal(seed);
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
                  // Its own `model.called` is the last one that was asked for, unless another branch came after it.
                  const durable = stored.get(id)?.lastSeq ?? 0;
                  if (asked.get(id) !== durable) wrong.push(`${path} was asked at ${durable} of ${asked.get(id)}`);
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
