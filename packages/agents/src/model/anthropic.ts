import type Anthropic from "@anthropic-ai/sdk";
import {
  type FailedCall,
  type Model,
  type ModelCallOptions,
  type ModelRequest,
  type ModelResponse,
  systemClock,
  type Usage,
} from "@remit/core";
import { type AnthropicOptions, defaultMaxOutputTokens, defaultTimeoutMs } from "./anthropic-options.ts";
import { anthropicSchemas, maxTokensOf, type WriteOptions, writeRequest } from "./anthropic-request.ts";
import { answerOf, messageOf, type ReadMessage, usageOf } from "./anthropic-response.ts";
import { type StreamReader, streamReader } from "./anthropic-stream.ts";
import { legible } from "./legible.ts";
import { once } from "./once.ts";
import { bodySize, renderRequest } from "./render.ts";
import { addressOf, boundOf, filteredError, keyOf, lateError, loadSdk, withoutSecret } from "./sdk-failure.ts";
import { thrownOnTheWay } from "./sdk-thrown.ts";
import { settingsOf } from "./settings.ts";
import { wireFetch } from "./wire-fetch.ts";

/**
 * The entry `@remit/agents/anthropic`. It needs the package `@anthropic-ai/sdk`, which is loaded with the first call.
 */
export type { AnthropicClient, AnthropicOptions, AnthropicThinking } from "./anthropic-options.ts";
export type { Pricing } from "./pricing.ts";

/** How much later the SDK gives up than the gate, which says so in words of ours. */
const graceMs = 5_000;

/**
 * A model of Anthropic, on the Messages API. One call makes one request: trying again, bounds and breakers are the gate's.
 * Errors beside those of the vendor are `model/sdk-missing`, `model/media-unsupported`, `model/truncated` and
 * `model/content-filtered`.
 * @param name as the vendor spells it: `claude-haiku-4-5`
 * @throws OrchestrationError `model/key-missing` when neither `apiKey` nor `ANTHROPIC_API_KEY` is there,
 *   `model/address-invalid` for a `baseUrl` that is none
 */
export function anthropic(name: string, options: AnthropicOptions = {}): Model {
  const { provider = "anthropic", price, headers, stream = true, clock = systemClock() } = options;
  const { timeoutMs = defaultTimeoutMs, firstSignMs, cleared } = options;
  const write: WriteOptions = {
    model: name,
    provider,
    maxOutputTokens: options.maxOutputTokens ?? defaultMaxOutputTokens,
    temperature: options.temperature,
    thinking: options.thinking,
    structured: options.structured ?? "native",
    cache: options.cache ?? false,
    schemas: anthropicSchemas(),
  };
  const { temperature, thinking, structured } = write;
  const maxTokens = maxTokensOf(write);
  if (options.baseUrl !== undefined) addressOf(name, options.baseUrl);
  const apiKey = options.client ? undefined : keyOf(name, options.apiKey, "ANTHROPIC_API_KEY");
  let client: Promise<Client> | undefined;
  const connected = () => {
    client ??= clientOf(name, apiKey, options).catch((thrown: unknown) => {
      client = undefined; // The next call may find it.
      throw thrown;
    });
    return client;
  };

  // A request that is quoted and then made is rendered and written once.
  const renderedOf = once(renderRequest);
  const writtenOf = once((request: ModelRequest) => writeRequest(renderedOf(request), request, write));

  const generate = async (request: ModelRequest, { signal, onDelta }: ModelCallOptions): Promise<ModelResponse> => {
    const startedAt = clock.now();
    const spentOn = (usage: Usage | undefined): FailedCall =>
      usage ? { usage, ...(price ? { cost: price.cost(usage, startedAt) } : {}) } : {};
    /** The input is counted at the start of a stream, the output at its end: before that it stands at its bound (D12). */
    const spentIn = (reader: StreamReader): FailedCall => {
      const { usage, isCounted } = reader.heard();
      return isCounted ? spentOn(usageOf(usage)) : boundOf(usageOf(usage), maxTokens, price, startedAt);
    };
    const rendered = renderedOf(request);
    const { params, reading } = writtenOf(request);
    const { messages, apiKey: secret } = await connected();
    const how = { signal, maxRetries: 0, timeout: timeoutMs + graceMs, headers: headers?.(request) ?? {} };
    const reader = stream && onDelta ? streamReader(name, onDelta, reading) : undefined;
    let known: FailedCall | undefined;
    try {
      let message: ReadMessage;
      if (reader) {
        message = await reader.read(await messages.create({ ...params, stream: true }, how));
        known = spentIn(reader);
      } else {
        const whole = await messages.create(params, how);
        known = spentOn(usageOf(whole?.usage));
        message = legible(name, () => messageOf(whole, name));
      }
      const about = { reading, asks: rendered.asks, model: name, provider, maxOutputTokens: maxTokens };
      const parts = legible(name, () => answerOf(message, about));
      return { parts, ...known, ...(message.model && message.model !== name ? { model: message.model } : {}) };
    } catch (thrown) {
      const failure = failureOf(withoutSecret(thrown, secret ?? undefined), name, signal);
      throw Object.assign(failure, known ?? (reader ? spentIn(reader) : {}));
    }
  };

  const sizeOf = (request: ModelRequest) => {
    const whole = renderedOf(request);
    return bodySize(whole, (emptied) => ({
      ...(emptied === whole ? writtenOf(request) : writeRequest(emptied, request, write)).params,
      stream: true,
    }));
  };
  return {
    id: name,
    cost: "paid",
    provider,
    timeoutMs,
    ...(firstSignMs === undefined ? {} : { firstSignMs }),
    ...(cleared === undefined ? {} : { cleared }),
    settings: settingsOf({ name, baseUrl: options.baseUrl, maxTokens, temperature, thinking, structured }),
    ...(price ? { quote: (request) => price.quote(sizeOf(request), maxTokens) } : {}),
    generate,
  };
}

type Client = Pick<Anthropic, "messages"> & Partial<Pick<Anthropic, "apiKey">>;

async function clientOf(
  model: string,
  apiKey: string | undefined,
  { client, baseUrl }: AnthropicOptions,
): Promise<Client> {
  if (client) return (typeof client === "function" ? await client() : client) as Anthropic;
  const { default: Sdk } = await loadSdk(() => import("@anthropic-ai/sdk"), model, "@anthropic-ai/sdk");
  return new Sdk({
    apiKey: apiKey as string,
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
    maxRetries: 0,
    logLevel: "off",
    fetch: wireFetch(model),
  });
}

/** Types of errors in the middle of a stream, which began with status 200. */
const lateStatus: Readonly<Record<string, number>> = {
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** What the SDK threw, in a form that core knows. */
function failureOf(thrown: unknown, model: string, signal: AbortSignal): Error {
  const onTheWay = thrownOnTheWay(thrown, model, signal);
  if (onTheWay) return onTheWay;
  if (!(thrown instanceof Error)) return new Error(String(thrown), { cause: thrown });
  if (/blocked by content filtering/i.test(thrown.message)) return filteredError(model, thrown.message, thrown);
  const { status, type } = thrown as { readonly status?: unknown; readonly type?: unknown };
  const late = status === undefined ? lateStatus[String(type)] : undefined;
  return late === undefined ? thrown : lateError(late, thrown.message, thrown);
}
