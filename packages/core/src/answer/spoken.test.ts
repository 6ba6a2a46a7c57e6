import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { user } from "../principal.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { fakeClock } from "../testing/index.ts";
import { defineTool } from "../tool.ts";

const look = defineTool({
  name: "look_up",
  description: "Looks.",
  input: z.object({}),
  output: z.object({ found: z.boolean() }),
  effect: "read",
  execute: () => ({ found: true }),
});

/** Behind this a model takes back what it has said, and gives another answer. */
const takenBack = " ".repeat(300);

/** A team of one agent whose model says its pieces one by one, each answer in its turn. */
function team(streams: boolean, answers: readonly ((request: ModelRequest) => readonly string[] | Error)[]) {
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "m",
    tools: [look],
    input: z.object({ text: z.string() }),
    output: z.object({ reply: z.string() }),
    instructions: "Write.",
    ...(streams ? { streams } : {}),
  });
  const spokenTo: number[] = [];
  const model: Model = {
    id: "talker",
    cost: "zero",
    generate: async (request, { onDelta }): Promise<ModelResponse> => {
      const said = answers[spokenTo.length]?.(request) ?? [];
      spokenTo.push(request.context.turn);
      const pieces = said instanceof Error ? [] : said;
      for (const text of pieces) {
        onDelta?.({ type: "text", text });
        await Promise.resolve();
      }
      if (pieces.at(-1) === takenBack) {
        onDelta?.({ type: "retracted" });
        return { parts: [{ type: "text", text: '{"reply":"another one"}' }] };
      }
      if (said instanceof Error) {
        onDelta?.({
          type: "text",
          text: `{"reply":"half of it, and a good deal more than is held back${" ".repeat(200)}`,
        });
        throw said;
      }
      const text = pieces.join("");
      if (text === "look")
        return {
          parts: [
            { type: "text", text },
            { type: "toolCall", callId: "1", tool: "look_up", input: {} },
          ],
        };
      return { parts: [{ type: "text", text }] };
    },
  };
  const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
  const clock = fakeClock();
  return { clock, supervisor: runSupervisor(desk, { engine: memoryEngine({ clock }), models: { m: model } }) };
}

async function heard({ supervisor, clock }: ReturnType<typeof team>): Promise<string[]> {
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1"), delayMs: 1 });
  const told: string[] = [];
  for await (const one of run.events({ deltas: true })) {
    // Whoever listens is there before anything is said.
    if (one.type === "run.parked") clock.advance(1);
    else if (one.type === "answer.delta") told.push(`${one.command}: ${one.text.trimEnd()}`);
    else if (one.type === "answer.retracted") told.push(`${one.command} is taken back`);
    else if (/^(model\.(responded|failed)|output|handoff\.returned|run\.(completed|failed))/.test(one.type))
      told.push(one.type);
  }
  return told;
}

test("A3 an agent's words are shown when they have passed its contract, redacted", async () => {
  const made = team(false, [() => ["{no json"], () => ['{"reply":"ask a', 'nna@example.com"}']]);
  expect(await heard(made)).toEqual([
    "model.responded",
    "output.rejected",
    "model.responded",
    'clerk#1/model#2: {"reply":"ask [email]"}',
    "handoff.returned",
    "run.completed",
  ]);
});

test("A3 one that streams is shown as it speaks; what does not stand is taken back", async () => {
  const filler = "x ".repeat(150);
  const made = team(true, [
    () => ["look"],
    () => [`wrong, ${filler}`, "and more"],
    () => ['{"reply":"ask a', 'nna@example.com"}'],
  ]);
  expect(await heard(made)).toEqual([
    "clerk#1/model#1: look",
    "model.responded",
    expect.stringMatching(/^clerk#1\/model#2: wrong/),
    expect.stringMatching(/^clerk#1\/model#2: .*x/),
    expect.stringMatching(/^clerk#1\/model#2: .*and more$/),
    "model.responded",
    "clerk#1/model#2 is taken back",
    "output.rejected",
    'clerk#1/model#3: {"reply":"ask [email]"}',
    "model.responded",
    "handoff.returned",
    "run.completed",
  ]);
});

test("A3 thoughts that a server leaves in the text are not shown, or are taken back", async () => {
  const marked = team(true, [() => ["<th", "ink>ask anna, ", "perhaps</thi", "nk>\n\n", '{"reply":"yes"}']]);
  const answered = ["model.responded", "handoff.returned", "run.completed"];
  expect((await heard(marked)).filter((one) => !answered.includes(one))[0]).toBe('clerk#1/model#1: {"reply":"yes"}');
  // The template of the conversation has begun them, so that nobody could know.
  const unmarked = team(true, [() => [`I should ask anna. ${"Hm. ".repeat(100)}`, '</think>{"reply":"yes"}']]);
  expect((await heard(unmarked)).slice(0, 3)).toEqual([
    expect.stringMatching(/^clerk#1\/model#1: I should/),
    "clerk#1/model#1 is taken back",
    'clerk#1/model#1: {"reply":"yes"}',
  ]);
});

test("A3 what a failed call has said is taken back", async () => {
  const made = team(true, [() => new Error("the line broke")]);
  expect(await heard(made)).toEqual([
    expect.stringMatching(/^clerk#1\/model#1: \{"reply":"half/),
    "clerk#1/model#1 is taken back",
    "model.failed",
    "run.failed",
  ]);
});

test("without the wish for deltas there are entries alone", async () => {
  const { supervisor } = team(true, [() => ['{"reply":"yes"}']]);
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  const types: string[] = [];
  for await (const { seq, type } of run.events()) types.push(`${seq} ${type}`);
  expect(types.at(-1)).toMatch(/run\.completed$/);
  expect(types).toHaveLength(Number(types.at(-1)?.split(" ")[0]));
});

test("A3 what a model itself takes back is taken back, and the answer that counts is shown when it stands", async () => {
  const made = team(true, [() => ['{"reply":"half an', takenBack]]);
  expect(await heard(made)).toEqual([
    expect.stringMatching(/^clerk#1\/model#1: \{"reply":"half an$/),
    "clerk#1/model#1 is taken back",
    "model.responded",
    'clerk#1/model#1: {"reply":"another one"}',
    "handoff.returned",
    "run.completed",
  ]);
});

test("who breaks off while the run waits is let go at once", async () => {
  const { supervisor } = team(true, []);
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1"), delayMs: 1 });
  const seen: string[] = [];
  for await (const one of run.events({ deltas: true })) {
    seen.push(one.type);
    if (one.type === "run.parked") break;
  }
  expect(seen.at(-1)).toBe("run.parked");
});

test("of a run that was erased its entries come, and no words", async () => {
  const { supervisor } = team(false, [() => ['{"reply":"yes"}']]);
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  await run.result();
  await supervisor.engine.journal.erase([{ tenant: "acme", kind: "run", id: run.id }]);
  const types: string[] = [];
  for await (const { type } of run.events({ deltas: true })) types.push(type);
  expect(types).toEqual((await run.entries()).map(({ type }) => type));
});
