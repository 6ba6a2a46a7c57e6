import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Decision } from "../event.ts";
import { defineHandoff } from "../handoff.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson } from "../json.ts";
import { memoryStore } from "../memory/in-process.ts";
import { defineMemory } from "../memory/memory.ts";
import { definePolicy, definePolicyRule } from "../policy/policy.ts";
import { type PolicyRequest, policyEdges } from "../policy/request.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";
import { coreOf } from "./core.test.data.ts";

test("a decision names what was asked by the hash of its canonical text, on every edge", async () => {
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
  const agent = {
    description: "",
    model: "m",
    input: z.object({ text: z.string(), of: z.array(z.number()).optional() }),
    output: z.object({ text: z.string() }),
    instructions: "",
  } as const;
  const clerk = defineAgent({
    ...agent,
    name: "clerk",
    tools: [notes.recall, notes.remember, handbook],
    asks: ["customer"],
  });
  const writer = defineAgent({ ...agent, name: "writer", tools: [] });
  const asked: PolicyRequest[] = [];
  const engine = memoryEngine();
  const desk = createSupervisor({
    agents: { clerk, writer },
    entry: "clerk",
    exit: "writer",
    handoffs: [
      defineHandoff({ from: clerk, to: writer, map: ({ text }) => ({ text: `${text} \u{1f600}"\n`, of: [2, 1] }) }),
    ],
    policy: definePolicy({
      name: "house",
      version: "1",
      rules: [
        definePolicyRule({
          id: "all",
          on: policyEdges,
          effect: "allow",
          when: (request) => asked.push(structuredClone(request)) > 0,
          because: "anything may be done",
        }),
      ],
    }),
    engine,
    models: {
      m: scriptedModel([
        callsAll(clerk, [
          ["remember_notes", { value: { text: "tea" } }],
          ["recall_notes", { about: "tea" }],
          ["search_handbook", { words: "tea" }],
        ]),
        asks(clerk, "customer", "Black or green?"),
        answers(clerk, { text: "green" }),
        answers(writer, { text: "done" }),
      ]),
    },
  });
  const run = await desk.start(
    { text: "tea" },
    { tenant: "acme", principal: user("u_1"), attributes: { plan: "gold", city: "Köln" } },
  );
  expect(await run.settled()).toBe("parked");
  await run.send("green", { principal: user("u_1") });
  const { status } = await run.result();
  expect(status).toBe("completed");
  const key = await engine.journal.tenantKey("acme");
  const hashes = new Set(asked.map((request) => keyedHash(key, canonicalJson(request))));
  const named = (await run.entries()).flatMap(({ body }) => {
    const { decision } = body as { readonly decision?: { readonly inputs?: string } };
    return decision?.inputs === undefined ? [] : [decision.inputs];
  });
  expect(new Set(asked.map(({ edge }) => edge))).toEqual(new Set(policyEdges));
  expect(named.length).toBeGreaterThanOrEqual(8);
  for (const inputs of named) expect(hashes).toContain(inputs);
});

test.each<[string, boolean]>([
  [policyVersion, false],
  ["labels-1", true],
])("what names alone allow is hashed in a run under %s: %s", (version, isHashed) => {
  const agent = {
    description: "",
    model: "m",
    tools: [],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "",
  } as const;
  const clerk = defineAgent({ ...agent, name: "clerk" });
  const writer = defineAgent({ ...agent, name: "writer" });
  const definition = defineSupervisor({
    agents: { clerk, writer },
    entry: "clerk",
    exit: "writer",
    handoffs: [defineHandoff({ from: clerk, to: writer, map: ({ text }) => ({ text }) })],
    policy: definePolicy({
      name: "house",
      version: "1",
      rules: [
        { id: "work", on: ["handoff", "model"], effect: "allow", because: "they work together" },
        definePolicyRule({
          id: "short",
          on: "egress",
          effect: "allow",
          when: ({ output }) => JSON.stringify(output).length < 100,
          because: "short answers leave",
        }),
      ],
    }),
  }) as unknown as SupervisorDefinition;
  const { start, answer } = coreOf(definition);
  const says = [{ type: "output", value: { text: "done" } }] as const;
  const drafts = [
    ...start({ text: "go" }, ["user"], version),
    ...answer("clerk#1", "clerk#1/model#1", says),
    ...answer("writer#1", "writer#1/model#1", says),
  ];
  const decisions = drafts.flatMap(({ type, body }) => {
    const { decision } = body as { readonly decision?: Decision };
    return decision === undefined
      ? []
      : [[type, decision.ruleId, decision.policyVersion, decision.inputs !== undefined]];
  });
  expect(decisions).toEqual([
    ["model.called", "work", "house@1", isHashed],
    ["handoff.delivered", "work", "house@1", isHashed],
    ["model.called", "work", "house@1", isHashed],
    ["run.completed", "short", "house@1", true],
  ]);
});
