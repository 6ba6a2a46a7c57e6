import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import { defineHandoff } from "../handoff.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { cedarPolicy } from "./cedar.ts";
import { cedarSchemaOf, decimal } from "./cedar-schema.ts";
import { answerOf, definePolicy, type Policy } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";

const getOrder = defineTool({
  name: "get_order",
  description: "Looks an order up.",
  input: z.object({ orderId: z.string() }),
  output: z.object({ total: z.number() }),
  effect: "read",
  execute: () => ({ total: 1 }),
});
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds.",
  input: z.object({
    orderId: z.string(),
    amountCents: z.int(),
    share: z.number().optional(),
    tags: z.array(z.string()).optional(),
    note: z.string().nullable().optional(),
    odd: z.union([z.string(), z.number()]).optional(),
  }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  version: "1",
  execute: () => ({ refundId: "r" }),
});
const agent = <const Name extends string>(
  name: Name,
  tools: readonly [] | readonly [typeof refundOrder] | readonly [typeof getOrder],
) =>
  defineAgent({
    name,
    description: name,
    model: "fast",
    tools,
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Work.",
  });
const triage = agent("triage", [getOrder]);
const action = agent("action", [refundOrder]);
const desk = (policy?: Policy) =>
  defineSupervisor({
    name: "desk",
    agents: { triage, action },
    entry: "triage",
    exit: "action",
    handoffs: [defineHandoff({ from: triage, to: action, map: ({ text }) => ({ text }) })],
    ...(policy === undefined ? {} : { policy }),
  });
const cedar = (text: string, version = "1") => cedarPolicy({ name: "refunds", version, text });
const bound = (text: string) => cedar(text).bind(desk());

const facts = {
  tenant: "acme",
  run: "run_1",
  supervisor: "desk",
  principal: { id: "u_1", kind: "user", roles: ["customer"], authenticated: true },
  agent: "action",
  path: "action#1/tool#1",
  labels: ["user"],
  attributes: { channel: "web" },
} as const;
const refund = (args: object, more: object = {}): PolicyRequest =>
  ({
    ...facts,
    edge: "tool",
    tool: "refund_order",
    effect: "write",
    risk: "low",
    reversible: false,
    arguments: { orderId: "7", amountCents: 100, ...args },
    ...more,
  }) as PolicyRequest;
const thrownBy = (act: () => unknown): OrchestrationError => {
  try {
    act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return thrown;
  }
  throw new Error("nothing was thrown");
};

const text = `
@id("small")
@because("small sums are free")
permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
when { context.arguments.amountCents <= 500 };

@id("large")
@approve("somebody looks at large sums")
permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
when { context.arguments.amountCents > 400 };

@id("huge")
forbid(principal, action == Action::"tool:refund_order", resource)
when { context.arguments.amountCents > 10000 };
`;

