import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { effectCase, effectVerdict } from "../approval/case.ts";
import { approverKey, approverRegistry } from "../approval/signature.ts";
import { defineDenial, defineEscalation, defineHandoff, defineParallel, defineQuestion, inputOf } from "../handoff.ts";
import { findNonJson } from "../json.ts";
import { planSteps } from "../label/plan.ts";
import { defineRoute } from "../model/route.ts";
import { cedarPolicy } from "../policy/cedar.ts";
import { definePolicy } from "../policy/policy.ts";
import type { Model } from "../port/model.ts";
import type { Detector } from "../seal/detector.ts";
import { asAgent, defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineThreshold } from "../threshold.ts";
import { type AnyTool, defineTool } from "../tool.ts";
import { checkSupervisor } from "./check.ts";
import { checkErrorCodes } from "./errors.ts";
import type { FindingCode } from "./finding.ts";
import type { CheckOptions } from "./rule.ts";

const text = z.object({ text: z.string() });
const pair = z.object({ to: z.string(), text: z.string() });

const agent = <const Name extends string>(
  name: Name,
  { extracts, ...more }: { readonly extracts?: true; readonly [member: string]: unknown } = {},
): AnyAgent => ({
  ...(defineAgent({
    name,
    description: `The ${name}.`,
    model: "m",
    tools: [],
    input: text,
    output: text,
    instructions: "Pass it on.",
    ...more,
  } as never) as AnyAgent),
  ...(extracts ? { extracts } : {}),
});
const read = (name: string, more: object = {}): AnyTool =>
  defineTool({
    name,
    description: "Reads.",
    input: text,
    output: text,
    effect: "read",
    execute: (input: unknown) => input,
    ...more,
  } as never) as AnyTool;
const write = (name: string, more: object = {}): AnyTool =>
  defineTool({
    name,
    description: "Writes.",
    input: pair,
    output: text,
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: (input: unknown) => input,
    ...more,
  } as never) as AnyTool;
const pass = (output: { text: string }) => output;
const hand = (from: AnyAgent, to: AnyAgent, more: object = {}) =>
  defineHandoff({ from, to, map: pass, ...more } as never);
const maybe = { when: () => true };
const fork = (from: AnyAgent, branches: readonly AnyAgent[], to: AnyAgent) =>
  defineParallel({
    from,
    branches: Object.fromEntries(branches.map((branch) => [branch.name, { to: branch, map: pass }])),
    join: { to, map: () => ({ text: "joined" }) },
  } as never);
/** A supervisor of these agents, from the first to the last. */
const team = (agents: readonly AnyAgent[], more: object = {}): SupervisorDefinition =>
  defineSupervisor({
    name: "desk",
    agents: Object.fromEntries(agents.map((one) => [one.name, one])),
    entry: agents[0]?.name,
    exit: agents.at(-1)?.name,
    handoffs: agents.slice(1).map((one, index) => hand(agents[index] as AnyAgent, one)),
    ...more,
  } as never) as unknown as SupervisorDefinition;
const nested = (inner: SupervisorDefinition, name: string) =>
  asAgent(inner as never, { name, description: "A team.", input: text, output: text }) as AnyAgent;
const solo = (tools: readonly AnyTool[], more: object = {}) => team([agent("a", { tools })], more);

const a = agent("a");
const b = agent("b");
const c = agent("c");
const d = agent("d");
const judge = agent("judge", { effects: "read", input: effectCase, output: effectVerdict });

const greet = read("greet", {
  input: z.object({ text: z.string().meta({ dataClass: "person" }) }),
});
const callers = defineQuestion({
  from: a,
  to: b,
  of: "customer",
  name: "a->b",
  answer: z.object({ names: z.array(z.string().meta({ dataClass: "person" })) }),
  ask: () => "?",
  map: () => ({ text: "" }),
} as never);

const model = (id: string, more: Partial<Model> = {}): Model => ({
  id,
  cost: "zero",
  generate: () => ({ parts: [] }),
  ...more,
});
const person = (id: string, ...roles: string[]) => ({ id, roles });
const registry = (...principals: string[]) =>
  approverRegistry({
    keys: principals.map((principal) => {
      const { keyId, publicKey } = approverKey();
      return { keyId, publicKey, principal };
    }),
  });
const many = (count: number) => Array.from({ length: count }, (_, index) => read(`look_${index}_up`));

