import {
  asAgent,
  defineAgent,
  defineHandoff,
  defineSupervisor,
  defineTool,
  type Entry,
  memoryEngine,
} from "@remit/core";
import { answers, calls, defineScenario, grant, runScenario } from "@remit/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import type { WorldLogLine } from "../world/world.ts";
import { auditRun } from "./audit.ts";

const pay = defineTool({
  name: "pay",
  description: "Pays.",
  input: z.object({ cents: z.int() }),
  output: z.object({}),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({}),
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [pay],
  input: z.object({}),
  output: z.object({}),
  instructions: "Pay.",
});
const desk = defineSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  approvals: [{ tool: pay, by: "human", quorum: 2 }],
});

/** A sound run, and what its world saw of it. */
async function sound() {
  const scenario = defineScenario({
    name: "s",
    supervisor: desk,
    input: {},
    script: [calls(clerk, "pay", { cents: 7 }), answers(clerk, {})],
    external: [grant(pay), grant(pay)],
  });
  const { entries } = (await runScenario(scenario, { engine: memoryEngine() })).outcome;
  const intent = entries.find((entry) => entry.type === "effect.intended");
  if (intent?.type !== "effect.intended") throw new Error("nothing was meant");
  const { key } = intent.body;
  const log: WorldLogLine[] = [{ n: 1, tool: "pay", input: { cents: 7 }, effect: "write", key, outcome: "done" }];
  return { entries, log, key };
}

test("a sound run has nothing against it", async () => {
  const { entries, log } = await sound();
  expect(auditRun(entries, desk, log)).toEqual([]);
});

test("a write is a violation without its approval, with too few, with other arguments, or by who asked for it", async () => {
  const { entries, log } = await sound();
  const without = (type: Entry["type"]) => entries.filter((entry) => entry.type !== type);
  const changed = (type: Entry["type"], body: object) =>
    entries.map((entry) => (entry.type === type ? ({ ...entry, body: { ...entry.body, ...body } } as Entry) : entry));
  const found = (altered: readonly Entry[], seen: readonly WorldLogLine[] = log) => auditRun(altered, desk, seen);
  const effect = "the world saw pay of clerk#1/tool#1";
  expect(found(without("approval.granted"))).toEqual([`${effect} without an approval before it`]);
  expect(found(without("approval.requested"))).toEqual([`${effect} without an approval before it`]);
  expect(found(changed("approval.granted", { by: ["a", "a"] }))).toEqual([`${effect} with 1 of 2 approvals`]);
  expect(found(changed("approval.granted", { by: ["a", "customer"] }))).toEqual([
    `${effect} approved by who had asked for it`,
  ]);
  const other = `${effect} with other arguments than were approved`;
  expect(found(changed("approval.requested", { input: { cents: 8 } }))).toEqual([other]);
  expect(
    found(
      entries,
      log.map((line) => ({ ...line, input: { cents: 8 } })),
    ),
  ).toEqual([other]);
  // An approval that came after the intent is none.
  const late = entries.map((entry) => (entry.type === "approval.granted" ? { ...entry, seq: 999 } : entry));
  expect(found(late)).toEqual([`${effect} without an approval before it`]);
});

test("what people do on their own is no effect of a run, unless it has the key of one", async () => {
  const { entries, log, key } = await sound();
  const own: WorldLogLine = {
    n: 2,
    tool: "wait",
    input: {},
    effect: "write",
    by: "customer",
    key: "own",
    outcome: "done",
  };
  expect(auditRun(entries, desk, [...log, own])).toEqual([]);
  expect(auditRun(entries, desk, [...log, { ...own, key }])).toEqual([
    "the world saw wait of the customer under the key of clerk#1/tool#1",
  ]);
});

test("a write under no intent, and one that happened twice", async () => {
  const { entries, log, key } = await sound();
  expect(
    auditRun(
      entries,
      desk,
      log.map((line) => ({ ...line, key: "k" })),
    ),
  ).toEqual(["the world saw pay under a key that no intent has"]);
  expect(auditRun(entries, desk, [...log, ...log])).toEqual([`the write ${key} happened 2 times`]);
});

test("agents of a team inside the team have contracts and tools of their own", async () => {
  const text = z.object({ text: z.string() });
  const look = defineTool({
    name: "look_up",
    description: "",
    input: text,
    output: text,
    effect: "read",
    execute: (one) => one,
  });
  const about = { description: "", model: "m", instructions: "" };
  const inner = defineAgent({ ...about, name: "inner", tools: [look], input: text, output: text });
  const inside = defineSupervisor({
    name: "inside",
    agents: { inner },
    entry: "inner",
    exit: "inner",
    handoffs: [],
  });
  const outer = asAgent(inside, { name: "outer", description: "", input: text, output: text });
  const last = defineAgent({ ...about, name: "last", tools: [], input: z.object({ said: text }), output: text });
  const whole = defineSupervisor({
    agents: { outer, last },
    entry: "outer",
    exit: "last",
    handoffs: [defineHandoff({ from: outer, to: last, map: (said) => ({ said }) })],
  });
  const scenario = defineScenario({
    name: "s",
    supervisor: whole,
    input: { text: "a" },
    script: [calls(inner, "look_up", { text: "b" }), answers(inner, { text: "c" }), answers(last, { text: "f" })],
  });
  const { entries, result } = (await runScenario(scenario, { engine: memoryEngine() })).outcome;
  expect(result.status).toBe("completed");
  expect(auditRun(entries, whole)).toEqual([]);
  const elsewhere = entries.map((entry) => {
    return entry.type === "tool.called"
      ? { ...entry, path: "last#1/tool#1", body: { ...entry.body, agent: "last" } }
      : entry;
  });
  expect(auditRun(elsewhere as readonly Entry[], whole)).toEqual([
    expect.stringContaining("last called look_up, which is not its tool"),
  ]);
  const wrong = entries.map((entry) => {
    const isInner = entry.type === "handoff.delivered" && entry.body.agent === "inner";
    return isInner ? { ...entry, body: { ...entry.body, payload: {} } } : entry;
  });
  expect(auditRun(wrong as readonly Entry[], whole)).toEqual([
    expect.stringContaining("inner was given a payload outside its contract"),
  ]);
});
