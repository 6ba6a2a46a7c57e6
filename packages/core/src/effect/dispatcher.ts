import { z } from "zod";
import type { CallToolCommand, LookupCommand } from "../command.ts";
import { type ErrorData, OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { covers } from "../grant.ts";
import { copyJson, findNonJson, type Json, plainJson } from "../json.ts";
import { findAgent } from "../model/gateway.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import { spanNames, type Tracer } from "../port/tracer.ts";
import { type Parsed, parseWith } from "../schema.ts";
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
    if (command.type === "callTool" && !covers(command.grant, tool)) {
      throw new OrchestrationError("policy/not-granted", { agent: agentName, tool: toolName });
    }
    if (tool.effect === "write" && command.key === "") {
      throw new OrchestrationError("run/internal", { reason: `a write of ${toolName} came without its key` });
    }
    return tool;
  };

  /** What a tool gave, as its schema reads it and as a journal can hold it. */
  const outputOf = (tool: AnyTool, value: unknown): Parsed<Json> => {
    const parsed = parseWith(tool.output, value);
    if (!parsed.ok) return parsed;
    const plain = plainJson(parsed.value);
    if (!plain.ok) {
      return { ok: false, issues: [{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }] };
    }
    const bytes = Buffer.byteLength(JSON.stringify(plain.value));
    const limit = definition.limits.payloadBytes;
    if (bytes <= limit) return plain;
    return { ok: false, issues: [{ pointer: "", message: `${bytes} bytes, more than the limit of ${limit}` }] };
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
        // A copy, because what a tool does to its arguments is no business of the run that holds them.
        const parsed = parseWith(tool.input, copyJson(command.input));
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
        const value = await within({ clock, tool, signal, patient: write }, (inner) =>
          tool.execute(input as never, contextOf(key, command, inner)),
        );
        const output = outputOf(tool, value);
        if (!output.ok) {
          const issues = output.issues as unknown as Json;
          const error = new OrchestrationError("tool/output-invalid", { tool: tool.name, issues });
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
            output: output.value,
            labels: { "": tool.labels.length > 0 ? tool.labels : [`tool:${tool.name}`] },
            durationMs: clock.now() - startedAt,
          },
        };
      } catch (thrown) {
        const error = asError(thrown, tool.name);
        span.end({ code: error.code });
        return failed(error, write && mayHaveExecuted(thrown));
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
        const input = parseWith(tool.input, copyJson(command.input));
        if (!lookup || !input.ok) return answer("unknown");
        const value = await within({ clock, tool, signal, patient: false }, (inner) =>
          lookup(input.value as never, contextOf(key, command, inner)),
        );
        const parsed = found.safeParse(value);
        if (!parsed.success) return answer("unknown");
        if (parsed.data.outcome !== "found") return answer(parsed.data.outcome);
        const output = outputOf(tool, parsed.data.output);
        // It happened, whatever the look-up could tell of it.
        return answer("found", output.ok ? output.value : null);
      } catch {
        return answer("unknown"); // A look-up that fails has found nothing out (D7).
      }
    },
  };
}

/**
 * Runs a call under its deadline and signal. Resolves or rejects once; the call itself may go on unheard. A patient one
 * passes an abort on and waits for what the tool makes of it, until its deadline: a write that knows its outcome shall
 * be able to say so.
 */
async function within<T>(
  options: {
    readonly clock: Clock;
    readonly tool: AnyTool;
    readonly signal: AbortSignal;
    readonly patient: boolean;
  },
  run: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const { clock, signal, patient } = options;
  const { name: tool, timeoutMs } = options.tool;
  const own = new AbortController();
  let timer: { cancel: () => void } | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    timer = clock.at(clock.now() + timeoutMs, () => {
      reject(new OrchestrationError("tool/timeout", { tool, timeoutMs }));
      own.abort();
    });
    onAbort = () => {
      if (!patient) reject(new OrchestrationError("tool/cancelled", { tool }));
      own.abort();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
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

/** Once a tool was called, only its refusal, or a transport that knows better, says that nothing happened. */
function mayHaveExecuted(thrown: unknown): boolean {
  return !isRefusal(thrown) && (thrown as { mayHaveExecuted?: unknown } | null)?.mayHaveExecuted !== false;
}
