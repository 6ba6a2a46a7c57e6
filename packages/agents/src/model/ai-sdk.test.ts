import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { type Json, jsonSchemaOf, type ModelDelta, type ModelRequest, type ResponsePart } from "@remit/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { aiSdkModel } from "./ai-sdk.ts";
import { idle, request } from "./request.test.data.ts";

/** What the contract of all models does not ask: the AI SDK's own words for what is sent and for what comes back. */

const usage = {
  inputTokens: { total: 30, noCache: 20, cacheRead: 8, cacheWrite: 2 },
  outputTokens: { total: 9, text: 5, reasoning: 4 },
};
const stop = { unified: "stop", raw: "stop" } as const;
const result = (
  content: LanguageModelV4GenerateResult["content"],
  more: object = {},
): LanguageModelV4GenerateResult => ({
  content,
  finishReason: stop,
  usage,
  warnings: [],
  ...more,
});
const said = result([{ type: "text", text: '{"text":"hi"}' }]);

/** A language model of one answer, or of the parts of a stream; a throw is one of its own. */
function spoken(
  answer: LanguageModelV4GenerateResult | readonly LanguageModelV4StreamPart[] | Error,
  urls: Record<string, RegExp[]> = {},
) {
  const calls: LanguageModelV4CallOptions[] = [];
  const model: LanguageModelV4 = {
    specificationVersion: "v4",
    provider: "acme.chat",
    modelId: "acme-1",
    supportedUrls: urls,
    doGenerate: async (call) => {
      calls.push(call);
      if (answer instanceof Error) throw answer;
      return answer as LanguageModelV4GenerateResult;
    },
    doStream: async (call) => {
      calls.push(call);
      return { stream: ReadableStream.from(answer as readonly LanguageModelV4StreamPart[]) };
    },
  };
  return { model, calls };
}
const generated = (answer: LanguageModelV4GenerateResult | Error, more: Partial<ModelRequest> = {}) =>
  aiSdkModel(spoken(answer).model).generate(request(more), idle);

test("it is known by its model and provider, and needs no prices to run at home", () => {
  const { model } = spoken(said);
  expect(aiSdkModel(model)).toMatchObject({ id: "acme-1", provider: "acme.chat", cost: "paid" });
  expect(aiSdkModel(model, { id: "mine", provider: "home", cost: "zero", cleared: ["sensitive"] })).toMatchObject({
    id: "mine",
    provider: "home",
    cost: "zero",
    cleared: ["sensitive"],
  });
});

test("a model of another version of the interface is refused", () => {
  const old = { ...spoken(said).model, specificationVersion: "v2" };
  expect(() => aiSdkModel(old)).toThrow(expect.objectContaining({ code: "model/interface-unsupported" }));
});

test("a call has the prompt, the tools, the schema and what the options say", async () => {
  const { model, calls } = spoken(said);
  const { signal } = new AbortController();
  const tool = { name: "look_up", description: "Looks up.", inputSchema: { type: "object" } };
  const options = {
    maxOutputTokens: 100,
    temperature: 0.2,
    providerOptions: { acme: { tier: "flex" } },
    headers: ({ context }: ModelRequest) => ({ "x-run": context.runId }),
  };
  await aiSdkModel(model, options).generate(request({ tools: [tool] }), { signal });
  expect(calls).toMatchObject([
    {
      prompt: [
        {
          role: "system",
          content: expect.stringMatching(/^Be brief\.\n[\s\S]*The output schema, as JSON Schema:\n\{/),
        },
        { role: "user", content: [{ type: "text", text: '<input>\n{"text":"hello"}\n</input>' }] },
      ],
      maxOutputTokens: 100,
      temperature: 0.2,
      responseFormat: { type: "json", schema: { type: "object", required: ["text"] } },
      tools: [{ type: "function", name: "look_up", description: "Looks up.", inputSchema: { type: "object" } }],
      toolChoice: { type: "auto" },
      providerOptions: { acme: { tier: "flex" } },
      headers: { "x-run": "run_1" },
    },
  ]);
  expect(calls[0]?.abortSignal).toBe(signal);
  await aiSdkModel(model, { structured: "text" }).generate(request(), idle);
  expect(calls[1]?.responseFormat).toBe(undefined);
});

test("an answer counts its tokens and says which model gave it", async () => {
  const response = await generated({ ...said, response: { modelId: "acme-1-2026" } });
  expect(response).toEqual({
    parts: [{ type: "output", value: { text: "hi" } }],
    usage: { inputTokens: 30, outputTokens: 9, cachedInputTokens: 8, cacheWriteTokens: 2, reasoningTokens: 4 },
    model: "acme-1-2026",
  });
});

test("text beside the final text does not count as the answer", async () => {
  const content = [{ type: "text" as const, text: "A draft." }];
  const { parts } = await generated(result(content, { structuredOutputText: '{"text":"final"}' }));
  expect(parts).toEqual([{ type: "output", value: { text: "final" } }]);
});

test("a choice of outputs stands in an object, and comes out of it", async () => {
  const outputSchema = jsonSchemaOf(z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]), "input", "clerk");
  const { parts } = await generated(result([{ type: "text", text: '{"answer":{"b":1}}' }]), { outputSchema });
  expect(parts).toEqual([{ type: "output", value: { b: 1 } }]);
});

