import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { InputEvent } from "../event.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { RunCore } from "./core.ts";

const text = z.object({ text: z.string() });
const options = { name: "clerk", description: "", model: "m", tools: [], input: text, output: text } as const;
const clerk = defineAgent({ ...options, instructions: "Write." });
const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });

const started = (definition: SupervisorDefinition): InputEvent<"run.started"> => ({
  id: "start",
  type: "run.started",
  path: "",
  body: {
    supervisor: definition.name,
    definitionHash: definition.hash,
    input: { text: "hello" },
    principal: user("u_1"),
    labels: { "": ["user"] },
    policyVersion,
    budget: { tenant: true },
    format: 1,
  },
});

test.each<[string, InputEvent]>([
  [
    "was taken away",
    {
      id: "restrictions",
      type: "restrictions.changed",
      path: "",
      body: { restrictions: { version: "1.0", tools: [], agents: ["clerk"], stopped: false } },
    },
  ],
  [
    "was cancelled",
    { id: "cancel", type: "cancel.requested", path: "", body: { reason: "enough", principal: user("u_1") } },
  ],
])(
  "B3 a slice that a lost process may have taken is asked for again and given back, though its agent %s",
  (_, event) => {
    const definition = desk as unknown as SupervisorDefinition;
    const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
    let seq = 0;
    const apply = (input: InputEvent) => {
      const outcome = core.apply(input, 1_000, seq + 1);
      seq += outcome?.drafts.length ?? 0;
      return outcome?.commands.filter(({ type }) => type !== "startTimer").map(({ type }) => type);
    };
    expect(apply(started(definition))).toEqual(["reserve"]);
    const [command = ""] = [...core.state.outstanding.keys()];
    expect(apply(event)).toEqual([]);
    expect(apply({ id: "resumed", type: "run.resumed", path: "", body: { lost: [command] } })).toEqual(["reserve"]);
    const amount = { microUsd: 5, tokens: 5 };
    const slice = { stream: "all", amount };
    expect(apply({ id: command, type: "budget.reserved", path: "clerk#1", body: { command, amount, slice } })).toEqual([
      "returnBudget",
    ]);
    expect(core.ended).toBe(false);
  },
);
