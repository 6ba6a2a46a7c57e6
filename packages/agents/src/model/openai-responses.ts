import {
  type Json,
  type JsonSchema,
  type ModelRequest,
  OrchestrationError,
  type ResponsePart,
  type ToolOffer,
  type Usage,
} from "@remit/core";
import type {
  FunctionTool,
  Response,
  ResponseCreateParamsBase,
  ResponseInputContent,
  ResponseInputItem,
  ResponseOutputItem,
  ResponseReasoningItem,
  ResponseStreamEvent,
  ResponseUsage,
} from "openai/resources/responses/responses";
import { type Answer, withOutput } from "./answer.ts";
import { callPart } from "./ask.ts";
import { uniqueIds } from "./call-id.ts";
import { isCount } from "./count.ts";
import { legible } from "./legible.ts";
import type { OpenAiSchemas, OutputFormat } from "./openai-format.ts";
import { fileNameOf, kindOf, untold, urlOf } from "./openai-media.ts";
import type { OpenAiCall } from "./openai-model.ts";
import type { OpenAiOptions } from "./openai-options.ts";
import {
  argumentsOf,
  ownThinking,
  parseArguments,
  type Rendered,
  type RenderedContent,
  type RenderedPart,
  type RenderedTurn,
  schemaText,
} from "./render.ts";
import { cutError, lateError, stoppedError } from "./sdk-failure.ts";
import { saidError } from "./wire-fetch.ts";

type More = Pick<OpenAiOptions, "temperature" | "reasoning" | "reasoningEffort" | "reasoningSummary">;

/**
 * A request as the Responses API takes it. Nothing is stored there (`store: false`): the conversation is ours, and
 * reasoning comes back sealed, so that it can be passed on with the next call.
 */
export function writeResponses(
  request: ModelRequest,
  rendered: Rendered,
  maxOutputTokens: number,
  model: string,
  provider: string,
  more: More,
  schemas: OpenAiSchemas,
) {
  const format = schemas.formatOf(request.outputSchema);
  const { reasoning = thinks(model), reasoningEffort: effort, reasoningSummary: summary, temperature } = more;
  return {
    model,
    instructions: rendered.system,
    input: [...toldIn(format, request.outputSchema), ...rendered.turns.flatMap((turn) => itemsOf(turn, provider))],
    max_output_tokens: maxOutputTokens,
    store: false,
    ...(temperature === undefined ? {} : { temperature }),
    // Models that do not think answer with an error when they are asked for it.
    ...(reasoning ? { include: ["reasoning.encrypted_content" as const] } : {}),
    ...(effort || summary ? { reasoning: { ...(effort ? { effort } : {}), ...(summary ? { summary } : {}) } } : {}),
    ...(rendered.tools.length > 0
      ? { tools: rendered.tools.map((tool) => toolOf(tool, schemas)), parallel_tool_calls: true }
      : {}),
    ...textOf(format),
  } satisfies ResponseCreateParamsBase;
}

/** OpenAI's Responses API. */
export async function askResponses(
  call: OpenAiCall<ReturnType<typeof writeResponses>>,
  model: string,
  provider: string,
  schemas: OpenAiSchemas,
): Promise<Answer> {
  const { client, request, rendered, body, onDelta, onUsage, options } = call;
  const format = schemas.formatOf(request.outputSchema);
  const response = onDelta
    ? await readStream(
        await client.responses.create({ ...body, stream: true }, options),
        onDelta,
        options.signal,
        model,
      )
    : ((await client.responses.create({ ...body, stream: false }, options)) ?? ({} as Response));
  const usage = usageOf(response.usage);
  // Of one that still goes on, it is not all.
  if (usage && isOver(response.status)) onUsage(usage);
  if (response.status === "failed") {
    const { code, message } = response.error ?? { code: "server_error", message: "the response failed" };
    throw Object.assign(new Error(message), { code });
  }
  if (response.status !== "completed" && response.status !== "incomplete") {
    // A server that is only compatible may leave it out; anything else is no answer yet.
    if (response.status !== undefined) throw lateError(500, `the response is ${response.status}`);
  }
  if (!Array.isArray(response.output)) {
    throw (
      saidError(response) ?? new OrchestrationError("model/response-invalid", { model, reason: "it has no output" })
    );
  }
  return {
    parts: withOutput(
      legible(model, () => partsOf(response.output, rendered, provider)),
      format.type === "schema" ? format.unwrap : undefined,
    ),
    ...(usage ? { usage } : {}),
    ...cutOf(response),
    model: response.model,
  };
}

