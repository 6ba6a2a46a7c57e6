import type { Json, JsonSchema, Media, ResponsePart, ToolOffer, Usage } from "@remit/core";
import { wrapperKey } from "../model/schema-view.ts";
import {
  type DecodedCall,
  type ModelServer,
  type ModelServerOptions,
  modelServer,
  type ServedTurn,
  type ServedVendor,
  type Written,
} from "./model-server.ts";
import { argumentsText, piecesOf, type ServedEvent } from "./model-wire.ts";

/**
 * Anthropic's Messages API on 127.0.0.1, for tests. Like the real one it refuses (400) a conversation that breaks its rules:
 * an empty text, a call without its result in the next message, a result behind something else, an id that comes twice.
 */
export function anthropicServer(options: ModelServerOptions): Promise<ModelServer> {
  return modelServer(vendor, {
    ...options,
    answer: (call) => {
      const { complaint } = call as Served;
      if (complaint !== undefined) throw new Error(complaint);
      return options.answer(call);
    },
  });
}

/** A call with what only this vendor knows of it. */
interface Served extends DecodedCall {
  /** The tool that takes the final value. */
  readonly returnTool: ToolOffer | undefined;
  readonly complaint: string | undefined;
}

interface Block {
  readonly type: string;
  readonly [key: string]: Json | undefined;
}

interface Body {
  readonly model: string;
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly system?: string | readonly Block[];
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string | readonly Block[] }[];
  readonly tools?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly input_schema: JsonSchema;
  }[];
  readonly tool_choice?: { readonly type: string };
  readonly thinking?: { readonly type: string; readonly budget_tokens?: number };
  readonly temperature?: number;
  readonly output_config?: { readonly format?: { readonly schema: JsonSchema } };
}

const vendor: ServedVendor = {
  decode: (path, json) => {
    if (path !== "/v1/messages") return undefined;
    const body = json as unknown as Body;
    const tools = (body.tools ?? []).map(({ name, description = "", input_schema }) => ({
      name,
      description,
      inputSchema: input_schema,
    }));
    const schema = body.output_config?.format?.schema;
    const returnTool = schema ? undefined : tools.findLast(({ name }) => /^return_output(_\d+)?$/.test(name));
    const decoded: Omit<Served, "headers" | "attempt"> = {
      model: body.model,
      system: textOf(blocksOf(body.system ?? "")),
      turns: body.messages.flatMap(({ role, content }) => turnsOf(role, blocksOf(content))),
      tools: tools.filter((tool) => tool !== returnTool),
      ...(schema ? { schema } : {}),
      stream: body.stream === true,
      maxOutputTokens: body.max_tokens,
      returnTool,
      complaint: complaintOf(body),
    };
    return decoded;
  },
  whole: (_, call, written) => ({
    ...messageOf(call, written, written.usage),
    content: contentOf(call as Served, written.parts) as readonly Json[],
    ...stopOf(written),
  }),
  events: (_, call, written) => {
    const { usage } = written;
    const events: Json[] = [
      {
        type: "message_start",
        message: {
          ...messageOf(call, written, usage && { ...usage, outputTokens: 1 }),
          content: [],
          stop_reason: null,
          stop_sequence: null,
        },
      },
      { type: "ping" },
    ];
    for (const [index, block] of contentOf(call as Served, written.parts).entries()) {
      const { start, deltas } = writtenIn(block);
      events.push({ type: "content_block_start", index, content_block: start });
      for (const delta of deltas) events.push({ type: "content_block_delta", index, delta });
      events.push({ type: "content_block_stop", index });
    }
    events.push(
      { type: "message_delta", delta: stopOf(written), ...(usage ? { usage: wireUsage(usage) } : {}) },
      { type: "message_stop" },
    );
    return events.map((data): ServedEvent => ({ event: (data as { readonly type: string }).type, data }));
  },
  failure: (_, type, message) => ({
    type: "error",
    error: { type: type === "server_error" ? "api_error" : type, message },
    request_id: "req_test",
  }),
  overloadedStatus: 529,
  overloaded: () => ({
    event: "error",
    data: { type: "error", error: { type: "overloaded_error", message: "Overloaded." }, request_id: "req_test" },
  }),
};

