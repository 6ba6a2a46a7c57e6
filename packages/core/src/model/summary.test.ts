import { describe, expect, test } from "vitest";
import type { CallModelCommand } from "../command.ts";
import type { Message, ModelRequest } from "../port/model.ts";
import { summarised, summaryDue, summaryOf } from "./summary.ts";

const call: Message = { role: "assistant", parts: [{ type: "toolCall", callId: "1", tool: "look_up", input: {} }] };
const result: Message = {
  role: "tool",
  results: [{ callId: "1", tool: "look_up", status: "done", output: "x".repeat(200) }],
};
const answer: Message = { role: "answer", of: "customer", answer: "yes" };
const summary: Message = { role: "summary", messages: 9, text: "all of it" };

const request = (messages: readonly Message[]): ModelRequest => ({
  agent: "clerk",
  instructions: "Help.",
  input: { text: "hello" },
  messages,
  tools: [],
  asks: [],
  outputSchema: {},
  labels: [],
  context: { tenant: "acme", runId: "r", path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
});
const budget = {
  maxTokens: 150,
  keepTurns: 1,
  count: (text: string) => text.length,
  summarise: { with: { id: "brief", cost: "zero", generate: () => ({ parts: [] }) }, otherwise: "trim" },
} as const;
const due = (messages: readonly Message[], keepTurns = 1) =>
  summaryDue({ alias: "m" } as CallModelCommand, request(messages), { m: { ...budget, keepTurns } })?.messages;

describe("Y1 whole turns are summarised", () => {
  test.each<[string, readonly Message[], number, number | undefined]>([
    ["what fits is not", [call], 0, undefined],
    ["a turn goes with its results and answers", [call, result, answer, call, result], 1, 3],
    ["so many turns stay", [call, result, call, result, call, result], 2, 2],
    ["none is older", [call, result], 1, undefined],
    ["all of them, where none is to stay", [call, result], 0, 2],
    ["a summary goes with what came after it", [summary, call, result, call, result], 1, 3],
    ["a summary alone is not summarised again", [summary, call, result], 1, undefined],
  ])("%s", (_, messages, keepTurns, expected) => {
    expect(due(messages, keepTurns)).toBe(expected);
  });
});

test("Y3 what is no text under `summary`, or no shorter than what it stands for, is none", () => {
  const stands = { messages: [call, result], summarises: { alias: "m", before: 1_000 } };
  const read = (value: unknown) =>
    summarised("brief", stands, [{ type: "text", text: JSON.stringify(value) }], { m: budget }).context;
  expect(read({ summary: "short" })).toMatchObject({ before: 1_000, shortened: 0, dropped: 0, summarised: 2 });
  expect(read({ summary: "short" })?.after).toBe(
    1_000 -
      JSON.stringify(call).length -
      JSON.stringify(result).length +
      JSON.stringify(summaryOf([{ type: "output", value: { summary: "short" } }], 2)).length,
  );
  for (const value of [
    "short",
    { text: "short" },
    { summary: 1 },
    { summary: " " },
    null,
    { summary: "y".repeat(999) },
  ]) {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: "model/summary-invalid" }));
  }
});
