import { z } from "zod";
import { once } from "../once.ts";

/**
 * Tokens and millionths of a dollar of one call at most: beyond what anybody sells, and so little that the sums of budgets
 * stay whole numbers. What a client says beyond it is a mistake, and taken for no word at all.
 */
const amountMax = 1e12;

export const spent = once(() => {
  const count = z.number().int().nonnegative().max(amountMax);
  return {
    usage: z
      .object({
        inputTokens: count,
        outputTokens: count,
        cachedInputTokens: count.optional(),
        cacheWriteTokens: count.optional(),
        reasoningTokens: count.optional(),
      })
      .optional(),
    cost: z
      .object({
        microUsd: z.number().nonnegative().max(amountMax),
        basis: z.enum(["reported", "estimated", "reserved"]),
      })
      .optional(),
  };
});
/** What a client may answer. */
export const response = once(() => {
  // Anything but nothing; whether it is JSON is looked at once, for the whole answer.
  const given = z.unknown().refine((value) => value !== undefined, "it is missing");
  const media = z.object({
    $media: z.string().min(1),
    data: z.base64().optional(),
    url: z.url().optional(),
    name: z.string().optional(),
  });
  const part = z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("toolCall"), callId: z.string().min(1), tool: z.string(), input: given }),
    z.object({ type: z.literal("output"), value: given }),
    z.object({ type: z.literal("ask"), of: z.enum(["customer", "operator"]), question: z.string().min(1) }),
    z.object({ type: z.literal("refusal"), reason: z.string() }),
    z.object({ type: z.literal("reasoning"), provider: z.string(), data: given }),
    z.object({ type: z.literal("media"), media }),
  ]);
  return z.object({ parts: z.array(part).min(1), ...spent(), model: z.string().optional() });
});

type Shape = z.output<ReturnType<typeof response>>;
type Part = Shape["parts"][number];
type Members = { readonly [key: string]: unknown };

/**
 * What {@link response} makes of an answer, by hand, for the answers that models mostly give. Nothing for any other one,
 * which says nothing of it: the schema looks then.
 */
export function usualShape(answer: unknown): Shape | undefined {
  if (!isRecord(answer)) return undefined;
  const { parts: given, usage, cost, model } = answer;
  if (!Array.isArray(given) || given.length === 0) return undefined;
  const parts: Part[] = [];
  for (const one of given) {
    const part = usualPart(one);
    if (!part) return undefined;
    parts.push(part);
  }
  const shape: Shape = { parts };
  if (usage !== undefined) {
    const counts = usualUsage(usage);
    if (!counts) return undefined;
    shape.usage = counts;
  }
  if (cost !== undefined) {
    if (!isRecord(cost)) return undefined;
    const { microUsd, basis } = cost;
    if (typeof microUsd !== "number" || !(microUsd >= 0 && microUsd <= amountMax)) return undefined;
    if (basis !== "reported" && basis !== "estimated" && basis !== "reserved") return undefined;
    shape.cost = { microUsd, basis };
  }
  if (model !== undefined) {
    if (typeof model !== "string") return undefined;
    shape.model = model;
  }
  return shape;
}

function usualPart(one: unknown): Part | undefined {
  if (!isRecord(one)) return undefined;
  switch (one.type) {
    case "text":
      return typeof one.text === "string" ? { type: "text", text: one.text } : undefined;
    case "toolCall": {
      const { callId, tool, input } = one;
      if (typeof callId !== "string" || callId === "" || typeof tool !== "string" || input === undefined) {
        return undefined;
      }
      return { type: "toolCall", callId, tool, input };
    }
    case "output":
      return one.value === undefined ? undefined : { type: "output", value: one.value };
    case "reasoning": {
      const { provider, data } = one;
      return typeof provider !== "string" || data === undefined ? undefined : { type: "reasoning", provider, data };
    }
    default:
      return undefined;
  }
}

function usualUsage(usage: unknown): Shape["usage"] {
  if (!isRecord(usage)) return undefined;
  const { inputTokens, outputTokens } = usage;
  if (!isCount(inputTokens) || !isCount(outputTokens)) return undefined;
  const counts: NonNullable<Shape["usage"]> = { inputTokens, outputTokens };
  for (const name of moreCounts) {
    const value = usage[name];
    if (value === undefined) continue;
    if (!isCount(value)) return undefined;
    counts[name] = value;
  }
  return counts;
}

/** In the schema's order. */
const moreCounts = ["cachedInputTokens", "cacheWriteTokens", "reasoningTokens"] as const;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= amountMax;
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
