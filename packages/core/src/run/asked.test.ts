import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineHandoff } from "../handoff.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson } from "../json.ts";
import { definePolicy, definePolicyRule } from "../policy/policy.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, callsAll, scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";

test("the hash beside a decision is of the request that the rules were asked, on every edge of the run", async () => {
  const asked = new Map<string, string[]>();
  const note = definePolicyRule({
    id: "note",
    on: ["tool", "handoff", "model", "egress"],
    effect: "allow",
    when: (request) => {
      const texts = asked.get(request.edge) ?? [];
      asked.set(request.edge, [...texts, canonicalJson(request)]);
      return true;
    },
    because: "it is noted",
  });
  const text = z.object({ text: z.string(), "9": z.number().optional() });
  const pay = defineTool({
    name: "pay",
    description: "",
    input: z.object({ to: z.string(), amount: z.number() }),
    output: z.object({}),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => ({}),
  });
  const named = (name: "first" | "second") =>
    defineAgent({ name, description: "", model: "m", tools: [pay], input: text, output: text, instructions: "" });
  const [first, second] = [named("first"), named("second")];
  const engine = memoryEngine();
  const desk = createSupervisor({
    name: "desk",
    agents: { first, second },
    entry: "first",
    exit: "second",
    handoffs: [defineHandoff({ from: first, to: second, map: (said) => said })],
    policy: definePolicy({ name: "noting", version: "1", rules: [note] }),
    engine,
    models: {
      m: scriptedModel([
        callsAll(first, [["pay", { to: "ann \u2603", amount: 0.5 }]]),
        answers(first, { text: "é", "9": 1 }),
        answers(second, { text: "done" }),
      ]),
    },
  });
  const principal = user("ann", ["clerk"]);
  const run = await desk.start({ text: "go" }, { tenant: "acme", principal, attributes: { plan: "team" } });
  expect(await run.settled()).toBe("completed");
  const tenantKey = await engine.journal.tenantKey("acme");
  const hashes = new Set([...asked.values()].flat().map((request) => keyedHash(tenantKey, request)));
  const decided = (await run.entries()).flatMap(({ body }) =>
    "decision" in body && typeof body.decision === "object" ? [body.decision] : [],
  );
  expect([...asked.keys()].sort()).toEqual(["egress", "handoff", "model", "tool"]);
  expect(decided.length).toBeGreaterThan(5);
  for (const { inputs } of decided) expect(hashes).toContain(inputs);
});
