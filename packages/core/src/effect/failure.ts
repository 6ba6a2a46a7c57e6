import { type ErrorData, OrchestrationError, reasonOf } from "../errors.ts";
import { findNonJson, type Json } from "../json.ts";
import { codeOf, networkCodes } from "../transport.ts";
import type { Effect } from "./effect.ts";

/** What a tool threw, as an error of ours; made once, here. */

/** Codes of a bridge that say: the server is not there. */
const gone: ReadonlySet<string> = new Set([
  "mcp/call-not-sent",
  "mcp/connect-timeout",
  "mcp/connection-lost",
  "mcp/exited-at-start",
  "mcp/handshake-failed",
  "mcp/server-unavailable",
  "mcp/spawn-failed",
]);

/** By these the gate itself says what became of a call. A tool that throws them has them from a call that was made inside it. */
const outcomes: ReadonlySet<string> = new Set(["tool/output-invalid", "tool/refused"]);

type Failing = { readonly name: string; readonly effect: Effect };

/** A foreign throw becomes ours. A refusal is known by its name, so that two copies of a package agree. Never throws. */
export function toolError(thrown: unknown, tool: Failing): OrchestrationError {
  try {
    return readError(thrown, tool);
  } catch {
    // Its members throw when they are looked at.
    return new OrchestrationError("tool/failed", { tool: tool.name, reason: reasonOf(thrown) }, { cause: thrown });
  }
}

function readError(thrown: unknown, tool: Failing): OrchestrationError {
  if (OrchestrationError.is(thrown) && !outcomes.has(thrown.code)) return thrown;
  const { name } = tool;
  if (isRefusal(thrown)) return new OrchestrationError("tool/refused", { tool: name, reason: reasonOf(thrown) });
  // A bridge has codes and data of its own; the journal shall show them.
  const foreign = thrown as { code?: unknown; data?: unknown } | null;
  const code = typeof foreign?.code === "string" ? foreign.code : undefined;
  const details = typeof foreign?.data === "object" && !findNonJson(foreign.data) ? (foreign.data as Json) : undefined;
  const retryAfterMs = (details as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  const data: ErrorData = {
    tool: name,
    reason: reasonOf(thrown),
    ...(code === undefined ? {} : { cause: { code, ...(details === undefined ? {} : { data: details }) } }),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
  // A write may have begun before it lost its way: only who says so was never there.
  const unreached = tool.effect === "read" || saysNothingHappened(thrown);
  const unreachable = unreached && codeOf(thrown, (one) => networkCodes.has(one) || gone.has(one)) !== undefined;
  return new OrchestrationError(unreachable ? "tool/unreachable" : "tool/failed", data, { cause: thrown });
}

/** Once a tool was called, only its refusal, or a transport that knows better, says that nothing happened. */
export function mayHaveExecuted(thrown: unknown): boolean {
  try {
    return !isRefusal(thrown) && !saysNothingHappened(thrown);
  } catch {
    return true; // What cannot be looked at says nothing.
  }
}

function saysNothingHappened(thrown: unknown): boolean {
  return (thrown as { mayHaveExecuted?: unknown } | null | undefined)?.mayHaveExecuted === false;
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "ToolRefusal";
}
