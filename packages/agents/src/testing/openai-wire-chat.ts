import type { Json, JsonSchema, Media } from "@remit/core";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParams,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions/completions";
import type { CompletionUsage } from "openai/resources/completions";
import type { DecodedCall, ServedTurn, Written } from "./model-server.ts";
import { argumentsText, jsonOrText, mediaOfUrl, piecesOf } from "./model-wire.ts";

/** The Chat Completions API as a server has it: https://platform.openai.com/docs/api-reference/chat */

type Decoded = Omit<DecodedCall, "headers" | "attempt">;

export function decodeChat(body: Json): Decoded {
  const { model, messages, tools, response_format, stream, ...rest } = body as unknown as ChatCompletionCreateParams;
  const maxOutputTokens = rest.max_completion_tokens ?? rest.max_tokens;
  const system = messages.filter(({ role }) => role === "system" || role === "developer");
  return {
    model: String(model),
    system: system.map(({ content }) => (typeof content === "string" ? content : "")).join("\n"),
    turns: messages.filter((message) => !system.includes(message)).map(turnOf),
    tools: (tools ?? []).flatMap((tool) =>
      tool.type === "function"
        ? [
            {
              name: tool.function.name,
              description: tool.function.description ?? "",
              inputSchema: tool.function.parameters as JsonSchema,
            },
          ]
        : [],
    ),
    ...(response_format?.type === "json_schema" ? { schema: response_format.json_schema.schema as JsonSchema } : {}),
    stream: stream === true,
    ...(maxOutputTokens ? { maxOutputTokens } : {}),
  };
}

const empty = { text: "", media: [], calls: [], reasoning: [] };

function turnOf(message: ChatCompletionMessageParam): ServedTurn {
  switch (message.role) {
    case "assistant": {
      const calls = (message.tool_calls ?? []).flatMap((call) =>
        call.type === "function"
          ? [{ callId: call.id, tool: call.function.name, input: jsonOrText(call.function.arguments) }]
          : [],
      );
      return { ...empty, role: "assistant", ...contentOf(message.content), calls };
    }
    case "tool":
      return { ...empty, role: "tool", ...contentOf(message.content), callId: message.tool_call_id };
    default:
      return { ...empty, role: "user", ...contentOf(message.content) };
  }
}

type Content = string | null | undefined | readonly (ChatCompletionContentPart | { readonly type: "refusal" })[];

function contentOf(content: Content): { readonly text: string; readonly media: readonly Media[] } {
  if (!content || typeof content === "string") return { text: content ?? "", media: [] };
  return {
    text: content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n"),
    media: content.flatMap((part): readonly Media[] => {
      switch (part.type) {
        case "image_url":
          return [mediaOfUrl(part.image_url.url)];
        case "input_audio":
          return [{ $media: `audio/${part.input_audio.format}`, data: part.input_audio.data }];
        case "file":
          return [mediaOfUrl(part.file.file_data ?? "", part.file.filename)];
        default:
          return [];
      }
    }),
  };
}

interface Said {
  readonly content: string;
  readonly refusal: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly written: string }[];
}

function saidIn({ parts, index }: Written): Said {
  return {
    content: parts
      .flatMap((part) => {
        if (part.type === "output") return [JSON.stringify(part.value)];
        return part.type === "text" ? [part.text] : [];
      })
      .join(""),
    refusal: parts.flatMap((part) => (part.type === "refusal" ? [part.reason] : [])).join(""),
    calls: parts.flatMap((part, place) => {
      if (part.type === "toolCall") {
        return [{ id: part.callId, name: part.tool, written: argumentsText(part.input) }];
      }
      if (part.type !== "ask") return [];
      const written = JSON.stringify({ question: part.question });
      return [{ id: `call_ask_${index}_${place}`, name: `ask_${part.of}`, written }];
    }),
  };
}

function finishOf({ end }: Written, { calls }: Said): ChatCompletion.Choice["finish_reason"] {
  if (end === "truncated") return "length";
  if (end === "content-filter") return "content_filter";
  return calls.length > 0 ? "tool_calls" : "stop";
}

export function chatWhole(call: DecodedCall, written: Written): ChatCompletion {
  const said = saidIn(written);
  const { content, refusal, calls } = said;
  return {
    id: `chatcmpl-${written.index}`,
    object: "chat.completion",
    created: 1_767_225_600 + written.index,
    model: call.model,
    choices: [
      {
        index: 0,
        logprobs: null,
        finish_reason: finishOf(written, said),
        message: {
          role: "assistant",
          content: content === "" ? null : content,
          refusal: refusal === "" ? null : refusal,
          ...(calls.length === 0
            ? {}
            : {
                tool_calls: calls.map(({ id, name, written: text }) => ({
                  id,
                  type: "function" as const,
                  function: { name, arguments: text },
                })),
              }),
        },
      },
    ],
    ...(written.usage ? { usage: usageOf(written.usage) } : {}),
  };
}

export function chatEvents(call: DecodedCall, written: Written): readonly ChatCompletionChunk[] {
  const said = saidIn(written);
  const chunk = (
    delta: ChatCompletionChunk.Choice.Delta,
    finish_reason: ChatCompletionChunk.Choice["finish_reason"] = null,
  ): ChatCompletionChunk => ({
    id: `chatcmpl-${written.index}`,
    object: "chat.completion.chunk",
    created: 1_767_225_600 + written.index,
    model: call.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  return [
    chunk({ role: "assistant", content: "", refusal: null }),
    ...piecesOf(said.content).map((content) => chunk({ content })),
    ...piecesOf(said.refusal).map((refusal) => chunk({ refusal })),
    ...said.calls.flatMap(({ id, name, written: text }, index) => [
      chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
      ...piecesOf(text).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, finishOf(written, said)),
    ...(written.usage ? [{ ...chunk({}), choices: [], usage: usageOf(written.usage) }] : []),
  ];
}

function usageOf({
  inputTokens,
  outputTokens,
  cachedInputTokens = 0,
  reasoningTokens = 0,
}: NonNullable<Written["usage"]>): CompletionUsage {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}
