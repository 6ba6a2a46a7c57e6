import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { openCasesOf } from "../approval/open-cases.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Entry } from "../event.ts";
import { defineParallel } from "../handoff.ts";
import { definePolicy } from "../policy/policy.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, calls, scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";

const note = z.object({ text: z.string() });
const common = { description: "", input: note, output: note } as const;
const look = defineTool({ ...common, name: "look", effect: "read", execute: (given) => given });
const clerk = defineAgent({ ...common, name: "clerk", model: "m", tools: [look], instructions: "" });
const desk = defineSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  policy: definePolicy({
    name: "looked-at",
    version: "1",
    rules: [
      { id: "reads", on: "tool", effect: "approve", because: "somebody looks" },
      { id: "all", on: ["handoff", "message", "model"], effect: "allow", because: "as before" },
    ],
  }),
}) as unknown as SupervisorDefinition;

/** Entries of a run whose read waits for a person, up to when its agent is stopped. */
function stopped(version: string): readonly Entry[] {
  const core = new RunCore({ definition: desk, tenant: "acme", runId: "run_1", tenantKey: "k".repeat(43) });
  const entries: Entry[] = [];
  const apply = (event: Parameters<RunCore["apply"]>[0]) => {
    const drafts = core.apply(event, 1_000, entries.length + 1)?.drafts ?? [];
    for (const draft of drafts) entries.push({ ...draft, seq: entries.length + 1 } as Entry);
  };
  const body = {
    supervisor: desk.name,
    definitionHash: desk.hash,
    input: { text: "go" },
    principal: user("ann"),
    labels: { "": ["user"] },
    policyVersion: version,
    format: 1,
  } as const;
  apply({ id: "start", type: "run.started", path: "", body });
  const command = "clerk#1/model#1";
  const parts = [{ type: "toolCall", callId: "c1", tool: "look", input: { text: "it" } }] as const;
  apply({ id: command, type: "model.responded", path: "clerk#1", body: { command, model: "m", parts } });
  expect(inbox(entries)).toHaveLength(1);
  const cancel = { subtree: "clerk#1", reason: "enough", principal: user("ann") } as const;
  apply({ id: "stop", type: "cancel.requested", path: "", body: cancel });
  return entries.slice(
    0,
    entries.findIndex(({ type }) => type === "agent.failed"),
  );
}

const inbox = (entries: readonly Entry[]) =>
  openCasesOf(entries, { tenant: "acme", runId: "run_1", supervisor: "s", startedAt: 1 });

test("a read that waited for a person and was dropped is nobody's to decide on any more", () => {
  expect(inbox(stopped(policyVersion))).toEqual([]);
  // As it was for runs that began under another version of the built-in policy.
  expect(inbox(stopped("labels-1"))).toHaveLength(1);
});

/** Two agents ask, and a write is under way. */
async function asking() {
  const role = <const Name extends string>(name: Name) =>
    defineAgent({ ...common, name, model: "m", tools: [], asks: ["customer"], instructions: "" });
  const [boss, left, right] = [role("boss"), role("left"), role("right")];
  const pay = defineTool({
    ...common,
    name: "pay",
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => paying.promise,
  });
  const payer = defineAgent({ ...common, name: "payer", model: "m", tools: [pay], instructions: "" });
  const paying = Promise.withResolvers<{ text: string }>();
  const house = createSupervisor({
    agents: { boss, left, right, payer },
    entry: "boss",
    exit: "boss",
    handoffs: [
      defineParallel({
        from: boss,
        name: "both",
        max: 1,
        branches: {
          left: { to: left, map: ({ text }) => ({ text }) },
          right: { to: right, map: ({ text }) => ({ text }) },
          payer: { to: payer, map: ({ text }) => ({ text }) },
        },
        join: { to: boss, map: () => ({ text: "joined" }) },
      }),
    ],
    models: {
      m: scriptedModel([
        answers(boss, { text: "go" }),
        asks(left, "customer", "Left?"),
        asks(right, "customer", "Right?"),
        calls(payer, "pay", { text: "it" }),
        answers(boss, { text: "done" }),
      ]),
    },
    engine: memoryEngine(),
  });
  const run = await house.start({ text: "go" }, { tenant: "acme", principal: user("ann") });
  for await (const entry of run.events()) {
    const open = await run.questions();
    if (open.length === 2 && (await run.entries()).some(({ type }) => type === "tool.called")) break;
    expect(entry.type).not.toBe("run.completed");
  }
  return { run, paying };
}

test("a question of an agent that was stopped is not listed, nor what was asked beside it where that ends the run", async () => {
  const { run, paying } = await asking();
  const { path } = (await run.entries()).find(({ type }) => type === "input.requested") as Entry;
  await run.cancel("not needed", { subtree: path });
  expect(await run.questions()).toEqual([]);
  paying.resolve({ text: "paid" });
  expect((await run.result()).status).toBe("failed");
});

test("nor is one of a run that was cancelled and waits for a write alone", async () => {
  const { run, paying } = await asking();
  await run.cancel("enough");
  expect((await run.entries()).some(({ type }) => type === "run.cancelled")).toBe(false);
  expect(await run.questions()).toEqual([]);
  paying.resolve({ text: "paid" });
  expect((await run.result()).status).toBe("cancelled");
});
