import { completenessOf, costsOf, type Entry, type EntryType, memoryJournal } from "@remit/core";
import { byStatus, factsOf, type KpiRun, kpisOf, kpiTally } from "@remit/core/kpi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endStatusOf } from "../../packages/core/src/event.ts";
import { goldenRuns, playGolden } from "../golden/runs.ts";
import { playTrial } from "../support/trial.ts";

/** KPIs of generated journals are what plain counting gives, by code that shares nothing with theirs. */

const runsEach = Number(process.env.REMIT_PROPERTY_RUNS ?? 25);

const arbTrial = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  crashEvery: fc.option(fc.integer({ min: 2, max: 12 }), { nil: undefined }),
  /** How much of the journal is there: a run that goes on, or waits. */
  kept: fc.oneof(fc.constant(1), fc.double({ min: 0.1, max: 1, noNaN: true })),
});
const arbTrials = fc.array(arbTrial, { minLength: 1, maxLength: 8 });

async function played(trials: readonly { seed: number; crashEvery: number | undefined; kept: number }[]) {
  const runs: KpiRun[] = [];
  for (const [index, { seed, crashEvery, kept }] of trials.entries()) {
    const { entries } = await playTrial(seed, memoryJournal(), crashEvery === undefined ? {} : { crashEvery });
    const most = Math.max(1, Math.ceil(entries.length * kept));
    runs.push({ runId: `r${index}`, tenant: "t", entries: entries.slice(0, most), tags: [`${seed % 3}`] });
  }
  return runs;
}

const of = <Type extends EntryType>(run: KpiRun, type: Type) =>
  run.entries.filter((entry) => entry.type === type) as unknown as readonly Extract<Entry, { readonly type: Type }>[];
const sum = (numbers: readonly (number | undefined)[]) => numbers.reduce<number>((all, one) => all + (one ?? 0), 0);
const endOf = ({ entries }: KpiRun) => endStatusOf(entries.at(-1)?.type ?? "");
const isHuman = (entry: Entry) =>
  entry.type === "approval.requested" ||
  entry.type === "question.opened" ||
  entry.type === "run.escalated" ||
  (entry.type === "input.requested" && entry.body.of === "operator") ||
  (entry.type === "effect.uncertain" && entry.body.next === "person");

