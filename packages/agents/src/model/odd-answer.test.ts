import Anthropic from "@anthropic-ai/sdk";
import type { Model, ModelDelta } from "@remit/core";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { anthropic } from "./anthropic.ts";
import { openai, openaiCompatible } from "./openai.ts";
import { priceTable } from "./prices.ts";
import { idle, request } from "./request.test.data.ts";

/** Answers that a vendor's API does not describe, and that servers give all the same. */

const price = priceTable({ overrides: { m: { inputPerMillion: 1, outputPerMillion: 2 } } }).of("m");
const sdk = (answer: object | string) => ({
  apiKey: "test",
  maxRetries: 0,
  fetch: async () => {
    const isEvents = typeof answer === "string";
    const headers = { "content-type": isEvents ? "text/event-stream" : "application/json" };
    return new Response(isEvents ? answer : JSON.stringify(answer), { headers });
  },
});
const said = '{"text":"hi"}';
const chunk = (choice: object, more: object = {}) =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", model: "m", choices: [{ index: 0, ...choice }], ...more })}\n\n`;
const chat = (answer: object | string) =>
  openaiCompatible("m", { baseUrl: "http://127.0.0.1:1", client: new OpenAI(sdk(answer)), price });
const whole = (message: object) => chat({ model: "m", choices: [{ index: 0, finish_reason: "stop", message }] });

describe.each<[string, (count: unknown) => Model]>([
  [
    "chat",
    (count) =>
      chat({
        model: "m",
        choices: [{ index: 0, finish_reason: "stop", message: { content: said } }],
        usage: { prompt_tokens: count, completion_tokens: 3, total_tokens: 10 },
      }),
  ],
  [
    "responses",
    (count) => {
      const content = [{ type: "output_text", text: said }];
      const output = [{ type: "message", role: "assistant", content }];
      const usage = { input_tokens: count, output_tokens: 3 };
      return openai("m", { price, client: new OpenAI(sdk({ status: "completed", model: "m", output, usage })) });
    },
  ],
  [
    "anthropic",
    (count) => {
      const usage = { input_tokens: count, output_tokens: 3 };
      const message = { model: "m", content: [{ type: "text", text: said }], stop_reason: "end_turn", usage };
      return anthropic("m", { price, client: new Anthropic(sdk(message)) });
    },
  ],
])("%s: a count that is none", (_, model) => {
  test.each([-5, 1.5, 1e300, 2e15, "7", null])("%s is no usage, and the answer stands", async (count) => {
    const answer = await model(count).generate(request(), idle);
    expect(answer).toEqual({ parts: [{ type: "output", value: { text: "hi" } }] });
    expect(await model(7).generate(request(), idle)).toMatchObject({ usage: { inputTokens: 7 } });
  });
});

test("responses: items stand in the order of their places, whatever numbers those are", async () => {
  const item = (text: string, place: number) => {
    const message = { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
    return { type: "response.output_item.done", output_index: place, item: message };
  };
  const last = { type: "response.completed", response: { status: "completed", model: "m", output: [] } };
  const all = [item('"hi"}', 4_000_000_000), item('{"text":', -1), last];
  const events = all.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  const model = openai("m", { client: new OpenAI(sdk(events)) });
  const answer = await model.generate(request(), { ...idle, onDelta: () => {} });
  expect(answer.parts).toEqual([{ type: "output", value: { text: "hi" } }]);
});

test.each([
  [{ a: 1 }, { a: 1 }],
  [null, {}],
])("responses: arguments that are %j", async (given, input) => {
  const output = [{ type: "function_call", call_id: "c", name: "t", arguments: given }];
  const model = openai("m", { client: new OpenAI(sdk({ status: "completed", model: "m", output })) });
  expect((await model.generate(request(), idle)).parts).toEqual([{ type: "toolCall", callId: "c", tool: "t", input }]);
});

describe("chat: a content in parts, thoughts among them", () => {
  const thinking = { type: "thinking", thinking: [{ type: "text", text: "hm" }] };
  const content = [thinking, { type: "text", text: said }, null, { type: "song" }];

  test("is its text, whole", async () => {
    expect((await whole({ content }).generate(request(), idle)).parts).toEqual([
      { type: "output", value: { text: "hi" } },
    ]);
  });

  test("and in pieces, with what it thinks told aside", async () => {
    const deltas: ModelDelta[] = [];
    const events =
      content.map((one) => chunk({ delta: { content: [one] } })).join("") + chunk({ delta: {}, finish_reason: "stop" });
    const answer = await chat(events).generate(request(), { ...idle, onDelta: (delta) => void deltas.push(delta) });
    expect(answer.parts).toEqual([{ type: "output", value: { text: "hi" } }]);
    expect(deltas).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: said },
    ]);
  });
});

