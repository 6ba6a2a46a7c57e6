import {
  type AnyAgent,
  asAgent,
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineQuestion,
  defineSupervisor,
  defineTool,
  type Engine,
  type Journal,
  type Limits,
  type Model,
  type ModelRequest,
  type ResponsePart,
  type ToolContext,
} from "@remit/core";
import { z } from "zod";

/** A small desk for the tests of engines: a clerk with one tool of each kind, a closer, a question between them. */

/** A place where something waits until the test says go. */
export interface Gate {
  readonly reached: Promise<void>;
  readonly open: () => void;
  readonly pass: () => Promise<void>;
}

export function makeGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass: () => {
      reached.resolve();
      return opened.promise;
    },
  };
}

/** The outside: what really happened, and where a test may stop or break a call. */
export class World {
  /** Effects by idempotency key. */
  readonly effects = new Map<string, number>();
  readonly calls: { readonly tool: string; readonly path: string; readonly attempt: number }[] = [];
  /** Asked before a call takes effect. */
  before: (tool: string, context: ToolContext) => void | Promise<void> = () => {};
  /** Asked after a call took effect and before it answers. */
  after: (tool: string, context: ToolContext) => void | Promise<void> = () => {};

  called(tool: string): number {
    return this.calls.filter((call) => call.tool === tool).length;
  }
}

const note = z.object({ text: z.string() });
const clerkOutput = z.object({ kind: z.enum(["done", "confirm", "pass"]), text: z.string() });
const done = z.object({ done: z.boolean() });
const id = z.object({ id: z.string() });

export type Say = (
  request: ModelRequest,
  signal: AbortSignal,
) => readonly ResponsePart[] | Promise<readonly ResponsePart[]>;

/** A model that says, for each agent, one turn after the other; a function waits for what the test wants. */
export function turns(script: Readonly<Record<string, readonly (readonly ResponsePart[] | Say)[]>>): Model {
  return {
    id: "turns",
    cost: "zero",
    generate: async (request, { signal }) => {
      const turn = script[request.agent]?.[request.context.agentCall];
      if (!turn) throw new Error(`${request.agent} has no turn ${request.context.agentCall + 1}`);
      return { parts: typeof turn === "function" ? await turn(request, signal) : turn };
    },
  };
}

export const call = (tool: string, input: string, callId = "c1"): ResponsePart => ({
  type: "toolCall",
  callId,
  tool,
  input: { id: input },
});
export const ask = (question: string): readonly ResponsePart[] => [{ type: "ask", of: "customer", question }];
export const finish = (text: string): readonly ResponsePart[] => [{ type: "output", value: { kind: "done", text } }];
export const confirm = (text: string): readonly ResponsePart[] => [
  { type: "output", value: { kind: "confirm", text } },
];
export const pass = (text: string): readonly ResponsePart[] => [{ type: "output", value: { kind: "pass", text } }];
export const close = (text: string): readonly ResponsePart[] => [{ type: "output", value: { text } }];

export interface DeskOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly world?: World;
  readonly name?: string;
  readonly limits?: Partial<Limits>;
}

function agentsOf(world: World) {
  const execute = async (tool: string, context: ToolContext) => {
    world.calls.push({ tool, path: context.path, attempt: context.attempt });
    await world.before(tool, context);
    const { idempotencyKey: key } = context;
    // A tool with keys does a write once, however often it is asked; the one without cannot know.
    if (key !== "" && (tool === "write_plain" || !world.effects.has(key))) {
      world.effects.set(key, (world.effects.get(key) ?? 0) + 1);
    }
    await world.after(tool, context);
  };
  const write = (name: "write_keyed" | "write_looked" | "write_plain") =>
    defineTool({
      name,
      description: "Writes.",
      input: id,
      output: done,
      effect: "write",
      risk: "low",
      idempotency: name === "write_keyed" ? "key" : name === "write_looked" ? "lookup" : "none",
      ...(name === "write_looked"
        ? {
            lookup: (_: unknown, { idempotencyKey }: ToolContext) => {
              return world.effects.has(idempotencyKey)
                ? { outcome: "found" as const, output: { done: true } }
                : { outcome: "never" as const };
            },
          }
        : {}),
      execute: async (_, context) => {
        await execute(name, context);
        return { done: true };
      },
    });
  const read = defineTool({
    name: "read_note",
    description: "Reads.",
    input: id,
    output: note,
    effect: "read",
    execute: async (input, context) => {
      await execute("read_note", context);
      return { text: `note ${input.id}` };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Does the work.",
    model: "m",
    tools: [read, write("write_keyed"), write("write_looked"), write("write_plain")],
    asks: ["customer"],
    input: note,
    output: clerkOutput,
    instructions: "Work.",
  });
  const closer = defineAgent({
    name: "closer",
    description: "Closes.",
    model: "m",
    tools: [],
    input: note,
    output: note,
    instructions: "Close.",
  });
  return { clerk, closer };
}

/** The desk's supervisor. Its clerk ends with `done`, hands on with `pass`, has the customer asked with `confirm`. */
export function makeDesk({ engine, model, world = new World(), name = "desk", limits = {} }: DeskOptions) {
  const { clerk, closer } = agentsOf(world);
  return createSupervisor({
    check: "log", // Some go wrong on purpose.
    name,
    agents: { clerk, closer },
    entry: "clerk",
    exit: ["clerk", "closer"],
    handoffs: [
      defineQuestion({
        from: clerk,
        to: closer,
        name: "confirmation",
        of: "customer",
        when: ({ kind }) => kind === "confirm",
        ask: ({ text }) => text,
        answer: z.object({ yes: z.boolean() }),
        map: ({ yes }) => ({ text: yes ? "yes" : "no" }),
      }),
      defineHandoff({
        from: clerk,
        to: closer,
        when: ({ kind }) => kind === "pass",
        map: ({ text }) => ({ text }),
      }),
      defineHandoff({ from: closer, to: clerk, when: ({ text }) => text === "back", map: ({ text }) => ({ text }) }),
    ],
    models: { m: model },
    limits,
    engine,
  });
}

/** A desk with a desk behind its only agent, and so on: `levels` of delegation. */
export function makeNestedDesk({ engine, model, limits = {} }: DeskOptions, levels: number) {
  const { closer } = agentsOf(new World());
  const nest = (level: number): AnyAgent =>
    level === 0
      ? closer
      : (asAgent(teamOf(nest(level - 1), `level-${level}`, limits), {
          name: `level_${level}`,
          description: "A team.",
          input: note,
          output: note,
        } as const) as AnyAgent);
  const agent = nest(levels - 1);
  return createSupervisor({
    check: "log",
    name: "nested",
    agents: { [agent.name]: agent },
    entry: agent.name,
    exit: agent.name,
    handoffs: [],
    models: { m: model },
    limits,
    engine,
  });
}

function teamOf(agent: AnyAgent, name: string, limits: Partial<Limits>) {
  return defineSupervisor({
    name,
    agents: { [agent.name]: agent },
    entry: agent.name,
    exit: agent.name,
    handoffs: [],
    limits,
  });
}

/** A journal whose appends reach it a few turns of the event loop late, in order. */
export function lateJournal(journal: Journal): Journal {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    ...journal,
    append: (...args) => {
      const mine = tail.then(async () => {
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        await journal.append(...args);
      });
      tail = mine.catch(() => {});
      return mine;
    },
  };
}
