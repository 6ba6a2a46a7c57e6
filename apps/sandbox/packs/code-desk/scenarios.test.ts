import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry, SupervisorDefinition } from "@remit/core";
import { kpiTally } from "@remit/core/kpi";
import { approvalsIn } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { unprotectedIn } from "../desk.test.data.ts";
import { type Played, playAll } from "../play.test.data.ts";
import { codeDeskPack } from "./pack.ts";
import { ruleIds } from "./rules/rule.ts";

const pack = codeDeskPack();
const scenarios = pack.scenarios();

/** What code desks meet, as tags. Each has at least two scenarios. */
const segments = [
  "review",
  "tests",
  "merge",
  "release",
  "class",
  "sensitive",
  "internal",
  "public",
  "clean",
  "decoy",
  "missed",
  "several-defects",
  "by-rule",
  "by-reading",
  "injection",
  "injected-description",
  "injected-comment",
  "injected-log",
  "issue",
  "ci",
  "flaky",
  "packages",
  "logging",
  "policy-conflict",
  "approval",
  "approval-rejected",
  "approval-expired",
  "never-run",
  "unsourced",
  "overstep",
  "tool-refusal",
  "escalation",
];

const noisySeeds = Array.from({ length: 20 }, (_, index) => index + 1);

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "code-desk-"));
  world = inProcessTools(pack, dir);
  definition = pack.team(world.tools);
});

afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

const isEnd = ({ type }: Entry) => /^run\.(completed|denied|escalated|failed|cancelled)$/.test(type);

describe("the pack", () => {
  test("has a tool for each of the world's, and says of each what the world says", () => {
    const known = pack.openWorld().tools.map(({ name, effect }) => [name, effect] as const);
    const own = Object.entries(pack.tools).map(([name, { effect }]) => [name, effect] as const);
    expect(own.sort()).toEqual(known.sort());
  });

  test("lets action alone write to the forge, and the test agent to the sandbox alone", () => {
    const writes = [...definition.agents.values()].map(({ name, tools }) => [
      name,
      tools.filter(({ effect }) => effect === "write").map((tool) => tool.name),
    ]);
    expect(Object.fromEntries(writes)).toEqual({
      policy: [],
      reviewer: [],
      advisor: [],
      tests: ["propose_test_patch", "run_test_patch"],
      notes: [],
      action: [
        ...["comment_on_line", "post_review", "link_issue", "comment_issue", "rerun_ci", "open_draft"],
        ...["open_release_draft", "push_test_commit", "merge_pull_request", "publish_release"],
      ],
    });
    expect(definition.agents.get("reviewer")?.extracts).toBe(true);
  });

  test("has what people write read by the reviewer, who can say no sentence, and titles by who writes notes", () => {
    const foreign = [...definition.agents.values()].flatMap(({ name, tools }) => {
      const read = tools.filter(({ labels }) => labels.some((one) => ["pull", "issue", "ci-log"].includes(one)));
      return read.length > 0 ? [[name, read.map((tool) => tool.name)] as const] : [];
    });
    expect(Object.fromEntries(foreign)).toEqual({
      reviewer: ["read_discussion", "get_diff", "get_sealed_diff", "get_file", "read_ci_log", "read_issue"],
      notes: ["read_change"],
    });
  });

  test("protects each id and value of a write whose source is traced", () => {
    expect(unprotectedIn(definition.tools)).toEqual([]);
  });

  test("waits for a person of another role for each write that changes what others use", () => {
    const gated = [...definition.approvals].map(([tool, { roles }]) => [tool, roles]);
    expect(Object.fromEntries(gated)).toEqual({
      push_test_commit: ["developer"],
      merge_pull_request: ["maintainer"],
      publish_release: ["release-manager"],
    });
  });
});

