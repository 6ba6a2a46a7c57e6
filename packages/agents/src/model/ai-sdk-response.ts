import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { type Json, type Media, type ModelDelta, OrchestrationError, type ResponsePart, type Usage } from "@remit/core";
import type { Kept } from "./ai-sdk-prompt.ts";
import { withOutput } from "./answer.ts";
import { type AskTool, callPart } from "./ask.ts";
import { uniqueIds } from "./call-id.ts";
import { isCount } from "./count.ts";
import type { OutputForm } from "./output-form.ts";
import { parseArguments } from "./render.ts";
import { wrapperKey } from "./schema-view.ts";
import { cutError, filteredError, truncatedError } from "./sdk-failure.ts";

/** An answer, whether it came at once or in pieces. */
export interface Finished {
  readonly content: readonly LanguageModelV4Content[];
  readonly finishReason: LanguageModelV4FinishReason;
  readonly usage: LanguageModelV4Usage | undefined;
  readonly modelId: string | undefined;
  /** The final text where it is not all of the text. */
  readonly structuredOutputText: string | undefined;
}

type Block = Extract<LanguageModelV4Content, { type: "text" | "reasoning" }>;

/**
 * Reads a stream to its end.
 * @throws what the stream tells of as its failure, or an Error that core knows as a broken connection
 */
export async function collected(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  onDelta: (delta: ModelDelta) => void,
): Promise<Finished> {
  const content: LanguageModelV4Content[] = [];
  const open = new Map<string, Block>();
  let modelId: string | undefined;
  let finish: Extract<LanguageModelV4StreamPart, { type: "finish" }> | undefined;
  for await (const part of stream) {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end":
      case "text-delta":
      case "reasoning-delta": {
        const type = part.type.startsWith("text") ? "text" : "reasoning";
        const key = `${type} ${part.id}`;
        // A block is there from its first word on, whatever a provider calls it; the last note on it stays.
        const block: Block = open.get(key) ?? { type, text: "" };
        if (!open.has(key)) content.push(block);
        open.set(key, block);
        if (part.providerMetadata) block.providerMetadata = part.providerMetadata;
        if (part.type === "text-delta" || part.type === "reasoning-delta") {
          block.text += part.delta;
          onDelta({ type, text: part.delta });
        }
        if (part.type === "text-end" || part.type === "reasoning-end") open.delete(key);
        break;
      }
      case "tool-input-start":
        onDelta({ type: "toolCall", tool: part.toolName });
        break;
      case "tool-call":
      case "file":
      case "custom":
      case "reasoning-file":
        content.push(part);
        break;
      case "response-metadata":
        modelId = part.modelId ?? modelId;
        break;
      case "finish":
        finish = part;
        break;
      case "error":
        throw part.error;
    }
  }
  if (!finish) throw cutError();
  return { content, finishReason: finish.finishReason, usage: finish.usage, modelId, structuredOutputText: undefined };
}

export interface PartsOptions {
  readonly form: OutputForm;
  readonly asks: readonly AskTool[];
  readonly model: string;
  readonly origin: string;
  readonly maxOutputTokens: number;
}

/**
 * The parts of an answer.
 * @throws OrchestrationError `model/truncated`, `model/content-filtered`, `model/failed`
 */
export function partsOf(finished: Finished, options: PartsOptions): readonly ResponsePart[] {
  const { content, finishReason, structuredOutputText } = finished;
  const { asks, origin } = options;
  const joined = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  const end = endOf(finishReason, joined, options);
  if (end) return [end];
  const idOf = uniqueIds();
  const parts: ResponsePart[] = [];
  let calls = 0;
  // A provider's notes may hold members without a value, which JSON has not.
  const keep = (data: Kept) =>
    parts.push({ type: "reasoning", provider: origin, data: JSON.parse(JSON.stringify(data)) as Json });
  for (const part of content) {
    switch (part.type) {
      case "text":
        if (part.text !== "" && structuredOutputText === undefined) parts.push({ type: "text", text: part.text });
        break;
      case "tool-call": {
        // What runs at the provider is none of ours: no such tool is ever offered.
        if (part.providerExecuted) break;
        const called = callPart(
          { callId: idOf(part.toolCallId), tool: part.toolName, input: parseArguments(part.input) },
          asks,
        );
        if (called.type === "toolCall") {
          if (part.providerMetadata) keep({ type: "call", call: calls, metadata: part.providerMetadata as Json });
          calls++;
        }
        parts.push(called);
        break;
      }
      case "reasoning":
        keep({ type: "part", part: { type: "reasoning", text: part.text, ...noted(part) } });
        break;
      case "custom":
        keep({ type: "part", part: { type: "custom", kind: part.kind, ...noted(part) } });
        break;
      case "file":
        parts.push({ type: "media", media: mediaOf(part) });
        break;
      case "reasoning-file": {
        const { data, url } = mediaOf(part);
        const stored: Json = data === undefined ? { type: "url", url: url ?? "" } : { type: "data", data };
        keep({
          type: "part",
          part: { type: "reasoning-file", mediaType: part.mediaType, data: stored, ...noted(part) },
        });
      }
    }
  }
  if (structuredOutputText !== undefined) parts.push({ type: "text", text: structuredOutputText });
  return withOutput(parts, options.form.isWrapped ? wrapperKey : undefined);
}

function endOf(
  { unified, raw }: LanguageModelV4FinishReason,
  text: string,
  { model, maxOutputTokens }: PartsOptions,
): ResponsePart | undefined {
  switch (unified) {
    case "length":
      throw truncatedError(model, maxOutputTokens);
    case "content-filter":
      // Some providers have one word for a model that declines and for a filter; the vendor's own tells them apart.
      if (raw === undefined || ["refusal", "stop", "end_turn"].includes(raw))
        return { type: "refusal", reason: text || "it gave no reason" };
      throw filteredError(model, raw ?? unified);
    case "interrupted":
      throw cutError();
    case "error":
      throw new OrchestrationError("model/failed", { model, reason: raw ?? "the provider ended it with an error" });
    default:
      return undefined;
  }
}

/** Notes of a provider on its part come back to it under the name that they have in a prompt. */
function noted({ providerMetadata }: { providerMetadata?: Record<string, unknown> }): { providerOptions?: Json } {
  return providerMetadata ? { providerOptions: providerMetadata as Json } : {};
}

function mediaOf({ mediaType, data }: Extract<LanguageModelV4Content, { type: "file" | "reasoning-file" }>): Media {
  if (data.type === "url") return { $media: mediaType, url: String(data.url) };
  return {
    $media: mediaType,
    data: typeof data.data === "string" ? data.data : Buffer.from(data.data).toString("base64"),
  };
}

/** Nothing where the provider counted nothing. */
export function usageOf(usage: LanguageModelV4Usage | undefined): Usage | undefined {
  const { inputTokens, outputTokens } = usage ?? {};
  if (!isCount(inputTokens?.total) || !isCount(outputTokens?.total)) return undefined;
  const cached = inputTokens?.cacheRead;
  const written = inputTokens?.cacheWrite;
  const reasoning = outputTokens?.reasoning;
  return {
    inputTokens: inputTokens.total,
    outputTokens: outputTokens.total,
    ...(isCount(cached) && cached > 0 ? { cachedInputTokens: cached } : {}),
    ...(isCount(written) && written > 0 ? { cacheWriteTokens: written } : {}),
    ...(isCount(reasoning) && reasoning > 0 ? { reasoningTokens: reasoning } : {}),
  };
}
