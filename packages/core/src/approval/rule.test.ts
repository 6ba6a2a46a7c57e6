import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OrchestrationError } from "../errors.ts";
import { type AnyTool, defineTool, type Risk } from "../tool.ts";
import { type ApprovalRule, describeRules, resolveRules, tierOf } from "./rule.ts";

const common = { description: "", input: z.object({}), output: z.object({}), execute: () => ({}) };
const write = (name: string, risk: Risk) => defineTool({ ...common, name, effect: "write", risk, idempotency: "key" });
const look = defineTool({ ...common, name: "look", effect: "read", risk: "high" });
const low = write("low", "low");
const medium = write("medium", "medium");
const high = write("high", "high");
const all: readonly AnyTool[] = [look, low, medium, high];
const team = new Map(all.map((tool) => [tool.name, tool]));

describe("a tier", () => {
  test("follows from the risk of a write; a read waits for nothing", () => {
    expect(all.map((tool) => tierOf(tool))).toEqual(["none", "none", "compliance", "person"]);
  });

  test("is only ever raised by a rule", () => {
    expect([low, medium, high].map((tool) => tierOf(tool, { by: "human" }))).toEqual(["person", "person", "person"]);
    expect([low, medium].map((tool) => tierOf(tool, { by: "compliance" }))).toEqual(["compliance", "compliance"]);
    expect(() => tierOf(high, { by: "compliance" })).toThrow(
      expect.objectContaining({ code: "supervisor/approval-loosens", data: { tool: "high", risk: "high" } }),
    );
  });
});

describe("the rules of a supervisor", () => {
  test("say for every write that waits what it waits for, and nothing of the others", () => {
    const day = 86_400_000;
    const resolved = resolveRules([{ tool: low, by: "human", quorum: 2, roles: ["b", "a", "b"] }], team, "desk");
    expect([...resolved]).toEqual([
      ["low", { tier: "person", quorum: 2, roles: ["a", "b"], expiresMs: day }],
      ["medium", { tier: "compliance", quorum: 1, roles: [], expiresMs: day }],
      ["high", { tier: "person", quorum: 1, roles: [], expiresMs: day }],
    ]);
    expect([...resolveRules([], new Map([["low", low]]), "desk")]).toEqual([]);
  });

  test("of a team inside hold in the larger one: the stricter of each", () => {
    const inner = resolveRules(
      [
        { tool: low, by: "human", quorum: 3, roles: ["a", "b"], expiresMs: 500 },
        { tool: medium, by: "human" },
      ],
      team,
      "inner",
    );
    const outer = resolveRules([{ tool: low, by: "compliance", quorum: 2, roles: ["b", "c"] }], team, "outer", [inner]);
    expect(outer.get("low")).toEqual({ tier: "person", quorum: 3, roles: ["b"], expiresMs: 500 });
    expect(outer.get("medium")).toMatchObject({ tier: "person", quorum: 1, roles: [] });
    const shorter = resolveRules([{ tool: low, by: "human", expiresMs: 100 }], team, "outer", [inner]);
    expect(shorter.get("low")).toEqual({ tier: "person", quorum: 3, roles: ["a", "b"], expiresMs: 100 });
    expect(resolveRules([], team, "outer", [inner]).get("low")).toEqual(inner.get("low"));
    expect(() => resolveRules([{ tool: low, by: "human", roles: ["c"] }], team, "outer", [inner])).toThrow(
      expect.objectContaining({ code: "supervisor/approval-invalid" }),
    );
  });

  test.each<[string, readonly ApprovalRule[], string, object]>([
    [
      "names a tool that nobody has",
      [{ tool: write("gone", "low"), by: "human" }],
      "approval-unknown-tool",
      { tool: "gone", supervisor: "desk" },
    ],
    [
      "names another tool of that name",
      [{ tool: write("low", "low"), by: "human" }],
      "approval-invalid",
      { tool: "low", reason: "the team has another tool of this name" },
    ],
    [
      "comes twice",
      [
        { tool: low, by: "human" },
        { tool: low, by: "compliance" },
      ],
      "approval-invalid",
      { tool: "low", reason: "the tool has another rule" },
    ],
    [
      "is for a read",
      [{ tool: look, by: "human" }],
      "approval-invalid",
      { tool: "look", reason: "it only reads, and a read waits for nobody" },
    ],
    ["loosens", [{ tool: high, by: "compliance" }], "approval-loosens", { tool: "high", risk: "high" }],
    [
      "names nobody who decides",
      [{ tool: low, by: "toString" as "human" }],
      "approval-invalid",
      { tool: "low", reason: "nobody is called toString" },
    ],
    [
      "has a role without a name",
      [{ tool: low, by: "human", roles: [""] }],
      "approval-invalid",
      { tool: "low", reason: "a role has no name" },
    ],
    [
      "has one role as text",
      [{ tool: low, by: "human", roles: "lead" as never }],
      "approval-invalid",
      { tool: "low", reason: "`roles` is no list" },
    ],
    [
      "has a misspelt member, which a compiler sees in a literal alone",
      [{ tool: low, by: "human", role: ["lead"] } as never],
      "approval-invalid",
      { tool: "low", reason: "a rule has no `role`" },
    ],
    [
      "has one that is not said at all",
      [{ tool: low, by: "human", role: undefined } as never],
      "approval-invalid",
      { tool: "low", reason: "a rule has no `role`" },
    ],
    [
      "has one that every object has",
      [{ tool: low, by: "human", toString: undefined } as never],
      "approval-invalid",
      { tool: "low", reason: "a rule has no `toString`" },
    ],
  ])("are refused where one %s", (_, rules, code, data) => {
    expect(() => resolveRules(rules, team, "desk")).toThrow(
      expect.objectContaining({ code: `supervisor/${code}`, data }),
    );
  });

  test.each([
    { quorum: 0 },
    { quorum: 1.5 },
    { quorum: 101 },
    { expiresMs: 0 },
    { expiresMs: -1 },
    { expiresMs: Number.NaN },
    { expiresMs: 366 * 86_400_000 + 1 },
  ])("are refused with the bound %j", (bound) => {
    let thrown: unknown;
    try {
      resolveRules([{ tool: low, by: "human", ...bound }], team, "desk");
    } catch (error) {
      thrown = error;
    }
    expect(OrchestrationError.is(thrown, "supervisor/approval-invalid")).toBe(true);
  });

  test("are described as they were said, in one order; none are described as nothing", () => {
    expect(describeRules([])).toBeUndefined();
    const rules: ApprovalRule[] = [
      { tool: medium, by: "human", roles: ["b", "a"], expiresMs: 5 },
      { tool: low, by: "compliance" },
    ];
    const described = [
      { tool: "low", by: "compliance" },
      { tool: "medium", by: "human", roles: ["a", "b"], expiresMs: 5 },
    ];
    expect(describeRules(rules)).toEqual(described);
    expect(describeRules([...rules].reverse())).toEqual(described);
  });
});
