import type { Audience } from "../audience.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Cost, ResponsePart, Usage } from "../event.ts";
import type { Json, JsonSchema } from "../json.ts";

/** What an agent's model has seen and said so far in one invocation. Never crosses to another agent (R5). */
export type Message =
  | { readonly role: "assistant"; readonly parts: readonly ResponsePart[] }
  | { readonly role: "tool"; readonly results: readonly ToolResultPart[] }
  | { readonly role: "answer"; readonly of: Audience; readonly answer: Json }
  /** Stands for so many messages from the beginning on: what a model made of them, so data and no instruction. */
  | { readonly role: "summary"; readonly messages: number; readonly text: string }
  | { readonly role: "repair"; readonly issues: readonly { readonly pointer: string; readonly message: string }[] };

export type ToolResultPart = {
  readonly callId: string;
  readonly tool: string;
  /** The arguments as a person changed them before the call was made. */
  readonly edited?: Json;
} & (
  | { readonly status: "done"; readonly output: Json }
  | { readonly status: "failed" | "denied"; readonly error: ErrorRecord }
);

/** A tool as a model sees it. */
export interface ToolOffer {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
}

export interface ModelRequest {
  readonly agent: string;
  /** Trusted text of ours. */
  readonly instructions: string;
  /** The contract's payload: data, not instructions. */
  readonly input: Json;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolOffer[];
  readonly asks: readonly Audience[];
  readonly outputSchema: JsonSchema;
  /** Labels of all that the request carries, sorted: where it came from and how sensitive it is. */
  readonly labels: readonly string[];
  readonly context: {
    readonly tenant: string;
    readonly runId: string;
    readonly path: string;
    readonly turn: number;
    /** 1 for the first try of this turn, counting up when a failed call is tried again. */
    readonly attempt: number;
    /** Model calls that this agent made in this run before this one. */
    readonly agentCall: number;
    readonly attributes: Readonly<Record<string, string>>;
  };
}

export interface ModelResponse {
  readonly parts: readonly ResponsePart[];
  readonly usage?: Usage;
  readonly cost?: Cost;
  /** The name of the model that answered, where it differs from the model's own id. */
  readonly model?: string;
}

/** A piece of an answer on its way. It is shown to people at most; what counts is the response at the end. */
export type ModelDelta =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "toolCall"; readonly tool: string }
  /** No text so far stands: what counts is another answer. */
  | { readonly type: "retracted" };

export interface ModelCallOptions {
  /** When it aborts, the connection is closed. */
  readonly signal: AbortSignal;
  /** Told of each piece as it comes, by a client that streams. Never throws. */
  readonly onDelta?: (delta: ModelDelta) => void;
}

/**
 * What a client may say on the error that it throws, beside what the error is: what the failed call has cost. What is
 * absent is unknown, and settles at its reservation (D12).
 */
export interface FailedCall {
  readonly usage?: Usage;
  readonly cost?: Cost;
}

/**
 * A model: a request in, a response out. A throw is a failure of the call, journaled as `model.failed`.
 * Implementations keep no state between calls that an answer depends on: after a crash the same request comes again.
 */
export interface Model {
  readonly id: string;
  /** A `paid` call is made only when everything before it is durable (D2). */
  readonly cost: "zero" | "paid";
  /** Milliseconds for one call; 120,000 when absent. */
  readonly timeoutMs?: number;
  /** Milliseconds until the first sign of an answer, for a model that tells of its deltas; bounded by `timeoutMs` alone when absent. */
  readonly firstSignMs?: number;
  /**
   * Sensitive labels that it may see: `sensitive` for all of them, `sensitive:health` for that one. A request with a
   * sensitive label that is not among them does not reach it (`model/not-cleared`).
   */
  readonly cleared?: readonly string[];
  /** Classes of sealed data that it is shown in the clear (`*`: all); tokens stand for all others, and for all when absent. */
  readonly reveals?: readonly string[];
  /** What one breaker and one concurrency limit serve; the model's own id when absent. */
  readonly provider?: string;
  /**
   * What else its answers depend on, such as its server's address, its temperature and its bounds. Two models under one id
   * share cached answers where their provider and settings are the same alone.
   */
  readonly settings?: Json;
  /**
   * What a call can cost at most, before it is made: what a budget sets aside. The same request gives the same answer.
   * A paid model without it is not called where a budget is in force.
   */
  readonly quote?: (request: ModelRequest) => { readonly microUsd: number; readonly tokens: number };
  readonly generate: (request: ModelRequest, options: ModelCallOptions) => ModelResponse | Promise<ModelResponse>;
}
