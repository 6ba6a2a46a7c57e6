import {
  type Entry,
  type Grant,
  localEngine,
  memoryJournal,
  parseWith,
  runSupervisor,
  type SupervisorDefinition,
  silentLogger,
  systemClock,
  verifyChain,
} from "@remit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endStatusOf } from "../../packages/core/src/event.ts";
import { findAgent } from "../../packages/core/src/supervisor/find-agent.ts";
import { makeTrial, type PlayedTrial, playTrial } from "../support/trial.ts";

/** What must hold after any run, whatever models, tools and people did. */
async function assertSound({ trial, entries, journal, runId, result }: PlayedTrial): Promise<void> {
  const { definition, ledger } = trial;
  // R11: exactly one end, and it is the last entry.
  const ends = entries.filter(({ type }) => endStatusOf(type));
  expect(ends.map(({ seq }) => seq)).toEqual([entries.length]);
  expect(result.status).toBe(endStatusOf(ends[0]?.type ?? ""));
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));

  // R4: what reached a tool was in its agent's allowlist.
  for (const { agent, tool } of ledger.calls) {
    expect(findAgent(definition, agent)?.tools.map(({ name }: { name: string }) => name)).toContain(tool);
  }
  assertWithinGrants(trial, entries);

  // R5: what was delivered fits the receiver's contract.
  for (const entry of entries) {
    if (entry.type !== "handoff.delivered") continue;
    const agent = findAgent(definition, entry.body.agent);
    expect(agent && parseWith(agent.input, entry.body.payload).ok).toBe(true);
  }
  callsHaveOneResult(entries, result.status);

  // R7: an intent before each call of a write, one effect per key.
  const intents = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type === "effect.intended") intents.set(entry.body.key, entry.seq);
  }
  for (const { tool, key } of ledger.calls) if (tool.startsWith("write")) expect(intents.has(key)).toBe(true);
  for (const count of ledger.effects.values()) expect(count).toBe(1);

  // R1, R13: the chain holds and every decision comes out again.
  const stream = { tenant: "t", kind: "run", id: runId } as const;
  expect(verifyChain(await journal.read(stream)).fault).toBeUndefined();
  const engine = localEngine({ name: "replay", journal, clock: systemClock(), logger: silentLogger });
  const supervisor = runSupervisor(definition, { engine, models: { m: trial.model }, check: "log" } as never);
  const report = await supervisor.replay(runId, { tenant: "t" });
  expect(report.fault).toBeUndefined();
  expect(report.ok).toBe(true);
}

/**
 * R6: a call lies inside every grant on its way down: that of the run, and those of the edges that led to the agent and to
 * each team around it. Looked up in the definition by code of its own.
 */
function assertWithinGrants({ definition, grant }: PlayedTrial["trial"], entries: readonly Entry[]): void {
  const declared = new Map<string, { readonly agent: string; readonly grant: Grant | undefined }[]>();
  const collect = ({ edges, agents }: SupervisorDefinition) => {
    for (const edge of edges) {
      const ends = edge.kind === "parallel" ? [...edge.branches, edge.join] : edge.kind === "ending" ? [] : [edge];
      declared.set(
        edge.name,
        ends.map(({ to, grant: given }) => ({ agent: to, grant: given })),
      );
    }
    for (const { team } of agents.values()) if (team) collect(team);
  };
  collect(definition);
  const deliveries = new Map<string, { edge: string; agent: string }>();
  for (const entry of entries) {
    if (entry.type === "handoff.delivered") deliveries.set(entry.path, entry.body);
    if (entry.type !== "tool.called") continue;
    const { tool, effect } = entry.body;
    const parts = entry.path.split("/").slice(0, -1);
    const within = (bound: Grant | undefined) =>
      (!bound?.tools || bound.tools.includes(tool)) && (bound?.effects !== "read" || effect === "read");
    expect(within(grant), `${entry.path} in the run's grant`).toBe(true);
    for (let length = 1; length <= parts.length; length++) {
      const delivery = deliveries.get(parts.slice(0, length).join("/"));
      expect(delivery).toBeDefined();
      // A parallel edge may lead to one agent twice, as a branch and as the join: one of the two it was.
      const ends = (declared.get(delivery?.edge ?? "") ?? []).filter(({ agent }) => agent === delivery?.agent);
      const allowed = ends.length === 0 || ends.some((end) => within(end.grant));
      expect(allowed, `${entry.path} within what ${delivery?.edge} handed over`).toBe(true);
    }
  }
}

