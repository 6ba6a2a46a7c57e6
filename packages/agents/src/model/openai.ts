import type { Model } from "@remit/core";
import { askChat, writeChat } from "./openai-chat.ts";
import { openAiSchemas } from "./openai-format.ts";
import { openAiModel } from "./openai-model.ts";
import type { OpenAiCompatibleOptions, OpenAiOptions } from "./openai-options.ts";
import { askResponses, writeResponses } from "./openai-responses.ts";
import { addressOf, keyOf } from "./sdk-failure.ts";

/**
 * The entry `@remit/agents/openai`. It needs the package `openai`, which is loaded with the first call.
 */
export type { OpenAiBaseOptions, OpenAiClient, OpenAiCompatibleOptions, OpenAiOptions } from "./openai-options.ts";
export type { Pricing } from "./pricing.ts";

/**
 * A model of OpenAI, on the Responses API.
 * @param name as the vendor spells it: `gpt-5-mini`
 * @throws OrchestrationError `model/key-missing` when neither `apiKey` nor `OPENAI_API_KEY` is there,
 *   `model/address-invalid` for a `baseUrl` that is none
 */
export function openai(name: string, options: OpenAiOptions = {}): Model {
  const { provider = "openai", baseUrl, client } = options;
  if (baseUrl !== undefined) addressOf(name, baseUrl);
  const schemas = openAiSchemas();
  return openAiModel({
    ...options,
    id: name,
    provider,
    cost: "paid",
    settings: { api: "responses", reasoning: options.reasoning, reasoningSummary: options.reasoningSummary },
    connect: {
      ...(client ? {} : { apiKey: keyOf(name, options.apiKey, "OPENAI_API_KEY") }),
      ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
      isForeign: false,
    },
    write: (request, rendered, most) => writeResponses(request, rendered, most, name, provider, options, schemas),
    ask: (call) => askResponses(call, name, provider, schemas),
  });
}

/**
 * A model behind a server that speaks OpenAI's Chat Completions API.
 *
 * ```ts
 * const local = openaiCompatible("qwen3:8b", { baseUrl: "http://127.0.0.1:11434/v1", cost: "zero" });
 * ```
 * @param name as the server spells it
 * @throws OrchestrationError `model/address-invalid` for a `baseUrl` that is none
 */
export function openaiCompatible(name: string, options: OpenAiCompatibleOptions): Model {
  const { baseUrl, apiKey, cost = "paid" } = options;
  const { host } = addressOf(name, baseUrl);
  const { provider = host } = options;
  const schemas = openAiSchemas();
  return openAiModel({
    ...options,
    id: name,
    provider,
    cost,
    settings: { api: "chat", structured: options.structured },
    connect: { ...(apiKey === undefined ? {} : { apiKey }), baseURL: baseUrl, isForeign: true },
    write: (request, rendered, most) => writeChat(request, rendered, most, name, options, schemas),
    ask: (call) => askChat(call, name, options, schemas),
  });
}
