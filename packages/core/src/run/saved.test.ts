import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import type { Json } from "../json.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { RunCore } from "./core.ts";

const text = z.object({ text: z.string() });
const agent = { name: "clerk", description: "", model: "m", input: text, output: text, tools: [] } as const;
const clerk = defineAgent({ ...agent, instructions: "Write." });
const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
const definition = desk as unknown as SupervisorDefinition;
const coreOf = () => new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });

test("a model call in a snapshot from before there were routes is asked again with the labels of what it holds", () => {
  const before = coreOf();
  before.apply(
    {
      id: "start",
      type: "run.started",
      path: "",
      body: {
        supervisor: definition.name,
        definitionHash: definition.hash,
        input: { text: "hello" },
        principal: user("u_1"),
        labels: { "": ["sensitive"] },
        policyVersion,
        format: 1,
      },
    },
    1_000,
    1,
  );
  const [id = ""] = [...before.state.outstanding.keys()];
  const saved = JSON.parse(JSON.stringify(before.save())) as { outstanding: Partial<CallModelCommand>[] };
  for (const command of saved.outstanding) {
    delete (command as { labels?: unknown }).labels;
    delete (command as { tried?: unknown }).tried;
  }

  const after = coreOf();
  after.restore(saved as unknown as Json);
  const resumed = { id: "r", type: "run.resumed", path: "", body: { lost: [id] } } as const;
  expect(after.apply(resumed, 2_000, 100)?.commands).toContainEqual(
    expect.objectContaining({ type: "callModel", id, labels: ["sensitive"], tried: [] }),
  );
});
