import { openai, openaiCompatible } from "@remit/agents/openai";
import { openaiServer } from "@remit/agents/testing";
import { modelContract } from "./model.ts";

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
}
