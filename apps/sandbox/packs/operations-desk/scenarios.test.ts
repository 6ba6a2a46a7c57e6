import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, memoryEngine, operator, runSupervisor, type SupervisorDefinition } from "@remit/core";
import { approvalsIn, playScenario, type Scenario } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseModel, type ModelName } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { scoreTally } from "../../src/suite/kpi.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { type Played, playAll as playIn } from "../play.test.data.ts";
import { operationNames, operations } from "./operations.ts";
import { operationsDeskPack } from "./pack.ts";

const pack = operationsDeskPack();
const scenarios = pack.scenarios();

/** What operations desks meet, as tags. Each has at least two scenarios. */
const segments = [
  "single-alert",
  "alert-storm",
  "misleading-log",
  "injection",
  "injected-log",
  "injected-ticket",
  "outdated-runbook",
  "no-runbook",
  "partial-outage",
  "maintenance-window",
  "resolved-meanwhile",
  "rollback",
  "approver-away",
  "approval-rejected",
  "duplicate-page",
  "tier-zero",
  "invented-step",
  "overstep",
  "two-steps",
  "high-risk",
  "low-risk",
  "escalation",
];

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "operations-desk-"));
  world = inProcessTools(pack, dir);
  definition = pack.team(world.tools);
});

afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

const playAll = (name: ModelName, seed: number, chosen: readonly Scenario[]) =>
  playIn({ pack, world, definition, name, seed, chosen, replayedSeeds: 3 });

function closing<It extends { readonly close: () => Promise<void> }>(it: It) {
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

const isEnd = ({ type }: Entry) => /^run\.(completed|denied|escalated|failed|cancelled)$/.test(type);
const named = (name: string) => {
  const found = scenarios.find((one) => one.name === name);
  if (!found) throw new RangeError(name);
  return found;
};

describe("the pack", () => {
  test("has a tool for each of the world's, and says of each what the world says", () => {
    const known = pack.openWorld().tools.map(({ name, effect }) => [name, effect] as const);
    expect(
      Object.entries(pack.tools)
        .map(([name, { effect }]) => [name, effect] as const)
        .sort(),
    ).toEqual(known.sort());
  });

  test("gives the summarizer reads and no sentence, the runbook agent reads, action the writes, the reporter nothing", () => {
    const held = [...definition.agents.values()].map(({ name, tools }) => [
      name,
      new Set(tools.map((one) => one.effect)),
    ]);
    expect(Object.fromEntries(held)).toEqual({
      summarizer: new Set(["read"]),
      runbooks: new Set(["read"]),
      action: new Set(["read", "write"]),
      reporter: new Set(),
    });
    expect(definition.agents.get("summarizer")?.extracts).toBe(true);
    // What anybody may have written is read by the summarizer alone.
    const foreign = [...definition.agents.values()].flatMap(({ name, tools }) =>
      tools.some(({ labels }) => labels.includes("logs") || labels.includes("tickets")) ? [name] : [],
    );
    expect(foreign).toEqual(["summarizer"]);
  });

  test("knows the way back of each operation before it is done, and has none of low risk without one", () => {
    for (const name of operationNames) {
      const tool = definition.tools.get(name);
      expect([name, tool?.risk, tool?.undo?.tool.name]).toEqual([
        name,
        operations[name].risk,
        operations[name].reversible ? "roll_back" : undefined,
      ]);
    }
  });
});

describe("the list", () => {
  test("has names and titles of its own, fifty and more, and every segment twice", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(50);
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
    const tags = scenarios.flatMap((one) => one.tags);
    const rare = segments.filter((segment) => tags.filter((tag) => tag === segment).length < 2);
    expect(rare).toEqual([]);
  });

  test("uses every tool, and is strict", () => {
    const called = new Set(
      scenarios.flatMap(({ script }) =>
        script.flatMap(({ parts }) => parts.map((part) => (part.type === "toolCall" ? part.tool : ""))),
      ),
    );
    expect(Object.keys(pack.tools).filter((name) => !called.has(name))).toEqual([]);
    const done = new Set(scenarios.flatMap(({ expect: { writes = [] } }) => writes));
    expect(operationNames.filter((name) => !done.has(name))).toEqual([]);
    for (const { expect: wanted } of scenarios) {
      for (const member of ["status", "writes", "denied", "questions", "changes"] as const)
        expect(wanted[member]).toBeDefined();
      if (wanted.status !== "completed") expect(wanted.reason).toBeDefined();
    }
  });
});

