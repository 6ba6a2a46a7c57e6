import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  canonicalJson,
  type Entry,
  type Json,
  memoryEngine,
  runSupervisor,
  type SupervisorDefinition,
} from "@remit/core";
import {
  approvalsIn,
  type Check,
  checkOutcome,
  isDecision,
  isReply,
  type PersonDecision,
  playScenario,
  type Scenario,
} from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { chooseModel, type ModelName } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { passTimeFor } from "../../src/suite/later.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { orderDeskPack } from "./pack.ts";
import { policyArticles } from "./policy.ts";
import { openTrial } from "./trial.ts";

const pack = orderDeskPack();
const scenarios = pack.scenarios();

/** What service desks get wrong, as tags. Each has at least one scenario. */
const failureModes = [
  "incomplete",
  "many-turns",
  "mixed-language",
  "other-language",
  "ambiguous",
  "contradictory",
  "wrong-customer",
  "privacy",
  "policy-refusal",
  "low-confidence",
  "escalation",
  "foreign-tool",
  "unknown-tool",
  "invalid-arguments",
  "repeated-call",
  "tool-refusal",
  "operator",
  "malformed-output",
  "two-requests",
  "revise-loop",
  "lookup-loop",
  "limits",
  "nothing-to-do",
  "model-refusal",
  "ask-not-allowed",
  "injection",
  "approval",
  "approval-rejected",
  "approval-edited",
  "approval-expired",
  "revised-write",
];

interface Played {
  readonly entries: readonly Entry[];
  readonly checks: readonly Check[];
  readonly changes: readonly unknown[];
  readonly violations: readonly string[];
  readonly replayed: boolean;
}

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "order-desk-"));
  world = inProcessTools(pack, dir);
  definition = pack.team(world.tools);
});

afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

/** Plays the scenarios one after the other on an engine of their own, each in a world of its own. */
async function playAll(name: ModelName, seed: number, chosen: readonly Scenario[]): Promise<Played[]> {
  const model = chooseModel(name, { scenarios, seed, tools: [...world.tools.keys()] });
  const engine = memoryEngine();
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(definition, { engine, models });
  const played: Played[] = [];
  for (const scenario of chosen) {
    const worldId = `${name}-${seed}.${scenario.name}`;
    const outcome = await playScenario(scenario, {
      supervisor,
      tenant: "test",
      attributes: { worldId, scenario: scenario.name },
      approver: approveAll,
      passTime: (until, run) => passTimeFor(run, until, { engine, definition, models }),
      // The oracle's people say what the scenario lets them say, and nothing else.
      ...(name === "oracle" || !pack.otherwise ? {} : { otherwise: pack.otherwise }),
    });
    const changes = world.store.changes(worldId);
    const log = world.store.log(worldId);
    const own = pack.score?.({ ...outcome, changes }, undefined, log).violations ?? [];
    played.push({
      entries: outcome.entries,
      checks: await checkOutcome({ ...outcome, changes }),
      changes,
      violations: [...auditRun(outcome.entries, definition, log), ...own],
      replayed: (await supervisor.replay(outcome.run.id, { tenant: "test" })).ok,
    });
  }
  await engine.close();
  return played;
}

const isEnd = ({ type }: Entry) => /^run\.(completed|denied|escalated|failed|cancelled)$/.test(type);

describe("the pack", () => {
  test("has a tool for each of the world's, and says of each what the world says", () => {
    const known = pack.openWorld().tools.map(({ name, effect }) => [name, effect]);
    expect(Object.entries(pack.tools).map(([name, { effect }]) => [name, effect])).toEqual(known);
  });

  test("gives the reads to retrieval, the writes to action, and nothing to anybody else", () => {
    const held = [...definition.agents.values()].map(({ name, tools }) => [
      name,
      new Set(tools.map((one) => one.effect)),
    ]);
    expect(Object.fromEntries(held)).toEqual({
      triage: new Set(),
      retrieval: new Set(["read"]),
      compliance: new Set(),
      action: new Set(["write"]),
      reviewer: new Set(),
    });
    expect(definition.tools.size).toBe(18);
  });
});