describe("of random runs, some cut short", () => {
  test("statuses, people, policy, calls, cost and trace are what counting gives", async () => {
    await fc.assert(
      fc.asyncProperty(arbTrials, async (trials) => {
        const runs = await played(trials);
        const { overall } = await kpisOf(runs);
        const ended = runs.filter((run) => endOf(run) !== undefined);
        const parked = runs.filter(({ entries }) => entries.at(-1)?.type === "run.parked");
        expect(overall.runs.cases).toBe(runs.length);
        expect(overall.runs.ended).toBe(ended.length);
        expect(overall.runs.byStatus.parked ?? 0).toBe(parked.length);
        expect(overall.runs.byStatus.running ?? 0).toBe(runs.length - ended.length - parked.length);

        const human = ended.filter(({ entries }) => entries.some(isHuman));
        const closed = ended.filter((run) => endOf(run) === "completed" || endOf(run) === "denied");
        expect(overall.containment.count).toBe(closed.filter((run) => !human.includes(run)).length);
        expect(overall.containment.of).toBe(ended.length);
        expect(overall.review.count).toBe(human.length);
        expect(overall.review.steps).toBe(sum(runs.map(({ entries }) => entries.filter(isHuman).length)));
        expect(overall.escalation.count).toBe(ended.filter((run) => endOf(run) === "escalated").length);
        expect(sum(Object.values(overall.escalation.byReason))).toBe(overall.escalation.count);
        expect(sum(Object.values(overall.review.byReason))).toBe(overall.review.steps);
        expect(sum(Object.values(overall.review.byKind))).toBe(overall.review.steps);

        const denials = runs.flatMap((run) => of(run, "tool.denied"));
        expect(sum(Object.values(overall.policy.denied))).toBe(denials.length);
        expect(overall.policy.outputsRejected).toBe(sum(runs.map((run) => of(run, "output.rejected").length)));
        expect(overall.policy.handoffsRejected).toBe(sum(runs.map((run) => of(run, "handoff.rejected").length)));

        for (const [name, { calls, failure, retries, refused, unheard, latency }] of Object.entries(overall.tools)) {
          if (name === "(unknown tool)") continue;
          const called = runs.flatMap((run) => of(run, "tool.called").filter(({ body }) => body.tool === name));
          expect(calls, name).toBe(called.length);
          expect(retries).toBe(called.filter(({ body }) => body.attempt > 1).length);
          const outcomes = runs.flatMap((run) => {
            const own = new Set(of(run, "tool.called").flatMap(({ body }) => (body.tool === name ? body.command : [])));
            return [...of(run, "tool.returned"), ...of(run, "tool.failed")].filter(({ body }) => own.has(body.command));
          });
          const isRefusal = (one: (typeof outcomes)[number]) =>
            one.type === "tool.failed" && one.body.error.code === "tool/refused";
          expect(failure.of).toBe(outcomes.length);
          expect(refused).toBe(outcomes.filter(isRefusal).length);
          expect(failure.count).toBe(outcomes.filter((one) => one.type === "tool.failed" && !isRefusal(one)).length);
          expect(unheard).toBe(called.length - outcomes.length);
          expect(latency.count).toBe(outcomes.length);
          expect(latency.max ?? 0).toBe(Math.max(0, ...outcomes.map(({ body }) => body.durationMs)));
        }
        const answered = sum(runs.map((run) => of(run, "model.responded").length));
        expect(sum(Object.values(overall.models).map(({ calls, failure }) => calls - failure.count))).toBe(answered);
        expect(overall.unheardModelCalls + sum(Object.values(overall.models).map(({ calls }) => calls))).toBe(
          sum(runs.map((run) => of(run, "model.called").length)),
        );

        const costs = (those: readonly KpiRun[]) => those.map(({ runId, entries }) => costsOf(runId, entries).total);
        expect(overall.cost.microUsd).toBeCloseTo(sum(costs(ended).map(({ microUsd }) => microUsd)), 6);
        expect(overall.cost.unknownCalls).toBe(sum(costs(ended).map(({ unknown }) => unknown)));
        const traces = ended.map(({ entries }) => completenessOf(entries));
        expect(overall.trace.of).toBe(sum(traces.map(({ required }) => required)));
        expect(overall.trace.count).toBe(sum(traces.map(({ present }) => present)));
      }),
      { numRuns: runsEach },
    );
  }, 120_000);

  test("times are those of the journal, and the parked part is no larger than the whole", async () => {
    await fc.assert(
      fc.asyncProperty(arbTrials, async (trials) => {
        const runs = await played(trials);
        const { time } = (await kpisOf(runs)).overall;
        const wholes = runs.flatMap((run) => {
          if (endOf(run) !== "completed" && endOf(run) !== "denied") return [];
          return [(run.entries.at(-1)?.at ?? 0) - (run.entries[0]?.at ?? 0)];
        });
        wholes.sort((left, right) => left - right);
        expect(time.resolution.count).toBe(wholes.length);
        if (wholes.length > 0) expect(time.resolution.p95).toBe(wholes[Math.ceil(0.95 * wholes.length) - 1]);
        for (const run of runs) {
          const { startedAt, endedAt, parkedMs, firstResponseMs } = factsOf(run);
          if (endedAt === undefined) continue;
          expect(parkedMs).toBeLessThanOrEqual(endedAt - startedAt);
          if (firstResponseMs !== undefined) expect(firstResponseMs).toBeLessThanOrEqual(endedAt - startedAt);
        }
      }),
      { numRuns: runsEach },
    );
  }, 120_000);

  test("order changes nothing, and the parts of a dimension with one value each add up to the whole", async () => {
    await fc.assert(
      fc.asyncProperty(arbTrials, async (trials) => {
        const runs = await played(trials);
        const count = (those: readonly KpiRun[]) => {
          const tally = kpiTally({ segmentBy: { status: byStatus() } });
          for (const run of those) tally.take(run);
          return tally.close();
        };
        const kpis = count(runs);
        const plain = (value: unknown) =>
          JSON.parse(JSON.stringify(value, (key, item) => (["mean", "some"].includes(key) ? undefined : item)));
        expect(plain(count(runs.toReversed()))).toEqual(plain(kpis));
        const parts = Object.values(kpis.segments.status ?? {});
        expect(sum(parts.map((part) => part.runs.cases))).toBe(kpis.overall.runs.cases);
        expect(sum(parts.map((part) => part.containment.count))).toBe(kpis.overall.containment.count);
        expect(sum(parts.map((part) => part.review.steps))).toBe(kpis.overall.review.steps);
        expect(sum(parts.map((part) => part.policy.caught))).toBe(kpis.overall.policy.caught);
      }),
      { numRuns: runsEach },
    );
  }, 120_000);

  test("every failed run is an incident with a failing entry of its own", async () => {
    await fc.assert(
      fc.asyncProperty(arbTrials, async (trials) => {
        for (const run of await played(trials.map((trial) => ({ ...trial, kept: 1 })))) {
          const { incident, status } = factsOf(run);
          if (status === "failed") expect(incident).toBeDefined();
          if (!incident) continue;
          const entry = run.entries[incident.seq - 1];
          expect(entry).toMatchObject({ seq: incident.seq, type: incident.type, path: incident.path });
          const { error } = (entry?.body ?? {}) as { readonly error?: { readonly code: string } };
          if (error) expect(error.code).toBe(incident.code);
        }
      }),
      { numRuns: runsEach },
    );
  }, 120_000);

  test("with any bodies erased nothing throws, and no more is contained than can be told", async () => {
    await fc.assert(
      fc.asyncProperty(arbTrials, fc.array(fc.boolean(), { minLength: 5, maxLength: 40 }), async (trials, erased) => {
        const runs = await played(trials);
        const left = runs.map((run) => ({
          ...run,
          entries: run.entries.map((entry, index) =>
            erased[index % erased.length] ? ({ ...entry, body: {} } as unknown as Entry) : entry,
          ),
        }));
        const [before, after] = [(await kpisOf(runs)).overall, (await kpisOf(left)).overall];
        expect(after.runs.ended).toBe(before.runs.ended);
        expect(after.runs.cases + after.runs.delegated + after.runs.undo).toBe(before.runs.cases);
        expect(after.containment.of + after.containment.untold).toBe(before.containment.of);
        expect(after.cost.microUsd).toBeLessThanOrEqual(before.cost.microUsd);
        expect(JSON.stringify(after)).not.toMatch(/NaN|undefined|Infinity/);
      }),
      { numRuns: runsEach },
    );
  }, 120_000);
});

test.each(goldenRuns)("$name: a run of long ago has its KPIs", async (run) => {
  const { entries } = await playGolden(run);
  const { overall } = await kpisOf([{ runId: run.name, entries }]);
  const isUndo = entries[0]?.type === "run.started" && entries[0].body.compensates !== undefined;
  expect([overall.runs.cases, overall.runs.undo]).toEqual(isUndo ? [0, 1] : [1, 0]);
  if (!isUndo) expect(overall.trace.value).toBe(1);
});
