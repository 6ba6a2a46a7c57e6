import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkSupervisor,
  completenessOf,
  type Entry,
  memoryEngine,
  operator,
  runSupervisor,
  type SupervisorDefinition,
} from "@remit/core";
import { humanReasons } from "@remit/core/kpi";
import { approvalsIn, type Check, checkOutcome, checkUsed, playScenario, type Scenario } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseModel, type ModelName } from "../../src/model/choice.ts";
import type { Marks } from "../../src/pack.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { type ScoredRun, scoreTally } from "../../src/suite/kpi.ts";
import { passTimeFor } from "../../src/suite/later.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { unprotectedIn } from "../desk.test.data.ts";
import { supplyDeskPack } from "./pack.ts";
import { handOverReasons, reasonWords } from "./reasons.ts";
import { approvers, orderToolNames, orderTools, tiers } from "./tiers.ts";

const pack = supplyDeskPack();
const scenarios = pack.scenarios();

/** What supply desks meet, as tags. Each has at least two scenarios. */
const segments = [
  "auto",
  "buyer",
  "head",
  "board",
  "approval",
  "vendor-class",
  "wide-band",
  "stale-forecast",
  "unusable-band",
  "not-needed",
  "on-its-way",
  "storage-limit",
  "shelf-life",
  "pack-size",
  "discontinued",
  "letter",
  "enquiry",
  "expedite",
  "second-vendor",
  "vendor-reply",
  "vendor-conflict",
  "comments",
  "injection",
  "injected-reply",
  "account-change",
  "address-change",
  "order-more",
  "cap",
  "portal-declines",
  "approval-rejected",
  "approver-away",
  "wrong-quantity",
  "lower-tier",
  "other-decision",
  "other-role",
  "other-vendor",
  "contradiction",
  "misread",
  "incomplete",
  "ambiguous",
  "overstep",
  "escalation",
];

interface Played {
  readonly entries: readonly Entry[];
  readonly checks: readonly Check[];
  readonly marks: Marks;
  readonly changes: readonly unknown[];
  readonly violations: readonly string[];
  readonly replayed: boolean;
}

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "supply-desk-"));
  world = inProcessTools(pack, dir);
  definition = pack.team(world.tools);
});

afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

const closing = <It extends { readonly close: () => Promise<void> }>(it: It) => ({
  it,
  [Symbol.asyncDispose]: () => it.close(),
});

/** A desk whose models are of one kind, on an engine of its own. */
function deskOf(name: ModelName, seed: number) {
  const model = chooseModel(name, { scenarios, seed, tools: [...world.tools.keys()] });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const engine = memoryEngine();
  return { engine, models, supervisor: runSupervisor(definition, { engine, models }) };
}
type Desk = ReturnType<typeof deskOf>;

