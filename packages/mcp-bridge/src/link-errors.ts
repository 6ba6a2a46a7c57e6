import { type ErrorData, reasonOf } from "@remit/core";
import { McpError } from "./errors.ts";
import { ListingError } from "./listing.ts";
import { visible } from "./text.ts";
import type { ChannelEnd } from "./wire/channel.ts";
import { WireError, type WireFault } from "./wire/port.ts";

/** From what the wire says to what people and dispatchers are told. */

/** JSON-RPC errors by which a server says that it did not take the request: parse, request, method, parameters. */
const notTaken: readonly number[] = [-32700, -32600, -32601, -32602];
const reasonMax = 2_000;

/** The server cannot be reached now; nothing was sent. */
export function unavailable(server: string, reason: string, retryAfterMs: number): McpError {
  return new McpError("mcp/server-unavailable", { server, reason, retryAfterMs });
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
    default:
      return new McpError("mcp/result-invalid", { server, tool, reason: shown(faultReason(fault)) }, options);
  }
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
    case "malformed":
    case "unauthorised":
    case "unreachable":
    case "broken":
      return fault.reason;
  }
}

function shown(reason: string): string {
  return visible(reason.length > reasonMax ? `${reason.slice(0, reasonMax)}…` : reason);
}
