import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/client";
import { WireError, type WireFault } from "./port.ts";

/** What the SDK throws, in our words. Told by name and code, so that a second copy of it is understood too. */

export const modernVersion = "2026-07-28";
export const knownVersions: readonly string[] = [modernVersion, ...SUPPORTED_PROTOCOL_VERSIONS];

/** Names of what goes wrong while somebody authorises us. */
const authNames =
  /^(?:Unauthorized|InsufficientScope|OAuth\w*|IssuerMismatch|AuthorizationServerMismatch|InsecureTokenEndpoint|RegistrationRejected)(?:Error)?$/;
const authSeam = Symbol.for("mcp.authSeamEscape");

/** @param sessionId of the request, where it had one: then 404 says that it is known no more */
export function faultOfThrown(thrown: unknown, sessionId?: string): WireFault {
  const chain = causesOf(thrown);
  const own = chain.find((error) => error instanceof WireError);
  if (own instanceof WireError) return own.fault;
  const http = chain.find((error) => error instanceof SdkHttpError);
  const status = http instanceof SdkHttpError ? http.data.status : statusOf(thrown);
  const reason = messageOf(thrown);
  if (status === 401 || status === 403 || chain.some(isAuthError)) {
    const scope = (thrown as { requiredScope?: unknown } | null)?.requiredScope;
    return { kind: "unauthorised", reason, scope: typeof scope === "string" ? scope : undefined };
  }
  if (status !== undefined) {
    const told = sessionId === undefined && http instanceof SdkHttpError ? rejectionIn(http.data.text) : undefined;
    if (told) return told;
    const forgotten = status === 404 || (status === 400 && /\bsession\b/i.test(reason));
    if (sessionId !== undefined && forgotten) {
      return {
        kind: "session-lost",
        end: { cause: "forgotten", reason: `it does not know the session any more: ${reason}` },
      };
    }
    return { kind: "http", status, reason };
  }
  if (thrown instanceof ProtocolError) {
    return { kind: "rejected", rpcCode: thrown.code, reason: thrown.message, data: thrown.data };
  }
  const offered = /^Server's protocol version is not supported: (.*)$/s.exec(reason)?.[1];
  if (offered !== undefined) return { kind: "version", offered, supported: knownVersions };
  if (thrown instanceof SdkError && thrown.code === SdkErrorCode.EraNegotiationFailed) {
    return { kind: "version", offered: reason, supported: knownVersions };
  }
  return { kind: "malformed", reason };
}

/** The stateless protocol says in the status, too, that a request was rejected; the answer in the body says more. */
function rejectionIn(body: unknown): WireFault | undefined {
  if (typeof body !== "string" || !body.trimStart().startsWith("{")) return undefined;
  try {
    const { id, error } = JSON.parse(body) as {
      id?: unknown;
      error?: { code?: unknown; message?: unknown; data?: unknown };
    };
    if (id === undefined || id === null || typeof error?.code !== "number") return undefined;
    return { kind: "rejected", rpcCode: error.code, reason: String(error.message), data: error.data };
  } catch {
    return undefined; // A page for people.
  }
}

function isAuthError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return authSeam in error || authNames.test(String((error as { name?: unknown }).name));
}

function causesOf(thrown: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let error = thrown; error !== undefined && error !== null && chain.length < 10; ) {
    chain.push(error);
    const { cause, data } = error as { cause?: unknown; data?: { cause?: unknown } };
    error = cause ?? data?.cause;
  }
  return chain;
}

/** The legacy SSE transport says it in its own ways. */
function statusOf(thrown: unknown): number | undefined {
  const { name, code } = (thrown ?? {}) as { name?: unknown; code?: unknown };
  if (name === "SseError" && typeof code === "number") return code;
  const told = /\(HTTP (\d{3})\)/.exec(messageOf(thrown))?.[1];
  return told === undefined ? undefined : Number(told);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
