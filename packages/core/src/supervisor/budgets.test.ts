import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { BudgetAmount, InputEvent } from "../event.ts";
import { defineHandoff } from "../handoff.ts";
import type { Model } from "../port/model.ts";
import { user } from "../principal.ts";
import { RunCore } from "../run/core.ts";
import { answers, scriptedModel } from "../testing/scripted-model.ts";
import { asAgent, defineSupervisor, type SupervisorDefinition } from "./definition.ts";
import { createSupervisor } from "./supervisor.ts";

const text = z.object({ text: z.string() });
const shape = { description: "", input: text, output: text } as const;
const pass = (one: { readonly text: string }) => one;
const [first, second] = [
  defineAgent({ ...shape, name: "first", model: "m", tools: [], instructions: "" }),
  defineAgent({ ...shape, name: "second", model: "m", tools: [], instructions: "" }),
];
const inner = defineSupervisor({
  ...({ name: "inner", entry: "first", exit: "second" } as const),
  agents: { first, second },
  handoffs: [defineHandoff({ from: first, to: second, map: pass })],
});
const team = asAgent(inner, { ...shape, name: "team" });
/** Two calls inside of the team each time it is delivered to, which is twice. */
const twice = (bound: BudgetAmount) =>
  ({
    agents: { team },
    entry: "team",
    exit: "team",
    handoffs: [defineHandoff({ from: team, to: team, map: pass, max: 1 })],
    budget: { agents: { team: bound } },
  }) as const;

test.each([
  [5, 0],
  [25, 2],
  [35, 3],
  [40, 4],
])(
  "R10 a budget of %i for a team bounds what its agents spend together, in all of its deliveries",
  async (microUsd, calls) => {
    const said = [first, second, first, second].map((agent) => answers(agent, { text: "" }));
    const model: Model = {
      ...scriptedModel(said.slice(0, Math.max(calls, 1))),
      cost: "paid",
      quote: () => ({ microUsd: 10, tokens: 1 }),
    };
    const desk = createSupervisor({ ...twice({ microUsd }), models: { m: model }, engine: memoryEngine() });
    const run = await desk.start({ text: "go" }, { tenant: "acme", principal: user("u_1") });
    const { status, cost } = await run.result();
    expect([status, cost.microUsd]).toEqual([calls === 4 ? "completed" : "failed", calls * 10]);
    expect((await desk.replay(run.id, { tenant: "acme" })).ok).toBe(true);
  },
);

test("a run that began under the policy of before was bounded by none, and goes on so", () => {
  const definition = defineSupervisor(twice({ microUsd: 5 })) as unknown as SupervisorDefinition;
  const callsUnder = (policyVersion: string) => {
    const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
    const body = {
      ...{ supervisor: definition.name, definitionHash: definition.hash, input: { text: "go" } },
      ...{ principal: user("u_1"), labels: { "": ["user"] }, policyVersion, format: 1 as const },
      budget: { agents: { team: { microUsd: 5 } } },
    };
    core.apply({ id: "start", type: "run.started", path: "", body }, 1, 1);
    const [command = ""] = core.state.outstanding.keys();
    const amount = { microUsd: 10, tokens: 1 };
    const reserved: InputEvent = {
      id: command,
      type: "budget.reserved",
      path: "team#1/first#1",
      body: { command, amount },
    };
    return core.apply(reserved, 2, 10)?.commands.map(({ type }) => type);
  };
  expect(callsUnder("labels-1")).toEqual(["callModel"]);
  expect(callsUnder("stops-1")).toEqual([]);
});

test("a budget of an agent that there is not bounds nobody, and is refused; one inside of a team or a judge is there", () => {
  const made = (agents: object) => () => defineSupervisor({ ...twice({}), budget: { agents: agents as never } });
  expect(made({ tema: { tokens: 1 } })).toThrow(
    expect.objectContaining({ code: "supervisor/agent-unknown", data: { agent: "tema", where: "`budget.agents`" } }),
  );
  expect(made({ second: { tokens: 1 } })).not.toThrow();
});
