import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { Entry } from "../event.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";

const note = z.object({ text: z.string() });
const tell = defineTool({
  name: "tell",
  description: "",
  input: z.object({ to: z.array(z.string()) }),
  output: note,
  effect: "write",
  risk: "low",
  idempotency: "key",
  labels: ["web"],
  protect: ["to"],
  execute: () => ({ text: "" }),
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [tell],
  input: note,
  output: note,
  instructions: "",
});
const definition = defineSupervisor({
  name: "desk",
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  flows: { exempt: [{ tool: "tell", because: "It tells our own." }] },
}) as unknown as SupervisorDefinition;

/** What a run decides whose agent tells nobody, or everybody. */
function decided(
  version: string,
  started: { readonly labels: readonly string[]; readonly bounded: boolean },
): string[] {
  const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "k".repeat(43) });
  const entries: Entry[] = [];
  const apply = (event: Parameters<RunCore["apply"]>[0]) => {
    const drafts = core.apply(event, 1_000, entries.length + 1)?.drafts ?? [];
    for (const draft of drafts) entries.push({ ...draft, seq: entries.length + 1 } as Entry);
  };
  apply({
    id: "start",
    type: "run.started",
    path: "",
    body: {
      supervisor: definition.name,
      definitionHash: definition.hash,
      input: { text: "go" },
      principal: user("ann"),
      labels: { "": started.labels },
      ...(started.bounded ? { grants: { run: { arguments: { tell: { to: { oneOf: ["ann"] } } } } } } : {}),
      policyVersion: version,
      format: 1,
    },
  });
  const command = "clerk#1/model#1";
  const parts = [{ type: "toolCall", callId: "c1", tool: "tell", input: { to: [] } }] as const;
  apply({ id: command, type: "model.responded", path: "clerk#1", body: { command, model: "m", parts } });
  return entries.map(({ type }) => type);
}

const bounded = { labels: ["user"], bounded: true };
const foreign = { labels: ["web"], bounded: false };

test("R6 an empty list meets no bound on an argument", () => {
  expect(decided(policyVersion, bounded)).toContain("tool.denied");
});

test("R9 an empty list in a protected argument is nobody's word", () => {
  expect(decided(policyVersion, foreign)).toContain("approval.requested");
});

test("a run that began under the policy of before is decided as it was then", () => {
  expect(decided("labels-1", bounded)).toContain("tool.called");
  expect(decided("labels-1", foreign)).toContain("tool.called");
});
