import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completenessOf, type Entry, type EntryType, memoryEngine, type SupervisorDefinition } from "@remit/core";
import { simulate } from "@remit/sandbox/simulator";
import { describe, expect, onTestFinished, test } from "vitest";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { readRun } from "../../apps/sandbox/src/cli/recorded-run.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { definitionOf, goldenRuns, playGolden } from "../golden/runs.ts";

/** What a run must have, it has; and what is taken out is missed. */

describe.each(goldenRuns)("$name", (run) => {
  test("is complete, by its entries alone and by its definition", async () => {
    const { entries } = await playGolden(run);
    for (const definition of [undefined, definitionOf(run)]) {
      const { missing, present, required } = completenessOf(entries, definition);
      expect(missing).toEqual([]);
      expect(present).toBe(required);
      expect(required).toBeGreaterThan(3);
    }
  });
});

test("every scenario of the order desk is complete", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-complete-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const pack = orderDeskPack();
  const engine = memoryEngine();
  let definition: SupervisorDefinition | undefined;
  const report = await runSuite({
    onEvent: (event) => {
      if (event.type === "connected") ({ definition } = event.supervisor);
    },
    suite: {
      format: 1,
      id: "complete",
      pack: { name: pack.name },
      model: { name: "oracle", seed: 0 },
      scenarios: pack.scenarios().map(({ name }) => name),
      startedAt: 0,
    },
    pack,
    workspace: openWorkspace(folder),
    engine,
  });
  expect(report.scenarios.length).toBeGreaterThan(50);
  for (const { runId, name, status } of report.scenarios) {
    const { entries } = await readRun(engine.journal, { tenant: "complete", runId });
    const { missing } = completenessOf(entries, definition);
    const expected = status === "parked" ? [expect.objectContaining({ wants: "an end of the run" })] : [];
    expect(missing, name).toEqual(expected);
  }
  await engine.close();
}, 300_000);

test("every run of a sample of simulations is complete, whatever went wrong", async () => {
  const seeds = Number(process.env.REMIT_COMPLETENESS_SEEDS ?? 60);
  for (let seed = 0; seed < seeds; seed++) {
    const { violations } = await simulate(seed);
    expect(
      violations.filter(({ promise }) => promise === "M1–M5"),
      `seed ${seed}`,
    ).toEqual([]);
  }
}, 240_000);

test.each<[EntryType, string]>([
  ["run.started", "run.started as the first entry"],
  ["model.responded", "model.responded or model.failed"],
  ["budget.reserved", "budget.reserved or budget.refused"],
  ["handoff.returned", "handoff.returned or agent.failed"],
  ["effect.intended", "effect.intended"],
  ["effect.settled", "effect.settled or effect.uncertain"],
  ["approval.granted", "approval.granted"],
  ["approval.requested", "approval.requested"],
  ["approval.decided", "approval.decided by everybody it names"],
  ["run.completed", "an end of the run"],
])("without its %s a run misses it", async (type, wants) => {
  const run = goldenRuns.find(({ name }) => name === "a-fine-is-waived");
  const { entries } = await playGolden(run as (typeof goldenRuns)[number]);
  const without = withoutLast(entries, type);
  expect(without.length).toBe(entries.length - 1);
  const { missing, present, required } = completenessOf(without);
  expect(missing.map((one) => one.wants)).toContain(wants);
  expect(present).toBeLessThan(required);
});

function withoutLast(entries: readonly Entry[], type: EntryType): readonly Entry[] {
  return entries.toSpliced(
    entries.findLastIndex((entry) => entry.type === type),
    1,
  );
}
