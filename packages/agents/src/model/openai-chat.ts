import type { Media, ModelRequest, ResponsePart, ToolOffer, Usage } from "@remit/core";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsBase,
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions/completions";
import type { CompletionUsage } from "openai/resources/completions";
import { type Answer, withOutput } from "./answer.ts";
import { callPart } from "./ask.ts";
import { uniqueIds } from "./call-id.ts";
import { isCount } from "./count.ts";
import { legible } from "./legible.ts";
import { type ChatMessage, chatAnswer, chatCollector } from "./openai-chat-stream.ts";
import type { OpenAiSchemas, OutputFormat } from "./openai-format.ts";
import { fileNameOf, kindOf, untold, urlOf } from "./openai-media.ts";
import type { OpenAiCall } from "./openai-model.ts";
import type { OpenAiCompatibleOptions } from "./openai-options.ts";
import {
  argumentsOf,
  parseArguments,
  type Rendered,
  type RenderedContent,
  type RenderedTurn,
  schemaText,
} from "./render.ts";
import { cutError, stoppedError } from "./sdk-failure.ts";

type More = Pick<OpenAiCompatibleOptions, "temperature" | "reasoningEffort" | "structured">;

function chatFormat(
  { outputSchema }: ModelRequest,
  { tools }: Rendered,
  { structured = "without-tools" }: More,
  { formatOf }: OpenAiSchemas,
) {
  const isTold = structured === "always" || (structured === "without-tools" && tools.length === 0);
  return isTold ? formatOf(outputSchema) : ({ type: "text" } satisfies OutputFormat);
}

/** A request as the Chat Completions API takes it. */
export function writeChat(
  request: ModelRequest,
  rendered: Rendered,
  maxOutputTokens: number,
  model: string,
  more: More,
  schemas: OpenAiSchemas,
) {
  const { temperature, reasoningEffort } = more;
  const format = chatFormat(request, rendered, more, schemas);
  const system =
    format.type === "schema" ? rendered.system : `${rendered.system}\n\n${schemaText(request.outputSchema)}`;
  return {
    model,
    messages: [{ role: "system", content: system }, ...rendered.turns.flatMap(messagesOf)],
    // The newer `max_completion_tokens` is not known to all servers.
    max_tokens: maxOutputTokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    ...(rendered.tools.length > 0 ? { tools: rendered.tools.map((tool) => toolOf(tool, schemas)) } : {}),
    ...responseFormatOf(format),
  } satisfies ChatCompletionCreateParamsBase;
}

/** The Chat Completions API, as OpenAI has it and many servers speak it: Ollama, vLLM, LM Studio and others. */
export async function askChat(
  call: OpenAiCall<ReturnType<typeof writeChat>>,
  model: string,
  more: More,
  schemas: OpenAiSchemas,
): Promise<Answer> {
  const { client, request, rendered, body, onDelta, onUsage, options } = call;
  const format = chatFormat(request, rendered, more, schemas);
  const told = onDelta
    ? await readStream(
        await client.chat.completions.create(
          { ...body, stream: true, stream_options: { include_usage: true } },
          options,
        ),
        call,
        model,
      )
    : await wholeAnswer(call, model);
  // Some servers tell a usage with every piece: of an answer without its end, it is not all.
  if (told.finish === null) throw cutError();
  const usage = usageOf(told.usage);
  if (usage) onUsage(usage);
  return {
    parts: withOutput(
      legible(model, () => partsOf(told.message, rendered)),
      format.type === "schema" ? format.unwrap : undefined,
    ),
    ...(usage ? { usage } : {}),
    ...cutOf(told.finish),
    ...(told.model ? { model: told.model } : {}),
  };
}

async function wholeAnswer({ client, body, options }: OpenAiCall<ReturnType<typeof writeChat>>, model: string) {
  const answer = await client.chat.completions.create({ ...body, stream: false }, options);
  return legible(model, () => chatAnswer(answer, model));
}

function responseFormatOf(format: OutputFormat): Pick<ChatCompletionCreateParamsBase, "response_format"> {
  if (format.type === "text") return {};
  if (format.type === "object") return { response_format: { type: "json_object" } };
  const { schema } = format;
  return { response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } };
}

function toolOf({ name, description, inputSchema }: ToolOffer, { viewOf }: OpenAiSchemas): ChatCompletionFunctionTool {
  const { schema, strict } = viewOf(inputSchema);
  return { type: "function", function: { name, description, parameters: schema, ...(strict ? { strict } : {}) } };
}

