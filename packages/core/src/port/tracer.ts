/** Spans are for timing. A span opens where a port is called, once, so that no implementation has to remember. */
export interface Tracer {
  readonly span: (name: string, attributes: Readonly<Record<string, string | number>>) => Span;
}
export interface Span {
  readonly set: (attributes: Readonly<Record<string, string | number>>) => void;
  readonly end: (error?: { readonly code: string }) => void;
}

const quiet: Span = { set: () => {}, end: () => {} };
/** Measures nothing. */
export const silentTracer: Tracer = { span: () => quiet };

/** Span names follow OpenTelemetry's GenAI conventions; they live here alone, because that convention still moves. */
export const spanNames = {
  agent: (name: string) => `invoke_agent ${name}`,
  tool: (name: string) => `execute_tool ${name}`,
  model: (name: string) => `chat ${name}`,
} as const;
