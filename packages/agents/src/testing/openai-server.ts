import type { Json } from "@remit/core";
import { type ModelServer, type ModelServerOptions, modelServer, type ServedVendor } from "./model-server.ts";
import { chatEvents, chatWhole, decodeChat } from "./openai-wire-chat.ts";
import { decodeResponses, responsesEvents, responsesFailed, responsesWhole } from "./openai-wire-responses.ts";

/**
 * OpenAI's API on 127.0.0.1, for tests: `POST /v1/responses` and `POST /v1/chat/completions`, whole and streamed.
 *
 * ```ts
 * const server = await openaiServer({ answer: () => ({ parts: [{ type: "output", value: { text: "hello" } }] }) });
 * const model = openai("gpt-5-mini", { apiKey: "test", baseUrl: `${server.url}/v1` });
 * ```
 */
export function openaiServer(options: ModelServerOptions): Promise<ModelServer> {
  return modelServer(vendor, options);
}

const vendor: ServedVendor = {
  overloadedStatus: 503,
  decode: (path, body) => {
    if (path === "/v1/responses") return decodeResponses(body);
    return path === "/v1/chat/completions" ? decodeChat(body) : undefined;
  },
  whole: (path, call, written) =>
    asJson(path === "/v1/responses" ? responsesWhole(call, written) : chatWhole(call, written)),
  events: (path, call, written) =>
    path === "/v1/responses"
      ? responsesEvents(call, written).map((event) => ({ event: event.type, data: asJson(event) }))
      : [...chatEvents(call, written).map((chunk) => ({ data: asJson(chunk) })), { data: "[DONE]" }],
  overloaded: (path, call, written) => {
    const code = "server_is_overloaded";
    if (path === "/v1/responses") {
      const data = responsesFailed(call, written, code, "Overloaded.");
      return { event: "response.failed", data: asJson(data) };
    }
    return { data: { error: { message: "Overloaded.", type: "server_error", param: null, code } } };
  },
  failure: (status, type, message) => ({
    error: { message, type, param: null, code: status === 429 ? "rate_limit_exceeded" : null },
  }),
};

/** The SDK's types hold JSON only, without saying so. */
function asJson(value: object): Json {
  return value as unknown as Json;
}
