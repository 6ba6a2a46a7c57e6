import type Anthropic from "@anthropic-ai/sdk";
import {
  type Json,
  type JsonSchema,
  type Media,
  type ModelRequest,
  OrchestrationError,
  type ToolOffer,
} from "@remit/core";
import { type WireKeys, wireKeys } from "./anthropic-keys.ts";
import type { AnthropicThinking } from "./anthropic-options.ts";
import { nativeForm } from "./anthropic-schema.ts";
import { once } from "./once.ts";
import { type OutputForm, outputForm } from "./output-form.ts";
import {
  argumentsOf,
  ownThinking,
  type Rendered,
  type RenderedContent,
  type RenderedPart,
  type RenderedResult,
} from "./render.ts";
import { schemaView } from "./schema-view.ts";

type Params = Anthropic.MessageCreateParamsNonStreaming;
type Block = Anthropic.ContentBlockParam;
type ResultContent = Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam;

export interface WriteOptions {
  readonly model: string;
  /** Whose thinking goes back with the conversation. */
  readonly provider: string;
  readonly maxOutputTokens: number;
  readonly temperature: number | undefined;
  readonly thinking: AnthropicThinking | undefined;
  readonly structured: "native" | "tool";
  readonly cache: boolean;
  readonly schemas: AnthropicSchemas;
}

/** Schemas as the API takes them; an agent's are the same objects at every call, and each is looked through once. */
export interface AnthropicSchemas {
  readonly nativeOf: (outputSchema: JsonSchema) => OutputForm | undefined;
  /** Of a tool's arguments. */
  readonly keysOf: (inputSchema: JsonSchema) => WireKeys;
}

export function anthropicSchemas(): AnthropicSchemas {
  return { nativeOf: once(nativeForm), keysOf: once((schema) => wireKeys(schemaView(schema, "anthropic").schema)) };
}

/** A request in the words of the Messages API, and what its answer has to be read by. */
export interface Written {
  readonly params: Params;
  readonly reading: Reading;
}

export interface Reading {
  /** How the final value comes: as the text of the answer, or as the arguments of a tool of ours. */
  readonly output: { readonly by: "text" } | { readonly by: "tool"; readonly name: string };
  /** True where the final value stands in an object of ours. */
  readonly isWrapped: boolean;
  /** Arguments as the API has them, by the name of the tool that takes them, under the names that the tool has for them. */
  readonly argumentsFor: (tool: string, input: Json) => Json;
}

/** The most tokens that a call may bring, thinking included. */
export function maxTokensOf({ maxOutputTokens, thinking }: Pick<WriteOptions, "maxOutputTokens" | "thinking">): number {
  return maxOutputTokens + (typeof thinking === "object" ? thinking.budgetTokens : 0);
}

/**
 * Writes a request down. The same request gives the same parameters, byte by byte, so that a vendor's cache finds it.
 * @throws OrchestrationError `model/media-unsupported`
 */
export function writeRequest(rendered: Rendered, { outputSchema }: ModelRequest, options: WriteOptions): Written {
  const { model, temperature, thinking, cache, schemas } = options;
  const native = options.structured === "native" ? schemas.nativeOf(outputSchema) : undefined;
  const keys = new Map(rendered.tools.map(({ name, inputSchema }) => [name, schemas.keysOf(inputSchema)]));
  const tools = rendered.tools.map((tool) => toolOf(tool, schemas));
  const read = native
    ? { output: { by: "text" as const }, isWrapped: native.isWrapped }
    : addReturnTool(tools, outputSchema, keys);
  const argumentsFor = (tool: string, input: Json) => keys.get(tool)?.fromWire(input) ?? input;
  const reading: Reading = { ...read, argumentsFor };
  const last = tools.at(-1);
  if (cache && last) last.cache_control = { type: "ephemeral" };
  const system =
    reading.output.by === "tool"
      ? `${rendered.system}\n- Give that value as the arguments of the tool ${reading.output.name}.`
      : rendered.system;
  const params: Params = {
    model,
    max_tokens: maxTokensOf(options),
    system: [{ type: "text", text: system, ...(cache ? { cache_control: { type: "ephemeral" } } : {}) }],
    messages: messagesOf(rendered, options, keys),
    ...(tools.length > 0 ? { tools } : {}),
    // A model that thinks cannot be made to call a tool; its text is read as the answer then.
    ...(reading.output.by === "tool" && !thinking ? { tool_choice: { type: "any" } } : {}),
    ...(native ? { output_config: { format: { type: "json_schema", schema: native.schema } } } : {}),
    ...(thinking ? { thinking: thinkingOf(thinking) } : {}),
    // With thinking the API takes no temperature.
    ...(temperature === undefined || thinking ? {} : { temperature }),
  };
  return { params, reading };
}

function thinkingOf(thinking: AnthropicThinking): Anthropic.ThinkingConfigParam {
  return thinking === "adaptive" ? { type: "adaptive" } : { type: "enabled", budget_tokens: thinking.budgetTokens };
}

