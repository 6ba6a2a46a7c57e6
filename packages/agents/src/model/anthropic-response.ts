import type Anthropic from "@anthropic-ai/sdk";
import { type Json, OrchestrationError, type ResponsePart, type Usage } from "@remit/core";
import { withOutput } from "./answer.ts";
import type { Reading } from "./anthropic-request.ts";
import { type AskTool, callPart } from "./ask.ts";
import { uniqueIds } from "./call-id.ts";
import { isCount } from "./count.ts";
import { unwrapped } from "./output-form.ts";
import { wrapperKey } from "./schema-view.ts";
import { truncatedError } from "./sdk-failure.ts";
import { saidError } from "./wire-fetch.ts";

/** What is read of a message, whether it came at once or in pieces. */
export interface ReadMessage {
  readonly model?: string;
  readonly content: readonly ReadBlock[];
  readonly stopReason: string | undefined;
  /** What the vendor says of why it stopped. */
  readonly stopText: string | undefined;
}

export type ReadBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolUse"; readonly id: string; readonly name: string; readonly input: Json }
  /** A block of thinking as it came, signature and all. */
  | { readonly type: "thinking"; readonly block: Json };

/** A message of the API that came at once. */
export function messageOf(message: Anthropic.Message, model: string): ReadMessage {
  const { content, stop_reason, stop_details } = (message ?? {}) as Partial<Anthropic.Message>;
  if (!Array.isArray(content)) {
    throw (
      saidError(message) ?? new OrchestrationError("model/response-invalid", { model, reason: "it has no content" })
    );
  }
  return {
    ...(typeof message.model === "string" ? { model: message.model } : {}),
    content: content.flatMap((block) => blockOf(block)),
    stopReason: stop_reason ?? undefined,
    stopText: stop_details?.explanation ?? undefined,
  };
}

/** A block of the API; nothing for one that only tools on the vendor's side make, which are never offered. */
function blockOf(block: Anthropic.ContentBlock): ReadBlock[] {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: block.text }];
    case "tool_use":
      return [{ type: "toolUse", id: block.id, name: block.name, input: block.input as Json }];
    case "thinking":
    case "redacted_thinking":
      return [{ type: "thinking", block: block as unknown as Json }];
    default:
      return [];
  }
}

export interface PartsOptions {
  readonly reading: Reading;
  readonly asks: readonly AskTool[];
  readonly model: string;
  readonly provider: string;
  readonly maxOutputTokens: number;
}

/**
 * The parts of an answer.
 * @throws OrchestrationError `model/truncated` when it was cut at its bound
 */
export function answerOf(message: ReadMessage, options: PartsOptions): readonly ResponsePart[] {
  const { content, stopReason, stopText } = message;
  const { reading, model, maxOutputTokens } = options;
  if (stopReason === "max_tokens" || stopReason === "model_context_window_exceeded") {
    throw truncatedError(model, maxOutputTokens);
  }
  const text = content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
  // What was said before a refusal is not to be used.
  if (stopReason === "refusal") return [{ type: "refusal", reason: stopText || text || "it gave no reason" }];
  const idOf = uniqueIds();
  const parts = content
    .filter((block) => block.type !== "text" || block.text !== "")
    .map((block) => partOf(block, idOf, options));
  if (parts.some(({ type }) => type === "output")) return parts;
  return withOutput(parts, reading.isWrapped ? wrapperKey : undefined);
}

function partOf(
  block: ReadBlock,
  idOf: (id: string) => string,
  { reading: { output, isWrapped, argumentsFor }, asks, provider }: PartsOptions,
): ResponsePart {
  if (block.type === "text") return block;
  if (block.type === "thinking") return { type: "reasoning", provider, data: block.block };
  const { id, name } = block;
  const input = argumentsFor(name, block.input);
  if (output.by === "tool" && name === output.name)
    return { type: "output", value: isWrapped ? unwrapped(input) : input };
  return callPart({ callId: idOf(id), tool: name, input }, asks);
}

/** Counts of tokens as the API gives them: in a message, at the start of a stream and at its end. */
export type WireUsage = Partial<Anthropic.Usage | Anthropic.MessageDeltaUsage>;

/** All input counts, cached or not; nothing where the vendor counted nothing. */
export function usageOf(usage: WireUsage | null | undefined): Usage | undefined {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage ?? {};
  const cached = cache_read_input_tokens ?? 0;
  const written = cache_creation_input_tokens ?? 0;
  const reasoning = usage?.output_tokens_details?.thinking_tokens;
  // The three of the input are one sum: where one of them says nothing, nothing is known of it.
  if (![input_tokens, output_tokens, cached, written].every(isCount)) return undefined;
  return {
    inputTokens: (input_tokens as number) + cached + written,
    outputTokens: output_tokens as number,
    ...(cached > 0 ? { cachedInputTokens: cached } : {}),
    ...(written > 0 ? { cacheWriteTokens: written } : {}),
    ...(isCount(reasoning) && reasoning > 0 ? { reasoningTokens: reasoning } : {}),
  };
}