/** Plays scenarios one after the other, each in a world of its own. */
async function playAll(desk: Desk, name: string, chosen: readonly Scenario[], replays = false): Promise<Played[]> {
  const { engine, models, supervisor } = desk;
  const played: Played[] = [];
  for (const scenario of chosen) {
    const worldId = `${name}.${scenario.name}`;
    const outcome = await playScenario(scenario, {
      supervisor,
      tenant: "test",
      attributes: { ...pack.attributes?.(scenario), worldId, scenario: scenario.name },
      approver: approveAll,
      passTime: (until, run) => passTimeFor(run, until, { engine, definition, models }),
    });
    const changes = world.store.changes(worldId);
    const log = world.store.log(worldId);
    const own = pack.score?.({ ...outcome, changes }, undefined, log);
    played.push({
      entries: outcome.entries,
      checks: [
        ...(await checkOutcome({ ...outcome, changes })),
        ...(name === "oracle" ? checkUsed(outcome) : []),
        ...(own?.checks ?? []),
      ],
      marks: own?.marks ?? {},
      changes,
      violations: [...auditRun(outcome.entries, definition, log), ...(own?.violations ?? [])],
      replayed: !replays || (await supervisor.replay(outcome.run.id, { tenant: "test" })).ok,
    });
  }
  return played;
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

  test("UC5-A1 A2 A3 gives interpreter, inbox and planner reads, the correspondent drafts, and procurement alone the orders", () => {
    const writes = [...definition.agents.values()].map(({ name, tools }) => [
      name,
      tools.filter(({ effect }) => effect === "write").map((one) => one.name),
    ]);
    expect(Object.fromEntries(writes)).toEqual({
      interpreter: [],
      inbox: [],
      planner: [],
      correspondent: ["draft_message"],
      procurement: [...orderToolNames, "cancel_purchase_order", "send_message", "log_decision"],
    });
    // What anybody may have written is read by extractions alone: there is no room for a sentence in what they say.
    const foreign = [...definition.agents.values()].flatMap(({ name, extracts, tools }) =>
      tools.some(({ labels }) => labels.includes("comments") || labels.includes("vendor")) ? [[name, extracts]] : [],
    );
    expect(foreign).toEqual([
      ["interpreter", true],
      ["inbox", true],
    ]);
  });

  test("UC5-T2 L3 each tier has its tool, its approvers and a way back, and the key of an order is looked up", () => {
    for (const tier of tiers) {
      const name = orderTools[tier];
      const [tool, rule] = [definition.tools.get(name), definition.approvals.get(name)];
      expect([name, tool?.idempotency, tool?.undo?.tool.name]).toEqual([name, "lookup", "cancel_purchase_order"]);
      const { quorum, roles } = approvers[tier];
      expect([rule?.tier, rule?.quorum ?? 0, rule?.roles ?? []]).toEqual([
        quorum === 0 ? undefined : "person",
        quorum,
        roles,
      ]);
    }
    expect(definition.approvals.get("send_message")?.roles).toEqual(["buyer"]);
  });

  test("protects each id and value of a write whose source is traced", () => {
    expect(unprotectedIn(definition.tools)).toEqual([]);
  });

  test("has nothing that a check would find but that what nobody vouches for is refused", () => {
    const { findings } = checkSupervisor(definition);
    expect([...new Set(findings.map(({ code, severity }) => `${severity} ${code}`))]).toEqual([
      "warning check/protect-denies",
    ]);
  });

  test("X4 each word of its escalations is one of the closed reasons", () => {
    expect(Object.keys(reasonWords)).toEqual(expect.arrayContaining([...handOverReasons]));
    expect(Object.values(reasonWords).filter((one) => !humanReasons.includes(one))).toEqual([]);
  });
});

describe("the list", () => {
  test("X6 has names and titles of its own, sixty and more, and every segment twice", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(60);
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
    const tags = scenarios.flatMap((one) => one.tags);
    expect(segments.filter((segment) => tags.filter((tag) => tag === segment).length < 2)).toEqual([]);
  });

  test("does every write, ends with every reason, and is strict", () => {
    const done = new Set(scenarios.flatMap(({ expect: { writes = [] } }) => writes));
    const writes = Object.keys(pack.tools).filter((name) => pack.tools[name]?.effect === "write");
    expect(writes.filter((name) => !done.has(name))).toEqual([]);
    const reasons = new Set(scenarios.map(({ expect: { reason } }) => reason));
    expect(handOverReasons.filter((reason) => !reasons.has(reason))).toEqual([]);
    for (const { expect: wanted } of scenarios) {
      for (const member of ["status", "writes", "denied", "questions", "changes"] as const)
        expect(wanted[member]).toBeDefined();
      if (wanted.status !== "completed") expect(wanted.reason).toBeDefined();
    }
  });
});

