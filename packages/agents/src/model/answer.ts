import type { Json, ResponsePart, Usage } from "@remit/core";

/** A vendor's answer in our words. What an adapter makes of it is the same for every vendor. */
export interface Answer {
  readonly parts: readonly ResponsePart[];
  readonly usage?: Usage;
  /** Why it ended, where it did not end because it was complete. */
  readonly cut?: { readonly why: "truncated" } | { readonly why: "filtered"; readonly reason: string };
  /** The model that the vendor says has answered. */
  readonly model?: string;
}

/**
 * The parts with the structured output among them, where their text is one: the last text alone, or all of them together.
 * Where a tool is called, something is asked or refused, text is text. What is no JSON stays text too, and the gate sends
 * it back; so it does with an answer of nothing, which is an empty text.
 * @param unwrap the member of an object that holds the output
 */
export function withOutput(parts: readonly ResponsePart[], unwrap?: string): readonly ResponsePart[] {
  if (parts.every(({ type }) => type === "reasoning")) return [...parts, { type: "text", text: "" }];
  if (parts.some(({ type }) => type === "toolCall" || type === "ask" || type === "refusal")) return parts;
  const texts = parts.filter((part) => part.type === "text");
  const last = texts.at(-1);
  if (!last) return parts;
  const alone = jsonOf(last.text);
  const value = alone ?? jsonOf(texts.map(({ text }) => text).join(""));
  if (!value) return parts;
  const output: ResponsePart = { type: "output", value: unwrapped(value.json, unwrap) };
  if (alone) return parts.map((part) => (part === last ? output : part));
  return [...parts.filter(({ type }) => type !== "text"), output];
}

/**
 * The value of a text that is JSON, also of one inside a fence of three backticks, and behind thoughts that a server has left
 * in the text. Read without expressions: a model may write white space until it is stopped.
 */
function jsonOf(text: string): { readonly json: Json } | undefined {
  const behind = text.lastIndexOf(thoughtsEnd);
  return parsed(text) ?? (behind < 0 ? undefined : parsed(text.slice(behind + thoughtsEnd.length)));
}

/** Where they begin the template of a conversation may have said. */
const thoughtsEnd = "</think>";
const fence = "```";

function parsed(given: string): { readonly json: Json } | undefined {
  const text = given.trim(); // Takes more than JSON skips: a byte order mark, spaces that do not break.
  const isFenced = text.startsWith(fence) && text.endsWith(fence);
  const inside = isFenced ? text.slice(fence.length, -fence.length).replace(/^json/i, "") : text;
  try {
    return { json: JSON.parse(inside) as Json };
  } catch {
    return undefined; // Then it is a text.
  }
}

function unwrapped(value: Json, key: string | undefined): Json {
  if (key === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const members = Object.keys(value);
  return members.length === 1 && members[0] === key
    ? ((value as { readonly [key: string]: Json })[key] as Json)
    : value;
}
