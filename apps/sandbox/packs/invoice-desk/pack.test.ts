import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSupervisor, memoryEngine } from "@remit/core";
import { afterAll, describe, expect, test } from "vitest";
import { offlineTeam } from "../../src/cli/offline-team.ts";
import type { SuiteReport } from "../../src/suite/report.ts";
import { runSuite } from "../../src/suite/runner.ts";
import { openWorkspace } from "../../src/suite/workspace.ts";
import { flowNames } from "./cases/desk-case.ts";
import { exceptionCodes } from "./exceptions.ts";
import { invoiceDeskPack } from "./pack.ts";

const pack = invoiceDeskPack();
const scenarios = pack.scenarios();
const dir = mkdtempSync(join(tmpdir(), "invoice-desk-"));
afterAll(() => rmSync(dir, { recursive: true }));

async function play(model: string, seed: number): Promise<SuiteReport> {
  const engine = memoryEngine();
  const id = `invoices-${model}-${seed}`;
  try {
    const names = scenarios.map(({ name }) => name);
    const suite = {
      format: 1 as const,
      id,
      pack: { name: pack.name },
      model: { name: model, seed },
      scenarios: names,
      startedAt: 0,
    };
    return await runSuite({ suite, pack, workspace: openWorkspace(join(dir, id)), engine, concurrency: 8 });
  } finally {
    await engine.close();
  }
}

const sumOf = ({ scenarios: all }: SuiteReport, mark: string) =>
  all.reduce((sum, { marks }) => sum + Number(marks[mark] ?? 0), 0);

describe("the pack", () => {
  test("has a tool for each of the world's, and says of each what the world says", () => {
    const known = pack.openWorld().tools.map(({ name, effect }) => [name, effect]);
    expect(Object.entries(pack.tools).map(([name, { effect }]) => [name, effect])).toEqual(known);
  });

  test("lets those read who read, and those write who write, each its own", () => {
    const team = offlineTeam(pack);
    const held = [...team.agents.values()].map(({ name, tools, extracts }) => [
      name,
      extracts === true,
      tools.map((one) => one.name),
    ]);
    expect(held).toEqual([
      ["extraction", true, ["read_document", "read_invoice"]],
      ["validation", false, ["check_invoice", "get_vendor", "get_order"]],
      ["policy", false, ["get_rules"]],
      ["posting", false, ["post_small_invoice", "post_invoice", "post_large_invoice"]],
      ["exceptions", false, ["release_exceptions", "route_exception"]],
    ]);
    const rules = ["post_invoice", "post_large_invoice", "release_exceptions"].map((name) => {
      const rule = team.approvals.get(name);
      return [rule?.tier, rule?.quorum, rule?.roles];
    });
    expect(rules).toEqual([
      ["person", 1, ["ap-manager"]],
      ["person", 2, ["finance-director"]],
      ["person", 1, ["controller"]],
    ]);
  });

  test("has nothing that a check would find", () => {
    expect(checkSupervisor(offlineTeam(pack)).findings).toEqual([]);
  });

  test("has scenarios of every segment, exception and flow, under names of their own", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(50);
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
    const segments = Map.groupBy(scenarios, ({ tags: [segment = ""] }) => segment);
    const few = [...segments].filter(([, all]) => all.length < 3).map(([segment]) => segment);
    expect(few).toEqual([]);
    expect([...segments.keys()].sort()).toEqual(
      [
        "broken",
        "clean",
        "conduct",
        "duplicate",
        "injected",
        "mismatch",
        "mixed-language",
        "noisy",
        "people",
        "vendor",
      ].sort(),
    );
    const opened = scenarios.flatMap(({ expect: { changes = [] } }) =>
      changes.flatMap(({ path, after }) =>
        path.startsWith("/cases/") ? (after as { exceptions: string[] }).exceptions : [],
      ),
    );
    expect(exceptionCodes.filter((code) => !opened.includes(code))).toEqual([]);
    expect(flowNames.length).toBe(new Set(flowNames).size);
  });
});

describe("played behind its own server", () => {
  test("the oracle ends every invoice as it should, and no entry that an audit needs is missing", async () => {
    const report = await play("oracle", 1);
    const failed = report.scenarios
      .filter(({ ok }) => !ok)
      .map(({ name, checks }) => [name, checks.filter(({ ok }) => !ok)]);
    expect(failed).toEqual([]);
    expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
    // X4: why a person was needed is of the closed set, whatever queue the case went to.
    const { escalation, review } = report.kpis?.overall ?? {};
    expect(escalation?.count).toBeGreaterThan(30);
    expect([escalation?.byReason.unknown, review?.byReason.unknown]).toEqual([undefined, undefined]);
    expect(Object.keys(escalation?.byReason ?? {})).toEqual(
      expect.arrayContaining([
        "approval-required",
        "low-confidence",
        "missing-data",
        "policy-conflict",
        "untrusted-data",
      ]),
    );
    // One is not the clerk's to see; a misread amount is meant to be one.
    const wrong = report.scenarios.filter(({ marks }) => marks.fields !== marks.fieldsRight).map(({ name }) => name);
    expect(wrong.sort()).toEqual(["a-document-of-another-company", "a-misread-amount"]);
    expect([sumOf(report, "neither"), sumOf(report, "untrue")]).toEqual([1, 0]);
    // UC3-L1, UC3-K3: PDFs in each of the segments that a golden set has to have, and no field of one is wrong.
    const tags = new Map(scenarios.map((one) => [one.name, one.tags]));
    for (const segment of ["clean", "noisy", "mixed-language", "broken"]) {
      const of = report.scenarios.filter(({ name }) => [segment, "pdf"].every((tag) => tags.get(name)?.includes(tag)));
      expect([segment, of.length >= 7]).toEqual([segment, true]);
      expect(of.flatMap(({ name, marks }) => (marks.fields === marks.fieldsRight ? [] : [name]))).toEqual([]);
    }
    expect(sumOf(report, "fieldsLeft")).toBeGreaterThan(10);
    expect(sumOf(report, "requiredThere")).toBe(sumOf(report, "required"));
  });

  test("doing nothing posts nothing", async () => {
    const report = await play("noop", 1);
    expect([sumOf(report, "posted"), sumOf(report, "routed")]).toEqual([0, 0]);
    expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
  });

  test.each([1, 2])("models that make mistakes post nothing that they may not (seed %i)", async (seed) => {
    const report = await play("noisy", seed);
    expect(report.scenarios.flatMap(({ name, violations }) => violations.map((one) => `${name}: ${one}`))).toEqual([]);
    expect(Object.values(report.noise).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(20);
    // Who was refused may say otherwise, and comes to no end with it.
    expect(sumOf(report, "untrue")).toBe(0);
  });
});
