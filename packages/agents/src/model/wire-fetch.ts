import { OrchestrationError } from "@remit/core";
import { lateError, lateStatusOf } from "./sdk-failure.ts";

/**
 * `fetch` for the SDK of a vendor: what a server may do with a request, and how much it may answer.
 *
 * F1 No redirect is followed: what is meant for one server, payload and all, goes to no other.
 * F2 Reading stops at a limit, and the limit counts decoded bytes.
 * F3 What is plainly no answer of the API (a page, an error with status 200) is said as what it is; the SDKs read such a
 *    thing as an answer that broke off.
 */
export function wireFetch(model: string, bytesMax = answerBytesMax): typeof fetch {
  return async (input, init) => {
    const response = await globalThis.fetch(input, { ...init, redirect: "manual" });
    const { status, headers, body } = response;
    if (status >= 300 && status < 400 && headers.has("location")) {
      await body?.cancel();
      throw redirected(model, status, headers.get("location") ?? "", response.url);
    }
    if (!body || status > 599) return response; // Neither can be made again, and both are errors for the SDK.
    const bounded = body.pipeThrough(bound(model, bytesMax));
    const type = (headers.get("content-type") ?? "").toLowerCase();
    const isStream = type.includes("text/event-stream");
    if (!response.ok || isStream) return same(response, bounded);
    const wantsStream = asksForStream(init?.body);
    if (!wantsStream && type.includes("json")) return same(response, bounded);
    return answerOrFault(model, response, bounded, wantsStream);
  };
}

/**
 * Decoded bytes of one answer at most. A long one in small pieces has some 400 bytes of events for each token, and what is
 * beyond this is no answer of any model, but may fill the memory.
 */
const answerBytesMax = 256 * 1024 * 1024;

function bound(model: string, bytesMax: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform: (chunk, controller) => {
      bytes += chunk.byteLength;
      if (bytes <= bytesMax) return controller.enqueue(chunk);
      const reason = `more than the limit of ${bytesMax} bytes`;
      controller.error(new OrchestrationError("model/response-invalid", { model, reason }));
    },
  });
}

function same({ status, statusText, headers }: Response, body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { status, statusText, headers: decoded(headers) });
}

/** The body is decoded by now, and as long as it is. */
function decoded(headers: Headers): Headers {
  const left = new Headers(headers);
  left.delete("content-encoding");
  left.delete("content-length");
  return left;
}

function redirected(model: string, status: number, location: string, from: string): OrchestrationError {
  const to = URL.parse(location, from)?.origin ?? "another place";
  const reason = `its server sends on to ${to}, which is not followed: give the address itself as \`baseUrl\``;
  const error = new OrchestrationError("model/failed", { model, status, reason });
  // Nobody has looked at the request.
  const free = { usage: { inputTokens: 0, outputTokens: 0 }, cost: { microUsd: 0, basis: "reported" } };
  return Object.assign(error, free);
}

function asksForStream(body: unknown): boolean {
  if (typeof body !== "string") return false;
  const { stream } = JSON.parse(body) as { readonly stream?: unknown };
  return stream === true;
}

/** A stream that is called something else passes. */
async function answerOrFault(
  model: string,
  response: Response,
  body: ReadableStream<Uint8Array>,
  wantsStream: boolean,
): Promise<Response> {
  const reader = body.getReader();
  const begin: Uint8Array[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    begin.push(next.value);
    text += decoder.decode(next.value, { stream: true });
    // The events of a stream begin with a name or a colon.
    const first = text.trimStart()[0];
    const isDocument = first === "{" || first === "[" || first === "<";
    if (wantsStream && first !== undefined && !isDocument) return same(response, joined(begin, reader));
    if (text.length >= documentCharsMax) break;
  }
  if (wantsStream && text.trim() === "") return same(response, joined(begin, reader));
  await reader.cancel();
  throw documentFault(model, response, text, wantsStream);
}

/** Of a document that is no answer, so much is looked at. */
const documentCharsMax = 8_192;
const excerptChars = 200;

function joined(begin: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>) {
  const first = [...begin];
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const known = first.shift();
      if (known) return controller.enqueue(known);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function documentFault(model: string, { headers }: Response, text: string, wantsStream: boolean): Error {
  const said = saidError(jsonOf(text));
  if (said) return said;
  const type = headers.get("content-type") ?? "no content type";
  const instead = wantsStream ? "a stream (a server that has none needs `stream: false`)" : "JSON";
  const reason = `${type} in place of ${instead}; is \`baseUrl\` right? ${text.trim().slice(0, excerptChars)}`;
  return new OrchestrationError("model/response-invalid", { model, reason: reason.toWellFormed() });
}

/** The error that a server put into an answer with status 200; nothing where there is none. */
export function saidError(answer: unknown): Error | undefined {
  const { error } = (answer ?? {}) as { readonly error?: unknown };
  if (typeof error === "string") return begun(new Error(error));
  if (typeof error !== "object" || error === null) return undefined;
  const { message } = error as { readonly message?: unknown };
  const reason = typeof message === "string" ? message : JSON.stringify(error);
  const status = lateStatusOf(error);
  return status === undefined ? begun(Object.assign(new Error(reason), error)) : lateError(status, reason, error);
}

function begun(error: Error): Error {
  return Object.assign(error, { begun: true });
}

/** What `wireFetch` has thrown, which an SDK takes for a broken connection. */
export function wireFault(thrown: unknown): Error | undefined {
  const { cause } = (thrown ?? {}) as { readonly cause?: unknown };
  if (OrchestrationError.is(cause)) return cause;
  const isOurs = cause instanceof Error && (cause as { readonly begun?: unknown }).begun === true;
  return isOurs ? cause : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Cut, or none.
  }
}
