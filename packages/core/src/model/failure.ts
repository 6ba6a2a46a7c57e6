import { z } from "zod";
import { type ErrorCode, OrchestrationError, reasonOf } from "../errors.ts";
import { once } from "../once.ts";
import type { FailedCall } from "../port/model.ts";
import { codeOf, networkCodes } from "../transport.ts";
import { spent } from "./response.ts";

/** How long a call may take where its model says nothing of it. */
export const defaultTimeoutMs = 120_000;

const costs = once(() => z.object(spent()));

/**
 * What a model's client threw, as an error of ours; made once, here. Vendors' errors are known by their members, so that
 * no vendor's package is needed: `status`, `headers`, `type`, `code` and the name. Never throws.
 * @param now epoch ms, for a `retry-after` that is a date
 */
export function modelError(thrown: unknown, model: string, now: number): OrchestrationError {
  try {
    return readError(thrown, model, now);
  } catch {
    // Its members throw when they are looked at.
    return new OrchestrationError("model/failed", { model, reason: reasonOf(thrown) }, { cause: thrown });
  }
}

function readError(thrown: unknown, model: string, now: number): OrchestrationError {
  if (OrchestrationError.is(thrown)) return thrown;
  const { status, headers } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as {
    readonly status?: unknown;
    readonly headers?: unknown;
  };
  const retryAfterMs = retryAfterMsOf(headers, now);
  const data = {
    model,
    reason: withRoot(thrown),
    ...(typeof status === "number" && Number.isFinite(status) ? { status } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return new OrchestrationError(codeFor(thrown, status), data, { cause: thrown });
}

/** What was said, and behind it what the network said of it, which SDKs and `fetch` keep to themselves. */
function withRoot(thrown: unknown): string {
  const reason = reasonOf(thrown);
  let at = thrown;
  for (let depth = 0; depth < 5 && at instanceof Error; depth++) {
    const { code, message, cause } = at as Error & { readonly code?: unknown };
    const isNetwork = typeof code === "string" && (networkCodes.has(code) || code.startsWith("UND_ERR_"));
    if (isNetwork && at !== thrown) return `${reason} (${message === "" ? code : reasonOf(at)})`;
    at = cause;
  }
  return reason;
}

/** Of a call that asked nobody, which is known to have cost nothing. */
export const free = { usage: { inputTokens: 0, outputTokens: 0 }, cost: { microUsd: 0, basis: "reported" } } as const;
/** What a client says before it asks. */
const unasked: ReadonlySet<string> = new Set(["model/media-unsupported", "model/sdk-missing"]);

/**
 * Statuses with which a provider turns a request away before a model sees it. Others may be billed: some bill a 400 for what
 * their filter found, and a server that failed may have worked first.
 */
const turnedAway: ReadonlySet<unknown> = new Set([401, 402, 403, 404, 405, 413, 415, 429]);
/** A network's words for a connection that was never there. */
const unconnected: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** True where no model can have worked for a call that failed like this. An answer that had `begun` says nothing so. */
function isUnserved(thrown: object): boolean {
  if (OrchestrationError.is(thrown)) return unasked.has(thrown.code);
  const { status, begun } = thrown as { readonly status?: unknown; readonly begun?: unknown };
  if (begun === true) return false;
  if (status !== undefined) return turnedAway.has(status);
  const network = codeOf(thrown, (code) => networkCodes.has(code));
  return network !== undefined && unconnected.has(network);
}

/** What a client says of the cost of a call that failed; nothing where it says something odd. Never throws. */
export function toldBy(thrown: unknown): FailedCall {
  try {
    return readCost(thrown);
  } catch {
    return {};
  }
}

function readCost(thrown: unknown): FailedCall {
  if (typeof thrown !== "object" || thrown === null) return {};
  const { usage, cost } = costs().safeParse(thrown).data ?? {};
  const known = !usage && !cost && isUnserved(thrown) ? free : {};
  return { ...known, ...(usage ? { usage } : {}), ...(cost ? { cost } : {}) } as FailedCall;
}

/**
 * Statuses of a server, or of a proxy before it, that may do better the next time: those that the vendors' SDKs try again.
 */
function isOverloaded(status: unknown): boolean {
  if (status === 408 || status === 409) return true;
  return typeof status === "number" && status >= 500 && status < 600 && status !== 501 && status !== 505;
}

function codeFor(thrown: unknown, status: unknown): ErrorCode {
  if (status === 429) return "model/rate-limited";
  if (isOverloaded(status) || saysOverloaded(thrown)) return "model/overloaded";
  if (codeOf(thrown, (code) => networkCodes.has(code)) !== undefined || isConnectionError(thrown)) {
    return "model/unreachable";
  }
  return "model/failed";
}

/** `overloaded_error`, which a provider may send in the middle of a stream that began with status 200. */
function saysOverloaded(thrown: unknown): boolean {
  let at = thrown;
  for (let depth = 0; depth < 3 && typeof at === "object" && at !== null; depth++) {
    const { type, error } = at as { readonly type?: unknown; readonly error?: unknown };
    if (typeof type === "string" && type.includes("overloaded")) return true;
    at = error;
  }
  return false;
}

function isConnectionError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return [thrown.name, thrown.constructor?.name].some((name) => /^APIConnection(Timeout)?Error$/.test(String(name)));
}

function retryAfterMsOf(headers: unknown, now: number): number | undefined {
  const ms = Number(header(headers, "retry-after-ms")?.trim() || Number.NaN);
  if (ms >= 0 && Number.isFinite(ms)) return Math.ceil(ms);
  const text = header(headers, "retry-after");
  if (text === undefined || text.trim() === "") return undefined;
  const seconds = Number(text);
  const after = Number.isNaN(seconds) ? Date.parse(text) - now : seconds * 1000;
  return Number.isFinite(after) ? Math.max(0, Math.ceil(after)) : undefined;
}

function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === "string" || typeof found === "number" ? String(found) : undefined;
}