function messageOf(call: DecodedCall, { index }: Written, usage: Usage | undefined): { readonly [key: string]: Json } {
  return {
    id: `msg_${index + 1}`,
    type: "message",
    role: "assistant",
    model: call.model,
    ...(usage ? { usage: wireUsage(usage) } : {}),
  };
}

function wireUsage({ inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens }: Usage): Json {
  return {
    input_tokens: inputTokens - cachedInputTokens,
    cache_read_input_tokens: cachedInputTokens,
    cache_creation_input_tokens: 0,
    output_tokens: outputTokens,
    ...(reasoningTokens === undefined ? {} : { output_tokens_details: { thinking_tokens: reasoningTokens } }),
  };
}

function stopOf({ parts, end }: Written): { readonly [key: string]: Json } {
  const refusal = parts.find((part) => part.type === "refusal");
  const isCalling = parts.some(({ type }) => type === "toolCall" || type === "ask");
  if (refusal || end === "content-filter") {
    const explanation = refusal?.reason ?? null;
    return {
      stop_reason: "refusal",
      stop_sequence: null,
      stop_details: { type: "refusal", category: null, explanation },
    };
  }
  const reason = end === "truncated" ? "max_tokens" : isCalling ? "tool_use" : "end_turn";
  return { stop_reason: reason, stop_sequence: null };
}

/** What a model would say; sounds and pictures it makes none. */
function contentOf(call: Served, parts: readonly ResponsePart[]): readonly Block[] {
  return parts.flatMap((part, index): Block[] => {
    switch (part.type) {
      case "text":
        return [{ type: "text", text: part.text }];
      case "toolCall":
        return [{ type: "tool_use", id: part.callId, name: part.tool, input: part.input }];
      case "ask": {
        const name = call.tools.findLast((tool) => tool.name.startsWith(`ask_${part.of}`))?.name ?? `ask_${part.of}`;
        return [{ type: "tool_use", id: `toolu_ask_${index}`, name, input: { question: part.question } }];
      }
      case "output": {
        const { returnTool, schema } = call;
        const value = isWrapping(schema ?? returnTool?.inputSchema) ? { [wrapperKey]: part.value } : part.value;
        if (!returnTool) return [{ type: "text", text: JSON.stringify(value) }];
        return [{ type: "tool_use", id: `toolu_output_${index}`, name: returnTool.name, input: value }];
      }
      case "reasoning":
        // What is no block of the API stands for its seal.
        return [
          typeof part.data === "string"
            ? { type: "thinking", thinking: "Let me see.", signature: part.data }
            : (part.data as unknown as Block),
        ];
      default:
        return [];
    }
  });
}

function isWrapping(schema: JsonSchema | undefined): boolean {
  const names = Object.keys((schema?.properties ?? {}) as object);
  return names.length === 1 && names[0] === wrapperKey;
}

function writtenIn(block: Block): { readonly start: Json; readonly deltas: readonly Json[] } {
  switch (block.type) {
    case "text": {
      const pieces = piecesOf(String(block.text));
      return { start: { type: "text", text: "" }, deltas: pieces.map((text) => ({ type: "text_delta", text })) };
    }
    case "tool_use": {
      const { id, name, input } = block;
      const pieces = piecesOf(argumentsText(input as Json));
      const start = { type: "tool_use", id: id as string, name: name as string, input: {} };
      return {
        start,
        deltas: ["", ...pieces].map((partial_json) => ({ type: "input_json_delta", partial_json })),
      };
    }
    case "thinking": {
      const pieces = piecesOf(String(block.thinking)).map((thinking) => ({ type: "thinking_delta", thinking }));
      return {
        start: { type: "thinking", thinking: "", signature: "" },
        deltas: [...pieces, { type: "signature_delta", signature: block.signature as string }],
      };
    }
    default:
      return { start: block as Json, deltas: [] };
  }
}