interface Planted {
  readonly what: string;
  readonly code: FindingCode;
  readonly path: string;
  readonly definition: SupervisorDefinition;
  readonly options?: CheckOptions;
  /** What the flaw brings with it. */
  readonly also?: readonly FindingCode[];
}

const health = "sensitive:health";
const atSign: Detector = {
  name: "email",
  classes: ["email"],
  hint: /@/,
  longest: 100,
  detect: (text) => [{ class: "email", start: 0, end: text.length, confidence: 1 }],
};
const planted: readonly Planted[] = [
  {
    what: "a guard behind an edge that always fits",
    code: "check/edge-shadowed",
    path: "desk > a > a->escalated:odd",
    definition: team([a, b], {
      handoffs: [hand(a, b), defineEscalation({ from: a, ...maybe, reason: "odd" } as never)],
    }),
  },
  {
    what: "an exit that always goes on",
    code: "check/exit-shadowed",
    path: "desk > a",
    definition: team([a, b], { exit: ["a", "b"] }),
  },
  {
    what: "a branch with an edge of its own",
    code: "check/branch-leaves",
    path: "desk > b",
    definition: team([a, b, c], { handoffs: [fork(a, [b], c), hand(b, c)] }),
  },
  {
    what: "a branch that is an exit",
    code: "check/branch-leaves",
    path: "desk > b",
    definition: team([a, b, c], { exit: ["b", "c"], handoffs: [fork(a, [b], c)] }),
  },
  {
    what: "an agent behind a dead edge",
    code: "check/agent-dead",
    path: "desk > c",
    definition: team([a, b, c], { exit: ["b", "c"], handoffs: [hand(a, b), hand(a, c)] }),
    also: ["check/edge-shadowed"],
  },
  {
    what: "a loop whose only way out is dead",
    code: "check/never-ends",
    path: "desk > a",
    definition: team([a, b], {
      exit: [],
      handoffs: [hand(a, b), hand(b, a), defineDenial({ from: b, reason: "no" } as never)],
    }),
    also: ["check/edge-shadowed", "check/loop-unbounded", "check/never-ends"],
  },
  {
    what: "a desk that only refuses, with an exit that nobody comes to",
    code: "check/never-completes",
    path: "desk > a",
    definition: team([a, b], { handoffs: [defineDenial({ from: a, reason: "no" } as never), hand(a, b)] }),
    also: ["check/agent-dead", "check/edge-shadowed"],
  },
  {
    what: "a loop without a bound",
    code: "check/loop-unbounded",
    path: "desk > a > b > a",
    definition: team([a, b, c], { handoffs: [hand(a, b), hand(b, a, maybe), hand(b, c)] }),
  },
  {
    what: "a loop that outlives the run",
    code: "check/loop-beyond-limits",
    path: "desk > b > b->a",
    definition: team([a, b, c], {
      limits: { handoffs: 10 },
      handoffs: [hand(a, b), hand(b, a, { ...maybe, max: 11 }), hand(b, c)],
    }),
  },
  {
    what: "a loop that has nowhere to go in the end",
    code: "check/edge-runs-out",
    path: "desk > b > b->a",
    definition: team([a, b, c], { handoffs: [hand(a, b), hand(b, c, maybe), hand(b, a, { max: 2 })] }),
  },
  {
    what: "a supervisor inside of itself",
    code: "check/nested-in-itself",
    path: "desk > inner > desk",
    definition: team([nested(team([a]), "inner")]),
  },
  {
    what: "rules that were taken out of a compiled definition",
    code: "check/approval-missing",
    path: "desk > a > wipe",
    definition: { ...solo([write("wipe", { risk: "high" })]), approvals: new Map() },
  },
  {
    what: "medium risk without a judge",
    code: "check/judge-missing",
    path: "desk > a > move",
    definition: solo([write("move", { risk: "medium" })]),
  },
  {
    what: "medium risk in a team whose sibling alone has a judge",
    code: "check/judge-missing",
    path: "desk > right > right-desk > b > move",
    definition: team([
      nested(
        team([agent("a", { tools: [write("send", { risk: "medium" })] })], {
          name: "left-desk",
          judges: { compliance: judge },
        }),
        "left",
      ),
      nested(team([agent("b", { tools: [write("move", { risk: "medium" })] })], { name: "right-desk" }), "right"),
    ]),
  },
  {
    what: "a write at once that is neither safe to repeat nor to undo",
    code: "check/write-ungated",
    path: "desk > a > send",
    definition: solo([write("send", { idempotency: "none" })]),
  },
  {
    what: "one agent that reads the web and writes at once",
    code: "check/untrusted-write",
    path: "desk > a > send",
    definition: solo([read("browse", { labels: ["web"] }), write("send")]),
  },
  {
    what: "a way from the web to a protected argument, through a third agent",
    code: "check/protect-asks",
    path: "browse > a > b > c > send",
    definition: team([
      agent("a", { tools: [read("browse", { labels: ["web"] })] }),
      b,
      agent("c", { tools: [write("send", { protect: ["to"] })] }),
    ]),
  },
  {
    what: "a way from the web to a protected argument, where what nobody vouches for is refused",
    code: "check/protect-denies",
    path: "browse > a > c > send",
    definition: team(
      [
        agent("a", { tools: [read("browse", { labels: ["web"] })], extracts: true }),
        agent("c", { tools: [write("send", { protect: ["to"] })] }),
      ],
      { flows: { untrusted: "deny" } },
    ),
  },
  {
    what: "a way from a team's source out to a protected argument",
    code: "check/protect-asks",
    path: "browse > a > c > send",
    definition: team([
      nested(team([agent("a", { tools: [read("browse", { labels: ["mcp:web"] })] })], { name: "search" }), "finder"),
      agent("c", { tools: [write("send", { protect: ["to"] })] }),
    ]),
  },
  {
    what: "a rule that lets any such text into a protected argument",
    code: "check/protect-ungated",
    path: "browse > a > c > send",
    definition: team(
      [
        agent("a", { tools: [read("browse", { labels: ["web"] })] }),
        agent("c", { tools: [write("send", { protect: ["to"] })] }),
      ],
      { flows: { accept: [{ tool: "send", argument: "to", type: "string", pattern: ".+", because: "any" }] } },
    ),
  },
  {
    what: "the same, where a write's answer is what anybody may have written",
    code: "check/protect-ungated",
    path: "post > a > send",
    definition: solo([write("post", { labels: ["board"] }), write("send", { protect: ["to"] })], {
      flows: { accept: [{ tool: "send", argument: "to", type: "string", pattern: ".+", because: "any" }] },
    }),
  },
  {
    what: "the same, where it is what was remembered",
    code: "check/protect-ungated",
    path: "recall > a > send",
    definition: solo(
      [{ ...read("recall"), memory: { name: "notes", access: "read" } } as AnyTool, write("send", { protect: ["to"] })],
      {
        flows: { accept: [{ tool: "send", argument: "to", type: "string", pattern: ".+", because: "any" }] },
      },
    ),
  },
  {
    what: "a protected argument that there is not",
    code: "check/protect-unknown",
    path: "desk > a > send",
    definition: solo([write("send", { protect: ["iban"] })]),
  },
  {
    what: "a class of data that comes to a sink, through a third agent",
    code: "check/class-to-sink",
    path: "chart > a > b > c > post",
    definition: team([
      agent("a", { tools: [read("chart", { labels: [health] })] }),
      b,
      agent("c", { tools: [write("post", { cleared: ["sensitive:money"] })] }),
    ]),
  },
  {
    what: "a class of data that one agent reads and sends",
    code: "check/class-to-sink",
    path: "chart > a > post",
    definition: solo([read("chart", { labels: [health] }), write("post", { cleared: [] })]),
  },
  {
    what: "a class of data that comes into answers that are not cleared for it",
    code: "check/class-to-answer",
    path: "chart > a > b > answer",
    definition: team([agent("a", { tools: [read("chart", { labels: [health] })] }), b], { answers: { cleared: [] } }),
  },
  {
    what: "a plan of an agent that writes nothing",
    code: "check/plan-idle",
    path: "desk > a > plan_steps",
    definition: solo([planSteps as unknown as AnyTool, read("find")]),
  },
  {
    what: "a rule for an argument that nobody protects",
    code: "check/rule-idle",
    path: "desk > flows > accept/0",
    definition: solo([write("send")], {
      flows: { accept: [{ tool: "send", argument: "to", type: "number", because: "small" }] },
    }),
  },
  {
    what: "an exemption of a read",
    code: "check/rule-idle",
    path: "desk > flows > exempt/0",
    definition: solo([read("find")], { flows: { exempt: [{ tool: "find", because: "harmless" }] } }),
  },
  {
    what: "known contacts of a class that is sealed",
    code: "check/value-sealed",
    path: "desk > flows > values > contact",
    definition: solo([write("send", { protect: ["to"] })], { flows: { values: { contact: ["ada@example.org"] } } }),
    options: { seal: { detectors: [atSign] } },
  },
  {
    what: "a class that a tool declares where nothing is sealed",
    code: "check/class-not-sealed",
    path: "desk > a > greet > input",
    definition: solo([greet]),
    options: { models: { m: model("one") } },
  },
  {
    what: "a class that a tool declares and that is kept",
    code: "check/class-not-sealed",
    path: "desk > a > greet > input",
    definition: solo([greet]),
    options: { vault: { key: "11".repeat(32) }, seal: { classes: { person: "keep" } } },
  },
  {
    what: "a class of a number, which nothing seals",
    code: "check/class-not-sealed",
    path: "desk > a > open > input",
    definition: solo([read("open", { input: z.object({ pin: z.int().meta({ dataClass: "pin" }) }) })]),
    options: { vault: { key: "11".repeat(32) } },
  },
  {
    what: "a class that is kept for one tenant, in a list of an answer",
    code: "check/class-not-sealed",
    path: "desk > a->b > answer",
    definition: team([a, b], { handoffs: [callers] }),
    options: { seal: { tenants: { acme: { "*": "keep" } } } },
  },
  {
    what: "somebody else's tool that sends to where anybody's text says",
    code: "check/protect-missing",
    path: "desk > a > send",
    definition: solo([write("send", { labels: ["mcp:mailer"] })]),
  },
  {
    what: "two branches that write the same",
    code: "check/parallel-write",
    path: "desk > a > a->(b|c)->d > send",
    definition: (() => {
      const send = write("send");
      const [left, right] = [agent("b", { tools: [send] }), agent("c", { tools: [send] })];
      return team([a, left, right, d], { handoffs: [fork(a, [left, right], d)] });
    })(),
  },
  {
    what: "retries of what cannot be repeated",
    code: "check/retry-unsafe",
    path: "desk > a > send",
    definition: solo([write("send", { idempotency: "none", risk: "high", retry: { attempts: 3 } })]),
  },
  {
    what: "a key that one attempt outlives",
    code: "check/key-outlived",
    path: "desk > a > send",
    definition: solo([write("send", { keyValidForMs: 5_000, timeoutMs: 5_000 })]),
  },
  {
    what: "a key that the attempts outlive",
    code: "check/key-too-short",
    path: "desk > a > send",
    definition: solo([write("send", { keyValidForMs: 12_000, timeoutMs: 5_000 })]),
  },
  {
    what: "something reversible without a way back",
    code: "check/undo-missing",
    path: "desk > a > send",
    definition: solo([write("send", { reversible: true })]),
  },
  {
    what: "a way back that waits for a person",
    code: "check/undo-waits",
    path: "desk > a > send",
    definition: solo([write("send", { undo: { tool: write("recall", { risk: "high" }), input: () => null } })]),
  },
  {
    what: "a tool that every delivery leaves out",
    code: "check/tool-ungranted",
    path: "desk > b > send",
    definition: (() => {
      const worker = agent("b", { tools: [read("find"), write("send")] });
      return team([a, worker], { handoffs: [hand(a, worker, { grant: { tools: ["find"] } })] });
    })(),
  },
  {
    what: "a tool that no tenant may use",
    code: "check/tool-ungranted",
    path: "desk > a > send",
    definition: solo([read("find"), write("send")]),
    options: { tenants: { acme: { tools: ["find"] }, globex: { effects: "read" } } },
  },
  {
    what: "a reader that hands over to high risk",
    code: "check/grant-widens",
    path: "desk > b > c > wipe",
    definition: (() => {
      const keeper = agent("c", { tools: [write("wipe", { risk: "high" })] });
      return team([a, b, keeper], { handoffs: [hand(a, b, { grant: { effects: "read" } }), hand(b, keeper)] });
    })(),
  },
  {
    what: "a listed tool that the policy never allows",
    code: "check/policy-never-allows",
    path: "desk > a > wipe",
    definition: solo([write("wipe", { risk: "high" })], {
      policy: cedarPolicy({
        name: "strict",
        version: "1",
        text: `permit(principal, action in [Action::"model", Action::"egress"], resource);`,
      }),
    }),
  },
  {
    what: "the same, where a team answers in which it was read",
    code: "check/class-to-answer",
    path: "file > a > answer",
    definition: team([nested(solo([read("file", { labels: ["sensitive:health"] })], { name: "inner" }), "branch")], {
      answers: { cleared: [] },
    }),
  },
  {
    what: "an answer of a team that is not held back where the team works inside another one",
    code: "check/setting-of-inner",
    path: "desk > branch > inner > answers.cleared",
    definition: team([nested(solo([], { name: "inner", answers: { cleared: [] } }), "branch")]),
  },
  {
    what: "a flow that is denied in a team, and asked about where the team works inside another one",
    code: "check/setting-of-inner",
    path: "desk > branch > inner > flows.untrusted",
    definition: team([nested(solo([], { name: "inner", flows: { untrusted: "deny", egress: "deny" } }), "branch")]),
  },
  {
    what: "the budget of a team's own runs, which are none inside of another one",
    code: "check/setting-of-inner",
    path: "desk > branch > inner > budget.run.tokens",
    definition: team([nested(solo([], { name: "inner", budget: { run: { tokens: 5, microUsd: 9 } } }), "branch")], {
      budget: { run: { tokens: 6, microUsd: 9 } },
    }),
  },
  {
    what: "a rule that waits for a call which comes behind",
    code: "check/after-never",
    path: "desk > house > sends",
    definition: (() => {
      const [sender, finder] = [agent("a", { tools: [write("send")] }), agent("b", { tools: [read("find")] })];
      const may = { effect: "allow", because: "it may" } as const;
      return team([sender, finder], {
        policy: definePolicy({
          ...{ name: "house", version: "1" },
          rules: [
            { id: "work", on: ["handoff", "model", "egress"], ...may },
            { id: "finds", on: "tool", tools: ["find"], ...may },
            { id: "sends", on: "tool", tools: ["send"], after: { tools: ["find"] }, ...may },
          ],
        }),
      });
    })(),
  },
  {
    what: "a quorum larger than the registry",
    code: "check/approval-impossible",
    path: "desk > wipe",
    definition: (() => {
      const wipe = write("wipe", { risk: "high" });
      return solo([wipe], { approvals: [{ tool: wipe, by: "human", quorum: 2 }] });
    })(),
    options: { approvers: registry("ann", "ann") },
  },
  {
    what: "roles that nobody with a key has",
    code: "check/approval-impossible",
    path: "desk > wipe",
    definition: (() => {
      const wipe = write("wipe", { risk: "high" });
      return solo([wipe], { approvals: [{ tool: wipe, by: "human", roles: ["lead"] }] });
    })(),
    options: { approvers: registry("ann"), people: [person("ann", "clerk"), person("ben", "lead")] },
  },
  {
    what: "an approval that outlives the run",
    code: "check/approval-outlives-run",
    path: "desk > wipe",
    definition: solo([write("wipe", { risk: "high" })], { limits: { deadlineMs: 3_600_000 } }),
  },
  {
    what: "an agent that asks an operator whom there is not",
    code: "check/asks-nobody",
    path: "desk > a",
    definition: team([agent("a", { asks: ["customer", "operator"] })]),
    options: { audiences: ["customer"] },
  },
  {
    what: "an edge that asks a customer whom there is not",
    code: "check/asks-nobody",
    path: "desk > a > a->customer->b",
    definition: team([a, b], {
      handoffs: [
        defineQuestion({
          from: a,
          to: b,
          of: "customer",
          ask: () => "?",
          map: (answer: string) => ({ text: answer }),
        } as never),
      ],
    }),
    options: { audiences: ["operator"] },
  },
  {
    what: "a way that is longer than the limit",
    code: "check/limits-too-small",
    path: "desk > handoffs",
    definition: team([a, b, c, d], { limits: { handoffs: 3 } }),
  },
  {
    what: "fewer steps than agents on the way",
    code: "check/limits-too-small",
    path: "desk > steps",
    definition: team([a, b, c, d], { limits: { steps: 3 } }),
  },
  {
    what: "more turns than steps",
    code: "check/limits-contradict",
    path: "desk > turns",
    definition: team([a], { limits: { steps: 20, turns: 21 } }),
  },
  {
    what: "a team deeper than the limit",
    code: "check/too-deep",
    path: "desk > inner > inner-desk",
    definition: team([nested(team([a], { name: "inner-desk" }), "inner")], { limits: { depth: 1 } }),
  },
  {
    what: "a delivery after the end",
    code: "check/delay-beyond-deadline",
    path: "desk > a->b",
    definition: team([a, b], { limits: { deadlineMs: 700_000 }, handoffs: [hand(a, b, { afterMs: 700_000 })] }),
  },
  {
    what: "a timeout after the end",
    code: "check/timeout-beyond-deadline",
    path: "desk > find",
    definition: solo([read("find", { timeoutMs: 60_001 })], { limits: { deadlineMs: 60_000 } }),
  },
  {
    what: "a model's timeout after the end",
    code: "check/timeout-beyond-deadline",
    path: "desk > m > slow",
    definition: team([a], { limits: { activeMs: 60_000, deadlineMs: 60_000 } }),
    options: { models: { m: model("slow", { timeoutMs: 120_000 }) } },
  },
  {
    what: "a threshold that nothing is below",
    code: "check/threshold-idle",
    path: "desk > a",
    definition: team([a], { thresholds: [defineThreshold({ agent: a, atLeast: 0, read: () => 1 })] }),
  },
  {
    what: "a stronger model that is the same",
    code: "check/threshold-idle",
    path: "desk > a",
    definition: team([a], { thresholds: [defineThreshold({ agent: a, atLeast: 0.5, stronger: "m", read: () => 1 })] }),
  },
  {
    what: "what was read of a class, at an agent whose models may not see it",
    code: "check/route-not-cleared",
    path: "chart > a > b > n",
    definition: team([agent("a", { tools: [read("chart", { labels: [health] })] }), agent("b", { model: "n" })]),
    options: {
      models: {
        m: model("safe", { cleared: [health] }),
        n: defineRoute("n", { candidates: [model("x"), model("y")] }),
      },
    },
  },
  {
    what: "the same at a judge",
    code: "check/route-not-cleared",
    path: "chart > a > judge > n",
    definition: team(
      [agent("a", { tools: [read("chart", { labels: [health] }), write("move", { risk: "medium" })] })],
      {
        judges: { compliance: { ...judge, model: "n" } },
      },
    ),
    options: { models: { m: model("safe", { cleared: ["sensitive"] }), n: model("x") } },
  },
  {
    what: "a fallback that may not see it",
    code: "check/fallback-not-cleared",
    path: "chart > a > m",
    definition: solo([read("chart", { labels: [health] })]),
    options: { models: { m: defineRoute("m", { candidates: [model("safe", { cleared: [health] }), model("x")] }) } },
  },
  {
    what: "an alias that stands and falls with one provider",
    code: "check/alias-single",
    path: "desk > m",
    definition: team([a]),
    options: { models: { m: model("big", { cost: "paid", provider: "cloud" }) } },
  },
  {
    what: "a budget below one call",
    code: "check/budget-too-small",
    path: "desk > a > microUsd",
    definition: team([a], { budget: { agents: { a: { microUsd: 99 } } } }),
    options: { models: { m: model("big", { cost: "paid", quote: () => ({ microUsd: 100, tokens: 10 }) }) } },
  },
  {
    what: "a tenant's budget below one call",
    code: "check/budget-too-small",
    path: "desk > a > tokens",
    definition: team([a]),
    options: {
      models: { m: model("big", { cost: "paid", quote: () => ({ microUsd: 100, tokens: 10 }) }) },
      budgets: { acme: { tokens: 9 } },
    },
  },
  {
    what: "tools that differ by case",
    code: "check/name-case",
    path: "desk > Send_note > send-note",
    definition: solo([read("Send_note"), read("send-note")]),
  },
  {
    what: "agents that look alike",
    code: "check/name-lookalike",
    path: "desk > bil1ing > billing",
    definition: team([agent("billing"), agent("bil1ing")]),
  },
  {
    what: "a key in the instructions",
    code: "check/secret-in-text",
    path: "desk > a",
    definition: team([agent("a", { instructions: `Use sk-proj-${"a1B2".repeat(8)} for it.` })]),
  },
  {
    what: "a password in a tool's description",
    code: "check/secret-in-text",
    path: "desk > find",
    definition: solo([read("find", { description: "Log in with password: hunter2hunter2" })]),
  },
  {
    what: "instructions that speak of a tool of somebody before",
    code: "check/instructions-foreign-tool",
    path: "desk > b > send_note",
    definition: team([
      agent("a", { tools: [write("send_note")], instructions: "Then call send_note." }),
      agent("b", { instructions: "Then call send_note." }),
    ]),
  },
  {
    what: "more tools than a provider takes",
    code: "check/allowlist-long",
    path: "desk > a",
    definition: solo(many(129)),
  },
  {
    what: "a bound on a tool that there is not",
    code: "check/setting-unknown",
    path: "desk > concurrency.tools > sned",
    definition: solo([write("send")]),
    options: { concurrency: { tools: { sned: 2 } } },
  },
  {
    what: "a tool without a version",
    code: "check/version-missing",
    path: "desk > find",
    definition: solo([read("find")]),
    options: { versions: true },
  },
];

