import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
} from "@ai-sdk/provider";
import { type Json, type Media, OrchestrationError } from "@remit/core";
import { argumentsOf, type Rendered, type RenderedContent, type RenderedPart } from "./render.ts";

export interface PromptOptions {
  readonly model: string;
  /** Whose thinking goes back with the prompt. */
  readonly origin: string;
  /** What the provider fetches itself, by media type. */
  readonly urls: Record<string, RegExp[]>;
}

/**
 * Thinking as it stands in the journal: a part of the provider's content as it came, or what the provider noted on the
 * n-th call of the same answer.
 */
export type Kept =
  | { readonly type: "part"; readonly part: Json }
  | { readonly type: "call"; readonly call: number; readonly metadata: Json };

type AssistantContent = Extract<LanguageModelV4Message, { role: "assistant" }>["content"];

/** @throws OrchestrationError `model/media-unsupported` for a URL that the provider does not fetch: nobody else does */
export function promptOf(rendered: Rendered, options: PromptOptions): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = [{ role: "system", content: rendered.system }];
  for (const turn of rendered.turns) {
    if (turn.role === "assistant") {
      const content = assistantContent(turn.parts, options.origin);
      if (content.length > 0) prompt.push({ role: "assistant", content });
    } else if (turn.role === "user") {
      prompt.push({ role: "user", content: turn.content.map((one) => contentPart(one, options)) });
    } else {
      prompt.push({
        role: "tool",
        content: turn.results.map(({ callId, tool, isError, content }) => ({
          type: "tool-result",
          toolCallId: callId,
          toolName: tool,
          output: { type: isError ? "error-text" : "text", value: textsOf(content).join("\n") },
        })),
      });
      // Few providers take more than text in a result, and some write a file out as text there.
      const media = turn.results.flatMap(({ content }) => content.filter(({ type }) => type === "media"));
      if (media.length > 0) prompt.push({ role: "user", content: media.map((one) => contentPart(one, options)) });
    }
  }
  return prompt;
}

function assistantContent(parts: readonly RenderedPart[], origin: string): AssistantContent {
  const kept = parts.flatMap((part) =>
    part.type === "reasoning" && part.provider === origin ? [part.data as unknown as Kept] : [],
  );
  let calls = 0;
  const content: AssistantContent = [];
  for (const part of parts) {
    if (part.type === "text" && part.text !== "") content.push({ type: "text", text: part.text });
    if (part.type === "media") content.push({ type: "text", text: `[${part.media.$media}]` });
    if (part.type === "reasoning" && part.provider === origin) {
      const data = part.data as unknown as Kept;
      if (data.type === "part") content.push(data.part as unknown as AssistantContent[number]);
    }
    if (part.type === "toolCall") {
      const call = calls++;
      const note = kept.find((one) => one.type === "call" && one.call === call);
      content.push({
        type: "tool-call",
        toolCallId: part.callId,
        toolName: part.tool,
        input: argumentsOf(part.input),
        ...(note?.type === "call" ? { providerOptions: note.metadata as never } : {}),
      });
    }
  }
  return content;
}

function textsOf(content: readonly RenderedContent[]): string[] {
  return content.flatMap((one) => (one.type === "text" ? [one.text] : []));
}

function contentPart(
  content: RenderedContent,
  options: PromptOptions,
): LanguageModelV4TextPart | LanguageModelV4FilePart {
  return content.type === "text" ? { type: "text", text: content.text } : filePart(content.media, options);
}

function filePart({ $media, data, url, name }: Media, { model, urls }: PromptOptions): LanguageModelV4FilePart {
  const filename = name === undefined ? {} : { filename: name };
  if (data !== undefined) return { type: "file", mediaType: $media, data: { type: "data", data }, ...filename };
  if (url === undefined || !isFetched($media, url, urls)) {
    throw new OrchestrationError("model/media-unsupported", { model, media: `${$media} by its URL` });
  }
  return { type: "file", mediaType: $media, data: { type: "url", url: new URL(url) }, ...filename };
}

/** The rule of the interface: patterns by media type, with `*` for any, matched against the URL in lower case. */
function isFetched(mediaType: string, url: string, urls: Record<string, RegExp[]>): boolean {
  const type = mediaType.toLowerCase();
  return Object.entries(urls).some(([pattern, expressions]) => {
    const prefix = pattern.toLowerCase().replace(/\*.*$/, "");
    const fits = pattern.includes("*") ? type.startsWith(prefix) : type === pattern.toLowerCase();
    return (
      fits &&
      expressions.some((expression) =>
        new RegExp(expression.source, expression.flags.replace(/[gy]/g, "")).test(url.toLowerCase()),
      )
    );
  });
}
