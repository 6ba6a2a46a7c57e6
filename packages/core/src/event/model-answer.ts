import type { Audience } from "../audience.ts";
import type { Json } from "../json.ts";

/** What a call cost. `basis` says how well that is known (D12). */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Among the input tokens: read from the provider's cache. */
  readonly cachedInputTokens?: number;
  /** Among the input tokens: written to the provider's cache, where that has a price of its own. */
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

export interface Cost {
  /** Millionths of a US dollar. */
  readonly microUsd: number;
  readonly basis: "reported" | "estimated" | "reserved";
}

/** Why a route asked this model and not another one. */
export interface ModelChoice {
  /** `first`, `rule <name>`, `split`, `target`, `fallback` or `breaker`. */
  readonly why: string;
  /** Models that would have come first, and the code of what kept them from it. */
  readonly passedOver?: readonly { readonly model: string; readonly code: string }[];
}

/** What of a transcript is to be summarised before its model is asked. */
export interface SummaryDue {
  /** Alias of who summarises. */
  readonly with: string;
  /** Messages that the summary shall stand for, from the beginning on. */
  readonly messages: number;
  /** Tokens of the whole request, and those that it may have. */
  readonly before: number;
  readonly bound: number;
  /** What follows when there is no summary: the request is shortened, or the call has failed. */
  readonly otherwise: "trim" | "fail";
}

/** Parts of a model's answer. */
export type ResponsePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolCall"; readonly callId: string; readonly tool: string; readonly input: Json }
  | { readonly type: "output"; readonly value: Json }
  | { readonly type: "ask"; readonly of: Audience; readonly question: string }
  | { readonly type: "refusal"; readonly reason: string }
  /** What a provider wants back with the next call as it is: signed or sealed thinking. Shown to no other provider. */
  | { readonly type: "reasoning"; readonly provider: string; readonly data: Json }
  | { readonly type: "media"; readonly media: Media };

/**
 * An image, a sound or a file, as it stands in a payload or a tool's answer: a JSON object with the member `$media`. A
 * model gets it as a part of its own where its provider takes one. Either `data` or `url` is there.
 */
export interface Media {
  /** MIME type, such as `image/png`. */
  readonly $media: string;
  /** The content, in base64. */
  readonly data?: string;
  readonly url?: string;
  readonly name?: string;
}
