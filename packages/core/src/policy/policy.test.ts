import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import type { PolicyAnswer } from "./answer.ts";
import { allowedByName, answerOf, definePolicy, definePolicyRule, type Policy, strictestAnswer } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";
import type { AnyPolicyRule } from "./rule.ts";

const facts = {
  tenant: "acme",
  run: "run_1",
  supervisor: "desk",
  principal: { id: "u_1", kind: "user", roles: ["customer"], authenticated: true },
  agent: "action",
  path: "action#1/tool#1",
  labels: ["user"],
  attributes: {},
} as const;
const refund = (amountCents: number): PolicyRequest => ({
  ...facts,
  edge: "tool",
  tool: "refund_order",
  effect: "write",
  risk: "medium",
  reversible: false,
  arguments: { orderId: "7", amountCents },
});
const amountOf = (request: PolicyRequest) =>
  request.edge === "tool" ? (request.arguments as { amountCents: number }).amountCents : 0;

const refunds = definePolicy({
  name: "refunds",
  version: "3",
  rules: [
    { id: "small", on: "tool", effect: "allow", when: (one) => amountOf(one) <= 500, because: "small sums are free" },
    { id: "large", on: "tool", effect: "approve", when: (one) => amountOf(one) > 400, because: "somebody looks" },
    { id: "huge", on: "tool", effect: "deny", when: (one) => amountOf(one) > 10_000, because: "never so much" },
    { id: "work", on: ["handoff", "model"], effect: "allow", because: "the team works together" },
  ],
});
const said = (policy: Policy, request: PolicyRequest) => {
  const { effect, ruleId, code } = answerOf(policy, request);
  return [effect, ruleId, code];
};

const failing = async () => {
  throw new Error("not there");
};

describe("a policy of TypeScript rules", () => {
  test("P1 what no rule allows is denied", () => {
    const answer: PolicyRequest = { ...facts, edge: "egress", output: { reply: "done" } };
    expect(said(refunds, answer)).toEqual(["deny", "no-rule", "policy/no-rule"]);
    expect(said(definePolicy({ name: "none", version: "1", rules: [] }), refund(1))).toEqual([
      "deny",
      "no-rule",
      "policy/no-rule",
    ]);
  });

  test("P2 deny comes before approve, and approve before allow, wherever they stand", () => {
    expect(said(refunds, refund(100))).toEqual(["allow", "small", undefined]);
    expect(said(refunds, refund(450))).toEqual(["approve", "large", undefined]);
    expect(said(refunds, refund(20_000))).toEqual(["deny", "huge", "policy/denied"]);
    expect(answerOf(refunds, refund(20_000)).because).toBe("never so much");
  });

  test("P3 a rule that throws denies, also where another one allows", () => {
    const odd = definePolicy({
      name: "odd",
      version: "1",
      rules: [
        { id: "all", on: "tool", effect: "allow", because: "everything" },
        {
          id: "broken",
          on: "tool",
          effect: "allow",
          when: () => {
            throw new Error("no such member");
          },
          because: "nothing",
        },
      ],
    });
    expect(answerOf(odd, refund(1))).toEqual({
      effect: "deny",
      ruleId: "broken",
      because: "no such member",
      code: "policy/evaluation-failed",
    });
  });

  test("P3 a rule that answers with a promise denies: it is always truthy", () => {
    const late = definePolicy({
      name: "late",
      version: "1",
      rules: [
        { id: "later", on: "tool", effect: "allow", when: (async () => false) as never, because: "it looks it up" },
      ],
    });
    expect(said(late, refund(1))).toEqual(["deny", "later", "policy/evaluation-failed"]);
  });

  test("P3 a promise that fails hurts nobody else", async () => {
    const late = definePolicy({
      name: "late",
      version: "1",
      rules: [{ id: "later", on: "tool", effect: "allow", when: failing as never, because: "it looks it up" }],
    });
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    expect(said(late, refund(1))).toEqual(["deny", "later", "policy/evaluation-failed"]);
    expect(said({ ...refunds, evaluate: failing as never }, refund(1))[0]).toBe("deny");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });

  test.each([[undefined], [null], [true], ["allow"], [{}], [{ effect: "DENY" }], [{ effect: "toString" }]])(
    "P3 a policy of somebody else that answers %j denies, also beside one that allows",
    (answer) => {
      const wild: Policy = { ...refunds, name: "wild", evaluate: () => answer as never };
      expect(said(wild, refund(1))).toEqual(["deny", "wild", "policy/evaluation-failed"]);
      expect(strictestAnswer([refunds, wild], refund(1))?.answer.effect).toBe("deny");
    },
  );

  test("a policy that is no policy of ours and throws denies", () => {
    const wild: Policy = {
      ...refunds,
      evaluate: () => {
        throw new Error("gone");
      },
    };
    expect(said(wild, refund(1))).toEqual(["deny", "refunds", "policy/evaluation-failed"]);
  });

  test.each([
    [
      "an id twice",
      { id: "a", on: "tool", effect: "allow", because: "x" },
      { id: "a", on: "tool", effect: "deny", because: "x" },
    ],
    ["no reason", { id: "a", on: "tool", effect: "allow", because: "" }],
    ["a person on another edge", { id: "a", on: ["tool", "model"], effect: "approve", because: "x" }],
    ["an edge that is none", { id: "a", on: "tools", effect: "allow", because: "x" }],
    ["an effect that is none", { id: "a", on: "tool", effect: "permit", because: "x" }],
    ["tools on an edge that has none", { id: "a", on: "model", effect: "allow", tools: ["x"], because: "x" }],
    ["a denial to nobody", { id: "a", on: "tool", effect: "deny", agents: [], because: "x" }],
    ["a question about no tool", { id: "a", on: "tool", effect: "approve", tools: [], because: "x" }],
    ["a denial behind a call", { id: "a", on: "tool", effect: "deny", after: { tools: ["x"] }, because: "x" }],
    ["a question behind a call", { id: "a", on: "message", effect: "allow", after: { tools: ["x"] }, because: "x" }],
    ["an `after` without tools", { id: "a", on: "tool", effect: "allow", after: { tools: [] }, because: "x" }],
    ["an empty list of them", { id: "a", on: "tool", effect: "allow", after: [], because: "x" }],
    ["an `after` that is none", { id: "a", on: "tool", effect: "allow", after: "x", because: "x" }],
    [
      "a `when` of it that is none",
      { id: "a", on: "tool", effect: "allow", after: { tools: ["x"], when: 1 }, because: "x" },
    ],
  ])("refuses %s", (_, ...rules) => {
    let thrown: unknown;
    try {
      definePolicy({ name: "bad", version: "1", rules: rules as never });
    } catch (error) {
      thrown = error;
    }
    expect(OrchestrationError.is(thrown, "policy/rule-invalid")).toBe(true);
  });
});