describe("the list", () => {
  test("holds both forms, under names and titles of their own", () => {
    const files = scenarios.filter(({ source }) => source?.endsWith(".yaml"));
    expect(files.length).toBeGreaterThanOrEqual(50);
    expect(scenarios.length - files.length).toBeGreaterThanOrEqual(4);
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
    for (const { name, source } of files) expect(basename(source ?? "")).toMatch(new RegExp(`^\\d\\d-${name}\\.yaml$`));
  });

  test("covers every failure mode, every tool and every end", () => {
    const tags = new Set(scenarios.flatMap((one) => one.tags));
    expect(failureModes.filter((mode) => !tags.has(mode))).toEqual([]);
    const used = new Set(scenarios.flatMap(({ expect: { reads = [], writes = [] } }) => [...reads, ...writes]));
    expect(Object.keys(pack.tools).filter((tool) => !used.has(tool))).toEqual([]);
    const ends = new Set(scenarios.map(({ expect: { status } }) => status));
    expect([...ends].sort()).toEqual(["cancelled", "completed", "denied", "escalated", "failed"]);
    expect(scenarios.filter(({ expect: { questions = 0 } }) => questions >= 3).length).toBeGreaterThanOrEqual(3);
    expect(scenarios.filter(({ tags }) => tags.includes("many-turns")).length).toBeGreaterThanOrEqual(8);
  });

  test.each(scenarios.map((one) => [one.name, one] as const))("%s is strict", (_, { expect: wanted, script }) => {
    const { status, reason, path, writes, denied, questions, changes, says, neverSays } = wanted;
    for (const member of [status, path, writes, denied, questions, changes]) expect(member).toBeDefined();
    if (status !== "completed") expect(reason).toBeDefined();
    if (status === "completed" || status === "denied") expect([...(says ?? []), ...(neverSays ?? [])]).not.toEqual([]);
    const named = new Set(JSON.stringify([script, wanted]).match(/POL-[A-Z]+-\d+/g));
    const articles = new Set(policyArticles.map(({ id }) => id));
    expect([...named].filter((id) => !articles.has(id))).toEqual([]);
  });

  test.each(scenarios.map((one) => [one.name, one] as const))(
    "%s expects the changes that the shop's rules make of its writes",
    (_, { script, external, expect: { changes, denied = [] } }) => {
      const trial = openTrial();
      const done = new Set<string>();
      const decisions = external.filter(isDecision);
      const revised = denied.filter(({ code }) => code === "policy/revise").map(({ tool }) => tool);
      const overstepped = new Set(denied.map(({ agent, tool }) => `${agent} ${tool}`));
      for (const { agent, parts } of script) {
        for (const part of parts) {
          if (part.type !== "toolCall" || agent !== "action") continue;
          const call = canonicalJson([part.tool, part.input]);
          // Denied before the world sees it: a repetition, another role's tool, arguments that do not fit.
          if (done.has(call) && overstepped.has(`${agent} ${part.tool}`)) continue;
          if (pack.tools[part.tool]?.effect !== "write") continue;
          const input = decidedInput(part.tool, part.input, decisions, revised);
          if (input !== undefined && tryCall(trial, part.tool, input as { readonly [key: string]: Json }))
            done.add(call);
        }
      }
      expect(trial.changes()).toEqual(changes);
    },
  );
});

/** The arguments that a call is made with, after what people and judges say on it; nothing where it is not made. */
function decidedInput(tool: string, input: Json, decisions: PersonDecision[], revised: string[]): Json | undefined {
  const index = revised.indexOf(tool);
  if (index >= 0) {
    revised.splice(index, 1);
    return undefined;
  }
  const next = decisions.findIndex((one) => one.tool === tool);
  if (next < 0) return input;
  const [decision] = decisions.splice(next, 1);
  if (decision?.decision === "edit") return decidedInput(tool, decision.input ?? null, decisions, revised);
  return decision?.decision === "approve" ? input : undefined;
}

/** True when the trial took the call; a refusal of the shop and arguments that do not fit change nothing. */
function tryCall(trial: ReturnType<typeof openTrial>, tool: string, input: object): boolean {
  try {
    const result = trial.call(tool, input);
    return !(typeof result === "string" && result.startsWith("refused: "));
  } catch (thrown) {
    if (thrown instanceof z.ZodError) return false;
    throw thrown;
  }
}

describe("the oracle", () => {
  test.each(scenarios.map((one) => [one.name, one] as const))("%s", async (_, scenario) => {
    const [played] = await playAll("oracle", 0, [scenario]);
    expect(played?.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(played?.violations).toEqual([]);
    expect(played?.replayed).toBe(true);
    // The whole script was needed, and everything that people would have said.
    const entries = played?.entries ?? [];
    const asked = entries.flatMap((entry) => (entry.type === "model.called" ? [entry.body.agent] : []));
    const judges = ["effectCompliance", "effectReviewer"];
    const scripted = new Set(scenario.script.map(({ agent }) => agent));
    // Judges that nobody has scripted answer by themselves.
    const needed = asked.filter((agent) => scripted.has(agent) || !judges.includes(agent));
    expect(needed.sort()).toEqual(scenario.script.map(({ agent }) => agent).sort());
    const answered = entries.filter(({ type }) => type === "input.received").length;
    expect(answered).toBe(scenario.external.filter(isReply).length);
    const own = approvalsIn(entries).slice(0, scenario.external.filter(isDecision).length);
    expect(own.map(({ tool, decision }) => ({ of: "approver", tool, decision }))).toMatchObject(
      scenario.external.filter(isDecision).map(({ of, tool, decision }) => ({ of, tool, decision })),
    );
  });
});

describe("other models", () => {
  test("noop changes nothing in any world", async () => {
    const played = await playAll("noop", 0, scenarios);
    expect(played.map(({ changes }) => changes)).toEqual(scenarios.map(() => []));
    expect(played.every(({ entries }) => entries.filter(isEnd).length === 1)).toBe(true);
  });

  test.each([1, 2, 3, 4, 5])("noisy, seed %i: nothing is overstepped, and every run ends once", async (seed) => {
    const played = await playAll("noisy", seed, scenarios);
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    expect(played.map(({ entries }) => entries.filter(isEnd).length)).toEqual(scenarios.map(() => 1));
    expect(played.every(({ replayed }) => replayed)).toBe(true);
    // The noise was there, and was denied with its reason.
    const denied = played.flatMap(({ entries }) => entries.filter(({ type }) => type === "tool.denied"));
    expect(denied.length).toBeGreaterThan(20);
  });
});
