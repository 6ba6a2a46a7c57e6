import type { Audience } from "../agent.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Cost, ResponsePart, Usage } from "../event.ts";
import type { Json, JsonSchema } from "../json.ts";

/** What an agent's model has seen and said so far in one invocation. Never crosses to another agent (R5). */
export type Message =
  | { readonly role: "assistant"; readonly parts: readonly ResponsePart[] }
  | { readonly role: "tool"; readonly results: readonly ToolResultPart[] }
  | { readonly role: "answer"; readonly of: Audience; readonly answer: Json }
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
  /** What one breaker and one concurrency limit serve; the model's own id when absent. */
  readonly provider?: string;
  /**
   * What a call can cost at most, before it is made: what a budget sets aside. The same request gives the same answer.
   * A paid model without it is not called where a budget is in force.
   */
  readonly quote?: (request: ModelRequest) => { readonly microUsd: number; readonly tokens: number };
  readonly generate: (
    request: ModelRequest,
    options: { readonly signal: AbortSignal },
  ) => ModelResponse | Promise<ModelResponse>;
}
