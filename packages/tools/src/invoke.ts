import {
  type AnyTool,
  type Clock,
  type Issue,
  type Json,
  parseWith,
  quietController,
  reasonOf,
  saidOf,
  systemClock,
  type ToolContext,
} from "@remit/core";

/** What came of one call. Exactly one of these; a call never throws. */
export type Invocation =
  | { readonly status: "returned"; readonly output: Json }
  /** The tool said no for a reason of its domain. */
  | { readonly status: "refused"; readonly message: string }
  /** The input does not fit; the tool was not called. */
  | { readonly status: "input-invalid"; readonly issues: readonly Issue[] }
  /** The tool was called and answered outside its output schema. */
  | { readonly status: "output-invalid"; readonly issues: readonly Issue[] }
  | { readonly status: "timeout"; readonly timeoutMs: number }
  | { readonly status: "cancelled" }
  | { readonly status: "failed"; readonly message: string; readonly mayHaveExecuted: boolean; readonly cause: unknown };

/**
 * Calls one tool outside of a run: parse the input, call with a deadline, parse the output. For servers and scripts;
 * inside a run only the dispatcher calls tools.
 * @param context its `signal` cancels the call; the tool sees a signal that also fires at the tool's `timeoutMs`
 */
export async function invokeTool(
  tool: AnyTool,
  input: unknown,
  context: ToolContext,
  { clock = systemClock() }: { readonly clock?: Clock } = {},
): Promise<Invocation> {
  const parsed = parseWith(tool.input, input);
  if (!parsed.ok) return { status: "input-invalid", issues: parsed.issues };
  if (context.signal.aborted) return { status: "cancelled" };

  const stop = quietController();
  const stopped = Promise.withResolvers<Invocation>();
  const end = (invocation: Invocation) => {
    stopped.resolve(invocation);
    stop.abort(new DOMException(`The call was stopped (${invocation.status}).`, "AbortError"));
  };
  const cancel = () => end({ status: "cancelled" });
  context.signal.addEventListener("abort", cancel, { once: true });
  const timer = clock.at(clock.now() + tool.timeoutMs, () => end({ status: "timeout", timeoutMs: tool.timeoutMs }));
  try {
    return await Promise.race([stopped.promise, called(tool, parsed.value, { ...context, signal: stop.signal })]);
  } finally {
    timer.cancel();
    context.signal.removeEventListener("abort", cancel);
  }
}

async function called(tool: AnyTool, input: unknown, context: ToolContext): Promise<Invocation> {
  let answer: unknown;
  try {
    answer = await tool.execute(input, context);
  } catch (cause) {
    if (cause instanceof Error && cause.name === "ToolRefusal") return { status: "refused", message: cause.message };
    return { status: "failed", message: reasonOf(cause), mayHaveExecuted: mayHaveExecuted(cause), cause };
  }
  // Labels of its parts are for runs.
  const output = parseWith(tool.output, saidOf(answer).value);
  return output.ok
    ? { status: "returned", output: output.value as Json }
    : { status: "output-invalid", issues: output.issues };
}

/** Only an error that says so itself is known not to have had an effect. */
function mayHaveExecuted(thrown: unknown): boolean {
  return !(typeof thrown === "object" && thrown !== null && "mayHaveExecuted" in thrown && !thrown.mayHaveExecuted);
}
