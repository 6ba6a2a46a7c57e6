import type { Json, ResponsePart } from "@remit/core";

/** What a provider may do wrong, or well and unwelcome. */
export const modelFaults = [
  /** 429 with `retry-after: 2`. */
  "rate-limited",
  /** 429 that says no more. */
  "rate-limited-bare",
  /** 500. */
  "error",
  /** 503, or 529 where the vendor has that. */
  "overloaded",
  /** The answer begins well, and in its middle says that it is overloaded; one that is not streamed is `overloaded`. */
  "overloaded-late",
  /** The connection breaks in the middle of the answer. */
  "cut",
  /** The answer ends well in the middle, without what says that it is complete. */
  "ended-early",
  /** All of it, a few bytes at a time. */
  "drip",
  /** The JSON of the answer ends in the middle. */
  "half-json",
  /** JSON that does not fit the output schema. */
  "wrong-schema",
  "refusal",
  /** The arguments of a tool call are no JSON. */
  "broken-arguments",
  /** A call of a tool that was not offered. */
  "unknown-tool",
  /** Two tool calls with one id. */
  "same-id",
  /** The answer without its usage. */
  "no-usage",
  "content-filter",
  /** The answer ends at the bound of its tokens. */
  "truncated",
  /** No answer at all, until the client closes the connection. */
  "hang",
] as const;

export type ModelFault = (typeof modelFaults)[number];

/** How an answer ends in a vendor's words. */
export type ServedEnd = "complete" | "content-filter" | "truncated";

/** What a fault makes of an answer's parts; faults of the connection leave them as they are. */
export function partsUnder(
  fault: ModelFault | undefined,
  parts: readonly ResponsePart[],
  tools: readonly { readonly name: string }[],
): readonly ResponsePart[] {
  const call = (callId: string, tool: string, input: Json): ResponsePart => ({ type: "toolCall", callId, tool, input });
  const calls = parts.filter((part) => part.type === "toolCall");
  const offered = tools[0]?.name ?? "no_such_tool";
  switch (fault) {
    case "wrong-schema":
      return [{ type: "output", value: { no_such_member: true } }];
    case "refusal":
      return [{ type: "refusal", reason: "I cannot help with that." }];
    case "unknown-tool":
      return [call("call_unknown", "no_such_tool", {})];
    case "broken-arguments":
      if (calls.length === 0) return [call("call_broken", offered, '{"text":')];
      return parts.map((part) =>
        part.type === "toolCall" ? { ...part, input: JSON.stringify(part.input).slice(0, -1) } : part,
      );
    case "same-id": {
      const [first = call("call_same", offered, {})] = calls;
      return (calls.length > 1 ? calls : [first, first]).map((one) => ({ ...one, callId: "call_same" }));
    }
    default:
      return parts;
  }
}

export function endUnder(fault: ModelFault | undefined): ServedEnd {
  return fault === "content-filter" || fault === "truncated" ? fault : "complete";
}
