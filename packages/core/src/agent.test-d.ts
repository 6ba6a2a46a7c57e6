// Claims about `defineAgent` and `extendAgent`, checked by the compiler.
import { z } from "zod";
import { defineAgent, type InputOf, type OutputOf } from "./agent.ts";
import { extendAgent } from "./extend.ts";
import { read, write } from "./tool.test-d.ts";
import type { ToolName } from "./tool.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;

const base = {
  description: "",
  input: z.object({ text: z.string(), more: z.array(z.string()).default([]) }),
  output: z.object({ n: z.int() }),
  instructions: "",
};

export const worker = defineAgent({ ...base, name: "worker", model: "careful", tools: [read, write] });
claim<Equal<(typeof worker)["name"], "worker">>();
claim<Equal<(typeof worker)["model"], "careful">>();
claim<Equal<ToolName<typeof worker>, "read_it" | "write_it">>();
claim<Equal<InputOf<typeof worker>, { text: string; more?: string[] | undefined }>>();
claim<Equal<OutputOf<typeof worker>, { n: number }>>();

export const reader = defineAgent({ ...base, name: "reader", model: "fast", effects: "read", tools: [read] });
claim<Equal<ToolName<typeof reader>, "read_it">>();
defineAgent({
  ...base,
  name: "reader",
  model: "fast",
  effects: "read",
  // @ts-expect-error a role that may only read holds no tool that writes
  tools: [read, write],
});
defineAgent({
  ...base,
  name: "reader",
  model: "fast",
  effects: "read",
  tools: [read],
  // @ts-expect-error nobody else can be asked, and a role that reads is nothing wrong
  asks: ["everybody"],
});
// @ts-expect-error nobody else can be asked
defineAgent({ ...base, name: "a", model: "fast", tools: [], asks: ["everybody"] });
// @ts-expect-error an agent has an output contract
defineAgent({ description: "", input: base.input, instructions: "", name: "a", model: "fast", tools: [] });

const other = extendAgent(worker, { name: "other", tools: [read], model: "fast" });
claim<Equal<(typeof other)["name"], "other">>();
claim<Equal<(typeof other)["model"], "fast">>();
claim<Equal<ToolName<typeof other>, "read_it">>();
claim<Equal<OutputOf<typeof other>, { n: number }>>();
const same = extendAgent(worker, { instructions: "more" });
claim<Equal<ToolName<typeof same>, "read_it" | "write_it">>();
extendAgent(reader, { tools: [read] });
// @ts-expect-error a role that may only read stays one
extendAgent(reader, { tools: [write] });
