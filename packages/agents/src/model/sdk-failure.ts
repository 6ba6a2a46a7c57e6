import { type FailedCall, OrchestrationError, reasonOf, type Usage } from "@remit/core";
import type { Pricing } from "./pricing.ts";

/** What adapters throw, in forms that core's reading of a failure knows. */

/** The connection ended before the answer did: for core, the model was not reached. */
export function cutError(cause?: unknown): Error {
  const error = new Error("the answer ended before it was complete", cause === undefined ? {} : { cause });
  return Object.assign(error, { code: "ECONNRESET" });
}

/**
 * An error that a vendor put into an answer which began with status 200, with the status that it stands for. Begun, it may
 * have cost something whatever the status is.
 */
export function lateError(status: number, reason: string, cause?: unknown): Error {
  return Object.assign(new Error(reason, cause === undefined ? {} : { cause }), { status, begun: true });
}

/** Codes that OpenAI, and servers that speak as it does, put into the middle of an answer. */
const lateStatus: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  server_error: 500,
  server_is_overloaded: 503,
  slow_down: 503,
};

/** The status that such an error stands for; nothing where its code says nothing. */
export function lateStatusOf(error: object): number | undefined {
  const { code, type } = error as { readonly code?: unknown; readonly type?: unknown };
  return typeof code === "number" ? code : (lateStatus[String(code)] ?? lateStatus[String(type)]);
}

export function stoppedError(model: string, cause?: unknown): OrchestrationError {
  return new OrchestrationError("model/failed", { model, reason: "it was stopped" }, { cause });
}

export function truncatedError(model: string, maxOutputTokens: number): OrchestrationError {
  return new OrchestrationError("model/truncated", { model, maxOutputTokens });
}

export function filteredError(model: string, reason: string, cause?: unknown): OrchestrationError {
  return new OrchestrationError("model/content-filtered", { model, reason }, { cause });
}

/**
 * Something thrown, with what the failed call has cost where the vendor said so (W2 of the gateway).
 * @param usage the final one; what a vendor tells in the middle of an answer is no cost, and the call settles at its
 *   reservation then (D12)
 */
export function withUsage(thrown: unknown, usage: Usage | undefined, price: Pricing | undefined, at: number): unknown {
  if (!usage) return thrown;
  const error = typeof thrown === "object" && thrown !== null ? thrown : new Error(reasonOf(thrown), { cause: thrown });
  return Object.assign(error, { usage, ...(price ? { cost: price.cost(usage, at) } : {}) });
}

/** A key is longer than this; what is shorter stands for none (`none`), and may be any word. */
const secretCharsMin = 8;

/**
 * Something thrown, without the key that its message may show: of a header that cannot be sent, or of a server that
 * repeats what it was sent. Messages are journaled (R12).
 */
export function withoutSecret(thrown: unknown, secret: string | undefined): unknown {
  const hidden = secret?.trim() ?? "";
  if (hidden.length < secretCharsMin || !(thrown instanceof Error) || !thrown.message.includes(hidden)) return thrown;
  // Its other members say what it is; itself it is not passed on as the cause.
  return Object.assign(new Error(thrown.message.replaceAll(hidden, "[key]")), thrown);
}

/**
 * What a call has cost at most whose usage was told in part: the input as it was counted at the start, and all of the
 * output that it could bring. Without prices nothing is said: tokens that nobody counted are no usage.
 */
export function boundOf(
  usage: Usage | undefined,
  maxOutputTokens: number,
  price: Pricing | undefined,
  at: number,
): FailedCall {
  if (!usage || !price) return {};
  const bound = { ...usage, outputTokens: Math.max(usage.outputTokens, maxOutputTokens) };
  return { usage: bound, cost: { ...price.cost(bound, at), basis: "estimated" } };
}

/**
 * Loads an SDK when it is first needed.
 * @throws OrchestrationError `model/sdk-missing` when the package is not installed
 */
export async function loadSdk<Sdk>(load: () => Promise<Sdk>, model: string, name: string): Promise<Sdk> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    const isMissing = code === "ERR_MODULE_NOT_FOUND" && String(message).includes(`'${name}'`);
    if (!isMissing) throw cause;
    throw new OrchestrationError("model/sdk-missing", { model, package: name }, { cause });
  }
}

/**
 * The key of a provider.
 * @throws OrchestrationError `model/key-missing`
 */
export function keyOf(model: string, apiKey: string | undefined, variable: string): string {
  const key = apiKey ?? process.env[variable];
  if (key === undefined || key.trim() === "") throw new OrchestrationError("model/key-missing", { model, variable });
  return key;
}

/**
 * Where a model's server is. Without a scheme `localhost:11434` is one named `localhost`, which each call would fail at.
 * @throws OrchestrationError `model/address-invalid`
 */
export function addressOf(model: string, baseUrl: string): URL {
  const address = URL.parse(baseUrl);
  if (address && /^https?:$/.test(address.protocol)) return address;
  const shown = String(baseUrl).replace(/[^/@]*@/, "…@"); // A name and a password are nobody's to read.
  throw new OrchestrationError("model/address-invalid", { model, baseUrl: shown });
}
