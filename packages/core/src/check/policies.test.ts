import { expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { effectCase, effectVerdict } from "../approval/case.ts";
import { defineHandoff, defineParallel } from "../handoff.ts";
import { definePolicy } from "../policy/policy.ts";
import { asAgent, defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { checkSupervisor } from "./check.ts";

const text = z.object({ text: z.string() });
const tool = (name: string) =>
  defineTool({ name, description: "", input: text, output: text, effect: "read", execute: (one) => one });
const [look, act] = [tool("look"), tool("act")];
const agent = (name: string, ...tools: readonly ReturnType<typeof tool>[]) =>
  defineAgent({ name, description: "", model: "m", tools, input: text, output: text, instructions: "" }) as AnyAgent;
const hand = (from: AnyAgent, to: AnyAgent) =>
  defineHandoff({ from, to, map: (one: { text: string }) => one } as never);
const work = { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "work" } as const;
const may = { effect: "allow", because: "it may" } as const;
const after = { tools: ["look"] };

/** A supervisor of these agents, from the first to the last. */
const team = (agents: readonly AnyAgent[], more: object = {}) =>
  defineSupervisor({
    ...{ name: "desk", entry: agents[0]?.name, exit: agents.at(-1)?.name },
    agents: Object.fromEntries(agents.map((one) => [one.name, one])),
    handoffs: agents.slice(1).map((one, index) => hand(agents[index] as AnyAgent, one)),
    ...more,
  } as never) as unknown as SupervisorDefinition;
const policy = (...rules: readonly object[]) =>
  definePolicy({ name: "house", version: "1", rules: [work, ...rules] as never });
const found = (definition: SupervisorDefinition) =>
  checkSupervisor(definition).findings.flatMap(({ code, path }) =>
    /policy|after/.test(code) ? [[code, ...path]] : [],
  );

test.each<readonly [string, readonly object[], boolean]>([
  ["no rule is about it", [{ id: "look", on: "tool", tools: ["look"], ...may }], true],
  ["the rules are about others", [{ id: "a", on: "tool", agents: ["a"], ...may }], true],
  ["one denies it whatever it is called with", [{ id: "no", on: "tool", effect: "deny", because: "no" }], true],
  ["one denies it sometimes", [{ id: "no", on: "tool", effect: "deny", when: () => true, because: "no" }], false],
  ["a person is asked", [{ id: "ask", on: "tool", effect: "approve", when: () => false, because: "ask" }], false],
])("a tool is never allowed by rules of TypeScript, as far as names tell: %s", (_, rules, never) => {
  const allowed = { id: "rest", on: "tool", agents: ["b"], ...may } as const;
  const all = rules.some(({ id }: { id?: string }) => id === "no") ? [...rules, allowed] : rules;
  const definition = team([agent("a", look), agent("b", act)], { policy: policy(...all) });
  const ofAct = found(definition).filter((path) => path.at(-1) === "act");
  expect(ofAct).toEqual(never ? [["check/policy-never-allows", "desk", "b", "act"]] : []);
});

const [reader, actor] = [agent("reader", look), agent("actor", act)];
const acts = { id: "acts", on: "tool", tools: ["act"], after, ...may } as const;
const looks = { id: "looks", on: "tool", tools: ["look"], ...may } as const;
const fork = (from: AnyAgent, branches: readonly AnyAgent[], to: AnyAgent) =>
  defineParallel({
    from,
    branches: Object.fromEntries(branches.map((one) => [one.name, { to: one, map: (said: unknown) => said }])),
    join: { to, map: () => ({ text: "" }) },
  } as never);
const judge = defineAgent({
  ...{ name: "judge", description: "", model: "m", effects: "read", instructions: "" },
  ...{ tools: [look], input: effectCase, output: effectVerdict },
} as never) as AnyAgent;
const inTeam = (inner: AnyAgent) =>
  asAgent(team([inner], { name: "inner" }) as never, {
    name: "branch",
    description: "",
    input: text,
    output: text,
  }) as AnyAgent;
const [first, last] = [agent("first"), agent("last")];

test.each<readonly [string, SupervisorDefinition, boolean]>([
  ["who looks comes before", team([reader, actor], { policy: policy(looks, acts) }), false],
  ["who looks comes behind", team([actor, reader], { policy: policy(looks, acts) }), true],
  [
    "a way leads back",
    team([actor, reader], {
      exit: "reader",
      handoffs: [hand(actor, reader), hand(reader, actor)],
      policy: policy(looks, acts),
    }),
    false,
  ],
  ["it looks itself", team([agent("both", look, act)], { policy: policy(looks, acts) }), false],
  ["who looks is in a team before", team([inTeam(reader), actor], { policy: policy(looks, acts) }), false],
  ["who looks is in a team behind", team([actor, inTeam(reader)], { policy: policy(looks, acts) }), true],
  [
    "who looks is in a branch beside",
    team([first, actor, reader, last], { handoffs: [fork(first, [actor, reader], last)], policy: policy(looks, acts) }),
    false,
  ],
  ["a judge looks", team([actor, reader], { judges: { compliance: judge }, policy: policy(looks, acts) }), false],
  [
    "one of two looks that are wanted comes behind",
    team([reader, actor, agent("late", tool("late"))], {
      policy: policy(
        looks,
        { ...acts, after: [after, { tools: ["late"] }] },
        { id: "late", on: "tool", tools: ["late"], ...may },
      ),
    }),
    true,
  ],
  [
    "the answer comes behind all",
    team([actor, inTeam(reader)], {
      policy: policy(
        looks,
        { id: "act", on: "tool", tools: ["act"], ...may },
        { id: "acts", on: "egress", after, ...may },
      ),
    }),
    false,
  ],
])("a rule that waits for a call is told where none can come before: %s", (_, definition, never) => {
  expect(found(definition)).toEqual(never ? [["check/after-never", "desk", "house", "acts"]] : []);
});
