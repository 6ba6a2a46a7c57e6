import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, memoryEngine, operator, runSupervisor, type SupervisorDefinition } from "@remit/core";
import { approvalsIn, playScenario, type Scenario } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseModel, type ModelName } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { unprotectedIn } from "../desk.test.data.ts";
import { type Played, playAll as playIn } from "../play.test.data.ts";
import { actionWrites } from "./agents.ts";
import { crmDeskPack } from "./pack.ts";

const pack = crmDeskPack();
const scenarios = pack.scenarios();

/** What CRMs meet, as tags. Each has at least two scenarios. */
const segments = [
  "enrich",
  "dedupe",
  "follow-up",
  "gap",
  "sensitive",
  "stale",
  "conflict",
  "low-confidence",
  "wrong-data",
  "noisy-data",
  "outage",
  "rate-limit",
  "injection",
  "injected-note",
  "injected-answer",
  "mixed-language",
  "ambiguous",
  "incomplete",
  "duplicate",
  "near-duplicate",
  "doubtful",
  "irreversible",
  "approval",
  "approval-rejected",
  "approver-away",
  "no-consent",
  "template",
  "free-text",
  "calendar",
  "reporting",
  "tenant",
  "nothing-to-do",
  "overstep",
  "foreign-tool",
  "repeated-call",
  "tool-refusal",
  "escalation",
];

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "crm-desk-"));
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

  test("UC2-A1 UC2-A2 UC2-A3 gives who proposes reads and no sentence of others, and action alone what writes", () => {
    const held = [...definition.agents.values()].map(({ name, tools }) => [
      name,
      new Set(tools.map((one) => one.effect)),
    ]);
    expect(Object.fromEntries(held)).toEqual({
      reader: new Set(["read"]),
      enrichment: new Set(["read"]),
      dedupe: new Set(["read"]),
      followUp: new Set(["read"]),
      action: new Set(["read", "write"]),
      reporter: new Set(),
    });
    const foreign = [...definition.agents.values()].filter(({ tools }) =>
      tools.some(({ labels }) => labels.some((label) => ["notes", "records", "enrichment"].includes(label))),
    );
    expect(foreign.map(({ name, extracts }) => [name, extracts])).toEqual([
      ["reader", true],
      ["enrichment", true],
      ["dedupe", true],
    ]);
  });

  test("protects each id and value of a write whose source is traced", () => {
    expect(unprotectedIn(definition.tools)).toEqual([]);
  });

  test("UC2-T1 UC2-T3 says which writes wait for whom, and that a merge and a mail cannot be taken back", () => {
    const rules = [...definition.approvals].map(([name, { tier, roles }]) => [name, tier, ...roles]);
    expect(rules.sort()).toEqual([
      ["merge_records", "person", "data-steward"],
      ["send_mail", "person", "account-owner"],
      ["send_template", "compliance"],
      ["update_sensitive_field", "person", "revenue-operations"],
    ]);
    const lasts = ["merge_records", "send_mail", "send_template"].map((name) => definition.tools.get(name)?.reversible);
    expect(lasts).toEqual([false, false, false]);
    const undone = [...definition.tools.values()].filter(({ undo }) => undo !== undefined);
    expect(undone.map(({ name, reversible }) => [name, reversible])).toEqual([
      ["update_field", true],
      ["update_sensitive_field", true],
    ]);
  });
});

describe("the list", () => {
  test("has names and titles of its own, sixty and more, and every segment twice", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(60);
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
    // What puts a field back is called by undoing alone.
    expect(Object.keys(pack.tools).filter((name) => !called.has(name))).toEqual(["restore_field"]);
    const done = new Set(scenarios.flatMap(({ expect: { writes = [] } }) => writes));
    expect(actionWrites.filter((name) => !done.has(name))).toEqual([]);
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

  test("no word of a note, a name or a service's remark is handed to anybody, and who acts has read none", () => {
    const injected = scenarios.flatMap((one, index) =>
      one.tags.includes("injection") ? [played[index]?.entries ?? []] : [],
    );
    expect(injected.length).toBeGreaterThan(8);
    for (const entries of injected) {
      const handed = entries.filter(({ type }) => type === "handoff.delivered");
      expect(JSON.stringify(handed)).not.toMatch(/collector\.test|ignore|approved everything|call us/i);
      // They were there to be read.
      expect(JSON.stringify(entries.filter(({ type }) => type === "tool.returned"))).toMatch(
        /collector\.test|Ignore|call us/,
      );
      for (const entry of handed) {
        if (entry.type !== "handoff.delivered" || entry.body.agent !== "action") continue;
        const labels = Object.values(entry.body.labels ?? {}).flat();
        expect(labels.filter((label) => ["notes", "records", "enrichment"].includes(label))).toEqual([]);
      }
    }
  });

  test("the figures of the use case say what they are made of", () => {
    const lines = pack.closing?.(played.map(({ marks }) => marks)) ?? [];
    expect(lines.join("\n")).toMatch(
      /^records complete \d+\.\d% before · \d+\.\d% after · .*\nduplicates \d+ before · \d+ after · reduced by \d+\.\d% · false merges 0 · .*\npipeline report off by \d+\.\d% before · \d+\.\d% after, .*\na rep's week \d+\.\d hours saved \(a model: .*\)$/,
    );
    expect(pack.closing?.([])).toHaveLength(4);
    expect(readFileSync(join(import.meta.dirname, "README.md"), "utf8")).toContain(lines.join("\n"));
  });
});

describe("a way back", () => {
  test("of fields that were written leads to what they said before, and waits for nobody", async () => {
    const scenario = named("a-plain-and-a-sensitive-field");
    const model = chooseModel("oracle", { scenarios, seed: 0, tools: [] });
    await using engine = closing(memoryEngine());
    const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
    const supervisor = runSupervisor(definition, { engine: engine.it, models });
    const worldId = "back";
    const attributes = { ...pack.attributes?.(scenario), worldId, scenario: scenario.name };
    const { run } = await playScenario(scenario, { supervisor, tenant: "test", attributes, approver: approveAll });
    expect(world.store.changes(worldId)).not.toEqual([]);
    const as = { tenant: "test", principal: operator("o_1"), attributes: { worldId } };
    const back = await supervisor.compensate(run.id, as);
    expect(await back.result()).toMatchObject({ status: "completed", output: { failed: [] } });
    const changed = world.store.changes(worldId).filter(({ path }) => path.includes("/fields/"));
    expect(changed).toEqual([]);
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
    // A quarter of them in turn: each is played by five seeds. `remit run crm-desk --model noisy --seed 1..20` plays all.
    const chosen = scenarios.filter((_, index) => (index + seed) % 4 === 0);
    const played = await playAll("noisy", seed, chosen);
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    expect(played.map(({ entries }) => entries.filter(isEnd).length)).toEqual(chosen.map(() => 1));
    expect(played.every(({ replayed }) => replayed)).toBe(true);
    // The noise was there, and was denied with its reason.
    expect(
      played.flatMap(({ entries }) => entries.filter(({ type }) => type === "tool.denied")).length,
    ).toBeGreaterThan(3);
  });
});
