import { expectTypeOf, test } from "vitest";
import { definePolicy, definePolicyRule, type Policy } from "./policy.ts";
import type { HandoffRequest, ToolRequest } from "./request.ts";

test("a rule gets the request of its edges, and no other", () => {
  const policy = definePolicy({
    name: "p",
    version: "1",
    rules: [
      { id: "a", on: "tool", effect: "approve", when: ({ tool }) => tool === "x", because: "x" },
      { id: "b", on: ["tool", "handoff"], effect: "allow", when: (one) => one.edge === "tool", because: "x" },
      // @ts-expect-error a handoff has no arguments
      { id: "c", on: "handoff", effect: "allow", when: (one) => one.arguments === null, because: "x" },
      // @ts-expect-error a person is asked about calls alone
      { id: "d", on: "model", effect: "approve", because: "x" },
      // @ts-expect-error there is no such edge
      { id: "e", on: "tools", effect: "allow", because: "x" },
      // @ts-expect-error a promise is no answer
      { id: "f", on: "tool", effect: "allow", when: async () => true, because: "x" },
    ],
  });
  expectTypeOf(policy).toEqualTypeOf<Policy>();
  definePolicyRule({
    id: "g",
    on: ["tool", "handoff"],
    effect: "deny",
    when: (one) => {
      expectTypeOf(one).toEqualTypeOf<ToolRequest | HandoffRequest>();
      return true;
    },
    because: "x",
  });
});