function toolOf({ name, description, inputSchema }: ToolOffer, { keysOf }: AnthropicSchemas): Anthropic.Tool {
  const { schema } = keysOf(inputSchema);
  return { name, description, input_schema: schema as Anthropic.Tool.InputSchema };
}

/** Adds the tool that takes the final value; where its name is taken, under the first free one of `return_output_2` … */
function addReturnTool(
  tools: Anthropic.Tool[],
  outputSchema: JsonSchema,
  keys: Map<string, WireKeys>,
): Omit<Reading, "argumentsFor"> {
  const taken = new Set(tools.map((tool) => tool.name));
  let name = "return_output";
  for (let count = 2; taken.has(name); count++) name = `return_output_${count}`;
  const { schema: form, isWrapped } = outputForm(outputSchema);
  const own = wireKeys(form);
  keys.set(name, own);
  const { schema } = own;
  const description = "Takes the final answer. Call it once, alone, when the work is done.";
  tools.push({ name, description, input_schema: schema as Anthropic.Tool.InputSchema });
  return { output: { by: "tool", name }, isWrapped };
}

/** Turns as messages: one message for all that comes before the model's next word, results of tools first. */
function messagesOf(
  { turns }: Rendered,
  { model, provider }: WriteOptions,
  keys: ReadonlyMap<string, WireKeys>,
): Anthropic.MessageParam[] {
  const messages: { role: "user" | "assistant"; content: Block[] }[] = [];
  const say = (role: "user" | "assistant", content: Block[]) => {
    const last = messages.at(-1);
    if (content.length === 0) return; // The API takes no empty message.
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  };
  for (const turn of turns) {
    if (turn.role === "assistant")
      say("assistant", followed(turn.parts.flatMap((part) => assistantBlocks(part, provider, keys))));
    else if (turn.role === "user")
      say(
        "user",
        turn.content.flatMap((content) => contentBlocks(content, model)),
      );
    else {
      const results = turn.results.map((result) => resultBlocks(result, model));
      say("user", [...results.map(({ block }) => block), ...results.flatMap(({ behind }) => behind)]);
    }
  }
  return messages;
}

/** The API answers with an error where thinking is the last of a message: without what it led to, it is left out. */
function followed(blocks: readonly Block[]): Block[] {
  return blocks.slice(0, blocks.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking") + 1);
}

function assistantBlocks(part: RenderedPart, provider: string, keys: ReadonlyMap<string, WireKeys>): Block[] {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }];
    case "toolCall": {
      const own = argumentsOf(part.input);
      const input = keys.get(part.tool)?.toWire(own) ?? own;
      return [{ type: "tool_use", id: part.callId, name: part.tool, input }];
    }
    case "reasoning": {
      const block = ownThinking(part, provider);
      return block ? [block as unknown as Block] : [];
    }
    case "media":
      return [{ type: "text", text: `[${part.media.$media}]` }];
  }
}

/** A result, and what has to follow behind all results: a failed one holds nothing but text. */
function resultBlocks(
  { callId, isError, content }: RenderedResult,
  model: string,
): { readonly block: Block; readonly behind: Block[] } {
  const blocks = content.flatMap((one) => contentBlocks(one, model));
  const inside = isError ? blocks.filter(({ type }) => type === "text") : blocks;
  return {
    block: {
      type: "tool_result",
      tool_use_id: callId,
      content: inside,
      ...(isError ? { is_error: true } : {}),
    },
    behind: isError ? blocks.filter(({ type }) => type !== "text") : [],
  };
}

function contentBlocks(content: RenderedContent, model: string): ResultContent[] {
  if (content.type === "media") return [mediaBlock(content.media, model)];
  return content.text.trim() === "" ? [] : [{ type: "text", text: content.text }];
}

const imageTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const;

function mediaBlock(media: Media, model: string): Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam {
  const { $media, data, url, name } = media;
  const type = $media.split(";")[0]?.trim().toLowerCase() ?? "";
  const title = name === undefined ? {} : { title: name };
  const imageType = imageTypes.find((one) => one === type);
  if (imageType !== undefined) {
    if (data !== undefined) return { type: "image", source: { type: "base64", media_type: imageType, data } };
    if (url !== undefined) return { type: "image", source: { type: "url", url } };
  }
  if (type === "application/pdf") {
    if (data !== undefined) {
      return { type: "document", source: { type: "base64", media_type: "application/pdf", data }, ...title };
    }
    if (url !== undefined) return { type: "document", source: { type: "url", url }, ...title };
  }
  if (data !== undefined && (type.startsWith("text/") || type === "application/json")) {
    const text = Buffer.from(data, "base64").toString("utf8");
    return { type: "document", source: { type: "text", media_type: "text/plain", data: text }, ...title };
  }
  throw new OrchestrationError("model/media-unsupported", { model, media: $media });
}
