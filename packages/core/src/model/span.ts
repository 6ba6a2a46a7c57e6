import type { CallModelCommand } from "../command.ts";
import type { ModelChoice, ResponsePart } from "../event.ts";
import type { Json } from "../json.ts";
import { isSensitive } from "../label/label.ts";
import type { RunKey } from "../port/engine.ts";
import type { FailedCall, Message, Model, ModelRequest } from "../port/model.ts";
import {
  attributeNames as names,
  operations,
  type SpanAttributes,
  silentTracer,
  spanNames,
  type Tracer,
} from "../port/tracer.ts";

/** A model call as a span says it. */

/**
 * Opens the span of one call. Where the tracer wants contents, they come along, unless a label of the request is
 * sensitive: a telemetry backend is cleared for nothing.
 */
export function openModelSpan(tracer: Tracer, { key, command, model, choice, request }: ModelSpanParts): ModelSpan {
  if (tracer === silentTracer) return unseen;
  const contents = tracer.content === true && !request.labels.some(isSensitive);
  const span = tracer.span(spanNames.model(model.id), {
    [names.operation]: operations.model,
    [names.provider]: model.provider ?? model.id,
    [names.requestModel]: model.id,
    [names.agent]: command.agent,
    [names.tenant]: key.tenant,
    [names.run]: key.runId,
    [names.path]: command.path,
    [names.attempt]: command.attempt,
    [names.alias]: command.alias,
    ...(choice === undefined ? {} : { [names.choice]: choice.why }),
    ...(contents ? contentsOf(request) : {}),
  });
  return {
    set: (told) => span.set(told.parts && contents ? { ...toldOf(told), ...saidOf(told.parts) } : toldOf(told)),
    end: (error) => span.end(error),
  };
}

interface ModelSpan {
  readonly set: (told: ModelTold) => void;
  readonly end: (error?: { readonly code: string }) => void;
}

/** Where nobody measures, nothing is put together. */
const unseen: ModelSpan = { set: () => {}, end: () => {} };

export interface ModelSpanParts {
  readonly key: RunKey;
  readonly command: CallModelCommand;
  readonly model: Model;
  readonly choice: ModelChoice | undefined;
  readonly request: ModelRequest;
}

/** What a call brought, whether it was answered or failed. */
export interface ModelTold {
  readonly usage?: FailedCall["usage"] | undefined;
  readonly cost?: FailedCall["cost"] | undefined;
  readonly model?: string | undefined;
  readonly next?: string | undefined;
  readonly cached?: boolean;
  readonly parts?: readonly ResponsePart[] | undefined;
}

function toldOf({ model, next, usage, cost, cached }: ModelTold): SpanAttributes {
  const told: Record<string, SpanAttributes[string]> = {};
  if (cached !== undefined) told[names.cached] = cached;
  if (model !== undefined) told[names.responseModel] = model;
  if (next !== undefined) told[names.next] = next;
  if (usage !== undefined) {
    const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage;
    told[names.inputTokens] = inputTokens;
    told[names.outputTokens] = outputTokens;
    if (cachedInputTokens !== undefined) told[names.cachedInputTokens] = cachedInputTokens;
    if (reasoningTokens !== undefined) told[names.reasoningTokens] = reasoningTokens;
  }
  if (cost !== undefined) {
    told[names.costUsd] = cost.microUsd / 1e6;
    told[names.costBasis] = cost.basis;
  }
  return told;
}

function contentsOf({ instructions, input, messages }: ModelRequest): SpanAttributes {
  return {
    [names.instructions]: JSON.stringify([text(instructions)]),
    [names.inputMessages]: JSON.stringify([{ role: "user", parts: [json(input)] }, ...messages.map(messageOf)]),
  };
}

function saidOf(parts: readonly ResponsePart[]): SpanAttributes {
  return { [names.outputMessages]: JSON.stringify([{ role: "assistant", parts: parts.map(partOf) }]) };
}

/** A message in the form of the convention. */
function messageOf(message: Message): Json {
  switch (message.role) {
    case "assistant":
      return { role: "assistant", parts: message.parts.map(partOf) };
    case "tool":
      return {
        role: "tool",
        parts: message.results.map((result) => ({
          type: "tool_call_response",
          id: result.callId,
          response: result.status === "done" ? result.output : { error: result.error.code },
        })),
      };
    case "answer":
      return { role: "user", parts: [json(message.answer)] };
    case "summary":
      return { role: "user", parts: [text(message.text)] };
    case "repair":
      return { role: "user", parts: [json(message.issues as unknown as Json)] };
  }
}

function partOf(part: ResponsePart): Json {
  switch (part.type) {
    case "text":
      return text(part.text);
    case "toolCall":
      return { type: "tool_call", id: part.callId, name: part.tool, arguments: part.input };
    case "output":
      return json(part.value);
    case "ask":
      return text(part.question);
    case "refusal":
      return text(part.reason);
    // A provider's sealed thinking, and files: that they were there is enough.
    case "reasoning":
      return { type: "reasoning", content: "" };
    case "media":
      return text(`[${part.media.$media}]`);
  }
}

function text(content: string): Json {
  return { type: "text", content };
}

function json(value: Json): Json {
  return text(JSON.stringify(value));
}