function blocksOf(content: string | readonly Block[]): readonly Block[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function textOf(blocks: readonly Block[]): string {
  return blocks.flatMap(({ type, text }) => (type === "text" ? [String(text)] : [])).join("\n");
}

/** One turn for each result, then one for what else there is. */
function turnsOf(role: "user" | "assistant", blocks: readonly Block[]): readonly ServedTurn[] {
  const results = blocks.filter(({ type }) => type === "tool_result");
  const others = blocks.filter(({ type }) => type !== "tool_result");
  return [
    ...results.map((block): ServedTurn => {
      const content = blocksOf((block.content ?? "") as string | readonly Block[]);
      return {
        role: "tool",
        text: textOf(content),
        media: content.flatMap(mediaOf),
        calls: [],
        callId: String(block.tool_use_id),
        ...(block.is_error === true ? { isError: true } : {}),
        reasoning: [],
      };
    }),
    ...(others.length === 0 ? [] : [turnOf(role, others)]),
  ];
}

function turnOf(role: "user" | "assistant", blocks: readonly Block[]): ServedTurn {
  return {
    role,
    text: textOf(blocks),
    media: blocks.flatMap(mediaOf),
    calls: blocks.flatMap(({ type, id, name, input }) =>
      type === "tool_use" ? [{ callId: String(id), tool: String(name), input: input as Json }] : [],
    ),
    reasoning: blocks.filter(({ type }) => type === "thinking" || type === "redacted_thinking") as readonly Json[],
  };
}

function mediaOf({ type, source, title }: Block): Media[] {
  if (type !== "image" && type !== "document") return [];
  const { media_type, data, url, type: kind } = source as { readonly [key: string]: string };
  const name = typeof title === "string" ? { name: title } : {};
  const $media = media_type ?? (type === "image" ? "image/*" : "application/pdf");
  if (url !== undefined) return [{ $media, url, ...name }];
  return [{ $media, data: kind === "text" ? Buffer.from(data ?? "").toString("base64") : (data ?? ""), ...name }];
}

/** The first rule of the API that a request breaks. */
function complaintOf(body: Body): string | undefined {
  const { messages, tools = [], thinking, tool_choice, temperature } = body;
  if (!(body.max_tokens > 0)) return "max_tokens: must be at least 1";
  if (thinking && thinking.type !== "disabled") {
    if ((thinking.budget_tokens ?? 0) >= body.max_tokens)
      return "max_tokens must be greater than thinking.budget_tokens";
    if (tool_choice && ["any", "tool"].includes(tool_choice.type))
      return "thinking may not be enabled when tool use is forced";
    if (temperature !== undefined && temperature !== 1) return "temperature may only be 1 when thinking is enabled";
  }
  for (const [index, tool] of tools.entries()) {
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) return `tools.${index}.name: invalid`;
    if (tools.findIndex(({ name }) => name === tool.name) < index) return `tools: names must be unique (${tool.name})`;
    const { type, oneOf, anyOf, allOf } = tool.input_schema;
    if (type !== "object") return `tools.${index}.input_schema.type: must be "object"`;
    if (oneOf ?? anyOf ?? allOf) return `tools.${index}.input_schema: no oneOf, allOf or anyOf at the top level`;
  }
  if (messages[0]?.role !== "user") return "messages: the first one must use the user role";
  const seen = new Set<string>();
  for (const [index, { role, content }] of messages.entries()) {
    const blocks = blocksOf(content);
    if (blocks.length === 0) return `messages.${index}: content must not be empty`;
    if (blocks.some(({ type, text }) => type === "text" && String(text).trim() === "")) {
      return `messages.${index}: text content blocks must contain non-whitespace text`;
    }
    const results = blocks.filter(({ type }) => type === "tool_result");
    if (blocks.slice(0, results.length).some(({ type }) => type !== "tool_result")) {
      return `messages.${index}: tool_result blocks must come first`;
    }
    for (const { is_error, content: inner } of results) {
      const within = blocksOf((inner ?? []) as string | readonly Block[]);
      if (is_error && within.some(({ type }) => type !== "text")) return "tool_result with is_error holds text alone";
    }
    const before = index > 0 ? callsIn(messages[index - 1]?.content ?? []) : [];
    const answered = results.map(({ tool_use_id }) => String(tool_use_id));
    if (role === "user" && JSON.stringify([...before].sort()) !== JSON.stringify([...answered].sort())) {
      return `messages.${index}: each tool_use of the message before must have its tool_result here, and no other`;
    }
    for (const id of callsIn(content)) {
      if (seen.has(id)) return "tool_use ids must be unique";
      seen.add(id);
    }
    if (role === "assistant" && callsIn(content).length > 0 && index === messages.length - 1) {
      return "tool_use ids were found without tool_result blocks";
    }
  }
  return undefined;
}

function callsIn(content: string | readonly Block[]): readonly string[] {
  return blocksOf(content).flatMap(({ type, id }) => (type === "tool_use" ? [String(id)] : []));
}
