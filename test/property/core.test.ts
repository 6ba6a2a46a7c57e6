import {
  asAgent,
  type Command,
  canonicalJson,
  completenessOf,
  defineAgent,
  defineHandoff,
  defineParallel,
  defineQuestion,
  defineSupervisor,
  defineTool,
  type Entry,
  type InputEvent,
  OrchestrationError,
  type ResponsePart,
  type SupervisorDefinition,
  user,
} from "@remit/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { openCasesOf } from "../../packages/core/src/approval/open-cases.ts";
import { endStatusOf } from "../../packages/core/src/event.ts";
import { policyVersion } from "../../packages/core/src/policy-version.ts";
import { RunCore } from "../../packages/core/src/run/core.ts";
import { effectsOf } from "../../packages/core/src/run/effects.ts";
import { foldBatch } from "../../packages/core/src/run/fold.ts";
import { uncertainOf } from "../../packages/core/src/run/open-for-people.ts";
import { dice } from "../support/trial.ts";

/**
 * The pure core alone, under any order of what may come to it: answers, failures, doubled outcomes, people, cancels of all or
 * of a part, lost processes, timers. Questions, branches, teams in teams, approvals and budgets meet in one run.
 */

const note = z.object({ n: z.int() });
const done = z.object({ ok: z.boolean() });
const common = { description: "", input: z.object({ id: z.string() }), output: done, execute: () => ({ ok: true }) };
const tools = [
  defineTool({ ...common, name: "look", effect: "read", labels: ["web"] }),
  defineTool({ ...common, name: "keyed", effect: "write", risk: "low", idempotency: "key" }),
  defineTool({ ...common, name: "bare", effect: "write", risk: "low", idempotency: "none" }),
  defineTool({ ...common, name: "large", effect: "write", risk: "high", idempotency: "key" }),
];
const agent = <const Name extends string>(name: Name) =>
  defineAgent({
    name,
    description: "",
    model: "m",
    tools,
    asks: ["customer"],
    input: note,
    output: note,
    instructions: "",
  });
const next = ({ n }: { n: number }) => ({ n: n + 1 });
const [lead, worker, closer, clerk, chief] = [
  agent("lead"),
  agent("worker"),
  agent("closer"),
  agent("clerk"),
  agent("chief"),
];
const inner = defineSupervisor({
  name: "inner",
  agents: { clerk, chief },
  entry: "clerk",
  exit: "chief",
  handoffs: [
    defineHandoff({ from: clerk, to: clerk, name: "again", max: 2, when: ({ n }) => n % 3 === 0, map: next }),
    defineQuestion({ from: clerk, to: chief, of: "customer", ask: () => "sure?", map: () => ({ n: 1 }) }),
  ],
});
const office = asAgent(inner as never, { name: "office", description: "", input: note, output: note });
const definition = defineSupervisor({
  name: "outer",
  agents: { lead, worker, office, closer },
  entry: "lead",
  exit: "closer",
  handoffs: [
    defineHandoff({
      from: lead,
      to: lead,
      name: "later",
      max: 1,
      when: ({ n }) => n % 5 === 0,
      map: next,
      afterMs: 500,
    }),
    defineParallel({
      from: lead,
      branches: { a: { to: worker, map: next }, b: { to: office, map: next }, c: { to: worker, map: next } },
      join: { to: closer, map: ({ a, b, c }) => ({ n: a.n + b.n + c.n }) },
    }),
  ],
  limits: { steps: 60, deadlineMs: 1_000_000 },
}) as unknown as SupervisorDefinition;

const who = user("ann");
const options = { definition, tenant: "acme", runId: "run_1", tenantKey: "k".repeat(43) };
const about = { tenant: "acme", runId: "run_1", supervisor: "outer", startedAt: 0 };
const failure = new OrchestrationError("tool/failed", { tool: "t", reason: "gone" }).toRecord();

