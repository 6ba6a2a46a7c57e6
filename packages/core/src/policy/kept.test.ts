import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Grant } from "../grant.ts";
import { definePolicy, type Policy, type PolicyEdge } from "../index.ts";
import { memoryStore } from "../memory/in-process.ts";
import { defineMemory } from "../memory/memory.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";

/** What is kept and what is looked up are edges of their own: a policy is asked about them before the call. */

const notes = defineMemory({
  name: "notes",
  description: "",
  store: memoryStore(),
  of: "principal",
  holds: z.object({ text: z.string() }),
  retainMs: 1_000_000,
});
const handbook = defineTool({
  name: "search_handbook",
  description: "",
  input: z.object({ words: z.string() }),
  output: z.object({ found: z.string() }),
  effect: "read",
  source: "handbook",
  execute: () => ({ found: "page 7" }),
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [notes.recall, notes.remember, handbook],
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  instructions: "",
});
const all: readonly PolicyEdge[] = ["tool", "model", "egress", "memory.read", "memory.write", "source"];

const policyOn = (edges: readonly PolicyEdge[]) =>
  definePolicy({
    name: "house",
    version: "1",
    rules: [{ id: "some", on: edges, effect: "allow", because: "these may be done" }],
  });

async function denied(edges: readonly PolicyEdge[], grant?: Grant, livePolicy?: Policy) {
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    policy: policyOn(edges),
    ...(livePolicy === undefined ? {} : { livePolicy }),
    engine: memoryEngine(),
    models: {
      m: scriptedModel([
        callsAll(clerk, [
          ["remember_notes", { value: { text: "tea" } }],
          ["recall_notes", { about: "tea" }],
          ["search_handbook", { words: "tea" }],
        ]),
        answers(clerk, { text: "done" }),
      ]),
    },
  });
  const given = { tenant: "acme", principal: user("ann"), ...(grant === undefined ? {} : { grant }) };
  const run = await desk.start({ text: "go" }, given);
  await run.result();
  const entries = await run.entries();
  const toolAt = (path: string) =>
    entries.flatMap((one) => (one.type === "tool.called" && one.path === path ? [one.body.tool] : []))[0];
  return entries.flatMap((one) => {
    if (one.type === "tool.denied") return [`${one.body.tool} ${one.body.error.code}`];
    return one.type === "tool.failed" ? [`${toolAt(one.path)} ${one.body.error.code}`] : [];
  });
}

test("a policy that allows them lets them pass", async () => {
  expect(await denied(all)).toEqual([]);
});

test.each<[PolicyEdge, string]>([
  ["memory.write", "remember_notes"],
  ["memory.read", "recall_notes"],
  ["source", "search_handbook"],
])("without a rule for %s, %s is denied though the tool itself is allowed", async (edge, tool) => {
  expect(await denied(all.filter((one) => one !== edge))).toEqual([`${tool} policy/no-rule`]);
});

test.each<[PolicyEdge, string]>([
  ["memory.write", "remember_notes"],
  ["memory.read", "recall_notes"],
  ["source", "search_handbook"],
])("a live policy without a rule for %s keeps %s from being made", async (edge, tool) => {
  expect(await denied(all, undefined, policyOn(all.filter((one) => one !== edge)))).toEqual([`${tool} policy/no-rule`]);
});

test("a grant that names other sources does not cover a tool that reads this one", async () => {
  expect(await denied(all, { sources: ["faq"] })).toEqual(["search_handbook policy/not-granted"]);
  expect(await denied(all, { sources: ["faq", "handbook"] })).toEqual([]);
});
