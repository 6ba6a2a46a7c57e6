import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { OrchestrationError } from "../errors.ts";
import { extendAgent } from "../extend.ts";
import { defineExtraction } from "../extraction.ts";
import { defineEscalation, defineHandoff, defineParallel, defineQuestion } from "../handoff.ts";
import { definePolicy } from "../policy/policy.ts";
import { scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import { createSupervisor } from "./supervisor.ts";

/** As JavaScript calls them: no compiler looks at what is given. */
type Untyped = (...given: readonly unknown[]) => unknown;
const create = createSupervisor as unknown as Untyped;
const agentOf = defineAgent as unknown as Untyped;
const toolOf = defineTool as unknown as Untyped;

const schema = z.object({ text: z.string() });
const role = {
  name: "clerk",
  description: "Does it.",
  model: "fast",
  tools: [],
  input: schema,
  output: schema,
  instructions: "Do it.",
} as const;
const clerk = defineAgent(role);
const team = () => ({
  name: "desk",
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  models: { fast: scriptedModel([]) },
  engine: memoryEngine(),
});

async function refusal(act: () => unknown): Promise<readonly [string, unknown]> {
  try {
    await act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return [thrown.code, thrown.data.member ?? thrown.data.what];
    throw thrown;
  }
  throw new Error("nothing was refused");
}

const without = (member: string) => Object.fromEntries(Object.entries(team()).filter(([name]) => name !== member));

test.each<readonly [string, unknown, string]>([
  ["no options", undefined, "options"],
  ["no engine", without("engine"), "engine"],
  ["an engine that was not called", { ...team(), engine: memoryEngine }, "engine"],
  ["an engine that is not there yet", { ...team(), engine: Promise.resolve(memoryEngine()) }, "engine"],
  ["no models", without("models"), "models"],
  ["the name of a model", { ...team(), models: { fast: "gpt-5" } }, "models.fast"],
  ["no agents", without("agents"), "agents"],
  ["an agent that is not there", { ...team(), agents: { clerk, other: undefined } }, "agents.other"],
  ["an agent that nobody made", { ...team(), agents: { clerk: { name: "clerk" } } }, "agents.clerk"],
  ["no handoffs", without("handoffs"), "handoffs"],
  ["an edge that nobody made", { ...team(), handoffs: [{}] }, "handoffs[0]"],
  ["an exit that is a number", { ...team(), exit: 3 }, "exit"],
  ["a rule without its tool", { ...team(), approvals: [{ by: "human" }] }, "approvals[0]"],
  ["a function as policy", { ...team(), policy: () => true }, "policy"],
  ["a text whose letters would be trusted", { ...team(), trusted: "mcp:crm" }, "trusted"],
  ["a budget that would bound nothing", { ...team(), budget: "$5" }, "budget"],
  ["roles whose letters would be roles", { ...team(), roles: { start: "clerks" } }, "roles.start"],
  ["classes of answers as text", { ...team(), answers: { cleared: "sensitive" } }, "cleared"],
  ["a shadow that nobody can ask", { ...team(), shadow: {} }, "shadow"],
  ["a live policy that nobody can ask", { ...team(), livePolicy: { name: "strict" } }, "livePolicy"],
  ["approvers whom nobody checks", { ...team(), approvers: { principals: ["ann"] } }, "approvers"],
  ["a number of what may be under way", { ...team(), concurrency: 5 }, "concurrency"],
  ["a list of tenants", { ...team(), tenants: ["acme"] }, "tenants"],
])("a supervisor of %s is refused where it is made, with the member", async (_, options, member) => {
  expect(await refusal(() => create(options))).toEqual(["options/invalid", member]);
});

test.each<readonly [string, unknown, string]>([
  ["a text", "everything", "it"],
  ["a misspelt member", { tool: [] }, "tool"],
  ["effects that nobody knows", { effects: "none" }, "effects"],
  ["a text of tools", { tools: "read_it" }, "tools"],
  ["a sum without its unit", { budget: 5_000 }, "budget"],
  ["a misspelt unit", { budget: { microUSD: 5_000 } }, "budget.microUSD"],
  ["a list of arguments", { arguments: [] }, "arguments"],
])("a tenant's grant that is %s bounds nothing by that: it is refused", async (_, grant, what) => {
  expect(await refusal(() => create({ ...team(), tenants: { acme: grant } }))).toEqual(["policy/grant-invalid", what]);
});

test.each<readonly [string, unknown, string, string]>([
  ["no options", undefined, "options/invalid", "options"],
  ["no tools", { ...role, tools: undefined }, "options/invalid", "tools"],
  ["a tool that is not there", { ...role, tools: [undefined] }, "options/invalid", "tools[0]"],
  ["a function as tool", { ...role, tools: [() => 1] }, "options/invalid", "tools[0]"],
  ["no instructions", { ...role, instructions: undefined }, "options/invalid", "instructions"],
  ["no model", { ...role, model: undefined }, "options/invalid", "model"],
  ["a JSON Schema", { ...role, input: { type: "object" } }, "options/invalid", "input"],
  ["a text whose parts would be asked", { ...role, asks: "customer" }, "options/invalid", "asks"],
  ["effects that would let it write", { ...role, effects: "none" }, "options/invalid", "effects"],
])("an agent of %s is refused where it is defined", async (_, options, code, member) => {
  expect(await refusal(() => agentOf(options))).toEqual([code, member]);
});

test("what has no name is not called undefined", async () => {
  expect((await refusal(() => agentOf({ ...role, name: undefined })))[0]).toBe("agent/name-invalid");
  expect((await refusal(() => toolOf({ effect: "read" })))[0]).toBe("tool/name-invalid");
  expect(await refusal(() => toolOf())).toEqual(["options/invalid", "options"]);
});

test.each<readonly [string, string, readonly unknown[], string]>([
  ["start", "no options", [{ text: "x" }], "options"],
  ["start", "a text as principal", [{ text: "x" }, { tenant: "acme", principal: "u" }], "principal"],
  ["start", "nobody", [{ text: "x" }, { tenant: "acme", principal: {} }], "id"],
  [
    "start",
    "a role whose letters would be roles",
    [{ text: "x" }, { tenant: "acme", principal: { id: "u", kind: "user", roles: "ops", authenticated: true } }],
    "roles",
  ],
  ["start", "a budget that bounds nothing", [{ text: "x" }, { tenant: "acme", budget: "$5" }], "budget"],
  ["find", "no tenant", ["run_1"], "options"],
  ["list", "no tenant", [], "options"],
  ["replay", "no tenant", ["run_1"], "options"],
  ["disclosures", "no tenant", ["run_1"], "options"],
  ["compensate", "no tenant", ["run_1"], "options"],
  ["restrict", "no word", [{ kind: "tool", name: "read_it" }], "options"],
  ["restrict", "no reason", [{ kind: "tool", name: "read_it" }, { tenant: "acme" }], "reason"],
  ["restrict", "no kind", [{ tool: "read_it" }, { tenant: "acme", reason: "x" }], "kind"],
  [
    "restrict",
    "a misspelt kind",
    [
      { kind: "tools", name: "read_it" },
      { tenant: "acme", reason: "x" },
    ],
    "kind",
  ],
  [
    "restrict",
    "a list of names",
    [
      { kind: "tool", name: ["read_it"] },
      { tenant: "acme", reason: "x" },
    ],
    "name",
  ],
  ["restrict", "a name alone", ["read_it", { tenant: "acme", reason: "x" }], "target"],
  ["lift", "no name", [{ kind: "agent" }, { tenant: "acme", reason: "x" }], "name"],
  ["migrate", "nothing", [], "options"],
])("%s with %s is refused, and says what it wants", async (method, _, given, member) => {
  const desk = create(team()) as Readonly<Record<string, Untyped>>;
  expect(await refusal(() => desk[method]?.(...given))).toEqual(["options/invalid", member]);
  expect(await desk.list?.({ tenant: "acme" })).toEqual([]);
});

test("a secret in a wrong place is not told in the error", async () => {
  const thrown = await Promise.resolve()
    .then(() => create({ ...team(), models: { fast: "sk-live-1234" } }))
    .catch((error: unknown) => error);
  expect(String(thrown)).not.toContain("sk-live");
  expect((thrown as Error).message).toContain("a text");
});

test("a name that a supervisor has not takes nothing away from it, which its log says", async () => {
  const warned: unknown[] = [];
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, error: quiet, warn: (fields: object) => void warned.push(fields) };
  const desk = createSupervisor({ ...team(), entry: "clerk", exit: "clerk", logger });
  const word = { tenant: "acme", reason: "it misbehaves" };
  for (const name of ["clerk", "clerc", "compensation"])
    expect(await desk.restrict({ kind: "agent", name }, word)).toBe(true);
  expect(warned).toEqual([{ supervisor: "desk", kind: "agent", name: "clerc" }]);
});