describe("a policy in Cedar", () => {
  test("K1 K2 permit, a person and forbid, by their ids", () => {
    const policy = bound(text);
    expect(answerOf(policy, refund({}))).toEqual({ effect: "allow", ruleId: "small", because: "small sums are free" });
    expect(answerOf(policy, refund({ amountCents: 450 }))).toEqual({
      effect: "approve",
      ruleId: "large",
      because: "somebody looks at large sums",
    });
    expect(answerOf(policy, refund({ amountCents: 20_000 }))).toMatchObject({
      effect: "deny",
      ruleId: "huge",
      code: "policy/denied",
    });
    expect(answerOf(policy, { ...facts, edge: "egress", output: {} })).toMatchObject({ code: "policy/no-rule" });
  });

  test("K3 a policy that cannot be evaluated denies, although another one permits", () => {
    const policy = bound(`
      permit(principal, action, resource);
      @id("sum") permit(principal, action == Action::"tool:refund_order", resource)
      when { context.arguments.amountCents * 9223372036854775807 > 1 };`);
    expect(answerOf(policy, refund({ amountCents: 2 }))).toMatchObject({
      effect: "deny",
      ruleId: "sum",
      code: "policy/evaluation-failed",
    });
  });

  test.each([
    ["a tool", `permit(principal, action, resource == Tool::"refund_ordr");`, "refund_ordr"],
    ["an action", `permit(principal, action == Action::"tool:refund", resource);`, "tool:refund"],
    ["an agent", `permit(principal == Agent::"actoin", action, resource);`, "actoin"],
    ["a model", `permit(principal, action == Action::"model", resource == Model::"fats");`, "fats"],
    [
      "a handoff",
      `permit(principal, action == Action::"handoff", resource) when { context.handoff == Handoff::"a->b" };`,
      "a->b",
    ],
    [
      "an argument",
      `permit(principal, action == Action::"tool:refund_order", resource) when { context.arguments.amount > 1 };`,
      "amount",
    ],
    [
      "a type",
      `permit(principal, action == Action::"tool:refund_order", resource) when { context.arguments.amountCents > "1" };`,
      "Long",
    ],
    [
      "an argument that Cedar has no type for",
      `permit(principal, action == Action::"tool:refund_order", resource) when { context.arguments has odd && context.arguments.odd == "1" };`,
      "impossible",
    ],
  ])("K4 %s that is not there is an error where it is loaded", (_, bad, told) => {
    const error = thrownBy(() => desk(cedar(`\n  ${bad}`)));
    expect(error.code).toBe("policy/cedar-invalid");
    expect(error.data.position).toMatch(/^2:\d+$/);
    expect(JSON.stringify(error.data.issues)).toContain(told);
  });

  test("a text that cannot be read, a template and an id that is there twice are refused at once", () => {
    expect(thrownBy(() => cedar("permit(principal;"))).toMatchObject({
      code: "policy/cedar-invalid",
      data: { position: "1:17" },
    });
    expect(thrownBy(() => cedar("permit(principal == ?principal, action, resource);")).code).toBe(
      "policy/cedar-invalid",
    );
    const twice = `@id("a") permit(principal, action, resource); @id("a") forbid(principal, action, resource);`;
    expect(thrownBy(() => cedar(twice)).message).toContain("another policy has this id");
    expect(thrownBy(() => cedar(`@approve("x") forbid(principal, action, resource);`)).code).toBe(
      "policy/cedar-invalid",
    );
  });

  test("policies without an id are numbered in their order, also beyond ten", () => {
    const many = Array.from(
      { length: 12 },
      (_, index) =>
        `permit(principal, action == Action::"tool:refund_order", resource) when { context.arguments.amountCents == ${index} };`,
    ).join("\n");
    expect(answerOf(bound(many), refund({ amountCents: 11 })).ruleId).toBe("policy11");
    expect(answerOf(bound(many), refund({ amountCents: 2 })).ruleId).toBe("policy2");
  });

  test("one that is bound to nothing denies", () => {
    expect(answerOf(cedar(text), refund({}))).toMatchObject({ effect: "deny", code: "policy/evaluation-failed" });
  });

  test("arguments come with their types: decimals, sets, and what may be null left out", () => {
    const on = (condition: string) =>
      bound(`permit(principal, action == Action::"tool:refund_order", resource) when { ${condition} };`);
    const a = "context.arguments";
    expect(answerOf(on(`${a} has share && ${a}.share.lessThan(decimal("0.5"))`), refund({ share: 0.25 })).effect).toBe(
      "allow",
    );
    expect(answerOf(on(`${a} has share && ${a}.share.lessThan(decimal("0.5"))`), refund({ share: 0.5 })).effect).toBe(
      "deny",
    );
    expect(answerOf(on(`${a} has tags && ${a}.tags.contains("vip")`), refund({ tags: ["a", "vip"] })).effect).toBe(
      "allow",
    );
    expect(answerOf(on(`!(${a} has note)`), refund({ note: null })).effect).toBe("allow");
    expect(answerOf(on(`${a} has note && ${a}.note like "re*"`), refund({ note: "return" })).effect).toBe("allow");
    expect(answerOf(on(`context.principal.roles.contains("customer")`), refund({})).effect).toBe("allow");
    expect(answerOf(on(`context.attributes.contains("channel=web")`), refund({})).effect).toBe("allow");
    expect(answerOf(on(`context.labels.containsAny(["mcp:crm"])`), refund({}, { labels: ["mcp:crm"] })).effect).toBe(
      "allow",
    );
    expect(answerOf(on(`context has flow && context.flow.planned`), refund({})).effect).toBe("deny");
    const flow = { untrusted: [], planned: true, clean: false };
    expect(answerOf(on(`context has flow && context.flow.planned`), refund({}, { flow })).effect).toBe("allow");
  });

  test("an argument that does not have its schema's type denies where a policy looks at it", () => {
    const policy = bound(text);
    expect(answerOf(policy, refund({ amountCents: "9" }))).toMatchObject({ code: "policy/evaluation-failed" });
  });

  test("the other edges have their own resources", () => {
    const policy = bound(`
      permit(principal == Agent::"triage", action == Action::"handoff", resource == Agent::"action")
        when { context.handoff == Handoff::"triage->action" };
      permit(principal, action == Action::"model", resource == Model::"fast") when { context.purpose == "turn" };
      permit(principal, action == Action::"message", resource == Person::"customer");
      permit(principal, action == Action::"egress", resource) unless { context.labels.contains("sensitive") };
      permit(principal, action == Action::"source", resource == Source::"faq");
      permit(principal, action in [Action::"memory.read", Action::"memory.write"], resource == Memory::"notes");`);
    const ask = (request: object) => answerOf(policy, { ...facts, ...request } as unknown as PolicyRequest).effect;
    const handoff = { edge: "handoff", handoff: "triage->action", to: "action", payload: {} };
    expect(ask({ ...handoff, agent: "triage" })).toBe("allow");
    expect(ask(handoff)).toBe("deny");
    expect(ask({ edge: "model", model: "fast", purpose: "turn", tools: [] })).toBe("allow");
    expect(ask({ edge: "model", model: "fast", purpose: "summary", tools: [] })).toBe("deny");
    expect(ask({ edge: "message", to: "customer", text: "?" })).toBe("allow");
    expect(ask({ edge: "message", to: "operator", text: "?" })).toBe("deny");
    expect(ask({ edge: "egress", output: 1 })).toBe("allow");
    expect(ask({ edge: "egress", output: 1, labels: ["sensitive"] })).toBe("deny");
    expect(ask({ edge: "source", source: "faq", query: "?" })).toBe("allow");
    expect(ask({ edge: "memory.write", scope: "notes", key: "k" })).toBe("allow");
    expect(ask({ edge: "memory.read", scope: "other", key: "k" })).toBe("deny");
  });

  test("the schema has an action for each tool, with its arguments", () => {
    const { "": own } = cedarSchemaOf(desk());
    expect(own?.entityTypes.Tool).toEqual({ enum: ["get_order", "refund_order"] });
    expect(Object.keys(own?.actions ?? {})).toContain("tool:refund_order");
  });

  test("never allowed is known beforehand, from the heads of policies", () => {
    const policy = bound(`permit(principal == Agent::"action", action in Action::"tool", resource);
      forbid(principal, action == Action::"tool:get_order", resource);`);
    expect(policy.neverAllows?.("action", "refund_order")).toBe(false);
    expect(policy.neverAllows?.("triage", "refund_order")).toBe(true);
    expect(policy.neverAllows?.("action", "get_order")).toBe(true);
  });
});

