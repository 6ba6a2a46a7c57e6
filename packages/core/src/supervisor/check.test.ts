import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { effectCase, effectVerdict } from "../approval/case.ts";
import { memoryEngine } from "../engine/memory.ts";
import { type ErrorCode, OrchestrationError } from "../errors.ts";
import {
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  inputOf,
  optional,
  outputOf,
} from "../handoff.ts";
import { findNonJson, type Json } from "../json.ts";
import { scriptedModel } from "../testing/index.ts";
import { defineThreshold } from "../threshold.ts";
import { type AnyTool, defineTool } from "../tool.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import { createSupervisor, runSupervisor } from "./supervisor.ts";

const text = z.object({ text: z.string() });
const agent = <const Name extends string>(name: Name, tools: readonly AnyTool[] = []) =>
  defineAgent({
    name,
    description: `The ${name}.`,
    model: "m",
    tools,
    input: text,
    output: text,
    instructions: "Pass it on.",
  });
const tool = (name: string) =>
  defineTool({ name, description: "Reads.", input: text, output: text, effect: "read", execute: (input) => input });
const hand = (from: AnyAgent, to: AnyAgent, more: object = {}) =>
  defineHandoff({ from, to, map: (output: { text: string }) => output, ...more });

const a = agent("a");
const b = agent("b");
const c = agent("c");
const d = agent("d");

/** Compiles without the help of types, as a program made from data would. */
const compile = (options: object) => defineSupervisor(options as never);

function refused(act: () => unknown, code: ErrorCode, data: Readonly<Record<string, Json>>): OrchestrationError {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  if (!OrchestrationError.is(thrown))
    throw new Error(`expected ${code}, nothing of ours was thrown`, { cause: thrown });
  expect(thrown.code).toBe(code);
  expect(thrown.data).toMatchObject(data);
  for (const value of Object.values(data)) expect(thrown.message).toContain(String(value));
  expect(thrown.message).not.toContain("?");
  expect(thrown.hint.length).toBeGreaterThan(10);
  expect(findNonJson(thrown.data)).toBeUndefined();
  return thrown;
}

describe("names", () => {
  test.each(["", "1desk", "my desk", "a/b", "x".repeat(65)])("%j is no name of a supervisor", (name) => {
    refused(() => compile({ name, agents: { a }, entry: "a", exit: "a", handoffs: [] }), "supervisor/name-invalid", {
      supervisor: name,
    });
  });

  test("an agent is held under its own name", () => {
    refused(() => compile({ agents: { x: a }, entry: "x", exit: "x", handoffs: [] }), "supervisor/agent-mismatch", {
      key: "x",
      agent: "a",
    });
  });

  test("an edge to another definition of the same name is refused", () => {
    const handoffs = [hand(a, agent("b"))];
    refused(() => compile({ agents: { a, b }, entry: "a", exit: "b", handoffs }), "supervisor/agent-mismatch", {
      key: "b",
    });
  });

  test("a name means one agent in the whole tree of teams", () => {
    const inner = compile({ name: "inner", agents: { b: agent("b") }, entry: "b", exit: "b", handoffs: [] });
    const team = asAgent(inner as never, { name: "team", description: "A team.", input: text, output: text });
    const handoffs = [hand(a, b), hand(b, team)];
    refused(
      () => compile({ agents: { a, b, team }, entry: "a", exit: "team", handoffs }),
      "supervisor/agent-mismatch",
      { agent: "b" },
    );
  });

  test.each([
    ["a handoff", () => [hand(a, c)], "the edge a->c"],
    ["a parallel's branch", () => [forkTo(c, b)], "the edge a->(x)->b"],
    ["a parallel's join", () => [forkTo(b, c)], "the edge a->(x)->c"],
    ["an ending", () => [hand(a, b), defineEscalation({ from: c, reason: "odd" })], "the edge c->escalated:odd"],
    [
      "a question",
      () => [
        defineQuestion({ from: a, to: c, of: "customer", ask: () => "Which?", map: (answer) => ({ text: answer }) }),
      ],
      "the edge a->customer->c",
    ],
    ["a source", () => [hand(a, b, { with: { it: outputOf(c) } })], "the edge a->b (with)"],
  ])("%s with an unknown agent is named", (_, handoffs, where) => {
    refused(
      () => compile({ agents: { a, b }, entry: "a", exit: "b", handoffs: handoffs() }),
      "supervisor/agent-unknown",
      {
        agent: "c",
        where,
      },
    );
  });

  test("an unknown entry, exit or agent of a threshold is named", () => {
    const unknown = (options: object, where: string) =>
      refused(
        () => compile({ agents: { a, b }, entry: "a", exit: "b", handoffs: [hand(a, b)], ...options }),
        "supervisor/agent-unknown",
        { agent: "c", where },
      );
    unknown({ entry: "c" }, "`entry`");
    unknown({ exit: ["b", "c"] }, "`exit`");
    unknown({ thresholds: [defineThreshold({ agent: c, atLeast: 0.5, read: () => 1 })] }, "`thresholds`");
  });

  test("two edges of one name are refused, and a name of their own lets both be", () => {
    const guarded = { when: () => true };
    refused(
      () => compile({ agents: { a, b }, entry: "a", exit: "b", handoffs: [hand(a, b, guarded), hand(a, b)] }),
      "supervisor/duplicate-edge",
      { edge: "a->b" },
    );
    const handoffs = [hand(a, b, guarded), hand(a, b, { name: "otherwise" })];
    expect(() => compile({ agents: { a, b }, entry: "a", exit: "b", handoffs })).not.toThrow();
  });
});

