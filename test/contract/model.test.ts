import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { aiSdkModel } from "@remit/agents/ai-sdk";
import { anthropic } from "@remit/agents/anthropic";
import { openai, openaiCompatible } from "@remit/agents/openai";
import { anthropicServer, openaiServer } from "@remit/agents/testing";
import { modelContract } from "./model.ts";
import { scriptedUnderTest } from "./model-scripted.ts";

for (const stream of [true, false]) {
  const how = stream ? "in pieces" : "whole";
  modelContract(`openai, Responses API, ${how}`, {
    serve: openaiServer,
    model: (url, options) => openai("gpt-5-mini", { apiKey: "test", baseUrl: `${url}/v1`, stream, ...options }),
    streams: stream,
    seals: true,
  });
  modelContract(`openai, Chat Completions API, ${how}`, {
    serve: openaiServer,
    model: (url, options) => openaiCompatible("qwen3:8b", { baseUrl: `${url}/v1`, stream, ...options }),
    streams: stream,
    seals: false,
  });
  for (const structured of ["native", "tool"] as const) {
    modelContract(`anthropic, Messages API, ${structured} output, ${how}`, {
      serve: anthropicServer,
      model: (url, options) =>
        anthropic("claude-haiku-4-5", { apiKey: "test", baseUrl: url, stream, structured, ...options }),
      streams: stream,
      seals: true,
      refusesForFilter: true,
      countsFirst: stream,
    });
  }
}

modelContract("a model of the AI SDK, OpenAI-compatible", {
  serve: openaiServer,
  model: (url, options) =>
    aiSdkModel(
      createOpenAICompatible({ name: "local", baseURL: `${url}/v1`, includeUsage: true })("qwen3:8b"),
      options,
    ),
  streams: true,
  seals: false,
});

for (const streams of [true, false]) {
  modelContract(`the scripted model, ${streams ? "in pieces" : "whole"}`, scriptedUnderTest({ streams }));
}
