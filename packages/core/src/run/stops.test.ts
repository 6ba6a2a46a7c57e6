import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { completenessOf } from "../audit/completeness.ts";
import type { Entry } from "../event.ts";
import { policyVersion } from "../policy-version.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { coreOf } from "./core.test.data.ts";

const note = z.object({ text: z.string() });
const common = { description: "", input: note, output: note, execute: (given: { text: string }) => given };
const look = defineTool({ ...common, name: "look", effect: "read" });
const pay = defineTool({ ...common, name: "pay", effect: "write", risk: "high", idempotency: "key" });
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [look, pay],
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
  onFailure: "escalate",
  limits: { repeats: 1 },
}) as unknown as SupervisorDefinition;

/** What a run decides whose only answer asks for the same over and over, and then for a write. */
function decided(looks: number, version: string): readonly Entry[] {
  const { start, answer } = coreOf(definition);
  const call = (tool: string, index: number) =>
    ({ type: "toolCall", callId: `c${index}`, tool, input: { text: "it" } }) as const;
  const parts = [...Array.from({ length: looks }, (_, index) => call("look", index)), call("pay", looks)];
  const drafts = [...start({ text: "go" }, ["user"], version), ...answer("clerk#1", "clerk#1/model#1", parts)];
  return drafts.map((draft, index) => ({ ...draft, seq: index + 1 }) as Entry);
}

describe("R11 an agent that is stopped in the midst of an answer", () => {
  test.each([4, 5, 9])("asks for nothing more of it (%i times the same)", (looks) => {
    const entries = decided(looks, policyVersion);
    const types = entries.map(({ type }) => type);
    expect(entries.at(-1)).toMatchObject({
      type: "run.escalated",
      body: { reason: "agent_failed", packet: { error: { code: "limits/no-progress" } } },
    });
    expect(types.filter((type) => type === "tool.denied").length).toBe(3);
    expect(types).not.toContain("effect.proposed");
    expect(types).not.toContain("approval.requested");
    expect(completenessOf(entries).missing).toEqual([]);
  });

  test("in a run that began under the policy of before is decided as it was then", () => {
    expect(decided(4, "labels-1").map(({ type }) => type)).toContain("approval.requested");
    expect(decided(5, "labels-1").at(-1)).toMatchObject({
      type: "run.failed",
      body: { error: { code: "run/unexpected-event" } },
    });
  });
});
