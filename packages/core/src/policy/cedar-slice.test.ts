import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { defineHandoff } from "../handoff.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import type { PolicyAnswer } from "./answer.ts";
import { cedarPolicy, read, readRules } from "./cedar.ts";
import { contextOf } from "./cedar-context.ts";
import { shapeOf } from "./cedar-schema.ts";
import { askedOf, cedarSlices, groupsOf, togetherId } from "./cedar-slice.ts";
import { answerOf } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";

const input = z.object({ orderId: z.string(), amountCents: z.int(), tags: z.array(z.string()).optional() });
const toolOf = <const Name extends string>(name: Name) =>
  defineTool({
    name,
    description: name,
    input,
    output: z.object({ text: z.string() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    version: "1",
    execute: () => ({ text: "" }),
  });
const refundOrder = toolOf("refund_order");
const cancelOrder = toolOf("cancel_order");
const agentOf = <const Name extends string>(name: Name) =>
  defineAgent({
    name,
    description: name,
    model: "fast",
    tools: [refundOrder, cancelOrder],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Work.",
  });
const triage = agentOf("triage");
const action = agentOf("action");
const desk = defineSupervisor({
  name: "desk",
  agents: { triage, action },
  entry: "triage",
  exit: "action",
  handoffs: [defineHandoff({ from: triage, to: action, map: ({ text }) => ({ text }) })],
});
const shape = shapeOf(z.toJSONSchema(input) as Parameters<typeof shapeOf>[0]);

/** The answer of the whole text, by all of its policies, about all of the request: without slices. */
function wholeAnswer(text: string, request: PolicyRequest): PolicyAnswer {
  const rules = readRules("whole", text);
  const asked = askedOf(request);
  const answer = isAuthorized({
    principal: { type: "Agent", id: asked.agent },
    action: { type: "Action", id: asked.action },
    resource: { type: asked.type, id: asked.resource },
    context: contextOf(request, { members: undefined }, request.edge === "tool" ? shape : undefined),
    validateRequest: false,
    policies: { staticPolicies: Object.fromEntries(rules.map((rule) => [rule.id, rule.text])) },
    entities: groupsOf(asked),
  });
  if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
  return read(answer.response, new Map(rules.map((rule) => [rule.id, rule])));
}

const arbPrincipal = fc.constantFrom(
  "principal",
  'principal == Agent::"action"',
  'principal in Agent::"triage"',
  "principal is Agent",
  'principal is Agent in Agent::"action"',
);
/** Conditions of any request; some cannot be evaluated for some. */
const common = [
  'context.labels.contains("mcp:crm")',
  'context.labels.containsAny(["mcp:web", "user"])',
  'context.principal.roles.contains("staff")',
  'context.principal.kind == "user"',
  'context.attributes.contains("channel=web")',
  'context.tenant == "acme" || context.path like "*2"',
  'principal == Agent::"action"',
  "context has flow",
  'context.labels.contains("user") && 9007199254740991 * 2048 > 1',
  "if context.principal.authenticated then true else context.labels.isEmpty()",
];
const ofCalls = [
  "context.arguments.amountCents <= 500",
  "context.arguments.amountCents * 9007199254740991 > 1",
  "context.arguments.amountCents * 9223372036854775807 > 1",
  "context.arguments.amountCents > -9223372036854775808",
  'context.arguments has tags && context.arguments.tags.contains("vip")',
  "context has flow && context.flow.planned",
  'context has flow && context.flow.untrusted.contains("orderId")',
  'action in Action::"tool"',
  'action in [Action::"tool:cancel_order"]',
  'context.arguments.orderId like "7*"',
  'context.risk != "low"',
  'resource == Tool::"refund_order"',
];
const arbScope = fc.oneof(
  fc.record({
    scope: fc.constantFrom(
      "action, resource",
      'action in [Action::"model", Action::"egress"], resource',
      'action == Action::"handoff", resource == Agent::"action"',
      'action == Action::"source", resource == Source::"faq"',
      'action == Action::"source", resource is Source',
    ),
    conditions: fc.constant(common),
  }),
  fc.record({
    scope: fc.constantFrom(
      'action == Action::"tool:refund_order", resource',
      'action in [Action::"tool:refund_order", Action::"tool:cancel_order"], resource',
      'action in Action::"tool:refund_order", resource == Tool::"refund_order"',
      'action == Action::"tool:cancel_order", resource is Tool',
      'action == Action::"tool:cancel_order", resource in Tool::"cancel_order"',
    ),
    conditions: fc.constant([...common, ...ofCalls]),
  }),
  fc.record({ scope: fc.constant('action in Action::"tool", resource'), conditions: fc.constant(common) }),
);
const arbText = fc
  .array(
    arbScope.chain(({ scope, conditions }) =>
      fc
        .record({
          effect: fc.constantFrom("permit", "forbid", "forbid"),
          principal: arbPrincipal,
          clauses: fc.array(fc.tuple(fc.constantFrom("when", "unless"), fc.constantFrom(...conditions)), {
            maxLength: 3,
          }),
        })
        .map(({ effect, principal, clauses }) => {
          const all = clauses.map(([kind, body]) => ` ${kind} { ${body} }`).join("");
          return `${effect}(${principal}, ${scope})${all};`;
        }),
    ),
    { minLength: 1, maxLength: 14 },
  )
  .map((policies) =>
    policies.map((policy, index) => `@id("${index === 3 ? "__proto__" : `p${index}`}") ${policy}`).join("\n"),
  );

const facts = { tenant: "acme", run: "run_1", supervisor: "desk" };
const arbRequest = fc
  .record({
    agent: fc.constantFrom("triage", "action"),
    roles: fc.subarray(["customer", "staff"]),
    kind: fc.constantFrom("user", "operator"),
    authenticated: fc.boolean(),
    labels: fc.subarray(["mcp:crm", "mcp:web", "user"]),
    attributes: fc.constantFrom({}, { channel: "web" }),
    path: fc.constantFrom("action#1/tool#1", "action#1/tool#2"),
    edge: fc.constantFrom("refund_order", "cancel_order", "refund_order", "handoff", "source", "model", "egress"),
    amountCents: fc.integer({ min: 0, max: 5_000 }),
    tags: fc.option(fc.subarray(["vip", "new"]), { nil: undefined }),
    flow: fc.option(fc.record({ untrusted: fc.subarray(["orderId"]), planned: fc.boolean(), clean: fc.boolean() }), {
      nil: undefined,
    }),
  })
  .map(({ edge, amountCents, tags, flow, roles, kind, authenticated, ...more }): PolicyRequest => {
    const known = {
      ...facts,
      ...more,
      principal: { id: "u_1", kind: kind as "user" | "operator", roles, authenticated },
    };
    if (edge === "handoff") return { ...known, edge, handoff: "triage->action", to: "action", payload: {} };
    if (edge === "source") return { ...known, edge, source: "faq", query: "?" };
    if (edge === "model") return { ...known, edge, model: "fast", purpose: "turn", tools: [] };
    if (edge === "egress") return { ...known, edge, output: null };
    const args = { orderId: "7", amountCents, ...(tags === undefined ? {} : { tags }) };
    const call = {
      edge: "tool",
      tool: edge,
      effect: "write",
      risk: "low",
      reversible: false,
      arguments: args,
    } as const;
    return { ...known, ...call, ...(flow === undefined ? {} : { flow }) };
  });

const requestOf = (labels: readonly string[], amountCents: number): PolicyRequest => ({
  ...facts,
  principal: { id: "u_1", kind: "user", roles: [], authenticated: true },
  agent: "action",
  path: "action#1/tool#1",
  labels,
  attributes: {},
  edge: "tool",
  tool: "refund_order",
  effect: "write",
  risk: "low",
  reversible: false,
  arguments: { orderId: "7", amountCents },
});

describe("what Cedar is asked is a part that answers as the whole does", () => {
  test("K5 L1 L2 L3 L4 decision, reasons and errors are those of the whole text", () => {
    fc.assert(
      fc.property(arbText, fc.array(arbRequest, { minLength: 1, maxLength: 6 }), (text, requests) => {
        let policy: ReturnType<typeof cedarPolicy>;
        try {
          policy = cedarPolicy({ name: "whole", version: "1", text }).bind(desk);
        } catch {
          // Cedar can tell that one of them never holds, which is refused.
          return fc.pre(false);
        }
        for (const request of requests) {
          expect(answerOf(policy, request)).toEqual(wholeAnswer(text, request));
        }
      }),
      { numRuns: 80 },
    );
  });

  const slicesOf = (text: string) => {
    const parsed: (readonly string[])[] = [];
    const slices = cedarSlices("some", readRules("some", text), (_, policies) => parsed.push(Object.keys(policies)));
    return { slices, parsed };
  };
  const call = { agent: "action", action: "tool:refund_order", type: "Tool", resource: "refund_order" };
  const ban = (label: string) =>
    `@id("no-${label}") forbid(principal, action in Action::"tool", resource) when { context.labels.contains("${label}") };`;

  test("L1 L3 L4 policies of other actions are left out, and forbids about every such call are one, apart", () => {
    const { slices, parsed } = slicesOf(`${["a", "b", "c"].map(ban).join("\n")}
      @id("small") permit(principal, action == Action::"tool:refund_order", resource);
      @id("other") permit(principal, action == Action::"tool:cancel_order", resource);
      @id("open") permit(principal, action == Action::"handoff", resource);`);
    const slice = slices(call);
    expect(parsed).toEqual([[togetherId], ["small"]]);
    expect([slice.standing?.asksGroups, slice.rest.asksGroups]).toEqual([false, false]);
    slice.wholeId();
    expect(parsed[2]).toEqual(["no-a", "no-b", "no-c", "small"]);
    expect([...(slice.used.members?.keys() ?? [])]).toEqual(["labels"]);
  });

  test("a set that is the same for two tools is read once", () => {
    const { slices, parsed } = slicesOf(["a", "b"].map(ban).join("\n"));
    const first = slices(call);
    const second = slices({ ...call, action: "tool:cancel_order", resource: "cancel_order" });
    expect([second.rest.id, second.standing?.id]).toEqual([first.rest.id, first.standing?.id]);
    expect(parsed).toEqual([[togetherId], []]);
  });

  test("L3 what JSON cannot say, or not so deep, stays as it was written", () => {
    const deep = Array.from({ length: 80 }, (_, index) => `context.labels.contains("l${index}")`).join(" || ");
    const { slices, parsed } = slicesOf(`
      @id("large") forbid(principal, action, resource) when { context.arguments.amountCents > 9223372036854775800 };
      @id("deep") forbid(principal, action, resource) when { ${deep} };
      ${ban("a")} ${ban("b")}`);
    slices(call);
    expect(parsed).toEqual([[togetherId], ["large", "deep"]]);
  });

  test("L4 what looks at a call's arguments stands with the rest", () => {
    const above = (cents: number) =>
      `@id("above-${cents}") forbid(principal, action == Action::"tool:refund_order", resource) when { context.arguments.amountCents > ${cents} };`;
    const { slices, parsed } = slicesOf(`${above(1)} ${above(2)} ${ban("a")}
      @id("any") permit(principal, action, resource);`);
    const { standing, rest } = slices(call);
    expect(parsed).toEqual([[togetherId], ["any", togetherId]]);
    expect([[...(standing?.members ?? [])], [...(rest.members ?? [])]]).toEqual([["labels"], ["arguments"]]);
  });

  test.each([
    ["of all calls", `context.labels.contains("user") && 9007199254740991 * 2048 > 1`],
    ["of one call", "context.arguments.amountCents * 9007199254740991 > 1"],
  ])("L3 L4 a forbid %s that cannot be evaluated is named, also among others that can", (_, condition) => {
    const policy = cedarPolicy({
      name: "failing",
      version: "1",
      text: `permit(principal, action, resource);
        @id("fine") forbid(principal, action == Action::"tool:refund_order", resource) when { context.tenant == "globex" };
        @id("other") forbid(principal, action == Action::"tool:refund_order", resource) when { context.arguments.amountCents < 0 };
        @id("fails") forbid(principal, action == Action::"tool:refund_order", resource) when { ${condition} };`,
    }).bind(desk);
    const ask = (labels: readonly string[], amountCents: number) => answerOf(policy, requestOf(labels, amountCents));
    expect(ask(["user"], 2_000)).toMatchObject({ ruleId: "fails", code: "policy/evaluation-failed" });
    expect(ask(["user"], 2_000)).toMatchObject({ ruleId: "fails", code: "policy/evaluation-failed" });
    expect(ask([], 0)).toMatchObject({ effect: "allow", ruleId: "policy0" });
  });

  test("hundreds of forbids are still answered as one, and by name", () => {
    const labels = Array.from({ length: 400 }, (_, index) => `l${index}`);
    const text = `permit(principal, action, resource);\n${labels.map(ban).join("\n")}`;
    const policy = cedarPolicy({ name: "many", version: "1", text }).bind(desk);
    const ask = (...own: string[]) => answerOf(policy, requestOf(own, 1));
    expect(ask("user")).toMatchObject({ effect: "allow", ruleId: "policy0" });
    expect(ask("l399", "l7")).toMatchObject({ effect: "deny", ruleId: "no-l399,no-l7", code: "policy/denied" });
  });
});