function messagesOf(turn: RenderedTurn): readonly ChatCompletionMessageParam[] {
  switch (turn.role) {
    case "user":
      return [{ role: "user", content: contentsOf(turn.content) }];
    case "tool": {
      // A tool's message holds text alone, so that its media follow in a message of their own, behind all results.
      const media = turn.results.flatMap(({ content }) => content.filter(({ type }) => type === "media"));
      const results = turn.results.map(({ callId, content }) => ({
        role: "tool" as const,
        tool_call_id: callId,
        content: content.flatMap((one) => (one.type === "text" ? [one.text] : [])).join("\n"),
      }));
      if (media.length === 0) return results;
      const said = { type: "text" as const, text: "What the results above name, in their order:" };
      return [...results, { role: "user", content: contentsOf([said, ...media]) }];
    }
    case "assistant": {
      const text = turn.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
      const calls = turn.parts.filter((part) => part.type === "toolCall");
      const media = turn.parts.filter((part) => part.type === "media");
      if (text === "" && calls.length === 0 && media.length === 0) return [];
      return [
        ...(text === "" && calls.length === 0
          ? []
          : [
              {
                role: "assistant" as const,
                content: text === "" ? null : text,
                ...(calls.length === 0 ? {} : { tool_calls: calls.map(toolCallOf) }),
              },
            ]),
        ...(media.length === 0 ? [] : [{ role: "user" as const, content: contentsOf(media) }]),
      ];
    }
  }
}

function toolCallOf({ callId, tool, input }: Extract<ResponsePart, { type: "toolCall" }>) {
  const written = JSON.stringify(argumentsOf(input));
  return { type: "function" as const, id: callId, function: { name: tool, arguments: written } };
}

/** A text alone is a string, which every server takes. */
function contentsOf(contents: readonly RenderedContent[]): string | ChatCompletionContentPart[] {
  const [first] = contents;
  return contents.length === 1 && first?.type === "text" ? first.text : contents.map(contentOf);
}

function contentOf(content: RenderedContent): ChatCompletionContentPart {
  if (content.type === "text") return { type: "text", text: content.text };
  const { media } = content;
  if (kindOf(media) === "image") return { type: "image_url", image_url: { url: urlOf(media) } };
  const format = soundFormatOf(media);
  if (media.data !== undefined && format) {
    return { type: "input_audio", input_audio: { data: media.data, format } };
  }
  if (media.data === undefined || kindOf(media) === "audio") return { type: "text", text: untold(media) };
  return { type: "file", file: { filename: fileNameOf(media), file_data: urlOf(media) } };
}

function soundFormatOf({ $media }: Media): "wav" | "mp3" | undefined {
  if (/^audio\/(x-|vnd\.)?wave?$/i.test($media)) return "wav";
  return /^audio\/(mpeg|mp3)$/i.test($media) ? "mp3" : undefined;
}

async function readStream(
  stream: AsyncIterable<ChatCompletionChunk>,
  { onDelta, onUsage, options }: OpenAiCall<unknown>,
  model: string,
): Promise<ReturnType<typeof chatAnswer>> {
  const collector = chatCollector((delta) => onDelta?.(delta));
  for await (const chunk of stream) {
    legible(model, () => collector.take(chunk));
    // With the reason why it ended or behind it, so that nothing is produced any more.
    const usage = collector.answer().finish === null ? undefined : usageOf(chunk.usage);
    if (usage) onUsage(usage);
  }
  // The SDK ends a stream without a word when it is aborted.
  if (options.signal.aborted) throw stoppedError(model);
  return collector.answer();
}

function partsOf(message: ChatMessage, { asks }: Rendered): readonly ResponsePart[] {
  const idOf = uniqueIds();
  return [
    ...(message.refusal ? [{ type: "refusal" as const, reason: message.refusal }] : []),
    ...(message.content ? [{ type: "text" as const, text: message.content }] : []),
    ...(message.audio ? [{ type: "media" as const, media: { $media: "audio/wav", data: message.audio } }] : []),
    ...message.calls.map(({ id, name, written }) =>
      callPart({ callId: idOf(id), tool: name, input: parseArguments(written) }, asks),
    ),
  ];
}

function cutOf(finish: ChatCompletion.Choice["finish_reason"]): Pick<Answer, "cut"> {
  if (finish === "length") return { cut: { why: "truncated" } };
  return finish === "content_filter" ? { cut: { why: "filtered", reason: finish } } : {};
}

/** Nothing where the server counted nothing, or did not say both: such a call settles at its reservation (D12). */
function usageOf(usage: CompletionUsage | null | undefined): Usage | undefined {
  if (!usage) return undefined;
  const { prompt_tokens, completion_tokens, prompt_tokens_details: input, completion_tokens_details: output } = usage;
  if (!isCount(prompt_tokens) || !isCount(completion_tokens)) return undefined;
  // Some servers count thinking beside the answer, and in the total alone.
  const rest = isCount(usage.total_tokens) ? usage.total_tokens - prompt_tokens : 0;
  return {
    inputTokens: prompt_tokens,
    outputTokens: Math.max(completion_tokens, rest),
    ...(isCount(input?.cached_tokens) ? { cachedInputTokens: input.cached_tokens } : {}),
    ...(isCount(input?.cache_write_tokens) && input.cache_write_tokens > 0
      ? { cacheWriteTokens: input.cache_write_tokens }
      : {}),
    ...(isCount(output?.reasoning_tokens) ? { reasoningTokens: output.reasoning_tokens } : {}),
  };
}
