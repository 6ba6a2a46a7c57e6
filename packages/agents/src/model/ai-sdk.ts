import type { LanguageModelV4, LanguageModelV4CallOptions, SharedV4ProviderOptions } from "@ai-sdk/provider";
import {
  type Clock,
  type Cost,
  type FailedCall,
  type Json,
  type JsonSchema,
  type Model,
  type ModelCallOptions,
  type ModelRequest,
  type ModelResponse,
  OrchestrationError,
  systemClock,
  type Usage,
} from "@remit/core";
import { promptOf } from "./ai-sdk-prompt.ts";
import { collected, type Finished, partsOf, usageOf } from "./ai-sdk-response.ts";
import { once } from "./once.ts";
import { outputForm } from "./output-form.ts";
import type { Pricing } from "./pricing.ts";
import { bodySize, type Rendered, renderRequest, schemaText } from "./render.ts";
import { schemaView } from "./schema-view.ts";
import { cutError, lateError, lateStatusOf, stoppedError } from "./sdk-failure.ts";
import { settingsOf } from "./settings.ts";

export type { Pricing } from "./pricing.ts";

/**
 * A language model of the AI SDK: what `provider("model")` of a provider's package gives, `LanguageModelV4` of
 * `@ai-sdk/provider`. It stands here by its shape, so that these declarations need no SDK.
 */
export interface AiSdkLanguageModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: unknown;
  readonly doGenerate: (...given: never[]) => unknown;
  readonly doStream: (...given: never[]) => unknown;
}

export interface AiSdkOptions {
  /** The name in journals and prices; the model's own when absent. */
  readonly id?: string;
  /** Whose breaker and limit it shares; the provider that the model names when absent. */
  readonly provider?: string;
  /** `paid` when absent; `zero` for one that runs on your own machine. */
  readonly cost?: "zero" | "paid";
  /** Tokens that an answer has at most; 4,096 when absent. */
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /**
   * `json`, which is the default, asks the provider to hold the answer to the schema; with `text` the schema stands in the
   * instructions alone, for a provider that refuses it or cannot have it beside tools.
   */
  readonly structured?: "json" | "text";
  /** Passed on as they are, by provider: `{ google: { … } }`. */
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /** More headers for a request, such as one that says which trace it belongs to. */
  readonly headers?: (request: ModelRequest) => Readonly<Record<string, string>>;
  readonly cleared?: readonly string[];
  /** Milliseconds for one call, as in `Model`. */
  readonly timeoutMs?: number;
  readonly firstSignMs?: number;
  /** What calls cost. Without it a paid model is not called where a budget is in force. */
  readonly price?: Pricing;
  /** Tells when a call was made, for prices that change. */
  readonly clock?: Clock;
}

const defaultMaxOutputTokens = 4096;
/** Characters that a provider's protocol has around one part or tool, and a good deal more. */
const wordsAround = 256;
/** Whatever address there is, the provider may fetch it. */
const anyUrl = { "*/*": [/^/] };

/**
 * A language model of the AI SDK as a model of ours: any provider package that implements version 4 of the interface in
 * `@ai-sdk/provider`. One request for one call; what the AI SDK itself does around a model (retries, loops, downloads) is
 * not used.
 *
 * A call throws what the provider throws, with the `usage` that is known, or one of ours: `model/media-unsupported`,
 * `model/truncated`, `model/content-filtered`.
 * @throws OrchestrationError `model/interface-unsupported` for a model of another version
 */