const write = {
  ...{ name: "write_it", description: "", input: schema, output: schema, execute: () => ({ text: "" }) },
  ...{ effect: "write", risk: "low", idempotency: "none" },
} as const;
const misspelt = (member: string) => ({
  code: "options/unknown",
  data: expect.objectContaining({ member }) as unknown,
});

test.each<readonly [string, object, string]>([
  ["a policy", { polcy: undefined, policies: {} }, "policies"],
  ["approval rules", { approval: [] }, "approval"],
  ["sealing", { seals: { detectors: [] } }, "seals"],
  ["the detectors of sealing", { seal: { mode: "mask", detector: [] } }, "detector"],
  ["bounds of who starts runs", { grants: { principal: {} } }, "principal"],
  ["a budget", { budget: { run: { microUSD: 1 } } }, "microUSD"],
  ["the budget of an agent", { budget: { agents: { clerk: { token: 1 } } } }, "token"],
  ["a judge", { judges: { complience: clerk } }, "complience"],
  ["a breaker", { breaker: { failures: 3 } }, "failures"],
  ["who may do what", { roles: { aprove: ["lead"] } }, "aprove"],
  ["what an answer may hold", { answers: { clered: [] } }, "clered"],
])("a misspelt member that was to hold %s is refused, and guards nothing in silence", (_, more, member) => {
  expect(() => create({ ...team(), ...more })).toThrow(expect.objectContaining(misspelt(member)));
});