/** Each granted call settles at most once; on a run that was not cut short, exactly once. */
function callsHaveOneResult(entries: readonly Entry[], status: string): void {
  const results = new Map<string, number>();
  const called = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "tool.called") called.add(entry.body.command);
    if (entry.type === "tool.returned" || entry.type === "tool.failed") {
      expect(called.has(entry.body.command)).toBe(true);
      results.set(entry.body.command, (results.get(entry.body.command) ?? 0) + 1);
    }
  }
  for (const count of results.values()) expect(count).toBe(1);
  const intended = entries.flatMap((entry) => (entry.type === "effect.intended" ? [entry.body.effect] : []));
  const settled = entries.flatMap((entry) => (entry.type === "effect.settled" ? [entry.body.effect] : []));
  const doubtful = entries.flatMap((entry) =>
    entry.type === "effect.uncertain" && entry.body.next === "person" ? [entry.body.effect] : [],
  );
  expect(new Set(settled).size).toBe(settled.length);
  for (const effect of intended) {
    expect(settled.includes(effect) || doubtful.includes(effect), `${effect} has no outcome in a ${status} run`).toBe(
      true,
    );
  }
}

const runs = Number(process.env.REMIT_PROPERTY_RUNS ?? 150);
const arbSeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("random teams, models, tools and people", () => {
  test("R1 R4 R5 R6 R7 R11 R13 hold for any run", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, async (seed) => {
        await assertSound(await playTrial(seed, memoryJournal()));
      }),
      { numRuns: runs },
    );
  }, 120_000);

  test("and for runs that let go of their state whenever they wait", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, fc.integer({ min: 1, max: 20 }), async (seed, snapshotEvery) => {
        await assertSound(await playTrial(seed, memoryJournal(), { statesAtHand: 0, snapshotEvery }));
      }),
      { numRuns: runs },
    );
  }, 120_000);

  test("and for runs that are cancelled while they wait", async () => {
    await fc.assert(
      fc.asyncProperty(arbSeed, fc.integer({ min: 1, max: 40 }), async (seed, cancelAt) => {
        const played = await playTrial(seed, memoryJournal(), { cancelAt });
        await assertSound(played);
        const cancel = played.entries.findIndex(({ type }) => type === "cancel.requested");
        if (cancel >= 0) {
          const after = played.entries.slice(cancel).map(({ type }) => type);
          expect(after).not.toContain("effect.intended");
          expect(after).not.toContain("tool.called");
          expect(after).not.toContain("model.called");
        }
      }),
      { numRuns: runs },
    );
  }, 120_000);

  test("and for runs whose process dies again and again; snapshots change nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbSeed,
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 20 }),
        async (seed, crashEvery, snapshotEvery) => {
          await assertSound(await playTrial(seed, memoryJournal(), { crashEvery, snapshotEvery }));
        },
      ),
      { numRuns: runs },
    );
  }, 120_000);

  test("definitions of trials are as varied as they should be", () => {
    const kinds = new Set<string>();
    const count = (definition: SupervisorDefinition) => {
      for (const edge of definition.edges) kinds.add(edge.kind);
      for (const { team } of definition.agents.values()) {
        if (!team) continue;
        kinds.add("team");
        count(team);
      }
    };
    for (let seed = 0; seed < 100; seed++) count(makeTrial(seed).definition);
    expect([...kinds].sort()).toEqual(["ending", "handoff", "parallel", "question", "team"]);
  });
});
