import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { InputEvent } from "../event.ts";
import { policyVersion } from "../policy-version.ts";
import { operator, type Principal, user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";

const text = z.object({ text: z.string() });
const shape = { description: "", input: text, output: text } as const;
const wipe = defineTool({
  ...shape,
  name: "wipe",
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: (given) => given,
});
const clerk = defineAgent({ ...shape, name: "clerk", model: "m", tools: [wipe], instructions: "" });
const desk = defineSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  approvals: [{ tool: wipe, by: "human", quorum: 2 }],
});

/** A run that waits for two people; what each word comes to. */
function waiting(version: string) {
  const definition = desk as unknown as SupervisorDefinition;
  const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
  let seq = 0;
  const apply = (event: InputEvent) => {
    const drafts = core.apply(event, 1_000, seq + 1)?.drafts ?? [];
    seq += drafts.length;
    return drafts.map(({ type }) => type);
  };
  const body = {
    supervisor: definition.name,
    definitionHash: definition.hash,
    input: { text: "go" },
    principal: user("u_1"),
    labels: { "": ["user"] },
    policyVersion: version,
    format: 1,
  } as const;
  apply({ id: "start", type: "run.started", path: "", body });
  const [command = ""] = core.state.outstanding.keys();
  const parts = [{ type: "toolCall", callId: "c", tool: "wipe", input: { text: "go" } }] as const;
  apply({ id: command, type: "model.responded", path: "clerk#1", body: { command, model: "m", parts } });
  const effect = "clerk#1/tool#1";
  const approve = (principal: Principal) => {
    const key = `key ${seq}`;
    const binding = core.state.approvals.get(effect)?.binding ?? "";
    const said = { effect, binding, decision: "approve", reason: "", principal, key } as const;
    return apply({ id: key, type: "approval.decided", path: effect, body: said });
  };
  /** The same run as a snapshot of it says. */
  const again = () => core.restore(JSON.parse(JSON.stringify(core.save())));
  return { approve, again };
}
const aide = operator("aide");

test("R8 who approved for somebody else is no second person of a quorum, also behind a snapshot", () => {
  const { approve, again } = waiting(policyVersion);
  expect(approve({ ...aide, onBehalfOf: "boss" })).toContain("approval.recorded");
  again();
  expect(approve(aide)).toContain("approval.refused");
  expect(approve({ ...aide, onBehalfOf: "second" })).toContain("approval.refused");
  expect(approve(operator("second"))).toContain("approval.granted");
});

test("a run that began under the policy of before counts voices as it did then", () => {
  const { approve } = waiting("flows-1");
  expect(approve({ ...aide, onBehalfOf: "boss" })).toContain("approval.recorded");
  expect(approve(aide)).toContain("approval.granted");
});