test("so is one of a start, a role, a tool, an edge and a rule of a policy, with the name that may be meant", async () => {
  const desk = createSupervisor({ ...team(), entry: "clerk", exit: "clerk" });
  const start = desk.start as Untyped;
  await expect(start({ text: "x" }, { tenant: "acme", budgets: { tokens: 1 } })).rejects.toMatchObject({
    data: { where: "start", member: "budgets", known: ["budget"] },
  });
  expect(() => agentOf({ ...role, effect: "read" })).toThrow(/has no option "effect"; there is .*effects/);
  const tool = { name: "read_it", description: "", input: schema, output: schema, effect: "read", execute: () => {} };
  expect(() => toolOf({ ...tool, protected: ["text"] })).toThrow(expect.objectContaining(misspelt("protected")));
  expect(() =>
    (defineHandoff as unknown as Untyped)({ from: clerk, to: clerk, if: () => false, map: () => {} }),
  ).toThrow(expect.objectContaining(misspelt("if")));
  const rule = { id: "R-1", on: "tool", effect: "allow", because: "it may" };
  const rules = (more: object) => () =>
    (definePolicy as unknown as Untyped)({ name: "house", version: "1", rules: [{ ...rule, ...more }] });
  expect(rules({ where: () => false })).toThrow(expect.objectContaining(misspelt("where")));
  expect(rules({ after: { tools: ["read_it"], wenn: () => false } })).toThrow(
    expect.objectContaining(misspelt("wenn")),
  );
  expect(rules({ agents: "clerk" })).toThrow(expect.objectContaining({ code: "policy/rule-invalid" }));
});