function isOver(status: Response["status"]): boolean {
  return status !== "queued" && status !== "in_progress";
}

/** Families whose models think before they answer. */
function thinks(model: string): boolean {
  return /^(o\d|gpt-[5-9]|codex)/.test(model) && !model.includes("-chat");
}

/**
 * The schema in words, for a format that has no place for it. It stands in the input, because the server answers a wish for
 * JSON with an error where the input does not speak of it; the instructions do not count.
 */
function toldIn(format: OutputFormat, schema: JsonSchema): readonly ResponseInputItem[] {
  return format.type === "schema" ? [] : [{ role: "developer", content: schemaText(schema) }];
}

function textOf(format: OutputFormat): Pick<ResponseCreateParamsBase, "text"> {
  if (format.type === "text") return {};
  if (format.type === "object") return { text: { format: { type: "json_object" } } };
  return { text: { format: { type: "json_schema", name: "answer", strict: true, schema: format.schema } } };
}

function toolOf({ name, description, inputSchema }: ToolOffer, { viewOf }: OpenAiSchemas): FunctionTool {
  const { schema, strict } = viewOf(inputSchema);
  return { type: "function", name, description, parameters: schema, strict };
}

function itemsOf(turn: RenderedTurn, provider: string): readonly ResponseInputItem[] {
  switch (turn.role) {
    case "user":
      return [{ role: "user", content: turn.content.map(contentOf) }];
    case "tool":
      return turn.results.map(({ callId, content }) => ({
        type: "function_call_output",
        call_id: callId,
        output: content.every(({ type }) => type === "text")
          ? content.map((one) => (one.type === "text" ? one.text : "")).join("\n")
          : content.map(contentOf),
      }));
    case "assistant":
      return followed(turn.parts.flatMap((part) => assistantItems(part, provider)));
  }
}

/** The API answers with an error where reasoning comes without what it led to: a message or a call right behind it. */
function followed(items: readonly ResponseInputItem[]): readonly ResponseInputItem[] {
  return items.filter((item, index) => {
    if (item.type !== "reasoning") return true;
    const next = items.slice(index + 1).find(({ type }) => type !== "reasoning");
    return next?.type === "function_call" || (next !== undefined && "role" in next && next.role === "assistant");
  });
}

function assistantItems(part: RenderedPart, provider: string): readonly ResponseInputItem[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ role: "assistant", content: part.text }];
    case "toolCall": {
      const written = JSON.stringify(argumentsOf(part.input));
      return [{ type: "function_call", call_id: part.callId, name: part.tool, arguments: written }];
    }
    case "reasoning": {
      const item = ownThinking(part, provider);
      return item ? [item as unknown as ResponseReasoningItem] : [];
    }
    case "media":
      // What it made is shown to it again as what it is given: an assistant's turn holds text alone.
      return [{ role: "user", content: [contentOf(part)] }];
  }
}

function contentOf(content: RenderedContent): ResponseInputContent {
  if (content.type === "text") return { type: "input_text", text: content.text };
  const { media } = content;
  switch (kindOf(media)) {
    case "image":
      return { type: "input_image", image_url: urlOf(media), detail: "auto" };
    case "audio":
      return { type: "input_text", text: untold(media) };
    case "file":
      if (media.data === undefined) return { type: "input_file", file_url: urlOf(media) };
      return { type: "input_file", filename: fileNameOf(media), file_data: urlOf(media) };
  }
}

