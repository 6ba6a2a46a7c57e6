import { defineAgent, definePolicy, defineTool, effectCase, effectVerdict, extendAgent } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { action } from "./action.ts";
import { serviceDesk } from "./desk.ts";

test("a desk brings the ready-made judges; others take their place, and {} is a desk without", () => {
  const { judges, aliases } = serviceDesk();
  expect([judges.compliance?.name, judges.reviewer?.name]).toEqual(["effectCompliance", "effectReviewer"]);
  expect(aliases).toEqual(["careful", "fast"]);
  expect(serviceDesk({ judges: {} }).judges).toEqual({});
  const strict = defineAgent({
    name: "strict",
    description: "Judges.",
    model: "careful",
    effects: "read",
    tools: [],
    input: effectCase,
    output: effectVerdict,
    instructions: "Judge.",
  });
  expect(serviceDesk({ judges: { compliance: strict } }).judges).toEqual({ compliance: strict });
});

test("its rules ask for more than a risk does", () => {
  const tell = defineTool({
    name: "tell",
    description: "Tells.",
    input: z.object({}),
    output: z.object({}),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => ({}),
  });
  const role = extendAgent(action, { tools: [tell] });
  expect(serviceDesk({ action: role }).approvals.size).toBe(0);
  const desk = serviceDesk({ action: role, approvals: [{ tool: tell, by: "human", quorum: 2, roles: ["lead"] }] });
  expect(desk.approvals.get("tell")).toMatchObject({ tier: "person", quorum: 2, roles: ["lead"] });
});

test("its policy holds for each of its roles and for what is nobody's", () => {
  const policy = definePolicy({
    name: "nights",
    version: "1",
    rules: [{ id: "no", on: "tool", effect: "deny", because: "not at night" }],
  });
  const desk = serviceDesk({ policy });
  expect(desk.policy).toBe(policy);
  expect(desk.policies.get("action")).toEqual([policy]);
  expect(serviceDesk().policy).toBeUndefined();
});
