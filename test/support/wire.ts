import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { aiSdkModel } from "@remit/agents/ai-sdk";
import { anthropic } from "@remit/agents/anthropic";
import { type OpenAiBaseOptions, openai, openaiCompatible } from "@remit/agents/openai";
import { anthropicServer, type ModelServer, type ModelServerOptions, openaiServer } from "@remit/agents/testing";
import type { Model } from "@remit/core";

/** A vendor's protocol with its SDK at one end and a server on 127.0.0.1 at the other. */
export interface Wire {
  readonly name: string;
  readonly serve: (options: ModelServerOptions) => Promise<ModelServer>;
  /** @param model the name that goes over the wire */
  readonly model: (url: string, model: string, options?: WireOptions) => Model;
}

export type WireOptions = Pick<OpenAiBaseOptions, "price" | "headers" | "maxOutputTokens" | "clock">;

export const wires: readonly Wire[] = [
  {
    name: "openai responses",
    serve: openaiServer,
    model: (url, model, options) => openai(model, { apiKey: "test", baseUrl: `${url}/v1`, ...options }),
  },
  {
    name: "openai chat",
    serve: openaiServer,
    model: (url, model, options) =>
      openaiCompatible(model, { baseUrl: `${url}/v1`, provider: "compatible", ...options }),
  },
  {
    name: "anthropic messages",
    serve: anthropicServer,
    model: (url, model, options) => anthropic(model, { apiKey: "test", baseUrl: url, ...options }),
  },
  {
    name: "ai sdk, openai-compatible",
    serve: openaiServer,
    model: (url, model, options) =>
      aiSdkModel(createOpenAICompatible({ name: "local", baseURL: `${url}/v1`, includeUsage: true })(model), options),
  },
];
