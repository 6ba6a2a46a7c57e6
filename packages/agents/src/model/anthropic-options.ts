import type { Clock, ModelRequest } from "@remit/core";
import type { Pricing } from "./pricing.ts";

/**
 * As much of the SDK's client as is used; an `Anthropic` of the package `@anthropic-ai/sdk` is one. It stands here by its
 * shape, so that these declarations need no SDK.
 */
export interface AnthropicClient {
  readonly messages: { readonly create: (...given: never[]) => unknown };
}

/** How much a model thinks before it answers: within a budget of tokens, which is at least 1,024, or as it sees fit. */
export type AnthropicThinking = { readonly budgetTokens: number } | "adaptive";

export interface AnthropicOptions {
  /** The environment's `ANTHROPIC_API_KEY` when absent. */
  readonly apiKey?: string;
  /** Without the version: `https://api.anthropic.com`. */
  readonly baseUrl?: string;
  /** Tokens of an answer at most; 4,096 when absent. A budget for thinking comes on top. One that needs more fails (`model/truncated`). */
  readonly maxOutputTokens?: number;
  /** From 0 to 1. Not sent where the model thinks: the API refuses it there. */
  readonly temperature?: number;
  /** How much the model thinks before it answers; as the API has it for the model when absent. */
  readonly thinking?: AnthropicThinking;
  /**
   * `native`, which is the default, holds the model to the output schema while it writes, where the schema allows it.
   * Elsewhere, and with `tool`, the answer is the arguments of a tool of ours.
   */
  readonly structured?: "native" | "tool";
  /** Has the API keep tools and instructions for the next call. */
  readonly cache?: boolean;
  /** Sensitive labels that the model may see. */
  readonly cleared?: readonly string[];
  /** Milliseconds for one call; 120,000 when absent. */
  readonly timeoutMs?: number;
  /** Milliseconds until the first piece of an answer. */
  readonly firstSignMs?: number;
  /** Answers come in pieces where somebody listens; false for a server that cannot. */
  readonly stream?: boolean;
  /** What one breaker and one concurrency limit serve, and whose thinking is passed back; `anthropic` when absent. */
  readonly provider?: string;
  /** What calls cost. Without it a model is not called where a budget is in force. */
  readonly price?: Pricing;
  /** More headers for a request, such as one that says which trace it belongs to. */
  readonly headers?: (request: ModelRequest) => Readonly<Record<string, string>>;
  /** A client of the SDK, or what makes one, instead of one of the model's own. */
  readonly client?: AnthropicClient | (() => AnthropicClient | Promise<AnthropicClient>);
  /** Tells when a call was made, for prices that change. */
  readonly clock?: Clock;
}

export const defaultMaxOutputTokens = 4_096;
export const defaultTimeoutMs = 120_000;