export function aiSdkModel(model: AiSdkLanguageModel, options: AiSdkOptions = {}): Model {
  const languageModel = model as LanguageModelV4;
  const { id = languageModel.modelId, provider = languageModel.provider, cost = "paid", price } = options;
  const { timeoutMs, firstSignMs, cleared, maxOutputTokens = defaultMaxOutputTokens, clock = systemClock() } = options;
  const { temperature, structured, providerOptions } = options;
  const version = model.specificationVersion;
  if (version !== "v4") throw new OrchestrationError("model/interface-unsupported", { model: id, version });
  /** Thinking goes back to where it came from, in the form that it has there. */
  const origin = `ai-sdk:${languageModel.provider}`;

  // A request that is quoted and then made is rendered once, and an agent's schemas are the same objects at every call.
  const renderedOf = once(renderRequest);
  const formOf = once(outputForm);
  const viewOf = once((schema: JsonSchema) => schemaView(schema, "anthropic"));

  const write = (
    rendered: Rendered,
    form: ReturnType<typeof outputForm>,
    urls: Awaited<LanguageModelV4["supportedUrls"]>,
  ) => {
    // Not every provider can pass the schema on, and none says so before.
    const system = `${rendered.system}\n\n${schemaText(form.schema)}`;
    return {
      prompt: promptOf({ ...rendered, system }, { model: id, origin, urls }),
      maxOutputTokens,
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.structured === "text" ? {} : { responseFormat: { type: "json", schema: form.schema as object } }),
      ...(rendered.tools.length > 0
        ? {
            tools: rendered.tools.map(({ name, description, inputSchema }) => ({
              type: "function",
              name,
              description,
              inputSchema: viewOf(inputSchema).schema as object,
            })),
            toolChoice: { type: "auto" },
          }
        : {}),
      ...(options.providerOptions ? { providerOptions: options.providerOptions as SharedV4ProviderOptions } : {}),
    } satisfies LanguageModelV4CallOptions;
  };
  /**
   * The provider's own words are not known here. They hold ours once, as JSON inside JSON at most, and around each part and
   * tool something of their own.
   */
  const sizeOf = (request: ModelRequest) => {
    const rendered = renderedOf(request);
    const form = formOf(request.outputSchema);
    const pieces = rendered.turns.reduce(
      (sum, turn) =>
        sum + (turn.role === "user" ? turn.content : turn.role === "tool" ? turn.results : turn.parts).length + 1,
      rendered.tools.length + 1,
    );
    const { chars, media } = bodySize(rendered, (emptied) => JSON.stringify(write(emptied, form, anyUrl)));
    return { chars: chars + pieces * wordsAround, media };
  };

  const generate = async (request: ModelRequest, { signal, onDelta }: ModelCallOptions): Promise<ModelResponse> => {
    const rendered = renderedOf(request);
    const form = formOf(request.outputSchema);
    const call: LanguageModelV4CallOptions = {
      ...write(rendered, form, await languageModel.supportedUrls),
      ...(options.headers ? { headers: { ...options.headers(request) } } : {}),
      abortSignal: signal,
    };
    const startedAt = clock.now();
    let spent: FailedCall = {};
    let begun = false;
    const streamOf = async () => {
      const { stream } = await languageModel.doStream(call);
      begun = true;
      return stream;
    };
    try {
      const finished = onDelta
        ? await collected(await streamOf(), onDelta)
        : finishedOf(await languageModel.doGenerate(call));
      // Of an answer that broke off, what was counted is not all (D12).
      if (!brokenEnds.has(finished.finishReason.unified)) spent = spentOn(usageOf(finished.usage), startedAt);
      const parts = partsOf(finished, { form, asks: rendered.asks, model: id, origin, maxOutputTokens });
      const { modelId } = finished;
      return { parts, ...spent, ...(modelId !== undefined && modelId !== id ? { model: modelId } : {}) };
    } catch (thrown) {
      throw Object.assign(vendorError(thrown, id, signal), spent, begun ? { begun } : {});
    }
  };

  const spentOn = (usage: Usage | undefined, at: number): FailedCall => {
    const spent: Cost | undefined = usage && price?.cost(usage, at);
    return { ...(usage ? { usage } : {}), ...(spent ? { cost: spent } : {}) };
  };

  return {
    id,
    cost,
    provider,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(firstSignMs === undefined ? {} : { firstSignMs }),
    ...(cleared === undefined ? {} : { cleared }),
    settings: settingsOf({
      origin,
      name: languageModel.modelId,
      maxOutputTokens,
      temperature,
      structured,
      providerOptions,
    }),
    ...(price
      ? {
          quote: (request: ModelRequest) => price.quote(sizeOf(request), maxOutputTokens),
        }
      : {}),
    generate,
  };
}

function finishedOf(result: Awaited<ReturnType<LanguageModelV4["doGenerate"]>>): Finished {
  const { content, finishReason, usage, response, structuredOutputText } = result;
  return { content, finishReason, usage, modelId: response?.modelId, structuredOutputText };
}

/**
 * What a provider threw, with the members by which core knows a failure. The AI SDK calls the status and the headers
 * otherwise, and says by a name of its own that a model does not take something.
 */
function vendorError(thrown: unknown, model: string, signal: AbortSignal): Error {
  if (OrchestrationError.is(thrown)) return thrown;
  if (signal.aborted) return stoppedError(model, thrown);
  const error = errorOf(thrown);
  const { name, statusCode, responseHeaders } = error as Error & {
    readonly statusCode?: unknown;
    readonly responseHeaders?: unknown;
  };
  if (name === "AI_UnsupportedFunctionalityError") {
    const { functionality } = error as Error & { readonly functionality?: unknown };
    const media = typeof functionality === "string" ? functionality : error.message;
    return new OrchestrationError("model/media-unsupported", { model, media }, { cause: error });
  }
  // A stream that ends in the middle of its JSON, or before it said why it ends.
  if (brokenNames.has(name) && statusCode === undefined) return cutError(error);
  if (statusCode === undefined) {
    const late = lateStatusOf(error);
    return late === undefined ? error : lateError(late, error.message, error);
  }
  return Object.assign(error, { status: statusCode, headers: responseHeaders });
}

const brokenEnds: ReadonlySet<string> = new Set(["interrupted", "error"]);
const brokenNames: ReadonlySet<string> = new Set(["AI_JSONParseError", "AI_InvalidResponseDataError"]);

/** A stream may tell of its failure with any value. */
function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown !== "object" || thrown === null) return new Error(String(thrown));
  const { message } = thrown as { readonly message?: unknown };
  const text = typeof message === "string" ? message : JSON.stringify(thrown);
  return Object.assign(new Error(text, { cause: thrown }), thrown);
}