const shown = (path: readonly string[]) => path.join(" > ");

describe("a planted flaw is found by its code", () => {
  test.each(planted)("$code: $what", ({ code, path, definition, options, also = [] }) => {
    const { findings, ok } = checkSupervisor(definition, options);
    const found = findings.filter((one) => one.code === code && shown(one.path) === path);
    expect(findings.map((one) => `${one.code} ${shown(one.path)}`)).toContain(`${code} ${path}`);
    expect(found).toHaveLength(1);
    // It brings no other findings but those that follow from it.
    const others = findings.filter((one) => one !== found[0]).map((one) => one.code);
    expect(new Set(others)).toEqual(new Set(also));
    const [{ severity, message, hint, data }] = found as [(typeof found)[0]];
    expect(severity).toBe(checkErrorCodes[code].severity);
    expect(message).not.toMatch(/\?|[{}]/);
    expect(hint).not.toMatch(/[{}]/);
    expect(findNonJson(data)).toBeUndefined();
    expect(ok).toBe(findings.every((one) => one.severity !== "error"));
  });

  test("every code has a flaw that shows it", () => {
    expect(new Set(planted.map(({ code }) => code))).toEqual(new Set(Object.keys(checkErrorCodes)));
    expect(planted.length).toBeGreaterThanOrEqual(20);
  });
});

