import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { asAgent, defineSupervisor } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import type { ApprovalRule } from "./rule.ts";

const note = z.object({ text: z.string() });
const send = defineTool({
  name: "send_note",
  description: "Sends.",
  input: note,
  output: note,
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: (input) => input,
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [send],
  input: note,
  output: note,
  instructions: "",
});
const desk = (rules: readonly ApprovalRule[]) =>
  defineSupervisor({ name: "desk", agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [], approvals: rules });
const office = (inner: readonly ApprovalRule[], outer: readonly ApprovalRule[]) => {
  const branch = asAgent(desk(inner), { name: "branch", description: "", input: note, output: note });
  return defineSupervisor({
    name: "office",
    agents: { branch },
    entry: "branch",
    exit: "branch",
    handoffs: [],
    approvals: outer,
  });
};

test("a rule of a team holds wherever that team works", () => {
  expect(office([], []).approvals.get("send_note")).toBeUndefined();
  expect(office([{ tool: send, by: "human", quorum: 2 }], []).approvals.get("send_note")).toMatchObject({
    tier: "person",
    quorum: 2,
  });
});

test("of two rules for one tool each member holds that is the stricter one", () => {
  const inner = { tool: send, by: "human", quorum: 1, roles: ["finance", "legal"], expiresMs: 5_000 } as const;
  const outer = { tool: send, by: "compliance", quorum: 3, roles: ["legal"], expiresMs: 9_000 } as const;
  expect(office([inner], [outer]).approvals.get("send_note")).toEqual({
    tier: "person",
    quorum: 3,
    roles: ["legal"],
    expiresMs: 5_000,
  });
});

test("two rules that nobody could satisfy are refused", () => {
  const rule = (role: string) => ({ tool: send, by: "human", roles: [role] }) as const;
  expect(() => office([rule("finance")], [rule("legal")])).toThrow(/supervisor\/approval-invalid/);
});
