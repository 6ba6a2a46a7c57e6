/** Spans are for timing. A span opens where a port is called, once, so that no implementation has to remember. */
export interface Tracer {
  /**
   * Opens a span. What is known by then comes with it, so that a sampler can go by it.
   * @param parent a span of the same tracer that the new one belongs to; none: it stands alone
   */
  readonly span: (name: string, attributes: SpanAttributes, parent?: Span) => Span;
  /** True: what models are told and say is wanted too, as JSON texts. It leaves the process with the spans. */
  readonly content?: boolean;
}
export interface Span {
  readonly set: (attributes: SpanAttributes) => void;
  readonly end: (error?: { readonly code: string }) => void;
}
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

const quiet: Span = { set: () => {}, end: () => {} };
/** Measures nothing. */
export const silentTracer: Tracer = { span: () => quiet };

/**
 * Names of spans, attributes and metrics follow OpenTelemetry's GenAI conventions, as of September 2026
 * (https://github.com/open-telemetry/semantic-conventions-genai); they live here alone, because that convention still
 * moves. What it has no name for begins with `remit.`.
 */
export const spanNames = {
  run: (name: string) => `invoke_workflow ${name}`,
  agent: (name: string) => `invoke_agent ${name}`,
  tool: (name: string) => `execute_tool ${name}`,
  model: (name: string) => `chat ${name}`,
} as const;

/** Values of {@link attributeNames.operation}. */
export const operations = {
  run: "invoke_workflow",
  agent: "invoke_agent",
  tool: "execute_tool",
  model: "chat",
} as const;

export const attributeNames = {
  operation: "gen_ai.operation.name",
  workflow: "gen_ai.workflow.name",
  agent: "gen_ai.agent.name",
  conversation: "gen_ai.conversation.id",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  responseModel: "gen_ai.response.model",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cachedInputTokens: "gen_ai.usage.cache_read.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tool: "gen_ai.tool.name",
  toolType: "gen_ai.tool.type",
  toolCall: "gen_ai.tool.call.id",
  instructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  tokenType: "gen_ai.token.type",
  /** One of our codes. */
  error: "error.type",
  tenant: "remit.tenant",
  run: "remit.run.id",
  /** How a run ended; absent where this process stopped working on it before. */
  status: "remit.run.status",
  path: "remit.path",
  /** 1 for the first try. */
  attempt: "remit.attempt",
  alias: "remit.model.alias",
  /** Why a route asked this model: `first`, `rule <name>`, `split`, `target`, `fallback` or `breaker`. */
  choice: "remit.route.choice",
  /** The model that a route asks next, at once. */
  next: "remit.route.next",
  /** True: the answer was there already, and nobody was asked. */
  cached: "remit.cached",
  costUsd: "remit.cost.usd",
  costBasis: "remit.cost.basis",
  effect: "remit.tool.effect",
} as const;

/** The attributes that carry what was said. */
export const contentNames: ReadonlySet<string> = new Set([
  attributeNames.instructions,
  attributeNames.inputMessages,
  attributeNames.outputMessages,
]);

export const metricNames = {
  /** Seconds of a model call. */
  modelDuration: "gen_ai.client.operation.duration",
  /** Seconds of a tool call. */
  toolDuration: "gen_ai.execute_tool.duration",
  tokens: "gen_ai.client.token.usage",
  cost: "remit.cost",
} as const;