describe("chat: arguments that are an object, and a call without a function", () => {
  const call = { id: "c", type: "function", function: { name: "t", arguments: { a: 1 } } };
  const expected = [{ type: "toolCall", callId: "c", tool: "t", input: { a: 1 } }];

  test("are read, whole and in pieces", async () => {
    expect((await whole({ tool_calls: [call] }).generate(request(), idle)).parts).toEqual(expected);
    const pieces = chunk({ delta: { tool_calls: [{ index: 0, ...call }] } });
    const events = pieces + chunk({ delta: {}, finish_reason: "tool_calls" });
    const answer = await chat(events).generate(request(), { ...idle, onDelta: () => {} });
    expect(answer.parts).toEqual(expected);
    expect((await whole({ tool_calls: [{ id: "c" }] }).generate(request(), idle)).parts).toEqual([
      { type: "toolCall", callId: "c", tool: "", input: {} },
    ]);
  });
});

describe("chat: an end by an error of whoever is behind the server", () => {
  const error = { code: 503, message: "upstream died" };

  test.each<[string, object, object]>([
    ["with what it says", { finish_reason: "error", error }, { status: 503, message: "upstream died" }],
    ["without a word", { finish_reason: "error" }, { status: 502 }],
  ])("is that error, whole and in pieces, %s", async (_, choice, expected) => {
    const message = { content: "" };
    await expect(
      chat({ model: "m", choices: [{ index: 0, message, ...choice }] }).generate(request(), idle),
    ).rejects.toMatchObject(expected);
    const pieces = chunk({ delta: { content: "h" } }) + chunk({ delta: message, ...choice });
    await expect(chat(pieces).generate(request(), { ...idle, onDelta: () => {} })).rejects.toMatchObject(expected);
  });
});

/** One event of a stream. */
const line = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const begin = line({
  type: "message_start",
  message: { model: "m", content: [], usage: { input_tokens: 1, output_tokens: 1 } },
} as { readonly type: string });
const block = (index: number, content_block: unknown) =>
  line({ type: "content_block_start", index, content_block } as { readonly type: string });
const claude = (answer: object | string | null) => anthropic("m", { client: new Anthropic(sdk(answer as object)) });
const gpt = (answer: object | string | null) => openai("m", { client: new OpenAI(sdk(answer as object)) });
const emptied = (answered: (client: ReturnType<typeof sdk>) => Model) =>
  answered({ ...sdk({}), fetch: async () => new Response(null, { status: 204 }) });

test.each<[string, Model, boolean]>([
  [
    "anthropic: an event of which a part is null",
    claude(begin + line({ type: "message_delta", delta: null } as never)),
    true,
  ],
  ["anthropic: a block that is null", claude(begin + block(0, null)), true],
  ["anthropic: a content that holds null", claude({ model: "m", content: [null], stop_reason: "end_turn" }), false],
  ["anthropic: null in place of an answer", claude(null), false],
  ["anthropic: nothing at all", emptied((how) => anthropic("m", { client: new Anthropic(how) })), false],
  ["responses: an output that holds null", gpt({ status: "completed", model: "m", output: [null] }), false],
  ["responses: a message without its content", gpt({ status: "completed", output: [{ type: "message" }] }), false],
  ["responses: an item that is null", gpt(line({ type: "response.output_item.added", item: null } as never)), true],
  ["responses: null in place of an answer", gpt(null), false],
  ["responses: nothing at all", emptied((how) => openai("m", { client: new OpenAI(how) })), false],
  ["chat: a call that is null", whole({ tool_calls: [null] }), false],
  ["chat: a choice that is null", chat(chunk({}).replace('[{"index":0}]', "[null]")), true],
  ["chat: null in place of an answer", chat(null as never), false],
  [
    "chat: nothing at all",
    emptied((how) => openaiCompatible("m", { baseUrl: "http://127.0.0.1:1", client: new OpenAI(how) })),
    false,
  ],
])("%s is no answer, and says so in our words", async (_, model, streams) => {
  const options = streams ? { ...idle, onDelta: () => {} } : idle;
  await expect(model.generate(request(), options)).rejects.toMatchObject({ code: "model/response-invalid" });
});

test("anthropic: of two blocks that begin at one place both are said", async () => {
  const piece = (text: string) =>
    line({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } } as { readonly type: string });
  const stream =
    begin +
    block(0, { type: "text", text: "" }) +
    piece('{"text":') +
    block(0, { type: "text", text: "" }) +
    piece('"hi"}') +
    line({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } } as never) +
    line({ type: "message_stop" });
  const { parts } = await claude(stream).generate(request(), { ...idle, onDelta: () => {} });
  expect(parts).toEqual([{ type: "output", value: { text: "hi" } }]);
});
