import {
  createSupervisor,
  defineAgent,
  defineParallel,
  defineQuestion,
  defineTool,
  type Engine,
  type Journal,
  type Model,
  type ModelRequest,
  openBatch,
  type ResponsePart,
  type Run,
  type RunResult,
  type ToolContext,
  user,
  verifyChain,
} from "@remit/core";
import { expect } from "vitest";
import { z } from "zod";

/**
 * One story with everything a crash can hit: reads, writes of each kind, branches, questions of an agent and of the
 * supervisor. Its models say next what the story still lacks, by what they have seen, so that it ends the same however
 * often it is taken up again.
 */

/** The outside, which no crash touches. */
export class Outside {
  /** Effects by idempotency key, with what they were about. */
  readonly effects = new Map<string, { readonly what: string; count: number }>();
  /** Commands that were carried out, in order. */
  readonly executed: string[] = [];
  /** Commands whose outcome was found durable; none of them may be carried out again. */
  readonly durable = new Set<string>();
  /** Commands that were carried out again all the same. */
  readonly repeated: string[] = [];

  execute(command: string): void {
    this.executed.push(command);
    if (this.durable.has(command)) this.repeated.push(command);
  }
  happen(key: string, what: string): void {
    const effect = this.effects.get(key) ?? { what, count: 0 };
    effect.count++;
    this.effects.set(key, effect);
  }
  /** Notes which commands have their outcome in the journal. */
  async look(journal: Journal, runId: string): Promise<void> {
    for (const batch of await journal.read({ tenant, kind: "run", id: runId })) {
      for (const { type, body } of openBatch(batch, runId)) {
        if (type === "model.responded" || type === "tool.returned") this.durable.add(body.command);
      }
    }
  }
}

/** One process: when it is dead, nothing of it goes on. */
export interface Life {
  dead: boolean;
}

export const tenant = "acme";
const note = z.object({ text: z.string() });
const id = z.object({ id: z.string() });

/** Never comes: what a dead process does next. */
const nothing = () => new Promise<never>(() => {});

export function tellStory(engine: Engine, outside: Outside, life: Life) {
  const alive = async <T>(act: () => T): Promise<T> => {
    if (life.dead) return nothing();
    // So that completions and appends interleave as they do with a real outside.
    await new Promise((resolve) => setImmediate(resolve));
    if (life.dead) return nothing();
    const value = act();
    await new Promise((resolve) => setImmediate(resolve));
    return life.dead ? nothing() : value;
  };
  const commandOf = ({ path, attempt }: ToolContext) => (attempt === 1 ? path : `${path}/try#${attempt}`);
  const write = <const Name extends string>(name: Name, idempotency: "key" | "lookup" | "none") =>
    defineTool({
      name,
      description: "Writes.",
      input: id,
      output: z.object({ done: z.boolean() }),
      effect: "write",
      risk: "low",
      idempotency,
      ...(idempotency === "lookup"
        ? {
            lookup: (_: unknown, { idempotencyKey }: ToolContext) =>
              alive(() =>
                outside.effects.has(idempotencyKey)
                  ? { outcome: "found" as const, output: { done: true } }
                  : { outcome: "never" as const },
              ),
          }
        : {}),
      execute: (input, context) =>
        alive(() => {
          outside.execute(commandOf(context));
          const { idempotencyKey: key } = context;
          if (idempotency !== "key" || !outside.effects.has(key)) outside.happen(key, `${name} ${input.id}`);
          return { done: true };
        }),
    });
  const read = defineTool({
    name: "read_note",
    description: "Reads.",
    input: id,
    output: note,
    effect: "read",
    execute: (input, context) =>
      alive(() => {
        outside.execute(commandOf(context));
        return { text: `note ${input.id}` };
      }),
  });
  const keyed = write("write_keyed", "key");
  const common = { description: "Plays.", model: "m", input: note, output: note, instructions: "Play." } as const;
  const clerk = defineAgent({
    ...common,
    name: "clerk",
    tools: [read, keyed, write("write_looked", "lookup"), write("write_plain", "none")],
    asks: ["customer"],
  });
  const left = defineAgent({ ...common, name: "left", tools: [read, keyed] });
  const right = defineAgent({ ...common, name: "right", tools: [keyed] });
  const closer = defineAgent({ ...common, name: "closer", tools: [read] });
  const last = defineAgent({ ...common, name: "last", tools: [] });

  const plans: Readonly<Record<string, readonly (readonly string[])[]>> = {
    clerk: [["read_note"], ["write_keyed", "write_looked"], ["write_plain"], ["ask"]],
    left: [["read_note", "write_keyed"]],
    right: [["write_keyed"]],
    closer: [["read_note"]],
    last: [],
  };
  const model: Model = {
    id: "planner",
    cost: "zero",
    generate: (request) =>
      alive(() => {
        outside.execute(`${request.context.path}/model#${request.context.turn}`);
        return { parts: nextOf(request, plans[request.agent] ?? []) };
      }),
  };

  return createSupervisor({
    name: "story",
    agents: { clerk, left, right, closer, last },
    entry: "clerk",
    exit: "last",
    handoffs: [
      defineParallel({
        from: clerk,
        branches: { l: { to: left, map: ({ text }) => ({ text }) }, r: { to: right, map: ({ text }) => ({ text }) } },
        join: { to: closer, map: ({ l, r }) => ({ text: `${l.text} + ${r.text}` }) },
      }),
      defineQuestion({
        from: closer,
        to: last,
        of: "customer",
        ask: ({ text }) => `${text}?`,
        map: (answer, { text }) => ({ text: `${text}: ${answer}` }),
      }),
    ],
    // A person may say that a write never happened; then the clerk asks for it again.
    limits: { writeRepeats: 3 },
    models: { m: model },
    engine,
    snapshotEvery: 7,
  });
}