const effects = ["allow", "approve", "deny"] as const;
type Outcome = boolean | "throws" | "odd";
const arbRule = fc.record({
  effect: fc.constantFrom(...effects),
  outcome: fc.constantFrom<Outcome>(true, false, false, "throws", "odd"),
});
/** A policy whose rules come out as they are told to. */
const scripted = (rules: readonly { effect: (typeof effects)[number]; outcome: Outcome }[]) =>
  definePolicy({
    name: "any",
    version: "1",
    rules: rules.map(({ effect, outcome }, index) =>
      definePolicyRule({
        id: `rule${index}`,
        on: "tool",
        effect,
        when: () => {
          if (outcome === "throws") throw new Error("it throws");
          return outcome === "odd" ? (1 as never) : outcome;
        },
        because: "because",
      }),
    ) as never,
  });

test("what a person is asked about once something came is not allowed by another rule before", () => {
  const asks = { id: "asks", on: "tool", effect: "approve", because: "a person looks" } as const;
  const allows = { id: "allows", on: "tool", effect: "allow", because: "it is small" } as const;
  const of = (...rules: readonly AnyPolicyRule[]) => definePolicy({ name: "p", version: "1", rules: rules as never });
  const after = { tools: ["get_order"] };
  const earlier = [{ tool: "get_order", agent: "a", path: "a#1/tool#1", arguments: {}, output: {} }];
  const [early, late] = [refund(1), { ...refund(1), earlier }];
  const mixed = of(allows, { ...asks, after });
  expect(said(mixed, early)).toEqual(["deny", "asks", "policy/not-yet"]);
  expect(said(mixed, late)).toEqual(["approve", "asks", undefined]);
  // Who asks already is not held up, and what only opens opens beside what is allowed anyhow.
  expect(said(of(asks, { ...asks, id: "more", after }), early)).toEqual(["approve", "asks", undefined]);
  expect(said(of(allows, { ...allows, id: "more", after }), early)).toEqual(["allow", "allows", undefined]);
});