describe("numbers", () => {
  test("a decimal never passes a bound of four digits that the number does not pass", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 0, max: 10_000_000 }),
        (value, tenThousandths) => {
          const bound = tenThousandths / 10_000;
          if (value > bound) expect(Number(decimal(value))).toBeGreaterThan(bound);
          expect(decimal(value)).toMatch(/^-?\d{1,15}\.\d{4}$/);
        },
      ),
    );
  });
});

describe("the same rules in TypeScript and in Cedar", () => {
  const rules = definePolicy({
    name: "refunds",
    version: "1",
    rules: [
      { id: "read", on: "tool", effect: "allow", tools: ["get_order"], because: "reads are free" },
      {
        id: "small",
        on: "tool",
        effect: "allow",
        agents: ["action"],
        tools: ["refund_order"],
        when: ({ arguments: args }) => (args as { amountCents: number }).amountCents <= 500,
        because: "small",
      },
      {
        id: "staff",
        on: "tool",
        effect: "approve",
        tools: ["refund_order"],
        when: ({ principal }) => principal.roles.includes("staff"),
        because: "staff are asked",
      },
      {
        id: "leak",
        on: "tool",
        effect: "deny",
        when: ({ labels }) => labels.includes("mcp:crm"),
        because: "read abroad",
      },
      { id: "hand", on: "handoff", effect: "allow", agents: ["triage"], because: "the only edge" },
      { id: "fast", on: "model", effect: "allow", when: ({ model }) => model === "fast", because: "fast" },
    ],
  }).bind(desk());
  const same = bound(`
    @id("read") permit(principal, action == Action::"tool:get_order", resource);
    @id("small") permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
      when { context.arguments.amountCents <= 500 };
    @id("staff") @approve("staff are asked") permit(principal, action == Action::"tool:refund_order", resource)
      when { context.principal.roles.contains("staff") };
    @id("leak") forbid(principal, action in Action::"tool", resource) when { context.labels.contains("mcp:crm") };
    @id("hand") permit(principal == Agent::"triage", action == Action::"handoff", resource);
    @id("fast") permit(principal, action == Action::"model", resource == Model::"fast");`);
  const arbRequest = fc
    .record({
      agent: fc.constantFrom("triage", "action"),
      roles: fc.subarray(["customer", "staff"]),
      labels: fc.subarray(["mcp:crm", "user"]),
      amountCents: fc.integer({ min: 0, max: 1_000 }),
      edge: fc.constantFrom("get_order", "refund_order", "handoff", "fast", "careful", "egress"),
    })
    .map(({ agent: who, roles, labels, amountCents, edge }): PolicyRequest => {
      const known = { ...facts, agent: who, labels, principal: { ...facts.principal, roles } };
      if (edge === "handoff") return { ...known, edge, handoff: "triage->action", to: "action", payload: {} };
      if (edge === "egress") return { ...known, edge, output: null };
      if (edge === "fast" || edge === "careful")
        return { ...known, edge: "model", model: edge, purpose: "turn", tools: [] };
      const args = edge === "get_order" ? { orderId: "7" } : { orderId: "7", amountCents };
      return { ...known, edge: "tool", tool: edge, effect: "read", risk: "low", reversible: false, arguments: args };
    });

  test("give the same answers and the same codes", () => {
    fc.assert(
      fc.property(arbRequest, (request) => {
        const { effect, code } = answerOf(rules, request);
        expect(answerOf(same, request)).toMatchObject(code === undefined ? { effect } : { effect, code });
      }),
      { numRuns: 300 },
    );
  });
});