/** Plays one run; every step is decided by a core that goes on and by one that was just revived, and held against the entries. */
function play(seed: number): { readonly entries: readonly Entry[]; readonly core: RunCore } {
  const { unit, pick } = dice(seed);
  let rolls = 0;
  const roll = () => unit("roll", rolls++);
  const one = <Item>(items: readonly Item[]) => pick(items, "one", rolls++);
  const entries: Entry[] = [];
  const batches: Entry[][] = [];
  const heard: InputEvent[] = [];
  let core = new RunCore(options);
  let revived = new RunCore(options);
  let now = 1_000;

  const apply = (event: InputEvent) => {
    const wasEnded = core.ended;
    const outcome = core.apply(structuredClone(event), now, entries.length + 1);
    const same = revived.apply(structuredClone(event), now, entries.length + 1);
    expect(same).toEqual(outcome);
    if (!outcome) return;
    expect(wasEnded).toBe(false);
    const batch = outcome.drafts.map((draft, index) => ({
      ...structuredClone(draft),
      seq: entries.length + index + 1,
    }));
    entries.push(...(batch as Entry[]));
    batches.push(batch as Entry[]);
    const saved = JSON.stringify(core.save());
    revived = new RunCore(options);
    revived.restore(JSON.parse(saved));
    if (!core.ended && !core.state.ending) waitsAsTheEntriesSay(core, entries);
  };

  const answer = (command: Extract<Command, { type: "callModel" }>): readonly ResponsePart[] => {
    const luck = roll();
    if (luck < 0.45) {
      const count = 1 + Math.floor(roll() * (luck < 0.05 ? 9 : 3));
      return Array.from({ length: count }, (_, index) => ({
        type: "toolCall",
        callId: `c${index}`,
        tool: one(tools).name,
        input: { id: `i${Math.floor(roll() * 4)}` },
      }));
    }
    if (luck < 0.52) return [{ type: "ask", of: "customer", question: "which?" }];
    return [{ type: "output", value: { n: Math.floor(roll() * 9) + command.turn } }];
  };
  const outcomeOf = (command: Command): InputEvent => {
    const { id, path } = command;
    switch (command.type) {
      case "callModel":
        return { id, path, type: "model.responded", body: { command: id, model: "m", parts: answer(command) } };
      case "callTool": {
        if (roll() < 0.6) {
          const body = { command: id, output: { ok: true }, labels: {}, durationMs: 1 };
          return { id, path, type: "tool.returned", body };
        }
        const body = { command: id, error: failure, mayHaveExecuted: roll() < 0.5, durationMs: 1 };
        return { id, path, type: "tool.failed", body };
      }
      case "reserve":
        return {
          id,
          path,
          type: "budget.reserved",
          body: { command: id, amount: { microUsd: 2, tokens: 2 } },
        };
      default:
        throw new Error(`nobody carries out ${command.type}`);
    }
  };

  apply({
    id: "start",
    type: "run.started",
    path: "",
    body: {
      supervisor: definition.name,
      definitionHash: definition.hash,
      input: { n: 1 },
      principal: who,
      labels: { "": ["user"] },
      policyVersion,
      ...(unit("budget") < 0.5 ? { budget: { run: { microUsd: 80 } } } : {}),
      format: 1,
    },
  });
  for (let turn = 0; !core.ended; turn++) {
    expect(turn, "a run that does not end").toBeLessThan(1_000);
    const { state, timers } = core;
    now += Math.floor(roll() * 50);
    const id = `e${turn}`;
    const key = id;
    const can: (() => void)[] = [];
    for (const command of state.outstanding.values()) {
      const told = () => {
        const event = outcomeOf(command);
        heard.push(event);
        apply(event);
      };
      can.push(told, told, told);
    }
    for (const { ask } of state.asks.values()) {
      const body = { ask, answer: "yes", principal: who, labels: { "": ["user"] }, key };
      can.push(() => apply({ id, type: "input.received", path: "", body }));
    }
    for (const { effect, binding } of state.approvals.values()) {
      const decision = one(["approve", "reject", "edit"] as const);
      const input = { id: `edited ${turn % 3}` };
      const principal = user(one(["jo", "ann"]));
      const body = { effect, binding, decision, input, reason: "", principal, key };
      can.push(() => apply({ id, type: "approval.decided", path: effect, body }));
    }
    for (const effect of state.uncertain) {
      const body = { effect, outcome: one(["happened", "never"] as const), principal: who, reason: "" };
      can.push(() => apply({ id, type: "effect.decided", path: effect, body }));
    }
    for (const { id: timer, path, dueAt } of timers) {
      const isBound = timer === "timer/deadline" || timer === "timer/active";
      if (isBound && (can.length > 0 || state.outstanding.size > 0)) continue;
      can.push(() => {
        now = Math.max(now, dueAt);
        apply({ id, type: "timer.fired", path, body: { timer } });
      });
    }
    if (heard.length > 0 && roll() < 0.1) can.push(() => apply(one(heard)));
    if (roll() < 0.02) {
      const subtree = one([...state.invocations.keys(), undefined]);
      const body = { reason: "enough", principal: who, ...(subtree === undefined ? {} : { subtree }) };
      can.push(() => apply({ id, type: "cancel.requested", path: "", body }));
    }
    if (roll() < 0.08) {
      can.push(() => {
        const lost = [...core.state.outstanding.keys()];
        core = new RunCore(options);
        revived = new RunCore(options);
        for (const batch of batches) {
          foldBatch(core, structuredClone(batch), options.runId);
          foldBatch(revived, structuredClone(batch), options.runId);
        }
        if (lost.length > 0) apply({ id, type: "run.resumed", path: "", body: { lost } });
      });
    }
    expect(can.length, "a run that nothing can happen to").toBeGreaterThan(0);
    one(can)();
  }
  const again = new RunCore(options);
  for (const batch of batches) foldBatch(again, structuredClone(batch), options.runId);
  expect(canonicalJson(again.save())).toBe(canonicalJson(core.save()));
  return { entries, core };
}