describe("properties of any policy", () => {
  test("P1 P2 P3 it allows only where a rule allows, none denies, none asks and none fails", () => {
    fc.assert(
      fc.property(fc.array(arbRule, { maxLength: 12 }), (rules) => {
        const { effect } = answerOf(scripted(rules), refund(1)) as PolicyAnswer;
        const hits = (wanted: string) => rules.some((rule) => rule.effect === wanted && rule.outcome === true);
        const fails = rules.some(({ outcome }) => outcome === "throws" || outcome === "odd");
        const expected =
          hits("deny") || fails ? "deny" : hits("approve") ? "approve" : hits("allow") ? "allow" : "deny";
        expect(effect).toBe(expected);
      }),
    );
  });

  test("the order of rules changes no effect", () => {
    fc.assert(
      fc.property(
        fc
          .array(arbRule, { maxLength: 8 })
          .chain((rules) => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length }))),
        ([rules, shuffled]) => {
          expect(answerOf(scripted(shuffled), refund(1)).effect).toBe(answerOf(scripted(rules), refund(1)).effect);
        },
      ),
    );
  });

  test("one more rule that denies never makes anything allowed", () => {
    fc.assert(
      fc.property(
        fc.array(arbRule, { maxLength: 8 }),
        fc.constantFrom<Outcome>(true, false, "throws"),
        (rules, outcome) => {
          const order = { allow: 0, approve: 1, deny: 2 };
          const before = answerOf(scripted(rules), refund(1)).effect;
          const after = answerOf(scripted([...rules, { effect: "deny", outcome }]), refund(1)).effect;
          expect(order[after]).toBeGreaterThanOrEqual(order[before]);
        },
      ),
    );
  });
});

describe("what is said by names alone", () => {
  const handing = (agent: string): PolicyRequest => ({
    ...facts,
    agent,
    edge: "handoff",
    handoff: "lead->action",
    to: "action",
    payload: { text: "anything" },
  });
  const agents = ["action", "lead", "other"];
  const arbNamed = fc.record({
    effect: fc.constantFrom("allow", "deny"),
    agents: fc.option(fc.subarray(agents, { minLength: 1 }), { nil: undefined }),
    when: fc.option(fc.boolean(), { nil: undefined, freq: 1 }),
  });
  const named = (rules: readonly { effect: string; agents?: string[] | undefined; when?: boolean | undefined }[]) =>
    definePolicy({
      name: "named",
      version: "1",
      rules: rules.map(({ when, ...rule }, index) => ({
        ...rule,
        id: `rule${index}`,
        on: "handoff",
        because: "because",
        ...(when === undefined ? {} : { when: () => when }),
      })) as never,
    });

  test("is what the policy says to each request", () => {
    let known = 0;
    fc.assert(
      fc.property(fc.array(arbNamed, { maxLength: 5 }), fc.constantFrom(...agents), (rules, agent) => {
        const policy = named(rules);
        const answer = policy.evaluate.byName?.("handoff", agent);
        if (answer === undefined) return;
        known++;
        expect(answer).toEqual(answerOf(policy, handing(agent)));
      }),
    );
    expect(known).toBeGreaterThan(20);
  });

  test("is nothing where a rule about this agent looks at the request", () => {
    const policy = named([{ effect: "allow" }, { effect: "deny", agents: ["lead"], when: false }]);
    expect(policy.evaluate.byName?.("handoff", "lead")).toBeUndefined();
    expect(policy.evaluate.byName?.("handoff", "action")?.effect).toBe("allow");
  });

  test("holds for several policies only where each of them allows, and never for calls", () => {
    const all = named([{ effect: "allow" }]);
    const some = named([{ effect: "allow", agents: ["lead"] }]);
    expect(allowedByName([all, some], "handoff", "lead")?.policy).toBe(all);
    expect(allowedByName([all, some], "handoff", "action")).toBeUndefined();
    expect(allowedByName([], "handoff", "action")).toBeUndefined();
    const calls = definePolicy({
      name: "calls",
      version: "1",
      rules: [{ id: "any", on: ["tool", "handoff"], effect: "allow", because: "because" }],
    });
    expect(allowedByName([calls], "tool", "action")).toBeUndefined();
  });

  test("is gone with the function that it belongs to: a policy around another one is asked", () => {
    const all = named([{ effect: "allow" }]);
    const around: Policy = { ...all, evaluate: (request) => ({ ...all.evaluate(request), effect: "deny" }) };
    expect(allowedByName([around], "handoff", "action")).toBeUndefined();
  });
});