function forkTo(branch: AnyAgent, join: AnyAgent) {
  return defineParallel({
    from: a,
    branches: { x: { to: branch, map: (output: { text: string }) => output } },
    join: { to: join, map: () => ({ text: "joined" }) },
  });
}

describe("tools", () => {
  test("two different tools of one name are refused with both owners, one tool of two agents is not", () => {
    const find = tool("find");
    const first = agent("first", [find]);
    const compileWith = (second: AnyAgent) =>
      compile({ agents: { first, second }, entry: "first", exit: "second", handoffs: [hand(first, second)] });
    refused(() => compileWith(agent("second", [tool("find")])), "supervisor/duplicate-tool", {
      tool: "find",
      agents: "first, second",
    });
    expect(() => compileWith(agent("second", [find]))).not.toThrow();
  });

  test("a tool of a team counts as well", () => {
    const worker = agent("worker", [tool("find")]);
    const inner = compile({ name: "inner", agents: { worker }, entry: "worker", exit: "worker", handoffs: [] });
    const team = asAgent(inner as never, { name: "team", description: "A team.", input: text, output: text });
    const first = agent("first", [tool("find")]);
    refused(
      () => compile({ agents: { first, team }, entry: "first", exit: "team", handoffs: [hand(first, team)] }),
      "supervisor/duplicate-tool",
      { tool: "find", agents: "first, team" },
    );
  });

  const write = { description: "", input: text, output: text, effect: "write", idempotency: "key" } as const;
  const pay = defineTool({ ...write, name: "pay", risk: "high", execute: (one) => one });

  test("so does one of a judge, which would be taken for a write of the team that waits for nobody", () => {
    const judge = defineAgent({ ...judging, name: "judge", tools: [tool("pay")] });
    const payer = agent("payer", [pay]);
    const whole = { agents: { payer }, entry: "payer", exit: "payer", handoffs: [], judges: { compliance: judge } };
    refused(() => compile(whole), "supervisor/duplicate-tool", { tool: "pay", agents: "payer, judge" });
  });

  test("and a way back: what a low risk lets pass is not done under the name of a high one, nor the other way", () => {
    const low = defineTool({ ...write, name: "pay", risk: "low", execute: (one) => one });
    const book = defineTool({
      ...write,
      name: "book",
      risk: "low",
      execute: (one) => one,
      undo: { tool: low, input: (one) => one },
    });
    const desk = (tools: readonly AnyTool[]) => {
      const payer = agent("payer", tools);
      return compile({ agents: { payer }, entry: "payer", exit: "payer", handoffs: [] });
    };
    const agents = "payer, the way back of book";
    refused(() => desk([book, pay]), "supervisor/duplicate-tool", { tool: "pay", agents });
    expect(() => desk([book, low])).not.toThrow();
    // Wrapped, it is another object and no other tool.
    expect(() => desk([book, { ...low, execute: (one: unknown) => one }])).not.toThrow();
  });
});

const judging = {
  ...{ description: "", model: "m", input: effectCase, output: effectVerdict, instructions: "" },
  effects: "read",
} as const;

