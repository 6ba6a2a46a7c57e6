import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message, ModelRequest } from "../port/model.ts";
import { fitContext } from "./context.ts";

const call = (id: string, text = "I look."): Message => ({
  role: "assistant",
  parts: [
    { type: "reasoning", provider: "p", data: "hm ".repeat(20) },
    { type: "text", text },
    { type: "toolCall", callId: id, tool: "look_up", input: { id } },
  ],
});
const result = (id: string, size = 60): Message => ({
  role: "tool",
  results: [{ callId: id, tool: "look_up", status: "done", output: "x".repeat(size) }],
});
const failed: Message = {
  role: "tool",
  results: [{ callId: "9", tool: "look_up", status: "failed", error: { code: "tool/failed", message: "it failed" } }],
};

function request(messages: readonly Message[]): ModelRequest {
  return {
    agent: "clerk",
    instructions: "Help.",
    input: { text: "hello" },
    messages,
    tools: [],
    asks: [],
    outputSchema: {},
    labels: [],
    context: { tenant: "acme", runId: "r", path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
  };
}
const letters = (text: string) => text.length;
const fit = (messages: readonly Message[], maxTokens: number, keepTurns = 1) =>
  fitContext("m", request(messages), { maxTokens, keepTurns, count: letters });

const history = [call("1"), result("1", 400), call("2"), result("2", 400), call("3"), result("3", 400)];
const all = fit(history, 1e9).before;

describe("older turns shrink", () => {
  test("K1 what fits is not touched", () => {
    expect(fit(history, all)).toEqual({ messages: history, before: all, after: all, shortened: 0, dropped: 0 });
  });

  test("K3 first thinking, from the oldest on and only as far as needed", () => {
    const { messages, shortened, dropped } = fit(history, all - 10);
    expect(messages[0]).toEqual({
      role: "assistant",
      parts: (history[0] as Extract<Message, { role: "assistant" }>).parts.slice(1),
    });
    expect(messages.slice(1)).toEqual(history.slice(1));
    expect([shortened, dropped]).toEqual([1, 0]);
  });

  test("K3 then what tools answered, which says that it is left out", () => {
    const { messages, after } = fit(history, all - 500);
    expect(JSON.stringify(messages[1])).toContain("left out to save room: an earlier answer of 402 characters");
    expect(messages[3]).toEqual(history[3]);
    expect(after).toBeLessThanOrEqual(all - 500);
  });

  test("K3 an error of a tool stays: it is short, and says what not to do again", () => {
    const { messages } = fit([call("9", "x".repeat(500)), failed, call("3"), result("3")], 700);
    expect(messages[1]).toEqual(failed);
  });

  test("K3 at last whole turns go, each with its results", () => {
    const { messages, dropped } = fit(history, 750);
    expect(messages).toEqual(history.slice(4));
    expect(dropped).toBe(4);
  });

  test("K2 the last turns never; what does not fit with them is an error", () => {
    expect(() => fit(history, 300)).toThrow(expect.objectContaining({ code: "model/context-too-long" }));
    expect(() => fit(history, all - 10, 3)).toThrow(expect.objectContaining({ code: "model/context-too-long" }));
  });
});

test("K3 whatever the history and the bound: it fits or throws, every result has its call, the kept turns are whole", () => {
  const turn = fc.tuple(fc.boolean(), fc.nat(300), fc.nat(300));
  fc.assert(
    fc.property(
      fc.array(turn, { maxLength: 8 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 3_000 }),
      (turns, keep, bound) => {
        const messages = turns.flatMap(([calls, said, answered], index): Message[] =>
          calls
            ? [call(String(index), "y".repeat(said)), result(String(index), answered)]
            : [
                { role: "assistant", parts: [{ type: "text", text: "z".repeat(said + 1) }] },
                { role: "repair", issues: [] },
              ],
        );
        let fitted: ReturnType<typeof fit>;
        try {
          fitted = fit(messages, bound, keep);
        } catch (thrown) {
          expect((thrown as { code: string }).code).toBe("model/context-too-long");
          return;
        }
        expect(fitted.after).toBeLessThanOrEqual(bound);
        expect(fitted.after).toBe(fit(fitted.messages, 1e9, keep).before);
        const called = new Set<string>();
        for (const message of fitted.messages) {
          if (message.role === "assistant")
            for (const part of message.parts) if (part.type === "toolCall") called.add(part.callId);
          if (message.role === "tool") for (const { callId } of message.results) expect(called.has(callId)).toBe(true);
        }
        if (keep > 0) expect(fitted.messages.slice(-keep * 2)).toEqual(messages.slice(-keep * 2));
      },
    ),
  );
});