describe("what is in order has no finding", () => {
  const send = write("send", {
    risk: "medium",
    protect: ["to"],
    keyValidForMs: 86_400_000,
    undo: { tool: write("recall"), input: () => null },
  });
  const reader = agent("reader", {
    effects: "read",
    tools: [read("browse", { labels: ["web", health] })],
    asks: ["customer"],
  });
  const writer = agent("writer", { tools: [send] });
  const sound: readonly (readonly [what: string, definition: SupervisorDefinition, options: CheckOptions])[] = [
    [
      "a reader, a writer behind a judge, a bounded loop with a way out",
      team([reader, writer, c], {
        judges: { compliance: judge },
        thresholds: [defineThreshold({ agent: reader, atLeast: 0.5, stronger: "n", read: () => 1 })],
        handoffs: [
          hand(reader, writer),
          hand(writer, reader, { ...maybe, max: 3, with: { asked: inputOf(reader) } }),
          defineEscalation({ from: writer, ...maybe, reason: "odd" } as never),
          hand(writer, c),
        ],
      }),
      {
        models: { m: model("one", { cleared: ["sensitive"] }), n: model("two", { cleared: [health] }) },
        audiences: ["customer"],
        approvers: registry("ann", "ben"),
        tenants: { acme: {} },
        budgets: { acme: { microUsd: 1 } },
        concurrency: { tools: { send: 1 }, models: { one: 1 } },
      },
    ],
    [
      "a bounded self-loop of questions with an exit behind it",
      team([a], {
        handoffs: [
          defineQuestion({
            from: a,
            to: a,
            of: "customer",
            max: 2,
            ask: () => "?",
            map: (answer: string) => ({ text: answer }),
          } as never),
        ],
      }),
      {},
    ],
    [
      "an agent that works in the team around and, listed behind it, in one inside",
      (() => {
        const inside = nested(team([b], { name: "inner" }), "branch");
        return team([b, inside], { entry: "branch", exit: "b", handoffs: [hand(inside, b)] });
      })(),
      {},
    ],
    [
      "two branches that read the same",
      (() => {
        const find = read("find");
        const [left, right] = [agent("b", { tools: [find] }), agent("c", { tools: [find] })];
        return team([a, left, right, d], { handoffs: [fork(a, [left, right], d)] });
      })(),
      {},
    ],
    [
      "a trusted server's answer in a protected argument",
      team([
        agent("a", { tools: [read("crm", { labels: ["mcp:crm"] })] }),
        agent("c", { tools: [write("send", { protect: ["to"] })] }),
      ]),
      { trusted: ["mcp:crm"] },
    ],
    [
      "declared classes that are sealed, masked or refused",
      team([agent("a", { tools: [greet] }), b]),
      {
        models: { m: model("one") },
        vault: { key: "11".repeat(32) },
        seal: { classes: { person: "mask", "*": "keep" } },
      },
    ],
    ["declared classes where nobody says how runs are sealed", solo([greet]), {}],
    [
      "a team that means never to complete",
      team([a], { exit: [], handoffs: [defineDenial({ from: a, reason: "no" } as never)] }),
      {},
    ],
    [
      "instructions that speak of a tool of somebody behind",
      team([
        agent("a", { instructions: "What has to be sent, others send with send_note." }),
        agent("b", { tools: [write("send_note")] }),
      ]),
      {},
    ],
    [
      "words that are no secrets",
      team([
        agent("a", {
          instructions:
            "Never tell a password: ask for it. The api_key = <yours>. Use sk-learn and skateboarding-lessons-for-beginners.",
        }),
      ]),
      {},
    ],
  ];
  test.each(sound)("%s", (_, definition, options) => {
    expect(checkSupervisor(definition, options)).toMatchObject({ ok: true, findings: [] });
  });
});