describe("names", () => {
  test("a judge of an inner team has no name of another agent: it would be asked with the other's instructions", () => {
    const judge = (name: string) => defineAgent({ ...judging, name, tools: [] });
    const team = (name: string, judge: AnyAgent) => {
      const worker = agent(`worker_of_${name}`);
      const entry = worker.name;
      const options = {
        name,
        agents: { [entry]: worker },
        entry,
        exit: entry,
        handoffs: [],
        judges: { compliance: judge },
      };
      return asAgent(compile(options) as never, { name, description: "", input: text, output: text });
    };
    const [strict, lax] = [judge("judge"), judge("judge")];
    const both = (second: AnyAgent) => {
      const [one, two] = [team("one", strict), team("two", second)];
      return compile({ agents: { one, two }, entry: "one", exit: "two", handoffs: [hand(one, two)] });
    };
    refused(() => both(lax), "supervisor/agent-mismatch", { key: "judge", agent: "judge" });
    expect(() => both(strict)).not.toThrow();
    const one = team("one", judge("a"));
    const outer = { agents: { one, a }, entry: "one", exit: "a", handoffs: [hand(one, a)] };
    refused(() => compile(outer), "supervisor/agent-mismatch", { key: "a", agent: "a" });
  });
});

describe("reach", () => {
  test("an agent that no path leads to is named, also one that only leads to itself or away", () => {
    for (const handoffs of [[hand(a, b)], [hand(a, b), hand(c, b)], [hand(a, b), hand(c, c)]]) {
      refused(() => compile({ agents: { a, b, c }, entry: "a", exit: "b", handoffs }), "supervisor/agent-unreachable", {
        agent: "c",
        entry: "a",
      });
    }
  });

  test("an agent that nothing leaves and that is no exit is a dead end", () => {
    const handoffs = [hand(a, b), hand(a, c, { name: "other" })];
    refused(() => compile({ agents: { a, b, c }, entry: "a", exit: "b", handoffs }), "supervisor/dead-end", {
      agent: "c",
    });
  });

  test("a branch returns to its join and needs no edge; run alone as well, it needs one", () => {
    const agents = { a, b, c };
    expect(() => compile({ agents, entry: "a", exit: "c", handoffs: [forkTo(b, c)] })).not.toThrow();
    refused(
      () => compile({ agents, entry: "a", exit: "c", handoffs: [forkTo(b, c), hand(a, b)] }),
      "supervisor/dead-end",
      { agent: "b" },
    );
  });

  test("a loop without an end is refused; an ending or a threshold is one", () => {
    const agents = { a, b };
    const loop = [hand(a, b), hand(b, a)];
    refused(() => compile({ agents, entry: "a", exit: [], handoffs: loop }), "supervisor/exit-unreachable", {
      entry: "a",
    });
    expect(() =>
      compile({ agents, entry: "a", exit: [], handoffs: [...loop, defineDenial({ from: b, reason: "no" })] }),
    ).not.toThrow();
    const thresholds = [defineThreshold({ agent: a, atLeast: 0.5, read: () => 1 })];
    expect(() => compile({ agents, entry: "a", exit: [], handoffs: loop, thresholds })).not.toThrow();
  });

  test("an exit or an ending of an agent that only runs as a branch ends no run and leads nowhere", () => {
    const loop = [forkTo(b, c), hand(c, a)];
    for (const options of [
      { exit: "b", handoffs: loop },
      { exit: [], handoffs: [...loop, defineDenial({ from: b, reason: "no" })] },
    ]) {
      refused(() => compile({ agents: { a, b, c }, entry: "a", ...options }), "supervisor/exit-unreachable", {
        entry: "a",
      });
    }
    const handoffs = [forkTo(b, c), hand(b, d)];
    refused(
      () => compile({ agents: { a, b, c, d }, entry: "a", exit: ["c", "d"], handoffs }),
      "supervisor/agent-unreachable",
      { agent: "d", entry: "a" },
    );
  });

  test("a threshold on a branch is refused with its edge", () => {
    const thresholds = [defineThreshold({ agent: b, atLeast: 0.5, read: () => 1 })];
    refused(
      () => compile({ agents: { a, b, c }, entry: "a", exit: "c", handoffs: [forkTo(b, c)], thresholds }),
      "supervisor/threshold-on-branch",
      { agent: "b", edge: "a->(x)->c" },
    );
  });
});