/** What stands in people's inboxes follows from the entries; it is what the run waits for, no more and no less. */
function waitsAsTheEntriesSay({ state }: RunCore, entries: readonly Entry[]): void {
  const sorted = (ids: Iterable<string>) => [...ids].sort();
  expect(sorted(openCasesOf(entries, about).map(({ effect }) => effect))).toEqual(sorted(state.approvals.keys()));
  expect(sorted(uncertainOf(entries).map(({ effect }) => effect))).toEqual(sorted(state.uncertain));
  const asks = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "input.requested") asks.add(entry.body.ask);
    if (entry.type === "input.received") asks.delete(entry.body.ask);
  }
  expect(sorted(asks)).toEqual(sorted(state.asks.keys()));
  for (const { effect, outcome } of effectsOf(entries, definition.tools)) {
    if (outcome === "waiting" || outcome === "open") expect(state.calls.has(effect), effect).toBe(true);
  }
}

function assertSound({ entries, core }: ReturnType<typeof play>): void {
  const ends = entries.filter(({ type }) => endStatusOf(type));
  expect(ends).toEqual([entries.at(-1)]);
  // An end by a defect of ours, in whatever order things came, is none that a run may come to.
  expect(JSON.stringify(ends)).not.toMatch(/run\/(internal|unexpected-event)|bus\//);
  expect(core.state.outstanding.size + core.state.purse.reserved.size).toBe(0);
  expect(completenessOf(entries).missing).toEqual([]);
  const results = new Map<string, number>();
  const settled = new Map<string, number>();
  const over = new Map<string, number>();
  const count = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const entry of entries) {
    if (entry.type === "tool.returned" || entry.type === "tool.failed") count(results, entry.body.command);
    if (entry.type === "effect.settled") count(settled, entry.body.effect);
    if (entry.type === "handoff.returned" || entry.type === "agent.failed") over.set(entry.path, entry.seq);
    // Who has ended asks for nothing more.
    if (entry.type === "effect.proposed" || entry.type === "model.called" || entry.type === "input.requested") {
      for (const path of over.keys()) expect(`${entry.path}/`.startsWith(`${path}/`), entry.path).toBe(false);
    }
  }
  for (const times of [...results.values(), ...settled.values()]) expect(times).toBe(1);
  const doubted = new Set(uncertainOf(entries).map(({ effect }) => effect));
  for (const entry of entries) {
    if (entry.type !== "effect.intended") continue;
    expect(settled.has(entry.body.effect) || doubted.has(entry.body.effect), entry.body.effect).toBe(true);
  }
}

test("R1 R2 R11 R13 hold for the core in whatever order things come to it", () => {
  const numRuns = Number(process.env.REMIT_PROPERTY_RUNS ?? 60);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => assertSound(play(seed))),
    { numRuns },
  );
}, 120_000);