describe("the order and the work", () => {
  test("the same definition gives the same findings, errors first", () => {
    const make = () =>
      solo([write("send", { reversible: true, protect: ["iban"] }), write("Send", { idempotency: "none" })]);
    const { findings } = checkSupervisor(make());
    expect(checkSupervisor(make()).findings).toEqual(findings);
    expect(findings.map(({ severity, code }) => [severity, code])).toEqual([
      ["error", "check/name-case"],
      ["error", "check/protect-unknown"],
      ["warning", "check/undo-missing"],
      ["warning", "check/write-ungated"],
    ]);
  });

  test("a definition that was made to hold itself is looked at once", () => {
    const inner = team([a], { name: "inner-desk" });
    const loop = nested(inner, "again");
    (inner.agents as Map<string, AnyAgent>).set("again", loop);
    const { findings } = checkSupervisor(inner);
    expect(findings.map(({ code }) => code)).toContain("check/nested-in-itself");
  });

  test("what is looked at grows with the definition, not with the ways through it", () => {
    const visitedOf = (count: number) => {
      const agents = Array.from({ length: count }, (_, index) =>
        agent(`agent_${index}x`, {
          tools: Array.from({ length: 10 }, (_, tool) => read(`tool_${index}x${tool}x`, { labels: ["web"] })),
        }),
      );
      // Each hands over to each of the next two: the number of ways through doubles with every second agent.
      const handoffs = agents.flatMap((from, index) =>
        agents.slice(index + 1, index + 3).map((to, way, all) => hand(from, to, way === all.length - 1 ? {} : maybe)),
      );
      const { visited, findings } = checkSupervisor(team(agents, { handoffs, limits: { handoffs: 100, steps: 200 } }));
      expect(findings).toEqual([]);
      return visited;
    };
    const [half, whole] = [visitedOf(25), visitedOf(50)];
    expect(whole).toEqual({ agents: 50, tools: expect.any(Number), edges: expect.any(Number) });
    expect(whole.tools).toBeLessThan(500 * 8);
    expect(whole.edges).toBeLessThan(97 * 12);
    expect(whole.tools / half.tools).toBeLessThan(2.2);
    expect(whole.edges / half.edges).toBeLessThan(2.2);
  });
});

