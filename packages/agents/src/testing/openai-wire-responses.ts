import type { Json, JsonSchema, Media, ResponsePart } from "@remit/core";
import type {
  Response,
  ResponseCreateParams,
  ResponseInputItem,
  ResponseOutputItem,
  ResponseStreamEvent,
  ResponseUsage,
} from "openai/resources/responses/responses";
import type { DecodedCall, ServedTurn, Written } from "./model-server.ts";
import { argumentsText, jsonOrText, mediaOfUrl, piecesOf } from "./model-wire.ts";

/** The Responses API as a server has it: https://platform.openai.com/docs/api-reference/responses */

type Decoded = Omit<DecodedCall, "headers" | "attempt">;

export function decodeResponses(body: Json): Decoded {
  const { model, instructions, input, tools, text, stream, max_output_tokens } =
    body as unknown as ResponseCreateParams;
  const format = text?.format;
  const items = Array.isArray(input) ? input : [];
  const told = items.filter((item) => "role" in item && (item.role === "developer" || item.role === "system"));
  const texts = told.map((item) => ("content" in item ? contentOf(item.content as Content).text : ""));
  return {
    model: String(model),
    system: [instructions ?? "", ...texts].join("\n\n"),
    turns: merged(items.filter((item) => !told.includes(item)).map(turnOf)),
    tools: (tools ?? []).flatMap((tool) =>
      tool.type === "function"
        ? [{ name: tool.name, description: tool.description ?? "", inputSchema: tool.parameters as JsonSchema }]
        : [],
    ),
    ...(format?.type === "json_schema" ? { schema: format.schema as JsonSchema } : {}),
    stream: stream === true,
    ...(max_output_tokens ? { maxOutputTokens: max_output_tokens } : {}),
  };
}

const empty = { text: "", media: [], calls: [], reasoning: [] };

function turnOf(item: ResponseInputItem): ServedTurn {
  switch (item.type) {
    case "function_call": {
      const call = { callId: item.call_id, tool: item.name, input: jsonOrText(item.arguments) };
      return { ...empty, role: "assistant", calls: [call] };
    }
    case "function_call_output":
      return { ...empty, role: "tool", ...contentOf(item.output), callId: item.call_id ?? "" };
    case "reasoning":
      return { ...empty, role: "assistant", reasoning: [item as unknown as Json] };
    case "message":
    case undefined:
      if (!("role" in item)) throw new TypeError("a reference to an item that is stored nowhere");
      return {
        ...empty,
        role: item.role === "assistant" ? "assistant" : "user",
        ...contentOf(item.content as Content),
      };
    default:
      throw new TypeError(`an item of type ${item.type} is not known here`);
  }
}

type Content =
  | string
  | readonly {
      readonly type: string;
      readonly text?: string;
      readonly image_url?: string | null;
      readonly file_data?: string | null;
      readonly file_url?: string | null;
      readonly filename?: string | null;
    }[];

function contentOf(content: string | readonly object[]): { readonly text: string; readonly media: readonly Media[] } {
  if (typeof content === "string") return { text: content, media: [] };
  const parts = content as Exclude<Content, string>;
  return {
    text: parts.flatMap(({ text }) => (text === undefined ? [] : [text])).join("\n"),
    media: parts.flatMap(({ image_url, file_data, file_url, filename }) => {
      const url = image_url ?? file_data ?? file_url;
      return url ? [mediaOfUrl(url, filename ?? undefined)] : [];
    }),
  };
}

/** Items of one assistant in a row are one turn. */
function merged(turns: readonly ServedTurn[]): readonly ServedTurn[] {
  const all: ServedTurn[] = [];
  for (const turn of turns) {
    const last = all.at(-1);
    if (turn.role !== "assistant" || last?.role !== "assistant") {
      all.push(turn);
      continue;
    }
    all[all.length - 1] = {
      ...last,
      text: `${last.text}${turn.text}`,
      calls: [...last.calls, ...turn.calls],
      reasoning: [...last.reasoning, ...turn.reasoning],
    };
  }
  return all;
}

/** A response without the member that the SDK adds. */
type Served = Omit<Response, "output_text">;

export function responsesWhole(call: DecodedCall, written: Written): Served {
  const { end, usage, index } = written;
  const isCut = end !== "complete";
  return {
    id: `resp_${index}`,
    object: "response",
    created_at: 1_767_225_600 + index,
    access_programs: null,
    status: isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut ? { reason: end === "truncated" ? "max_output_tokens" : "content_filter" } : null,
    instructions: call.system,
    max_output_tokens: call.maxOutputTokens ?? null,
    metadata: {},
    model: call.model,
    output: itemsOf(written),
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    ...(usage ? { usage: usageOf(usage) } : {}),
  };
}

function usageOf({
  inputTokens,
  outputTokens,
  cachedInputTokens = 0,
  reasoningTokens = 0,
}: NonNullable<Written["usage"]>): ResponseUsage {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  };
}

function itemsOf({ parts, index }: Written): ResponseOutputItem[] {
  return parts.map((part, place) => itemOf(part, `${index}_${place}`));
}

