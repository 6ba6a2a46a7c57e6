import { z } from "zod";
import type { CallToolCommand, LookupCommand } from "../command.ts";
import { type ErrorCode, type ErrorData, OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { findNonJson, type Json } from "../json.ts";
import { findAgent } from "../model/gateway.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import { spanNames, type Tracer } from "../port/tracer.ts";
import { parseWith } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { AnyTool, ToolContext } from "../tool.ts";

/**
 * The one holder of tool functions (R3). It asks again, by code of its own, what the core has asked: is this tool in
 * this agent's allowlist, do the arguments fit, has a write its key. Never throws.
 */
export interface Dispatcher {
  readonly call: (key: RunKey, command: CallToolCommand, signal: AbortSignal) => Promise<InputEvent>;
  readonly lookup: (key: RunKey, command: LookupCommand, signal: AbortSignal) => Promise<InputEvent>;
}

const found = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("found"), output: z.unknown() }),
  z.object({ outcome: z.literal("never") }),
  z.object({ outcome: z.literal("unknown") }),
]);

export function dispatcher(options: {
  readonly definition: SupervisorDefinition;
  readonly clock: Clock;
  readonly tracer: Tracer;
}): Dispatcher {
  const { definition, clock, tracer } = options;

  const gate = (command: CallToolCommand | LookupCommand): AnyTool => {
    const { agent: agentName, tool: toolName } = command;
    const tool = findAgent(definition, agentName)?.tools.find(({ name }) => name === toolName);
    if (!tool) throw new OrchestrationError("policy/tool-not-allowed", { agent: agentName, tool: toolName });
    if (tool.effect === "write" && command.key === "") {
      throw new OrchestrationError("run/internal", { reason: `a write of ${toolName} came without its key` });
    }
    return tool;
  };

  const contextOf = (key: RunKey, command: CallToolCommand | LookupCommand, signal: AbortSignal): ToolContext => ({
    signal,
    idempotencyKey: command.key,
    tenant: key.tenant,
    runId: key.runId,
    agent: command.agent,
    path: command.path,
    attempt: command.attempt,
    attributes: command.attributes,
  });

  return {
    call: async (key, command, signal) => {
      const startedAt = clock.now();
      const failed = (error: OrchestrationError, mayHaveExecuted: boolean): InputEvent<"tool.failed"> => ({
        id: command.id,
        type: "tool.failed",
        path: command.path,
        body: { command: command.id, error: error.toRecord(), mayHaveExecuted, durationMs: clock.now() - startedAt },
      });
      let tool: AnyTool;
      let input: unknown;
      try {
        tool = gate(command);
        const parsed = parseWith(tool.input, command.input);
        if (!parsed.ok) {
          throw new OrchestrationError("tool/input-invalid", {
            tool: tool.name,
            issues: parsed.issues as unknown as Json,
          });
        }
        input = parsed.value;
        if (signal.aborted) throw new OrchestrationError("tool/cancelled", { tool: tool.name });
      } catch (thrown) {
        // Nothing has been called yet, so the outcome is known.
        return failed(asError(thrown, command.tool), false);
      }
      const write = tool.effect === "write";
      const span = tracer.span(spanNames.tool(tool.name), { "gen_ai.tool.name": tool.name });
      try {
        const value = await within(clock, tool.timeoutMs, tool.name, signal, (inner) =>
          tool.execute(input as never, contextOf(key, command, inner)),
        );
        const parsed = parseWith(tool.output, value);
        const wrong = parsed.ok ? findNonJson(parsed.value) : undefined;
        if (!parsed.ok || wrong) {
          const issues = parsed.ok ? [{ pointer: wrong?.pointer ?? "", message: wrong?.reason ?? "" }] : parsed.issues;
          const error = new OrchestrationError("tool/output-invalid", {
            tool: tool.name,
            issues: issues as unknown as Json,
          });
          span.end({ code: error.code });
          return failed(error, write);
        }
        span.end();
        return {
          id: command.id,
          type: "tool.returned",
          path: command.path,
          body: {
            command: command.id,
            output: parsed.value as Json,
            labels: { "": tool.labels.length > 0 ? tool.labels : [`tool:${tool.name}`] },
            durationMs: clock.now() - startedAt,
          },
        };
      } catch (thrown) {
        const error = asError(thrown, tool.name);
        span.end({ code: error.code });
        return failed(error, write && mayHaveExecuted(thrown, error));
      }
    },
    lookup: async (key, command, signal) => {
      const answer = (outcome: "found" | "never" | "unknown", output?: Json): InputEvent<"effect.looked-up"> => ({
        id: command.id,
        type: "effect.looked-up",
        path: command.path,
        body: { command: command.id, outcome, ...(output === undefined ? {} : { output }) },
      });
      try {
        const tool = gate(command);
        const { lookup } = tool;
        const input = parseWith(tool.input, command.input);
        if (!lookup || !input.ok) return answer("unknown");
        const value = await within(clock, tool.timeoutMs, tool.name, signal, (inner) =>
          lookup(input.value as never, contextOf(key, command, inner)),
        );
        const parsed = found.safeParse(value);
        if (!parsed.success) return answer("unknown");
        if (parsed.data.outcome !== "found") return answer(parsed.data.outcome);
        const output = parseWith(tool.output, parsed.data.output);
        // It happened, whatever the look-up could tell of it.
        return answer("found", output.ok && !findNonJson(output.value) ? (output.value as Json) : null);
      } catch {
        return answer("unknown"); // A look-up that fails has found nothing out (D7).
      }
    },
  };
}

/** Runs a call under its deadline and signal. Resolves or rejects once; the call itself may go on unheard. */
async function within<T>(
  clock: Clock,
  timeoutMs: number,
  tool: string,
  signal: AbortSignal,
  run: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const own = new AbortController();
  let timer: { cancel: () => void } | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    timer = clock.at(clock.now() + timeoutMs, () => {
      reject(new OrchestrationError("tool/timeout", { tool, timeoutMs }));
      own.abort();
    });
    onAbort = () => {
      reject(new OrchestrationError("tool/cancelled", { tool }));
      own.abort();
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([Promise.resolve().then(() => run(own.signal)), stopped]);
  } finally {
    timer?.cancel();
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}

/** A foreign throw becomes ours once, here. A refusal is known by its name, so that two copies of a package agree. */
function asError(thrown: unknown, tool: string): OrchestrationError {
  if (OrchestrationError.is(thrown)) return thrown;
  if (isRefusal(thrown)) return new OrchestrationError("tool/refused", { tool, reason: reasonOf(thrown) });
  // A bridge has codes and data of its own; the journal shall show them.
  const foreign = thrown as { code?: unknown; data?: unknown } | null;
  const code = typeof foreign?.code === "string" ? foreign.code : undefined;
  const details = typeof foreign?.data === "object" && !findNonJson(foreign.data) ? (foreign.data as Json) : undefined;
  const data: ErrorData = {
    tool,
    reason: reasonOf(thrown),
    ...(code === undefined ? {} : { cause: { code, ...(details === undefined ? {} : { data: details }) } }),
  };
  return new OrchestrationError("tool/failed", data, { cause: thrown });
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "ToolRefusal";
}

/** Codes after which a write has certainly not happened. */
const notExecuted: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "tool/refused",
  "tool/input-invalid",
  "policy/tool-not-allowed",
]);

function mayHaveExecuted(thrown: unknown, error: OrchestrationError): boolean {
  if (notExecuted.has(error.code)) return false;
  // A transport that knows better says so itself.
  return (thrown as { mayHaveExecuted?: unknown } | null)?.mayHaveExecuted !== false;
}