/** What the plan still lacks, else the output: all that was seen, in words. */
function nextOf(
  { agent, input, messages }: ModelRequest,
  plan: readonly (readonly string[])[],
): readonly ResponsePart[] {
  const done = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") for (const { tool, status } of message.results) if (status === "done") done.add(tool);
    if (message.role === "answer") done.add("ask");
  }
  const open = plan.map((group) => group.filter((step) => !done.has(step))).find((group) => group.length > 0);
  if (!open) return [{ type: "output", value: { text: `${agent}(${(input as { text: string }).text})` } }];
  if (open[0] === "ask") return [{ type: "ask", of: "customer", question: "which?" }];
  return open.map((tool, index) => ({
    type: "toolCall",
    callId: `c${index}`,
    tool,
    input: { id: `${agent}-${tool}` },
  }));
}

export const storyStart = { tenant, principal: user("u"), idempotencyKey: "the story" } as const;

/** Plays the people's part until the run has ended. */
export async function playPeople(run: Run<unknown>, outside: Outside): Promise<RunResult<unknown>> {
  while ((await run.settled()) === "parked") {
    const [question] = await run.questions();
    const [effect] = await run.uncertain();
    if (question) await run.send(`answer to ${question.question}`, { ask: question.ask, key: question.ask });
    else if (effect) {
      const key = (await run.entries()).find(
        (entry) => entry.type === "effect.intended" && entry.path === effect.effect,
      );
      const happened = key?.type === "effect.intended" && outside.effects.has(key.body.key);
      await run.settle(effect.effect, {
        outcome: happened ? "happened" : "never",
        output: { done: true },
        reason: "looked",
      });
    }
  }
  return run.result();
}

export const storyEnd = {
  status: "completed",
  output: {
    text: "last(closer(left(clerk(go)) + right(clerk(go))): answer to closer(left(clerk(go)) + right(clerk(go)))?)",
  },
} as const;

/** What must be true at the end, however it was reached. */
export async function assertTold(journal: Journal, runId: string, outside: Outside, result: unknown): Promise<void> {
  expect(result).toMatchObject(storyEnd);
  const counts = [...outside.effects.values()];
  expect(counts.map(({ what }) => what).sort()).toEqual([
    "write_keyed clerk-write_keyed",
    "write_keyed left-write_keyed",
    "write_keyed right-write_keyed",
    "write_looked clerk-write_looked",
    "write_plain clerk-write_plain",
  ]);
  for (const { what, count } of counts) expect(`${what}: ${count}`).toBe(`${what}: 1`);
  expect(outside.repeated).toEqual([]);
  const batches = await journal.read({ tenant, kind: "run", id: runId });
  expect(verifyChain(batches).fault).toBeUndefined();
  const types = batches.flatMap((batch) => openBatch(batch, runId)).map(({ type }) => type);
  expect(types.filter((type) => type === "run.completed")).toHaveLength(1);
  expect(types.filter((type) => type === "input.received")).toHaveLength(2);
}