/** Reads a stream to its end. What counts is the response in its last event; the events before are told and forgotten. */
async function readStream(
  stream: AsyncIterable<ResponseStreamEvent>,
  onDelta: NonNullable<OpenAiCall<unknown>["onDelta"]>,
  signal: AbortSignal,
  model: string,
): Promise<Response> {
  // By place, whatever number a server gives: a list would be as long as the greatest of them.
  const items = new Map<number, ResponseOutputItem>();
  let last: Response | undefined;
  const hear = (event: ResponseStreamEvent) => {
    switch (event.type) {
      case "response.output_text.delta":
        onDelta({ type: "text", text: event.delta });
        break;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        onDelta({ type: "reasoning", text: event.delta });
        break;
      case "response.output_item.added":
        if (event.item.type === "function_call") onDelta({ type: "toolCall", tool: event.item.name });
        // Thoughts that it keeps to itself are a sign of life all the same.
        if (event.item.type === "reasoning") onDelta({ type: "reasoning", text: "" });
        break;
      case "response.output_item.done":
        items.set(event.output_index, event.item);
        break;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        last = event.response;
        break;
    }
  };
  for await (const event of stream) legible(model, () => hear(event));
  // The SDK ends a stream without a word when it is aborted.
  if (signal.aborted) throw stoppedError(model);
  if (!last) throw cutError();
  return last.output?.length > 0
    ? last
    : { ...last, output: [...items].sort(([one], [other]) => one - other).map(([, item]) => item) };
}

function partsOf(items: readonly ResponseOutputItem[], rendered: Rendered, provider: string): readonly ResponsePart[] {
  const idOf = uniqueIds();
  return items.flatMap((item): readonly ResponsePart[] => {
    switch (item.type) {
      case "message":
        return item.content.map((content) =>
          content.type === "refusal"
            ? { type: "refusal", reason: content.refusal }
            : { type: "text", text: content.text },
        );
      case "function_call": {
        const { call_id, name, arguments: written } = item;
        return [callPart({ callId: idOf(call_id), tool: name, input: parseArguments(written) }, rendered.asks)];
      }
      case "reasoning": {
        const { id, summary, encrypted_content } = item;
        // Without its sealed content it exists at the vendor alone, where nothing is stored.
        if (!encrypted_content) return [];
        const data = { type: "reasoning", id, summary: summary as unknown as Json, encrypted_content };
        return [{ type: "reasoning", provider, data }];
      }
      case "image_generation_call": {
        const { output_format } = item as { readonly output_format?: string | null };
        if (!item.result) return [];
        return [{ type: "media", media: { $media: `image/${output_format ?? "png"}`, data: item.result } }];
      }
      default:
        return [];
    }
  });
}

function cutOf({ status, incomplete_details }: Response): Pick<Answer, "cut"> {
  if (status !== "incomplete") return {};
  const reason = incomplete_details?.reason ?? "max_output_tokens";
  return { cut: reason === "content_filter" ? { why: "filtered", reason } : { why: "truncated" } };
}

/** Nothing where the server counted nothing, or did not say both: such a call settles at its reservation (D12). */
function usageOf(usage: ResponseUsage | null | undefined): Usage | undefined {
  if (!usage) return undefined;
  const { input_tokens, output_tokens, input_tokens_details: input, output_tokens_details: output } = usage;
  if (!isCount(input_tokens) || !isCount(output_tokens)) return undefined;
  return {
    inputTokens: input_tokens,
    outputTokens: output_tokens,
    ...(isCount(input?.cached_tokens) ? { cachedInputTokens: input.cached_tokens } : {}),
    ...(isCount(input?.cache_write_tokens) && input.cache_write_tokens > 0
      ? { cacheWriteTokens: input.cache_write_tokens }
      : {}),
    ...(isCount(output?.reasoning_tokens) ? { reasoningTokens: output.reasoning_tokens } : {}),
  };
}