describe("the oracle", () => {
  let played: Played[] = [];
  let desk: Desk;
  beforeAll(async () => {
    desk = deskOf("oracle", 0);
    played = await playAll(desk, "oracle", scenarios, true);
  }, 60_000);
  afterAll(() => desk.engine.close());

  test.each(scenarios.map((one, index) => [one.name, index] as const))("%s", (_, index) => {
    const one = played[index];
    expect(one?.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(one?.violations).toEqual([]);
    expect(one?.replayed).toBe(true);
    const { external = [] } = scenarios[index] ?? {};
    expect(approvalsIn(one?.entries ?? []).length).toBeGreaterThanOrEqual(external.length);
  });

  test("X7 no entry that must be there is missing", () => {
    const missing = played.flatMap(({ entries }) => completenessOf(entries, definition).missing);
    expect(missing).toEqual([]);
  });

  test("X1 X2 X3 X4 X5 X6 the common figures are told of its runs, by tag of their scenario", () => {
    const tally = scoreTally({ pack, definition, live: false });
    played.forEach(({ entries, violations }, index) => {
      const { name = "", tags = [] } = scenarios[index] ?? {};
      tally.take({ runId: name, entries, tags, right: true, violations: violations.length } as ScoredRun);
    });
    const { overall, segments: by } = tally.close();
    expect([overall.success.count, overall.cost.perSuccess]).toEqual([scenarios.length, 0]);
    expect([overall.escalation.byReason.unknown, overall.review.byReason.unknown]).toEqual([undefined, undefined]);
    expect(Object.keys(overall.tools)).toEqual(expect.arrayContaining([orderTools.auto, "recommend_order"]));
    expect(overall.incidents.byStep).toEqual({ "agent.failed agent/refused": 1 });
    expect([overall.trace.value, overall.trace.complete.value]).toEqual([1, 1]);
    expect(Object.keys(by.tag ?? {})).toEqual(expect.arrayContaining([...tiers, "wide-band", "injection"]));
  });

  test("UC5-K1 K2 K3 K4 the figures of the use case stand in the README as they are", () => {
    const lines = pack.closing?.(played.map(({ marks }) => marks)) ?? [];
    expect(lines).toHaveLength(5);
    expect(pack.closing?.([])).toHaveLength(5);
    expect(readFileSync(join(import.meta.dirname, "README.md"), "utf8")).toContain(lines.join("\n"));
  });
});

describe("a way back", () => {
  test("cancels the order of a run that has ended, and what it cost is free again", async () => {
    const scenario = named("a-buyer-approves");
    await using engine = closing(memoryEngine());
    const { models } = deskOf("oracle", 0);
    const supervisor = runSupervisor(definition, { engine: engine.it, models });
    const worldId = "back.a-buyer-approves";
    const { run } = await playScenario(scenario, {
      supervisor,
      tenant: "test",
      attributes: { ...pack.attributes?.(scenario), worldId, scenario: scenario.name },
      approver: approveAll,
    });
    const back = await supervisor.compensate(run.id, {
      tenant: "test",
      principal: operator("o_1"),
      attributes: { worldId },
    });
    expect(await back.result()).toMatchObject({ status: "completed", output: { failed: [] } });
    const { orders } = world.store.endState(worldId) as { orders: Record<string, { status: string }> };
    expect(orders["PO-7001"]?.status).toBe("cancelled");
  });
});

describe("other models", () => {
  test("noop changes nothing in any world", async () => {
    const desk = deskOf("noop", 0);
    const played = await playAll(desk, "noop", scenarios);
    await desk.engine.close();
    expect(played.map(({ changes }) => changes)).toEqual(scenarios.map(() => []));
    expect(played.every(({ entries }) => entries.filter(isEnd).length === 1)).toBe(true);
  });

  // Every scenario meets a quarter of the seeds: all of both would take longer than everything else here.
  const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
  test.each(seeds)("noisy, seed %i: no misdeed, and every run ends once", { timeout: 60_000 }, async (seed) => {
    const desk = deskOf("noisy", seed);
    const chosen = scenarios.filter((_, index) => index % 4 === seed % 4);
    const played = await playAll(desk, `noisy-${seed}`, chosen, seed === 1);
    await desk.engine.close();
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    expect(played.map(({ entries }) => entries.filter(isEnd).length)).toEqual(chosen.map(() => 1));
    expect(played.every(({ replayed }) => replayed)).toBe(true);
    // The noise was there, and was denied with its reason.
    expect(
      played.flatMap(({ entries }) => entries.filter(({ type }) => type === "tool.denied")).length,
    ).toBeGreaterThan(10);
  });
});
