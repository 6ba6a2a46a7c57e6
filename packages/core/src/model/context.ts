import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Message, Model, ModelRequest } from "../port/model.ts";
import type { Route } from "./route.ts";

/**
 * Makes a request fit into what a model may be shown. Pure; what was left out is journaled with the answer.
 *
 * K1 What fits is not touched.
 * K2 Instructions, the payload, tools, a summary and the last turns are never touched; what does not fit with them is an
 *    error.
 * K3 Older turns shrink from the oldest on, and only as far as needed: first thinking, then what tools answered, then text,
 *    then whole turns. A call and its result stay or go together.
 */
export interface ContextBudget {
  /** Tokens of a request at most, as `count` counts them. */
  readonly maxTokens: number;
  /** Model turns at the end that stay whole; 2 when absent. */
  readonly keepTurns?: number;
  /** Tokens of a text; a third of its bytes when absent, which is more than most texts have. */
  readonly count?: (text: string) => number;
  /** The older turns are summarised before anything is left out; absent: they are shortened at once. */
  readonly summarise?: SummaryPolicy;
}

export interface SummaryPolicy {
  /** Who writes the summary. A model that is not cleared for what the agent has seen is not asked. */
  readonly with: Model | Route;
  /** When no summary comes: the request is shortened (`trim`), or the call fails with `model/summary-failed`. */
  readonly otherwise: "trim" | "fail";
}

export interface FittedContext {
  readonly messages: readonly Message[];
  /** Tokens of the whole request. */
  readonly before: number;
  readonly after: number;
  /** Messages that were shortened. */
  readonly shortened: number;
  /** Messages that are gone. */
  readonly dropped: number;
}

const keepTurnsDefault = 2;

/** @throws OrchestrationError `model/context-too-long` when what may not be touched does not fit */
export function fitContext(model: string, request: ModelRequest, budget: ContextBudget): FittedContext {
  const sizeOf = measureOf(budget);
  const fixed = fixedSize(request, sizeOf);
  const sizes = request.messages.map(sizeOf);
  const before = sizes.reduce((sum, size) => sum + size, fixed);
  let after = before;
  const messages: (Message | undefined)[] = [...request.messages];
  const old = oldOf(request.messages, budget.keepTurns);
  const shortened = new Set<number>();
  const replace = (index: number, message: Message | undefined) => {
    const size = message ? sizeOf(message) : 0;
    after += size - (sizes[index] as number);
    sizes[index] = size;
    messages[index] = message;
  };
  for (const shorten of [withoutThinking, withoutAnswers, withoutText]) {
    for (let index = 0; index < old && after > budget.maxTokens; index++) {
      const message = messages[index] as Message;
      const shorter = shorten(message);
      if (!shorter || sizeOf(shorter) >= (sizes[index] as number)) continue;
      shortened.add(index);
      replace(index, shorter);
    }
  }
  let dropped = 0;
  for (let index = 0; index < old && after > budget.maxTokens; ) {
    if (messages[index]?.role === "summary") {
      index++;
      continue;
    }
    // A turn goes with all that answers it, up to the next one.
    do {
      replace(index, undefined);
      shortened.delete(index);
      dropped++;
      index++;
    } while (index < old && messages[index]?.role !== "assistant");
  }
  if (after > budget.maxTokens) {
    throw new OrchestrationError("model/context-too-long", { model, tokens: after, bound: budget.maxTokens });
  }
  return {
    messages: messages.filter((message) => message !== undefined),
    before,
    after,
    shortened: shortened.size,
    dropped,
  };
}

/** Tokens of a value as a budget counts them. */
export function measureOf({ count = thirdOfBytes }: Pick<ContextBudget, "count">): (value: unknown) => number {
  return (value) => count(typeof value === "string" ? value : JSON.stringify(value));
}

/** Tokens of what is in every request of a call. */
export function fixedSize(
  { instructions, input, tools, outputSchema }: ModelRequest,
  sizeOf: (value: unknown) => number,
): number {
  return sizeOf(instructions) + sizeOf(input) + sizeOf(tools) + sizeOf(outputSchema);
}

/** How many messages stand before the last so many turns of the model. */
export function oldOf(messages: readonly Message[], keepTurns = keepTurnsDefault): number {
  let turns = 0;
  for (let index = messages.length - 1; index >= 0; index--) {
    if (messages[index]?.role !== "assistant") continue;
    turns++;
    if (turns === keepTurns) return index;
  }
  return keepTurns === 0 ? messages.length : 0;
}

function withoutThinking(message: Message): Message | undefined {
  if (message.role !== "assistant") return undefined;
  const parts = message.parts.filter(({ type }) => type !== "reasoning");
  return parts.length > 0 && parts.length < message.parts.length ? { role: "assistant", parts } : undefined;
}

function withoutAnswers(message: Message): Message | undefined {
  if (message.role !== "tool") return undefined;
  return {
    role: "tool",
    results: message.results.map((result) =>
      result.status === "done" ? { ...result, output: leftOut(JSON.stringify(result.output)) } : result,
    ),
  };
}

function withoutText(message: Message): Message | undefined {
  if (message.role !== "assistant") return undefined;
  const calls = message.parts.filter(({ type }) => type === "toolCall");
  return calls.length > 0 && calls.length < message.parts.length ? { role: "assistant", parts: calls } : undefined;
}

/** Stands for what was left out, so that nobody takes it for an empty answer. */
function leftOut({ length }: string): Json {
  return `[left out to save room: an earlier answer of ${length} characters]`;
}

function thirdOfBytes(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}
