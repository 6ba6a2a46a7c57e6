import { type ErrorData, reasonOf } from "@remit/core";
import { McpError } from "./errors.ts";
import { ListingError } from "./listing.ts";
import { visible } from "./text.ts";
import type { ChannelEnd } from "./wire/channel.ts";
import { WireError, type WireFault } from "./wire/port.ts";

/** From what the wire says to what people and dispatchers are told. */

/**
 * JSON-RPC errors by which a server says that it did not take the request: parse, request, method, parameters, and what it
 * would have to ask and may not (2026-07-28).
 */
const notTaken: readonly number[] = [-32700, -32600, -32601, -32602, -32021];
const reasonMax = 2_000;

/** The server cannot be reached now; nothing was sent. */
export function unavailable(server: string, reason: string, retryAfterMs: number): McpError {
  return new McpError("mcp/server-unavailable", { server, reason, retryAfterMs });
}

/** Nobody connects to the server for a while; nothing was sent. */
export function quarantined(server: string, reason: string, retryAfterMs: number): McpError {
  return new McpError("mcp/server-quarantined", { server, reason, retryAfterMs });
}

/** What went wrong before a connection was ready. `listed`: the handshake had been made. */
export function connectError(
  { server, target, listed }: { readonly server: string; readonly target: string; readonly listed: boolean },
  thrown: unknown,
): McpError {
  if (McpError.is(thrown)) return thrown;
  const failed = listed ? "mcp/listing-failed" : "mcp/handshake-failed";
  if (!(thrown instanceof WireError)) {
    const reason = shown(reasonOf(thrown));
    return new McpError(
      thrown instanceof ListingError ? "mcp/listing-failed" : failed,
      { server, reason },
      { cause: thrown },
    );
  }
  const { fault } = thrown;
  if (fault.kind === "version") {
    const data = { server, offered: shown(fault.offered), supported: [...fault.supported] };
    return new McpError("mcp/version-unsupported", data, { cause: thrown });
  }
  if (fault.kind === "ended" && fault.end.cause === "spawn-failed") {
    const data = { server, command: target, reason: fault.end.reason };
    return new McpError("mcp/spawn-failed", data, { cause: thrown });
  }
  if (fault.kind === "unauthorised") return authRequired(server, fault, thrown);
  if (
    fault.kind === "unreachable" ||
    fault.kind === "broken" ||
    (fault.kind === "ended" && /^(?:lost|forgotten)$/.test(fault.end.cause) && !("exitCode" in fault.end))
  ) {
    return new McpError("mcp/connect-failed", { server, target, reason: shown(faultReason(fault)) }, { cause: thrown });
  }
  if (fault.kind === "ended" && fault.end.cause !== "overflow") {
    return new McpError("mcp/exited-at-start", { server, ...endData(fault.end) }, { cause: thrown });
  }
  return new McpError(failed, { server, reason: shown(faultReason(fault)) }, { cause: thrown });
}

/** What went wrong after a call was sent. */
export function callError(
  { server, tool, timeoutMs, timedOut }: { server: string; tool: string; timeoutMs: number; timedOut: boolean },
  thrown: unknown,
): McpError {
  const fault: WireFault = thrown instanceof WireError ? thrown.fault : { kind: "malformed", reason: reasonOf(thrown) };
  const options = { cause: thrown };
  switch (fault.kind) {
    case "aborted":
      return timedOut
        ? new McpError("mcp/call-timeout", { server, tool, timeoutMs }, options)
        : new McpError("mcp/call-cancelled", { server, tool }, options);
    case "ended":
      return new McpError("mcp/connection-lost", { server, tool, ...endData(fault.end) }, options);
    case "rejected": {
      const data = { server, tool, rpcCode: fault.rpcCode, reason: shown(fault.reason) };
      return new McpError(notTaken.includes(fault.rpcCode) ? "mcp/call-rejected" : "mcp/call-failed", data, options);
    }
    case "unauthorised":
      return authRequired(server, fault, thrown);
    case "session-lost":
      return new McpError("mcp/session-lost", { server, tool, reason: shown(fault.end.reason) }, options);
    case "unreachable":
      return new McpError("mcp/server-unavailable", { server, reason: shown(fault.reason), retryAfterMs: 0 }, options);
    case "busy":
      return new McpError(
        "mcp/server-unavailable",
        { server, reason: shown(fault.reason), retryAfterMs: fault.retryAfterMs },
        options,
      );
    case "broken":
      return new McpError(
        "mcp/connection-lost",
        { server, tool, ...endData({ cause: "lost", reason: shown(fault.reason) }) },
        options,
      );
    case "http": {
      const data = { server, tool, rpcCode: `HTTP ${fault.status}`, reason: shown(fault.reason) };
      const taken = fault.status < 400 || fault.status >= 500;
      return new McpError(taken ? "mcp/call-failed" : "mcp/call-rejected", data, options);
    }
    case "too-large": {
      const { bytes, limit } = fault;
      return new McpError("mcp/result-too-large", { server, tool, bytes, limit }, options);
    }
    case "rounds":
      return new McpError("mcp/input-rounds-exceeded", { server, tool, rounds: fault.rounds }, options);
    case "asked":
      return new McpError("mcp/input-refused", { server, tool, reason: shown(fault.reason) }, options);
    default:
      return new McpError("mcp/result-invalid", { server, tool, reason: shown(faultReason(fault)) }, options);
  }
}

function authRequired(
  server: string,
  { reason, scope }: Extract<WireFault, { kind: "unauthorised" }>,
  cause: unknown,
): McpError {
  return new McpError("mcp/auth-required", { server, reason: shown(reason), scope: scope ?? null }, { cause });
}

function endData({ reason, exitCode, signal, stderr = "" }: ChannelEnd): ErrorData {
  return { reason, exitCode: exitCode ?? null, signal: signal ?? null, stderr };
}

export function stderrOf(thrown: unknown, end: ChannelEnd | undefined): string {
  const fault = thrown instanceof WireError ? thrown.fault : undefined;
  const found = end ?? (fault && "end" in fault ? fault.end : undefined);
  return found?.stderr ?? "";
}

function faultReason(fault: WireFault): string {
  switch (fault.kind) {
    case "aborted":
      return "it was cancelled";
    case "ended":
    case "session-lost":
      return fault.end.reason;
    case "too-large":
      return `a message of ${fault.bytes} bytes or more exceeds ${fault.limit}`;
    case "http":
      return `HTTP ${fault.status}: ${fault.reason}`;
    case "rejected":
      return `error ${fault.rpcCode}: ${fault.reason}`;
    case "version":
      return `protocol version ${fault.offered}`;
    case "rounds":
      return `it asked for more ${fault.rounds} times`;
    case "malformed":
    case "unauthorised":
    case "unreachable":
    case "busy":
    case "broken":
    case "asked":
      return fault.reason;
  }
}

function shown(reason: string): string {
  return visible(reason.length > reasonMax ? `${reason.slice(0, reasonMax)}…` : reason);
}
