import { type Clock, defineTool, labelled, type ToolContext, ToolRefusal } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { invokeTool } from "./invoke.ts";

const contextWith = (signal: AbortSignal): ToolContext => ({
  signal,
  idempotencyKey: "k",
  tenant: "t",
  runId: "r",
  agent: "a",
  path: "a#1/tool#1",
  attempt: 1,
  attributes: {},
});
const context = contextWith(new AbortController().signal);

const toolThat = (
  execute: (input: { text: string }, context: ToolContext) => { length: number } | Promise<{ length: number }>,
) =>
  defineTool({
    name: "measure_text",
    description: "Measures a text.",
    input: z.object({ text: z.string() }),
    output: z.object({ length: z.number() }),
    effect: "write",
    risk: "low",
    idempotency: "none",
    timeoutMs: 500,
    execute,
  });

/** A clock that stands still; `fire` lets all of its timers come due. */
function standingClock(): Clock & { readonly fire: () => void; readonly waiting: () => number } {
  const callbacks = new Set<() => void>();
  return {
    now: () => 0,
    at: (_, callback) => {
      callbacks.add(callback);
      return { cancel: () => callbacks.delete(callback) };
    },
    fire: () => {
      for (const callback of callbacks) callback();
    },
    waiting: () => callbacks.size,
  };
}

test("input and output are parsed by the tool's schemas", async () => {
  const tool = toolThat(({ text }) => ({ length: text.length }));
  expect(await invokeTool(tool, { text: "abc" }, context)).toEqual({ status: "returned", output: { length: 3 } });
  expect(await invokeTool(tool, { text: 3 }, context)).toMatchObject({
    status: "input-invalid",
    issues: [{ pointer: "/text" }],
  });
  const liar = toolThat(() => ({ length: "three" }) as unknown as { length: number });
  expect(await invokeTool(liar, { text: "abc" }, context)).toMatchObject({
    status: "output-invalid",
    issues: [{ pointer: "/length" }],
  });
});

test("a refusal, a failure and a failure before anything happened are told apart", async () => {
  const refuses = toolThat(() => {
    throw new ToolRefusal("the shop is closed");
  });
  expect(await invokeTool(refuses, { text: "" }, context)).toEqual({
    status: "refused",
    message: "the shop is closed",
  });
  const fails = toolThat(() => Promise.reject(new Error("socket hang up")));
  expect(await invokeTool(fails, { text: "" }, context)).toMatchObject({
    status: "failed",
    message: "socket hang up",
    mayHaveExecuted: true,
  });
  const failsEarly = toolThat(() => {
    throw Object.assign(new Error("no connection"), { mayHaveExecuted: false });
  });
  expect(await invokeTool(failsEarly, { text: "" }, context)).toMatchObject({
    status: "failed",
    mayHaveExecuted: false,
  });
});

test("the deadline and a cancel abort the tool's signal and end the call; a late failure is not heard of", async () => {
  const signals: AbortSignal[] = [];
  const hangs = toolThat((_, { signal }) => {
    signals.push(signal);
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("late")));
    });
  });
  const clock = standingClock();
  const timed = invokeTool(hangs, { text: "" }, context, { clock });
  clock.fire();
  expect(await timed).toEqual({ status: "timeout", timeoutMs: 500 });

  const controller = new AbortController();
  const cancelled = invokeTool(hangs, { text: "" }, contextWith(controller.signal), { clock });
  controller.abort();
  expect(await cancelled).toEqual({ status: "cancelled" });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(clock.waiting()).toBe(0);

  expect(await invokeTool(hangs, { text: "" }, contextWith(controller.signal), { clock })).toEqual({
    status: "cancelled",
  });
  expect(signals).toHaveLength(2);
});

test("an answer whose parts have labels of their own is read without them", async () => {
  const tool = defineTool({
    name: "recall",
    description: "Recalls.",
    input: z.object({}),
    output: z.object({ items: z.array(z.string()) }),
    effect: "read",
    execute: () => labelled({ items: ["a"] }, { "/items/0": ["web"] }),
  });
  expect(await invokeTool(tool, {}, context)).toEqual({ status: "returned", output: { items: ["a"] } });
});