test("what an edge leads from and to has to be there: modules that import each other have agents that are not yet", () => {
  const [handoff, question, parallel] = [defineHandoff, defineQuestion, defineParallel] as unknown as Untyped[];
  const map = () => ({ text: "" });
  const unwanted = (member: string) => ({
    code: "options/invalid",
    data: expect.objectContaining({ member }) as unknown,
  });
  for (const [act, member] of [
    [() => handoff?.({ from: clerk, to: undefined, map }), "to"],
    [() => handoff?.({ from: { name: "clerk" }, to: clerk, map }), "from"],
    [() => handoff?.({ from: clerk, to: clerk }), "map"],
    [() => question?.({ from: clerk, of: "customer", to: undefined, ask: () => "?", map }), "to"],
    [() => parallel?.({ from: clerk, branches: { a: { to: undefined, map } }, join: { to: clerk, map } }), "to"],
    [() => parallel?.({ from: clerk, branches: { a: undefined }, join: { to: clerk, map } }), "branches.a"],
    [() => (defineEscalation as unknown as Untyped)({ from: undefined, reason: "x" }), "from"],
    [() => toolOf({ ...write, undo: "take_back" }), "options"],
    [() => toolOf({ ...write, undo: { tool: "take_back", input: map } }), "tool"],
  ] as const) {
    expect(act).toThrow(expect.objectContaining(unwanted(member)));
  }
});

test("so is one of a branch, a join, a tool search, a policy, and what a copy of an agent cannot change", () => {
  const edge = { from: clerk, branches: { one: { to: clerk, map: () => {} } }, join: { to: clerk, map: () => {} } };
  const parallel = (more: object) => () => (defineParallel as unknown as Untyped)({ ...edge, ...more });
  expect(parallel({ join: { ...edge.join, grnat: {} } })).toThrow(expect.objectContaining(misspelt("grnat")));
  expect(parallel({ branches: { one: { ...edge.branches.one, grants: {} } } })).toThrow(
    expect.objectContaining(misspelt("grants")),
  );
  const toolSearch = { tool: "read_it", allways: [] };
  expect(() => agentOf({ ...role, toolSearch })).toThrow(expect.objectContaining(misspelt("allways")));
  const policy = definePolicy as unknown as Untyped;
  expect(() => policy({ name: "house", version: "1", rules: [], rule: [] })).toThrow(
    expect.objectContaining(misspelt("rule")),
  );
  // No compiler tells of these two.
  expect(() => extendAgent(clerk, { name: "reader", effects: "read" })).toThrow(
    expect.objectContaining(misspelt("effects")),
  );
  expect(() => extendAgent(clerk, { tools: [], toolSearch })).toThrow(expect.objectContaining(misspelt("toolSearch")));
});

test.each<readonly [string, string, unknown]>([
  ["nothing", "options/invalid", undefined],
  ["no rules", "options/invalid", { name: "house", version: "1" }],
  ["a rule that is none", "options/invalid", { name: "house", version: "1", rules: [null] }],
  [
    "a rule about nothing",
    "policy/rule-invalid",
    { name: "house", version: "1", rules: [{ id: "R-1", effect: "allow", because: "it may" }] },
  ],
])("a policy of %s is refused by a name", async (_, code, options) => {
  expect((await refusal(() => (definePolicy as unknown as Untyped)(options)))[0]).toBe(code);
});

test("a copy of an extraction or a team would be an agent like any other, and is refused", () => {
  const reader = defineExtraction({
    ...{ name: "reader", description: "", model: "fast", input: schema, instructions: "" },
    output: z.object({ count: z.int() }),
  });
  const inner = asAgent(
    defineSupervisor({ name: "inner", agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] }),
    { name: "office", description: "", input: schema, output: schema },
  );
  for (const [one, member] of [
    [reader, "extracts"],
    [inner, "team"],
  ] as const) {
    expect(() => extendAgent(one, { name: "other" })).toThrow(expect.objectContaining({ code: "options/invalid" }));
    expect(() => agentOf({ ...one, name: "other" })).toThrow(expect.objectContaining(misspelt(member)));
  }
});

test("who copies a tool or an agent, and who says of a member that it is not there, is understood", () => {
  const tool = toolOf({
    name: "read_it",
    description: "",
    input: schema,
    output: schema,
    effect: "read",
    execute: () => {},
  });
  expect(() => toolOf({ ...(tool as object), description: "another" })).not.toThrow();
  expect(() => agentOf({ ...clerk, instructions: "Do it well." })).not.toThrow();
  expect(() => create({ ...team(), polcy: undefined })).not.toThrow();
});