test("a stream is told as it comes, and is the answer in its order", async () => {
  const { model } = spoken([
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", modelId: "acme-1" },
    { type: "reasoning-start", id: "0" },
    { type: "reasoning-delta", id: "0", delta: "Hm" },
    { type: "reasoning-end", id: "0", providerMetadata: { acme: { seal: "s" } } },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "Let me " },
    { type: "text-delta", id: "0", delta: "look." },
    { type: "text-end", id: "0" },
    { type: "tool-input-start", id: "c", toolName: "look_up" },
    { type: "tool-call", toolCallId: "c", toolName: "look_up", input: '{"a":' },
    { type: "finish", usage, finishReason: { unified: "tool-calls", raw: "tool_calls" } },
  ]);
  const deltas: ModelDelta[] = [];
  const response = await aiSdkModel(model).generate(request(), {
    ...idle,
    onDelta: (delta) => {
      deltas.push(delta);
    },
  });
  expect(response.parts).toEqual([
    {
      type: "reasoning",
      provider: "ai-sdk:acme.chat",
      data: { type: "part", part: { type: "reasoning", text: "Hm", providerOptions: { acme: { seal: "s" } } } },
    },
    { type: "text", text: "Let me look." },
    { type: "toolCall", callId: "c", tool: "look_up", input: '{"a":' },
  ]);
  expect(deltas).toEqual([
    { type: "reasoning", text: "Hm" },
    { type: "text", text: "Let me " },
    { type: "text", text: "look." },
    { type: "toolCall", tool: "look_up" },
  ]);
});

describe("what a provider notes", () => {
  const content: LanguageModelV4GenerateResult["content"] = [
    { type: "reasoning", text: "Hm", providerMetadata: { acme: { seal: "r" } } },
    { type: "custom", kind: "acme.plan", providerMetadata: { acme: { plan: 1 } } },
    { type: "reasoning-file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([104, 105]) } },
    { type: "tool-call", toolCallId: "a", toolName: "look_up", input: "{}" },
    { type: "tool-call", toolCallId: "b", toolName: "look_up", input: "{}", providerMetadata: { acme: { seal: "b" } } },
  ];

  test("on its thinking and on its calls comes back to it, and to nobody else", async () => {
    const { parts } = await generated(result(content));
    const foreign: ResponsePart = { type: "reasoning", provider: "anthropic", data: { type: "thinking" } };
    const messages: ModelRequest["messages"] = [
      { role: "assistant", parts: [foreign, ...parts] },
      {
        role: "tool",
        results: ["a", "b"].map((callId) => ({ callId, tool: "look_up", status: "done" as const, output: callId })),
      },
    ];
    const { model, calls } = spoken(said);
    await aiSdkModel(model).generate(request({ messages }), idle);
    expect(calls[0]?.prompt.slice(2)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm", providerOptions: { acme: { seal: "r" } } },
          { type: "custom", kind: "acme.plan", providerOptions: { acme: { plan: 1 } } },
          { type: "reasoning-file", mediaType: "image/png", data: { type: "data", data: "aGk=" } },
          { type: "tool-call", toolCallId: "a", toolName: "look_up", input: {} },
          {
            type: "tool-call",
            toolCallId: "b",
            toolName: "look_up",
            input: {},
            providerOptions: { acme: { seal: "b" } },
          },
        ],
      },
      {
        role: "tool",
        content: ["a", "b"].map((toolCallId) => ({
          type: "tool-result",
          toolCallId,
          toolName: "look_up",
          output: { type: "text", value: `"${toolCallId}"` },
        })),
      },
    ]);
    const { model: other, calls: seen } = spoken(said);
    await aiSdkModel({ ...other, provider: "other.chat" }).generate(request({ messages }), idle);
    expect(JSON.stringify(seen[0]?.prompt)).not.toContain("seal");
  });
});

