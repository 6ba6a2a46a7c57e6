import type { ErrorRecord, Json, ResponsePart } from "@remit/core";

export type BeatKind =
  | "start"
  | "handoff"
  | "return"
  | "edge"
  | "model"
  | "call"
  | "result"
  | "denied"
  | "effect"
  | "question"
  | "answer"
  | "fault"
  | "pause"
  | "end";

/** One entry of a journal, told to a person. */
export interface Beat {
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  readonly kind: BeatKind;
  /** Who does it: an agent, `supervisor`, `customer`, `operator` or whoever else started the run. */
  readonly who: string;
  /** Whom it goes to, where it goes to somebody. */
  readonly to?: string;
  /** What happens, in a few words. */
  readonly title: string;
  /** The rest of the sentence; may be long. */
  readonly detail: string;
  readonly tone: "plain" | "good" | "bad" | "warn";
  /** True for what a story is made of; the rest is bookkeeping that only the whole record shows. */
  readonly main: boolean;
  readonly payload?: Json;
  /** Small facts beside the title, such as `write` or `key k_1`. */
  readonly marks: readonly string[];
  /** Where the payload comes from, as labels. */
  readonly labels: readonly string[];
}

/** What an entry adds to a beat; the rest has defaults. */
export type Told = Pick<Beat, "kind" | "who" | "title"> & Partial<Beat>;

/** Who acts where no agent and no person does. */
export const machine = "supervisor";

export function ending(status: string, detail: string, payload: Json | undefined, tone: Beat["tone"]): Told {
  return { kind: "end", who: machine, title: status, detail, tone, ...(payload === undefined ? {} : { payload }) };
}

export function fault(who: string, title: string, error: ErrorRecord): Told {
  return { kind: "fault", who, title, detail: errorText(error), tone: "bad", payload: error as unknown as Json };
}

export function errorText({ code, message }: ErrorRecord): string {
  return message.startsWith(`${code}: `) ? message : `${code}: ${message}`;
}

/** The text of an input or of an answer that has one and not much else. */
export function textIn(value: Json): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  const { reply, text } = value as { readonly reply?: Json; readonly text?: Json };
  if (typeof reply === "string") return reply;
  return typeof text === "string" ? text : undefined;
}

/** A server's structured answer often holds one member only. */
export function unwrapped(output: Json): Json {
  if (typeof output !== "object" || output === null || Array.isArray(output)) return output;
  const keys = Object.keys(output);
  return keys.length === 1 && keys[0] === "result" ? ((output as { result: Json }).result ?? null) : output;
}

export function named(edge: string): boolean {
  return edge !== "entry" && !edge.includes("->");
}

/** Labels of the whole payload. */
export function labelsIn(labels: { readonly [pointer: string]: readonly string[] }): readonly string[] {
  return labels[""] ?? [];
}

/** What a model's answer asks for, in words. */
export function modelWords(parts: readonly ResponsePart[]): string {
  const tools = parts.flatMap((part) => (part.type === "toolCall" ? [part.tool] : []));
  const words = parts.flatMap((part) => (part.type === "toolCall" ? [] : [partWords(part)]));
  return [...(tools.length > 0 ? [`wants ${tools.join(", ")}`] : []), ...words].join(", ") || "says nothing";
}

function partWords(part: Exclude<ResponsePart, { readonly type: "toolCall" }>): string {
  switch (part.type) {
    case "output":
      return "gives an answer";
    case "ask":
      return `wants to ask the ${part.of}`;
    case "refusal":
      return "declines";
    case "text":
      return "says something";
    case "reasoning":
      return "thinks";
    case "media":
      return `gives ${part.media.$media}`;
  }
}
