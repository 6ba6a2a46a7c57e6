import { type ModelDelta, OrchestrationError } from "@remit/core";
import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions/completions";
import type { CompletionUsage } from "openai/resources/completions";
import { parseArguments } from "./render.ts";
import { lateError } from "./sdk-failure.ts";
import { saidError } from "./wire-fetch.ts";

/** A message of the Chat Completions API, whole or put together from its pieces. */
export interface ChatMessage {
  readonly content: string;
  readonly refusal: string;
  readonly calls: readonly ChatCall[];
  /** A sound, in base64. */
  readonly audio: string;
}

export interface ChatCall {
  readonly id: string | undefined;
  readonly name: string;
  /** The arguments as the model wrote them. */
  readonly written: string;
}

export interface ChatAnswer {
  readonly message: ChatMessage;
  /** Absent (`null`) where the answer ended before the model did. */
  readonly finish: ChatCompletion.Choice["finish_reason"] | null;
  readonly usage: CompletionUsage | null | undefined;
  readonly model: string | undefined;
}

export function chatAnswer(answer: ChatCompletion, id: string): ChatAnswer {
  const { choices, usage, model } = (answer ?? {}) as Partial<ChatCompletion>;
  if (!Array.isArray(choices)) {
    throw (
      saidError(answer) ?? new OrchestrationError("model/response-invalid", { model: id, reason: "it has no choices" })
    );
  }
  const choice = choices[0];
  checkEnd(choice);
  const { content, refusal, tool_calls, audio } = choice?.message ?? {};
  const calls = (tool_calls ?? []).flatMap((call): readonly ChatCall[] =>
    call.type === "custom"
      ? []
      : [{ id: call.id, name: call.function?.name ?? "", written: writtenOf(call.function?.arguments) }],
  );
  return {
    message: { content: saidIn(content).text, refusal: refusal ?? "", calls, audio: audio?.data ?? "" },
    finish: choice?.finish_reason ?? null,
    usage,
    model,
  };
}

/** Servers that pass requests on end an answer so where the one behind them has failed. @throws Error what it says */
function checkEnd(choice: object | undefined): void {
  if ((choice as { readonly finish_reason?: unknown } | undefined)?.finish_reason !== "error") return;
  throw saidError(choice) ?? lateError(502, "the server ended the answer with an error");
}

/** Servers that think aloud put it beside the content, under one of two names. */
interface Thinking {
  readonly reasoning?: unknown;
  readonly reasoning_content?: unknown;
}

/**
 * A content as its text, and what it thinks aloud. Some servers give it in parts, thoughts among them, where the API has a
 * text.
 */
function saidIn(content: unknown): { readonly text: string; readonly thought: string } {
  if (typeof content === "string") return { text: content, thought: "" };
  const said = { text: "", thought: "" };
  for (const part of Array.isArray(content) ? content : []) {
    const { type, text, thinking } = (part ?? {}) as Readonly<Record<string, unknown>>;
    if (type === "text" && typeof text === "string") said.text += text;
    if (type === "thinking") said.thought += typeof thinking === "string" ? thinking : saidIn(thinking).text;
  }
  return said;
}

/** Arguments as a text; some servers give the object itself. */
function writtenOf(given: unknown): string {
  if (given === undefined || given === null) return "";
  return typeof given === "string" ? given : JSON.stringify(given);
}

/** True for arguments that begin where others are whole: no JSON goes on like that. Servers without ids count so. */
function isBehind(piece: string, written: string): boolean {
  return piece.startsWith("{") && written.endsWith("}") && typeof parseArguments(written) === "object";
}

/** Puts a message together from its pieces, and tells of each as it comes. */
export function chatCollector(onDelta: (delta: ModelDelta) => void): {
  readonly take: (chunk: ChatCompletionChunk) => void;
  readonly answer: () => ChatAnswer;
} {
  const message = { content: "", refusal: "", audio: "" };
  const calls: { id: string | undefined; name: string; written: string }[] = [];
  /** Which of the calls a piece goes on with, by the vendor's index. */
  const open = new Map<number | undefined, (typeof calls)[number]>();
  let finish: ChatAnswer["finish"] = null;
  let usage: ChatAnswer["usage"];
  let model: string | undefined;

  const takeCall = (piece: ChatCompletionChunk.Choice.Delta.ToolCall) => {
    const { index, id, function: named } = piece;
    const before = open.get(index);
    // Some servers count every call as the first one: another id is another call. An empty one, or null, is none.
    const isOther = !!id && before?.id !== undefined && id !== before.id;
    const written = writtenOf(named?.arguments);
    const isNew = !before || isOther || (!id && !!named?.name && isBehind(written, before.written));
    const call = isNew ? { id: id || undefined, name: "", written: "" } : before;
    if (isNew) {
      calls.push(call);
      open.set(index, call);
    }
    const isUnnamed = call.name === "";
    call.name += isUnnamed ? (named?.name ?? "") : "";
    if (isUnnamed && call.name !== "") onDelta({ type: "toolCall", tool: call.name });
    call.written += written;
  };

  return {
    take: (chunk) => {
      if (chunk.usage) usage = chunk.usage;
      model ??= chunk.model || undefined;
      const choice = chunk.choices?.find(({ index }) => (index ?? 0) === 0);
      if (!choice) return;
      checkEnd(choice);
      const { delta, finish_reason } = choice;
      finish = finish_reason || finish; // Some servers write an empty one where there is none yet.
      if (!delta) return;
      const { reasoning, reasoning_content } = delta as Thinking;
      for (const text of [reasoning, reasoning_content].filter((one) => typeof one === "string" && one !== "")) {
        onDelta({ type: "reasoning", text: text as string });
        break;
      }
      const { text, thought } = saidIn(delta.content);
      if (thought !== "") onDelta({ type: "reasoning", text: thought });
      if (text !== "") {
        message.content += text;
        onDelta({ type: "text", text });
      }
      message.refusal += delta.refusal ?? "";
      message.audio += delta.audio?.data ?? "";
      for (const piece of delta.tool_calls ?? []) takeCall(piece);
    },
    answer: () => ({ message: { ...message, calls }, finish, usage, model }),
  };
}
