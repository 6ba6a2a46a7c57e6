// Claims about `createSupervisor`, checked by the compiler.
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { defineHandoff } from "../handoff.ts";
import type { Engine } from "../port/engine.ts";
import type { Model } from "../port/model.ts";
import { defineThreshold } from "../threshold.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import { createSupervisor } from "./supervisor.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;
declare const model: Model;
declare const engine: Engine;
const common = { description: "", instructions: "", tools: [] } as const;
const first = defineAgent({
  ...common,
  name: "first",
  model: "fast",
  input: z.object({ text: z.string() }),
  output: z.object({ n: z.int() }),
});
const second = defineAgent({
  ...common,
  name: "second",
  model: "careful",
  input: z.object({ n: z.int() }),
  output: z.object({ ok: z.boolean() }),
});
const third = defineAgent({
  ...common,
  name: "third",
  model: "fast",
  input: z.object({ n: z.int() }),
  output: z.object({ late: z.string() }),
});
const on = defineHandoff({ from: first, to: second, map: ({ n }) => ({ n }) });
const away = defineHandoff({ from: first, to: third, map: ({ n }) => ({ n }) });

export async function wellTyped(): Promise<void> {
  const desk = createSupervisor({
    agents: { first, second },
    entry: "first",
    exit: "second",
    handoffs: [on],
    models: { fast: model, careful: model },
    engine,
  });
  claim<Equal<Parameters<typeof desk.start>[0], { text: string }>>();
  const run = await desk.start({ text: "" }, { tenant: "t" });
  const result = await run.result();
  if (result.status === "completed") claim<Equal<typeof result.output, { ok: boolean }>>();
  // @ts-expect-error only a completed run has an output
  void result.output;
  // @ts-expect-error the input is the entry agent's
  await desk.start({ words: "" }, { tenant: "t" });
  // @ts-expect-error a run belongs to a tenant
  await desk.start({ text: "" }, {});
  // @ts-expect-error a list is of one tenant
  await desk.list({});
  desk.on("tool.denied", ({ body }) => {
    claim<Equal<typeof body.tool, string>>();
  });
  // @ts-expect-error there is no such event
  desk.on("tool.dented", () => {});
}

const parts = { agents: { first, second }, entry: "first", exit: "second", handoffs: [on], engine } as const;
export const refused = () => [
  // @ts-expect-error the alias "careful" has no model
  createSupervisor({ ...parts, models: { fast: model } }),
  // @ts-expect-error the edge leads to an agent that is not here
  createSupervisor({ ...parts, handoffs: [on, away], models: { fast: model, careful: model } }),
  // @ts-expect-error the entry is not here
  createSupervisor({ ...parts, entry: "third", models: { fast: model, careful: model } }),
  // @ts-expect-error the exit is not here
  createSupervisor({ ...parts, exit: ["second", "third"], models: { fast: model, careful: model } }),
  createSupervisor({
    ...parts,
    // @ts-expect-error the threshold's agent is not here
    thresholds: [defineThreshold({ agent: third, atLeast: 0.5, read: () => 1 })],
    models: { fast: model, careful: model },
  }),
];

// A stronger model of a threshold is an alias like any other.
const strong = defineThreshold({ agent: first, atLeast: 0.5, read: ({ n }) => n, stronger: "best" });
createSupervisor({ ...parts, thresholds: [strong], models: { fast: model, careful: model, best: model } });
// @ts-expect-error the alias "best" has no model
createSupervisor({ ...parts, thresholds: [strong], models: { fast: model, careful: model } });

// Two exits give a union; a team inside a team brings its aliases along.
const both = defineSupervisor({
  agents: { first, second, third },
  entry: "first",
  exit: ["second", "third"],
  handoffs: [on, away],
});
claim<Equal<NonNullable<(typeof both)["types"]>["output"], { ok: boolean } | { late: string }>>();
const inner = defineSupervisor({ agents: { first, second }, entry: "first", exit: "second", handoffs: [on] });
const team = asAgent(inner, {
  name: "team",
  description: "",
  input: z.object({ text: z.string() }),
  output: z.object({ ok: z.boolean() }),
});
createSupervisor({
  agents: { team },
  entry: "team",
  exit: "team",
  handoffs: [],
  models: { fast: model, careful: model },
  engine,
});
// @ts-expect-error the team's alias "careful" has no model
createSupervisor({ agents: { team }, entry: "team", exit: "team", handoffs: [], models: { fast: model }, engine });

// Runs go on from an older version whatever its types: given as the supervisor or as its definition.
const older = createSupervisor({
  agents: { team },
  entry: "team",
  exit: "team",
  handoffs: [],
  models: { fast: model, careful: model },
  engine,
});
void older.migrate({ from: older });
void older.migrate({ from: inner });
// @ts-expect-error an engine is no version
void older.migrate({ from: engine });
