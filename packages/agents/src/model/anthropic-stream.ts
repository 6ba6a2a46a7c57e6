import type Anthropic from "@anthropic-ai/sdk";
import { type Json, type ModelDelta, OrchestrationError } from "@remit/core";
import type { Reading } from "./anthropic-request.ts";
import type { ReadBlock, ReadMessage, WireUsage } from "./anthropic-response.ts";
import { legible } from "./legible.ts";
import { parseArguments } from "./render.ts";
import { cutError } from "./sdk-failure.ts";

/** A stream as far as it was read. It grows with each event, so that a stream that breaks has said what it cost. */
export interface Heard {
  readonly model: string | undefined;
  readonly usage: WireUsage | undefined;
  /** True when the counts in `usage` are those of the end. */
  readonly isCounted: boolean;
}

interface OpenBlock {
  readonly index: number;
  readonly start: Anthropic.RawContentBlockStartEvent["content_block"];
  text: string;
  signature: string;
}

export interface StreamReader {
  readonly heard: () => Heard;
  /** Reads to the end. @throws Error that core knows as a broken connection, when the stream ends before the answer */
  readonly read: (events: AsyncIterable<Anthropic.RawMessageStreamEvent>) => Promise<ReadMessage>;
}

/** Puts a message together from its events. Arguments of the tool that takes the final value are shown as text. */
export function streamReader(model: string, onDelta: (delta: ModelDelta) => void, { output }: Reading): StreamReader {
  const outputTool = output.by === "tool" ? output.name : undefined;
  const blocks: OpenBlock[] = [];
  /** What a piece goes on with. A server that begins two blocks at one place has said both. */
  const open = new Map<number, OpenBlock>();
  let name: string | undefined;
  let usage: WireUsage | undefined;
  let isCounted = false;
  let stopReason: string | undefined;
  let stopText: string | undefined;
  let stopped = false;

  const hear = (event: Anthropic.RawMessageStreamEvent) => {
    switch (event.type) {
      case "message_start":
        name = event.message.model;
        usage = event.message.usage;
        return;
      case "content_block_start": {
        const { content_block: start } = event;
        const first = start.type === "text" ? start.text : start.type === "thinking" ? start.thinking : "";
        const block = { index: event.index, start, text: first ?? "", signature: "" };
        blocks.push(block);
        open.set(event.index, block);
        if (start.type === "tool_use" && start.name !== outputTool) onDelta({ type: "toolCall", tool: start.name });
        // Thoughts that it keeps to itself are a sign of life all the same.
        if (start.type === "thinking" || start.type === "redacted_thinking") onDelta({ type: "reasoning", text: "" });
        return;
      }
      case "content_block_delta": {
        const block = open.get(event.index);
        if (!block) throw new OrchestrationError("model/response-invalid", { model, reason: "a piece of no block" });
        return grow(block, event.delta);
      }
      case "message_delta":
        // A count that is null here has not changed since the start.
        usage = { ...usage, ...given(event.usage) };
        isCounted = typeof event.usage?.output_tokens === "number";
        stopReason = event.delta.stop_reason ?? stopReason;
        stopText = event.delta.stop_details?.explanation ?? stopText;
        return;
      case "message_stop":
        stopped = true;
        return;
    }
  };
  const grow = (block: OpenBlock, delta: Anthropic.RawContentBlockDelta) => {
    switch (delta.type) {
      case "text_delta":
        block.text += delta.text;
        return onDelta({ type: "text", text: delta.text });
      case "thinking_delta":
        block.text += delta.thinking;
        return onDelta({ type: "reasoning", text: delta.thinking });
      case "signature_delta":
        block.signature += delta.signature;
        return;
      case "input_json_delta": {
        block.text += delta.partial_json;
        const { start } = block;
        if (start.type === "tool_use" && start.name === outputTool) onDelta({ type: "text", text: delta.partial_json });
      }
    }
  };

  return {
    heard: () => ({ model: name, usage, isCounted }),
    read: async (events) => {
      for await (const event of events) legible(model, () => hear(event));
      if (!stopped && stopReason === undefined) {
        throw cutError();
      }
      return {
        ...(name === undefined ? {} : { model: name }),
        content: legible(model, () => blocks.toSorted((one, other) => one.index - other.index).flatMap(closed)),
        stopReason,
        stopText,
      };
    },
  };
}

function closed({ start, text, signature }: OpenBlock): ReadBlock[] {
  switch (start.type) {
    case "text":
      return [{ type: "text", text }];
    case "tool_use": {
      // Without pieces the arguments stand in the block itself.
      const input = text === "" ? ((start.input ?? {}) as Json) : parseArguments(text);
      return [{ type: "toolUse", id: start.id, name: start.name, input }];
    }
    case "thinking":
      return [
        {
          type: "thinking",
          block: { ...start, thinking: text, signature: signature || start.signature } as unknown as Json,
        },
      ];
    case "redacted_thinking":
      return [{ type: "thinking", block: start as unknown as Json }];
    default:
      return [];
  }
}

function given(usage: WireUsage | undefined): WireUsage {
  return Object.fromEntries(Object.entries(usage ?? {}).filter(([, count]) => count !== null));
}