test("what an extraction reads out, and a rule takes from it, asks nobody; nor does a sink that is cleared", () => {
  const reading = (accept: object) =>
    team(
      [
        agent("a", { tools: [read("browse", { labels: ["web"] })], extracts: true }),
        agent("c", { tools: [write("send", { protect: ["to"] })] }),
      ],
      { flows: { accept: [{ tool: "send", argument: "to", type: "string", because: "a code", ...accept }] } },
    );
  const codes = (definition: SupervisorDefinition) => checkSupervisor(definition).findings.map(({ code }) => code);
  expect(codes(reading({ from: ["a"] }))).toEqual([]);
  expect(codes(reading({ from: ["a"], planned: true }))).toEqual(["check/protect-asks"]);
  expect(codes(solo([read("chart", { labels: [health] }), write("post", { cleared: [health] })]))).toEqual([]);
  const known = solo([write("send", { protect: ["to"] })], { flows: { values: { contact: ["ada@example.org"] } } });
  expect(checkSupervisor(known, { seal: { detectors: [atSign], classes: { email: "keep" } } }).findings).toEqual([]);
  expect(codes(solo([write("send", { labels: ["mcp:mailer"], protect: ["to"] })]))).toEqual([]);
  expect(codes(solo([write("send", { labels: ["mcp:mailer"] })], { trusted: ["mcp:mailer"] }))).toEqual([]);
});