describe("sources", () => {
  const agents = { a, b, c, d };
  const open = { when: () => true };

  test("a source that every path passes through may be read, the sender's own input too", () => {
    const handoffs = [hand(a, b), hand(b, c), hand(c, d, { with: { first: outputOf(a), mine: inputOf(c) } })];
    expect(() => compile({ agents, entry: "a", exit: "d", handoffs })).not.toThrow();
  });

  test("a source that a path goes round is refused, and the path is named", () => {
    const handoffs = [hand(a, b, open), hand(a, c), hand(b, c), hand(c, d, { with: { draft: outputOf(b) } })];
    refused(() => compile({ agents, entry: "a", exit: "d", handoffs }), "supervisor/source-not-guaranteed", {
      contract: "c->d",
      source: "draft",
      from: "c",
      path: "a -> c",
    });
    const soft = [...handoffs.slice(0, 3), hand(c, d, { with: { draft: optional(outputOf(b)) } })];
    expect(() => compile({ agents, entry: "a", exit: "d", handoffs: soft })).not.toThrow();
  });

  test("the first round of a loop is a path as well", () => {
    const handoffs = [
      hand(a, b, { with: { review: outputOf(c) } }),
      hand(b, c),
      hand(c, a, { ...open, max: 2 }),
      hand(c, d),
    ];
    refused(() => compile({ agents, entry: "a", exit: "d", handoffs }), "supervisor/source-not-guaranteed", {
      source: "review",
      path: "a",
    });
  });

  test("behind a join every branch has run", () => {
    const fork = defineParallel({
      from: a,
      branches: {
        left: { to: b, map: (output: { text: string }) => output },
        right: { to: c, map: (output: { text: string }) => output },
      },
      join: { to: d, map: () => ({ text: "joined" }) },
    });
    const e = agent("e");
    const reads = hand(d, e, { with: { left: outputOf(b), right: outputOf(c) } });
    expect(() => compile({ agents: { ...agents, e }, entry: "a", exit: "e", handoffs: [fork, reads] })).not.toThrow();
  });

  test("a path round a parallel delegation is told as it is, not through the join", () => {
    const e = agent("e");
    const fork = defineParallel({
      from: a,
      branches: { left: { to: b, map: (output: { text: string }) => output } },
      join: { to: d, map: () => ({ text: "joined" }) },
      when: () => true,
    });
    const handoffs = [fork, hand(a, c), hand(c, d), hand(d, e, { with: { left: outputOf(b) } })];
    refused(
      () => compile({ agents: { ...agents, e }, entry: "a", exit: "e", handoffs }),
      "supervisor/source-not-guaranteed",
      { path: "a -> c -> d" },
    );
  });
});

describe("models", () => {
  const models = { m: scriptedModel([]) };
  const options = { agents: { a }, entry: "a", exit: "a", handoffs: [], engine: memoryEngine() } as const;

  test("exactly the aliases that the agents use", () => {
    refused(() => createSupervisor({ ...options, models: {} } as never), "model/alias-unknown", {
      agent: "a",
      alias: "m",
    });
    refused(() => createSupervisor({ ...options, models: { ...models, n: models.m } } as never), "model/alias-unused", {
      alias: "n",
    });
    refused(() => createSupervisor({ ...options, models: Object.create(models) } as never), "model/alias-unknown", {
      alias: "m",
    });
  });

  test("a threshold's stronger alias is one of them", () => {
    const thresholds = [defineThreshold({ agent: a, atLeast: 0.5, read: () => 1, stronger: "big" })];
    const definition = compile({ ...options, thresholds });
    expect(definition.aliases).toEqual(["big", "m"]);
    refused(
      () => runSupervisor(definition as never, { engine: memoryEngine(), models } as never),
      "model/alias-unknown",
      {
        alias: "big",
      },
    );
  });
});

describe("limits of a supervisor", () => {
  test("are checked where it is defined", () => {
    const options = { agents: { a }, entry: "a", exit: "a", handoffs: [] };
    refused(() => compile({ ...options, limits: { steps: 0 } }), "limits/not-a-bound", { limit: "steps", value: "0" });
    refused(() => compile({ ...options, limits: { hops: 2 } }), "limits/unknown", { limit: "hops" });
  });
});
