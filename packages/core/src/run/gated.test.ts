import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { EntryBodies, InputEvent } from "../event.ts";
import { definePolicy } from "../policy/policy.ts";
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

/** A run that has begun, what its model says, and what each word of people comes to. */
function begun(definition: SupervisorDefinition, version: string) {
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
  const said = (path: string, parts: EntryBodies["model.responded"]["parts"]) => {
    const [command = ""] = core.state.outstanding.keys();
    return apply({ id: command, type: "model.responded", path, body: { command, model: "m", parts } });
  };
  const decide = (
    effect: string,
    principal: Principal,
    word: Pick<EntryBodies["approval.decided"], "decision" | "input">,
  ) => {
    const key = `key ${seq}`;
    const binding = core.state.approvals.get(effect)?.binding ?? "";
    const decided = { effect, binding, reason: "", principal, key, ...word };
    return apply({ id: key, type: "approval.decided", path: effect, body: decided });
  };
  /** The same run as a snapshot of it says. */
  const again = () => core.restore(JSON.parse(JSON.stringify(core.save())));
  return { said, decide, again };
}

/** A run that waits for two people. */
function waiting(version: string) {
  const { said, decide, again } = begun(desk as unknown as SupervisorDefinition, version);
  said("clerk#1", [{ type: "toolCall", callId: "c", tool: "wipe", input: { text: "go" } }]);
  return { approve: (by: Principal) => decide("clerk#1/tool#1", by, { decision: "approve" }), again };
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

/** A write of low risk that a policy has a person look at above 500, and that somebody edits below. */
function edited(version: string) {
  const payment = z.object({ to: z.string(), cents: z.int() });
  const pay = defineTool({
    ...{ name: "pay", description: "", input: payment, output: text },
    ...({ effect: "write", risk: "low", idempotency: "key" } as const),
    execute: () => ({ text: "" }),
  });
  const payer = defineAgent({ ...shape, name: "payer", model: "m", tools: [pay], instructions: "" });
  const policy = definePolicy({
    name: "sums",
    version: "1",
    rules: [
      { id: "work", on: ["model", "egress"], effect: "allow", because: "work" },
      { id: "sum", on: "tool", effect: "allow", because: "small" },
      { id: "large", on: "tool", effect: "approve", when: (one) => centsOf(one.arguments) > 500, because: "large" },
    ],
  });
  const team = defineSupervisor({ agents: { payer }, entry: "payer", exit: "payer", handoffs: [], policy });
  const run = begun(team as unknown as SupervisorDefinition, version);
  run.said("payer#1", [{ type: "toolCall", callId: "c", tool: "pay", input: { to: "ann", cents: 900 } }]);
  const input = { to: "ben", cents: 400 };
  return { ...run, edit: (by: Principal) => run.decide("payer#1/tool#1", by, { decision: "edit", input }) };
}
const centsOf = (args: unknown) => (args as { readonly cents: number }).cents;

test("R8 what an edit has made waits for somebody else, also where nobody would have been asked about it", () => {
  const { edit, decide } = edited(policyVersion);
  expect(edit(operator("ed"))).toEqual(expect.arrayContaining(["approval.edited", "approval.requested"]));
  const approved = { decision: "approve" } as const;
  expect(decide("payer#1/tool#1/edit#1", operator("ed"), approved)).toContain("approval.refused");
  expect(decide("payer#1/tool#1/edit#1", operator("second"), approved)).toContain("tool.called");
});

test("a run that began under the policy of before makes it at once, as it did then", () => {
  expect(edited("labels-1").edit(operator("ed"))).toEqual(expect.arrayContaining(["approval.edited", "tool.called"]));
});