describe("media", () => {
  const sent = async (input: Json, urls?: Record<string, RegExp[]>) => {
    const { model, calls } = spoken(said, urls);
    await aiSdkModel(model).generate(request({ input }), idle);
    const [, user] = calls[0]?.prompt ?? [];
    return user?.role === "user" ? user.content.slice(1) : [];
  };

  test("go in by content, and by an address that the provider fetches", async () => {
    const urls = { "image/*": [/^https:\/\/example\.com\//] };
    const input = [
      { $media: "application/pdf", data: "aGk=", name: "a.pdf" },
      { $media: "image/png", url: "https://example.com/A.png" },
    ];
    expect(await sent(input, urls)).toEqual([
      { type: "file", mediaType: "application/pdf", data: { type: "data", data: "aGk=" }, filename: "a.pdf" },
      { type: "file", mediaType: "image/png", data: { type: "url", url: new URL("https://example.com/A.png") } },
    ]);
  });

  test("by another address are refused before anything is sent", async () => {
    const input = { $media: "image/png", url: "https://example.org/a.png" };
    await expect(sent(input, { "image/*": [/^https:\/\/example\.com\//] })).rejects.toMatchObject({
      code: "model/media-unsupported",
      data: { media: "image/png by its URL" },
    });
  });

  test("that the provider does not take are said to be so", async () => {
    const thrown = Object.assign(new Error("no"), {
      name: "AI_UnsupportedFunctionalityError",
      functionality: "file part media type audio/flac",
    });
    await expect(generated(thrown)).rejects.toMatchObject({
      code: "model/media-unsupported",
      data: { media: "file part media type audio/flac" },
    });
  });

  test("come out as parts", async () => {
    const file = {
      type: "file" as const,
      mediaType: "image/png",
      data: { type: "data" as const, data: new Uint8Array([104, 105]) },
    };
    expect((await generated(result([file]))).parts).toEqual([
      { type: "media", media: { $media: "image/png", data: "aGk=" } },
    ]);
  });
});

describe("an end", () => {
  const ended = (unified: LanguageModelV4GenerateResult["finishReason"]["unified"], raw?: string) =>
    generated(result([{ type: "text", text: "So far" }], { finishReason: { unified, raw } }));

  test.each([
    ["length", "max_tokens", { code: "model/truncated", usage: { inputTokens: 30 } }],
    ["content-filter", "SAFETY", { code: "model/content-filtered", usage: { inputTokens: 30 } }],
    ["error", "it broke", { code: "model/failed" }],
  ] as const)("by %s is a failure that says what it has cost", async (unified, raw, expected) => {
    await expect(ended(unified, raw)).rejects.toMatchObject(expected);
  });

  test("that was cut off costs what nobody knows", async () => {
    const thrown = await Promise.resolve(ended("interrupted")).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "ECONNRESET" });
    expect(thrown).not.toHaveProperty("usage");
  });

  test("by a refusal is a refusal", async () => {
    expect((await ended("content-filter", "refusal")).parts).toEqual([{ type: "refusal", reason: "So far" }]);
  });

  test("that nobody explains is an answer", async () => {
    expect((await ended("other")).parts).toEqual([{ type: "text", text: "So far" }]);
  });

  test("that does not come is a broken connection", async () => {
    const { model } = spoken([{ type: "text-delta", id: "0", delta: "x" }]);
    const outcome = aiSdkModel(model).generate(request(), { ...idle, onDelta: () => {} });
    await expect(outcome).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

test("a provider's failure has the status and the headers by which the gate knows it", async () => {
  const thrown = Object.assign(new Error("busy"), { statusCode: 429, responseHeaders: { "retry-after": "3" } });
  await expect(generated(thrown)).rejects.toMatchObject({ status: 429, headers: { "retry-after": "3" } });
});

test("a failure inside a stream may be any value", async () => {
  const told = { type: "error", error: { type: "overloaded_error", message: "busy" } };
  const { model } = spoken([{ type: "error", error: told }]);
  const outcome = aiSdkModel(model).generate(request(), { ...idle, onDelta: () => {} });
  await expect(outcome).rejects.toMatchObject({ error: { type: "overloaded_error" } });
});
