import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { extendAgent } from "../extend.ts";
import { defineHandoff, defineParallel, outputOf } from "../handoff.ts";
import { user } from "../principal.ts";
import { answers, functionModel, scriptedModel } from "../testing/index.ts";
import { defineThreshold } from "../threshold.ts";
import { defineTool } from "../tool.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import type { SupervisorOptions } from "./options.ts";
import { runSupervisor } from "./supervisor.ts";

const note = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Writes a note.",
  model: "m",
  tools: [],
  input: note,
  output: note,
  instructions: "",
});
const boss = extendAgent(clerk, { name: "boss" });
const pass = defineHandoff({ from: clerk, to: boss, map: (output) => output });
const define = (more: object) =>
  defineSupervisor({
    agents: { clerk, boss },
    entry: "clerk",
    exit: "boss",
    handoffs: [pass],
    ...more,
  } as SupervisorOptions<Record<string, AnyAgent>, string, string, readonly []>);
const threshold = (more: object) => defineThreshold({ agent: clerk, atLeast: 0.5, read: () => 1, ...more } as never);

describe("a definition is refused", () => {
  const other = extendAgent(clerk, { description: "Another clerk." });
  const loop = defineHandoff({ from: boss, to: boss, name: "loop", map: (output) => output });
  const cases: [string, string, object][] = [
    ["when a loop is never left", "supervisor/exit-unreachable", { exit: "clerk", handoffs: [pass, loop] }],
    [
      "when it delegates to nobody at once",
      "supervisor/no-branches",
      {
        handoffs: [
          pass,
          defineParallel({ from: clerk, name: "nobody", branches: {}, join: { to: boss, map: () => ({ text: "" }) } }),
        ],
      },
    ],
    ...[0, -1, 1.5, Number.NaN].map((max): [string, string, object] => [
      `when an edge may be taken ${max} times`,
      "limits/not-a-bound",
      { handoffs: [defineHandoff({ from: clerk, to: boss, max, map: (output) => output })] },
    ]),
    ...[-0.1, 1.1, 60, Number.NaN].map((atLeast): [string, string, object] => [
      `when a threshold is ${atLeast}`,
      "supervisor/threshold-invalid",
      { thresholds: [threshold({ atLeast })] },
    ]),
    [
      "when an agent has two thresholds",
      "supervisor/duplicate-threshold",
      { thresholds: [threshold({}), threshold({ atLeast: 0.9 })] },
    ],
    [
      "when a threshold is of another definition",
      "supervisor/agent-mismatch",
      { thresholds: [threshold({ agent: other })] },
    ],
    [
      "when a contract reads another definition of an agent",
      "supervisor/agent-mismatch",
      {
        handoffs: [
          defineHandoff({ from: clerk, to: boss, with: { earlier: outputOf(other) }, map: (output) => output }),
        ],
      },
    ],
    [
      "when a team shall be asked again by a stronger model",
      "supervisor/threshold-on-team",
      (() => {
        const team = asAgent(define({}) as never, { name: "team", description: "", input: note, output: note });
        return {
          agents: { team },
          entry: "team",
          exit: "team",
          handoffs: [],
          thresholds: [threshold({ agent: team, stronger: "s" })],
        };
      })(),
    ],
  ];
  for (const [name, code, more] of cases) {
    test(`${name}: ${code}`, () => {
      expect(() => define(more)).toThrow(expect.objectContaining({ code }));
    });
  }

  test("a team needs a name like any agent", () => {
    const make = () => asAgent(define({}) as never, { name: "a/b", description: "", input: note, output: note });
    expect(make).toThrow(expect.objectContaining({ code: "agent/name-invalid" }));
  });

  test("a timeout must be one", () => {
    const tool = (timeoutMs: number) =>
      defineTool({
        name: "look",
        description: "",
        input: note,
        output: note,
        effect: "read",
        timeoutMs,
        execute: (input) => input,
      });
    for (const timeoutMs of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => tool(timeoutMs)).toThrow(expect.objectContaining({ code: "limits/not-a-bound" }));
      const model = { ...functionModel("m", () => []), timeoutMs };
      expect(() => runSupervisor(define({}), { engine: memoryEngine(), models: { m: model } })).toThrow(
        expect.objectContaining({ code: "limits/not-a-bound" }),
      );
    }
  });
});

test("a supervisor that is refused for what its options grant serves nobody", () => {
  const engine = memoryEngine();
  const definition = define({});
  const options = {
    engine,
    models: { m: functionModel("m", () => []) },
    tenants: { acme: { tools: ["no_such_tool"] } },
  };
  expect(() => runSupervisor(definition, options)).toThrow(
    expect.objectContaining({ code: "policy/grant-unknown-tool" }),
  );
  expect(engine.isRegistered(`${definition.name}@${definition.hash}`)).toBe(false);
});

test("an edge that is named like a member of Object is counted like any other", async () => {
  const again = defineHandoff({ from: clerk, to: clerk, name: "toString", max: 2, map: (output) => output });
  const definition = define({ handoffs: [again, pass] });
  const model = scriptedModel([
    ...["one", "two", "three"].map((text) => answers(clerk, { text })),
    answers(boss, { text: "done" }),
  ]);
  const supervisor = runSupervisor(definition, { engine: memoryEngine(), models: { m: model } });
  const run = await supervisor.start({ text: "go" }, { tenant: "acme", principal: user("u_1") });
  expect(await run.result()).toMatchObject({ status: "completed", output: { text: "done" } });
  model.assertUsed();
});