function itemOf(part: ResponsePart, id: string): ResponseOutputItem {
  const message = (text: string): ResponseOutputItem => ({
    type: "message",
    id: `msg_${id}`,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text, annotations: [] }],
  });
  switch (part.type) {
    case "text":
      return message(part.text);
    case "output":
      return message(JSON.stringify(part.value));
    case "toolCall":
      return {
        type: "function_call",
        id: `fc_${id}`,
        call_id: part.callId,
        name: part.tool,
        arguments: argumentsText(part.input),
        status: "completed",
      };
    case "ask":
      return {
        type: "function_call",
        id: `fc_${id}`,
        call_id: `call_ask_${id}`,
        name: `ask_${part.of}`,
        arguments: JSON.stringify({ question: part.question }),
        status: "completed",
      };
    case "refusal":
      return {
        type: "message",
        id: `msg_${id}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "refusal", refusal: part.reason }],
      };
    case "reasoning":
      return {
        type: "reasoning",
        id: `rs_${id}`,
        summary: [{ type: "summary_text", text: "Thinking it over." }],
        encrypted_content: `sealed:${JSON.stringify(part.data)}`,
      };
    case "media":
      return { type: "image_generation_call", id: `ig_${id}`, status: "completed", result: part.media.data ?? null };
  }
}

type Unnumbered = ResponseStreamEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, "sequence_number">
    : never
  : never;

export function responsesEvents(
  call: DecodedCall,
  written: Written,
): readonly (ResponseStreamEvent & { readonly type: string })[] {
  const whole = responsesWhole(call, written);
  const begun = { ...whole, status: "in_progress" as const, output: [], incomplete_details: null, usage: undefined };
  const events: Unnumbered[] = [
    { type: "response.created", response: begun as unknown as Response },
    { type: "response.in_progress", response: begun as unknown as Response },
    ...whole.output.flatMap(itemEvents),
    {
      type: whole.status === "incomplete" ? "response.incomplete" : "response.completed",
      response: whole as unknown as Response,
    },
  ];
  return events.map((event, number) => ({ ...event, sequence_number: number }) as ResponseStreamEvent);
}

/** The last event of a response that failed after it had begun. */
export function responsesFailed(call: DecodedCall, written: Written, code: string, message: string): object {
  const response = {
    ...responsesWhole(call, written),
    status: "failed",
    output: [],
    error: { code, message },
    usage: null,
  };
  return { type: "response.failed", response, sequence_number: 1_000 };
}

function itemEvents(item: ResponseOutputItem, output_index: number): readonly Unnumbered[] {
  const done: Unnumbered = { type: "response.output_item.done", output_index, item };
  const added = (begun: ResponseOutputItem): Unnumbered => ({
    type: "response.output_item.added",
    output_index,
    item: begun,
  });
  switch (item.type) {
    case "message": {
      const [content] = item.content;
      const at = { item_id: item.id, output_index, content_index: 0 };
      if (!content) return [added(item), done];
      if (content.type === "refusal") {
        return [
          added({ ...item, status: "in_progress", content: [] }),
          { type: "response.content_part.added", ...at, part: { type: "refusal", refusal: "" } },
          ...piecesOf(content.refusal).map((delta): Unnumbered => ({ type: "response.refusal.delta", ...at, delta })),
          { type: "response.refusal.done", ...at, refusal: content.refusal },
          { type: "response.content_part.done", ...at, part: content },
          done,
        ];
      }
      return [
        added({ ...item, status: "in_progress", content: [] }),
        { type: "response.content_part.added", ...at, part: { type: "output_text", text: "", annotations: [] } },
        ...piecesOf(content.text).map(
          (delta): Unnumbered => ({ type: "response.output_text.delta", ...at, delta, logprobs: [] }),
        ),
        { type: "response.output_text.done", ...at, text: content.text, logprobs: [] },
        { type: "response.content_part.done", ...at, part: content },
        done,
      ];
    }
    case "function_call": {
      const at = { item_id: item.id ?? "", output_index };
      return [
        added({ ...item, status: "in_progress", arguments: "" }),
        ...piecesOf(item.arguments).map(
          (delta): Unnumbered => ({ type: "response.function_call_arguments.delta", ...at, delta }),
        ),
        { type: "response.function_call_arguments.done", ...at, arguments: item.arguments } as Unnumbered,
        done,
      ];
    }
    case "reasoning": {
      const at = { item_id: item.id, output_index, summary_index: 0 };
      const text = item.summary[0]?.text ?? "";
      return [
        added({ ...item, summary: [] }),
        { type: "response.reasoning_summary_part.added", ...at, part: { type: "summary_text", text: "" } },
        ...piecesOf(text).map((delta): Unnumbered => ({ type: "response.reasoning_summary_text.delta", ...at, delta })),
        { type: "response.reasoning_summary_text.done", ...at, text },
        { type: "response.reasoning_summary_part.done", ...at, part: { type: "summary_text", text } },
        done,
      ];
    }
    default:
      return [added(item), done];
  }
}