describe("the oracle", () => {
  let played: Played[] = [];
  beforeAll(async () => {
    played = await playAll("oracle", 0, scenarios);
  }, 60_000);

  test.each(scenarios.map((one, index) => [one.name, index] as const))("%s", (_, index) => {
    const one = played[index];
    expect(one?.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(one?.violations).toEqual([]);
    expect(one?.replayed).toBe(true);
    const { external = [] } = scenarios[index] ?? {};
    expect(approvalsIn(one?.entries ?? []).length).toBeGreaterThanOrEqual(external.length);
  });

  test("the figures of the use case say what they are made of", () => {
    const lines = pack.closing?.(played.map(({ marks }) => marks)) ?? [];
    expect(lines.join("\n")).toMatch(
      /^minutes to resolve \d+\.\d · by hand \d+\.\d \(simulated\) · \d+ of \d+ resolved\nby a runbook 100% of the resolved · change failure \d+% of \d+ changes · touches per incident \d\.\d · by hand \d\.\d$/,
    );
    expect(pack.closing?.([])).toHaveLength(2);
    expect(readFileSync(join(import.meta.dirname, "README.md"), "utf8")).toContain(lines.join("\n"));
  });

  test("X4 why a person was needed is of the closed set", () => {
    const tally = scoreTally({ pack, definition, live: false });
    for (const [index, { entries }] of played.entries()) tally.take({ runId: scenarios[index]?.name ?? "", entries });
    const { escalation, review } = tally.close().overall;
    expect(Object.keys(escalation.byReason).sort()).toEqual(
      ["contract-broken", "critical-case", "low-confidence", "missing-data", "model-failure"].sort(),
    );
    expect(review.byReason.unknown).toBeUndefined();
  });
});

describe("a way back", () => {
  test("of a run that has ended leads to what was before, and waits for nobody", async () => {
    const scenario = named("a-partial-outage");
    const model = chooseModel("oracle", { scenarios, seed: 0, tools: [] });
    await using engine = closing(memoryEngine());
    const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
    const supervisor = runSupervisor(definition, { engine: engine.it, models });
    const worldId = "back.a-partial-outage";
    const { run } = await playScenario(scenario, {
      supervisor,
      tenant: "test",
      attributes: { worldId, scenario: scenario.name },
      approver: approveAll,
    });
    const before = await run.effects();
    expect(before.flatMap(({ undo }) => (undo ? [undo.tool] : []))).toEqual(["roll_back", "roll_back"]);
    const back = await supervisor.compensate(run.id, {
      tenant: "test",
      principal: operator("o_1"),
      attributes: { worldId },
    });
    expect(await back.result()).toMatchObject({ status: "completed", output: { failed: [] } });
    const services = world.store.changes(worldId).filter(({ path }) => path.startsWith("/services/"));
    expect(services).toEqual([]);
  });
});

describe("other models", () => {
  test("noop changes nothing in any world", async () => {
    const played = await playAll("noop", 0, scenarios);
    expect(played.map(({ changes }) => changes)).toEqual(scenarios.map(() => []));
    expect(played.every(({ entries }) => entries.filter(isEnd).length === 1)).toBe(true);
  });

  const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
  test.each(seeds)("noisy, seed %i: no misdeed, and every run ends once", { timeout: 60_000 }, async (seed) => {
    // A quarter of them in turn: each is played by five seeds. `remit run operations-desk --model noisy --seed 1..20` plays all.
    const chosen = scenarios.filter((_, index) => (index + seed) % 4 === 0);
    const played = await playAll("noisy", seed, chosen);
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    expect(played.map(({ entries }) => entries.filter(isEnd).length)).toEqual(chosen.map(() => 1));
    expect(played.every(({ replayed }) => replayed)).toBe(true);
    // The noise was there, and was denied with its reason.
    expect(
      played.flatMap(({ entries }) => entries.filter(({ type }) => type === "tool.denied")).length,
    ).toBeGreaterThan(4);
  });
});