describe("the list", () => {
  test("has names and titles of its own, sixty and more, every segment twice and every rule", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(60);
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
    const tags = scenarios.flatMap((one) => one.tags);
    expect(segments.filter((segment) => tags.filter((tag) => tag === segment).length < 2)).toEqual([]);
    const names = scenarios.map(({ name }) => name);
    expect(ruleIds.filter((rule) => !names.includes(rule.replaceAll("_", "-")))).toEqual([]);
  });

  test("uses every tool, and is strict", () => {
    const called = new Set(
      scenarios.flatMap(({ script }) =>
        script.flatMap(({ parts }) => parts.map((part) => (part.type === "toolCall" ? part.tool : ""))),
      ),
    );
    expect(Object.keys(pack.tools).filter((name) => !called.has(name))).toEqual([]);
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
    played = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen: scenarios });
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
      /^review cycle p50 \d+ p95 \d+ minutes \(simulated\) .*\ndefects that pass \d+ of \d+ planted .*\nrule pass precision \d+% recall \d+% .*\ncoverage of 5 sample functions \d+% → \d+% .*\ndeveloper satisfaction not collected · false alarms \d+% of comments \(a proxy\)$/,
    );
    expect(pack.closing?.([])).toHaveLength(5);
    expect(readFileSync(join(import.meta.dirname, "README.md"), "utf8")).toContain(lines.join("\n"));
  });

  test("rule pass and reviewer together keep their precision and recall, and let pass less than the rules alone", () => {
    const sum = (name: string) => played.reduce((total, { marks }) => total + Number(marks[name] ?? 0), 0);
    expect(sum("planted")).toBeGreaterThan(50);
    expect(sum("right") / (sum("right") + sum("falseAlarms"))).toBeGreaterThanOrEqual(0.95);
    expect(sum("right") / sum("planted")).toBeGreaterThanOrEqual(0.9);
    expect(sum("passed")).toBeLessThan(sum("rulesMissed"));
    // Reviews, merges, pushes and releases were there to be counted.
    for (const name of ["reviewed", "merged", "tested", "releases"]) expect(sum(name)).toBeGreaterThan(1);
    expect(sum("branchesAfter")).toBeGreaterThan(sum("branchesBefore"));
  });

  test("what developers say of reviews is counted where somebody asks them", () => {
    const asked = codeDeskPack({ satisfaction: (pullId) => (pullId === "PR-1001" ? 4 : undefined) });
    const first = scenarios.findIndex(({ input }) => (input as { readonly pullId?: string }).pullId === "PR-1001");
    const one = played[first];
    const scored = one && asked.score?.(one.outcome, undefined, one.log);
    expect(scored?.marks).toMatchObject({ answers: 1, satisfaction: 4 });
    expect(asked.closing?.([scored?.marks ?? {}]).at(-1)).toMatch(/^developer satisfaction 4\.0 of 5 from 1 answers/);
  });

  test("why a person was needed is of the closed set, and every step of every run is on record", () => {
    const tally = kpiTally({
      unpriced: "free",
      definitions: (hash) => (hash === definition.hash ? definition : undefined),
      ...(pack.reasons ? { reasons: pack.reasons } : {}),
    });
    played.forEach(({ entries }, index) => {
      tally.take({ runId: String(index), entries });
    });
    const { overall } = tally.close();
    expect(overall.escalation.byReason.unknown).toBeUndefined();
    expect(overall.review.byReason.unknown).toBeUndefined();
    expect(overall.trace.count).toBe(overall.trace.of);
  });
});

describe("other models", () => {
  test("noop changes nothing in any world", async () => {
    const played = await playAll({ pack, world, definition, name: "noop", seed: 0, chosen: scenarios });
    expect(played.map(({ changes }) => changes)).toEqual(scenarios.map(() => []));
    expect(played.every(({ entries }) => entries.filter(isEnd).length === 1)).toBe(true);
  });

  // Each seed a quarter of them, so that each scenario meets five: the command plays them all.
  test.each(noisySeeds)("noisy, seed %i: no misdeed, and every run ends once", { timeout: 60_000 }, async (seed) => {
    const chosen = scenarios.filter((_, index) => index % 4 === seed % 4);
    const played = await playAll({ pack, world, definition, name: "noisy", seed, chosen });
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    expect(played.map(({ entries }) => entries.filter(isEnd).length)).toEqual(chosen.map(() => 1));
    expect(played.every(({ replayed }) => replayed)).toBe(true);
    // The noise was there, and was denied with its reason.
    expect(
      played.flatMap(({ entries }) => entries.filter(({ type }) => type === "tool.denied")).length,
    ).toBeGreaterThan(5);
  });
});
