import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { defineTool } from "../tool.ts";
import { approvalPacket, checkJudge, effectCase, effectVerdict, type JudgeKind } from "./case.ts";

const base = { name: "judge", description: "", model: "careful", tools: [], instructions: "" } as const;
const judge = (input: z.ZodType, output: z.ZodType): AnyAgent =>
  defineAgent({ ...base, effects: "read", input, output });
const refund = { effect: "action#1/tool#1", agent: "action", tool: "refund", description: "", input: { id: "7" } };

describe("a judge", () => {
  test("takes the kernel's case and gives its verdict or packet", () => {
    expect(() => checkJudge("compliance", judge(effectCase, effectVerdict), new Set(["action"]))).not.toThrow();
    expect(() => checkJudge("reviewer", judge(effectCase, approvalPacket), new Set(["action"]))).not.toThrow();
  });

  test("may take less of a case and say more than it has to", () => {
    const input = z.object({ tool: z.string(), input: z.unknown() });
    const output = effectVerdict.extend({ confidence: z.number().default(1) });
    expect(() => checkJudge("compliance", judge(input, output), new Set())).not.toThrow();
  });

  test.each<[string, JudgeKind, AnyAgent, RegExp]>([
    [
      "takes something else",
      "compliance",
      judge(z.object({ text: z.string() }), effectVerdict),
      /^its input does not take an effect case: \/text/,
    ],
    [
      "takes no verdict",
      "reviewer",
      judge(effectCase.omit({ verdict: true }).strict(), approvalPacket),
      /^its input does not take an effect case/,
    ],
    [
      "takes no high risk",
      "compliance",
      judge(effectCase.extend({ risk: z.enum(["low", "medium"]) }), effectVerdict),
      /: \/risk/,
    ],
    [
      "cannot escalate",
      "compliance",
      judge(effectCase, effectVerdict.extend({ verdict: z.enum(["allow", "revise"]) })),
      /^its output does not take every verdict: \/verdict/,
    ],
    [
      "gives a packet for a verdict",
      "compliance",
      judge(effectCase, approvalPacket),
      /^its output does not take every verdict/,
    ],
    [
      "gives a verdict for a packet",
      "reviewer",
      judge(effectCase, effectVerdict),
      /^its output does not take every packet/,
    ],
    ["gives what is no verdict", "compliance", judge(effectCase, z.object({})), /^its output is not a verdict/],
    [
      "may write",
      "compliance",
      defineAgent({ ...base, input: effectCase, output: effectVerdict }),
      /^it is not bound to reads$/,
    ],
    [
      "has a name that is taken",
      "reviewer",
      { ...judge(effectCase, approvalPacket), name: "action" },
      /^another agent has its name$/,
    ],
  ])("is refused when it %s", (_, kind, agent, reason) => {
    const data = { agent: agent.name, reason: expect.stringMatching(reason) as string };
    expect(() => checkJudge(kind, agent, new Set(["action"]))).toThrow(
      expect.objectContaining({ code: "supervisor/judge-invalid", data }),
    );
  });

  test("may hold tools that read", () => {
    const common = { description: "", input: z.object({}), output: z.object({}), execute: () => ({}) };
    const look = defineTool({ ...common, name: "look", effect: "read" });
    const reader = defineAgent({ ...base, effects: "read", tools: [look], input: effectCase, output: effectVerdict });
    expect(() => checkJudge("compliance", reader, new Set())).not.toThrow();
  });
});

describe("the schemas", () => {
  test("a case bounds nothing that a run let through", () => {
    const given = { ...refund, description: "x".repeat(100_000), risk: "high", reversible: false, tier: "person" };
    const labels = Array.from({ length: 500 }, (_, index) => `label-${index}`);
    expect(effectCase.safeParse({ ...given, labels, requestedBy: "u_1" }).success).toBe(true);
    expect(effectCase.safeParse({ ...given, labels, requestedBy: "u_1", tier: "none" }).success).toBe(false);
  });

  test("a verdict rests on a rule", () => {
    const verdict = { verdict: "allow", ruleIds: ["r1"], reasons: [] };
    expect(effectVerdict.parse(verdict)).toEqual({ ...verdict, conditions: [] });
    expect(effectVerdict.safeParse({ ...verdict, ruleIds: [] }).success).toBe(false);
    expect(effectVerdict.safeParse({ ...verdict, verdict: "none" }).success).toBe(false);
  });

  test("a packet says what would be done", () => {
    const packet = { what: "refund", why: "", evidence: [], diff: [{ what: "balance", to: "0" }], risk: "low" };
    expect(approvalPacket.parse(packet)).toEqual(packet);
    expect(approvalPacket.safeParse({ ...packet, what: "" }).success).toBe(false);
    expect(approvalPacket.safeParse({ ...packet, deadline: "tomorrow" }).success).toBe(false);
  });
});
