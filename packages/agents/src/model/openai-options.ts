import type { Clock, ModelRequest } from "@remit/core";
import type { Pricing } from "./pricing.ts";

/**
 * As much of the SDK's client as is used; an `OpenAI` of the package `openai` is one. It stands here by its shape, so that
 * these declarations need no SDK.
 */
export interface OpenAiClient {
  readonly responses: { readonly create: (...given: never[]) => unknown };
  readonly chat: { readonly completions: { readonly create: (...given: never[]) => unknown } };
}

/** What both of OpenAI's protocols take. */
export interface OpenAiBaseOptions {
  /** Tokens of an answer at most, with those of its reasoning; 4,096 when absent. One that needs more fails (`model/truncated`). */
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly reasoningEffort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
  /** Sensitive labels that the model may see. */
  readonly cleared?: readonly string[];
  /** Milliseconds for one call; 120,000 when absent. */
  readonly timeoutMs?: number;
  /** Milliseconds until the first piece of an answer. */
  readonly firstSignMs?: number;
  /** Answers come in pieces where somebody listens; false for a server that cannot. */
  readonly stream?: boolean;
  /** What calls cost. Without it a model is not called where a budget is in force. */
  readonly price?: Pricing;
  /** More headers for a request, such as one that says which trace it belongs to. */
  readonly headers?: (request: ModelRequest) => Readonly<Record<string, string>>;
  /** A client of the SDK, or what makes one, instead of one of the model's own. */
  readonly client?: OpenAiClient | (() => OpenAiClient | Promise<OpenAiClient>);
  /** Tells when a call was made, for prices that change. */
  readonly clock?: Clock;
}

export interface OpenAiOptions extends OpenAiBaseOptions {
  /** The environment's `OPENAI_API_KEY` when absent. */
  readonly apiKey?: string;
  readonly baseUrl?: string;
  /** What one breaker and one concurrency limit serve, and whose reasoning is passed back; `openai` when absent. */
  readonly provider?: string;
  /** Whether the model thinks before it answers; told by its name when absent. */
  readonly reasoning?: boolean;
  /** Has the model tell its thoughts in short while it thinks, to people who listen. */
  readonly reasoningSummary?: "auto" | "concise" | "detailed";
}

export interface OpenAiCompatibleOptions extends OpenAiBaseOptions {
  /** With the version in it: `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** What one breaker and one concurrency limit serve; the host and port of `baseUrl` when absent. */
  readonly provider?: string;
  /** `zero` for a server of one's own, whose calls nobody bills; `paid` when absent. */
  readonly cost?: "zero" | "paid";
  /**
   * When the server is told the output schema, so that it holds its model to it; otherwise the model is told in words. Many
   * servers call no tools while they hold a model to a schema, so `without-tools` is what happens when absent.
   */
  readonly structured?: "always" | "without-tools" | "never";
}

export const defaultMaxOutputTokens = 4_096;
export const defaultTimeoutMs = 120_000;
