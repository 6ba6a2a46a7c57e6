import { expectTypeOf, test } from "vitest";
import { definePolicy, definePolicyRule, type Policy, type WrittenRule } from "./policy.ts";
import type { HandoffRequest, ToolRequest } from "./request.ts";

const named = { name: "p", version: "1" } as const;

test("a rule gets the request of its edges", () => {
  const policy = definePolicy({
    ...named,
    rules: [
      { id: "a", on: "tool", effect: "approve", when: ({ tool }) => tool === "x", because: "x" },
      definePolicyRule({
        id: "b",
        on: ["tool", "handoff"],
        effect: "allow",
        when: (one) => one.edge === "tool",
        because: "x",
      }),
      { id: "h", on: ["model", "egress"], effect: "allow", because: "x" },
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

test("what comes before a call is told of as an earlier call", () => {
  definePolicy({
    ...named,
    rules: [
      {
        id: "a",
        on: "tool",
        effect: "allow",
        after: { tools: ["x"], when: (earlier, call) => earlier.output === null && call.tool === "y" },
        because: "x",
      },
    ],
  });
  definePolicyRule({
    id: "b",
    on: "tool",
    effect: "approve",
    after: [{ tools: ["x"] }, { tools: ["y"] }],
    because: "x",
  });
  definePolicyRule({
    id: "c",
    on: "egress",
    effect: "allow",
    after: { tools: ["x"], when: (earlier, { output }) => earlier.output === output },
    because: "x",
  });
  // @ts-expect-error nothing comes before a question
  definePolicyRule({ id: "c", on: "message", effect: "allow", after: { tools: ["x"] }, because: "x" });
  definePolicyRule({
    id: "d",
    on: "tool",
    effect: "allow",
    // @ts-expect-error a promise is no answer
    after: { tools: ["x"], when: async () => true },
    because: "x",
  });
});

test("beside rules that were written apart as well, with those that are spread behind it", () => {
  const apart = definePolicyRule({ id: "a", on: ["tool", "egress"], effect: "allow", because: "x" });
  const some = [apart] as readonly WrittenRule[];
  definePolicy({
    ...named,
    rules: [
      { id: "b", on: "tool", effect: "deny", when: ({ tool }) => tool === "x", because: "x" },
      apart,
      {
        id: "c",
        on: "egress",
        effect: "allow",
        after: { tools: ["x"], when: (earlier, { output }) => earlier.output === output },
        because: "x",
      },
      ...some,
    ],
  });
});

test("and no other", () => {
  definePolicyRule({
    id: "c",
    on: "handoff",
    effect: "allow",
    // @ts-expect-error a handoff has no arguments
    when: (one) => one.arguments === null,
    because: "x",
  });
  // @ts-expect-error a person is asked about calls alone
  definePolicy({ ...named, rules: [{ id: "d", on: "model", effect: "approve", because: "x" }] });
  // @ts-expect-error there is no such edge
  definePolicy({ ...named, rules: [{ id: "e", on: "tools", effect: "allow", because: "x" }] });
  // @ts-expect-error a promise is no answer
  definePolicyRule({ id: "f", on: "tool", effect: "allow", when: async () => true, because: "x" });
});
