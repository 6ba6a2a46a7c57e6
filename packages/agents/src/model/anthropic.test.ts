import Anthropic from "@anthropic-ai/sdk";
import {
  type Json,
  jsonSchemaOf,
  type Message,
  type ModelDelta,
  type ModelRequest,
  type ResponsePart,
} from "@remit/core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { anthropic } from "./anthropic.ts";
import { idle, request, textSchema } from "./request.test.data.ts";

/** What the contract of all models does not ask: Anthropic's own words for what is sent and for what goes wrong. */

const schemaOf = (schema: z.ZodType) => jsonSchemaOf(schema, "input", "clerk");
const lookUp = { name: "look_up", description: "Looks up.", inputSchema: textSchema };
const tree: z.ZodType = z.object({
  get down() {
    return z.array(tree);
  },
});
const price = {
  quote: ({ chars }: { chars: number }, most: number) => ({ microUsd: chars, tokens: most }),
  cost: ({ outputTokens }: { outputTokens: number }) => ({ microUsd: outputTokens, basis: "reported" as const }),
};

/** A client whose network is a function; bodies are what it was sent. */
function clientOf(answer: object | string, status = 200) {
  const bodies: { readonly [key: string]: Json }[] = [];
  const client = new Anthropic({
    apiKey: "test",
    logLevel: "off",
    fetch: async (_url, init) => {
      bodies.push(JSON.parse(String(init?.body)) as { readonly [key: string]: Json });
      const isEvents = typeof answer === "string";
      const type = isEvents ? "text/event-stream" : "application/json";
      const body = isEvents ? answer : JSON.stringify(answer);
      return new Response(body, { status, headers: { "content-type": type } });
    },
  });
  return { client, bodies };
}
const usage = { input_tokens: 10, output_tokens: 5 };
const message = (content: readonly object[], more: object = {}) => ({
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5",
  content,
  stop_reason: "end_turn",
  usage,
  ...more,
});
const said = message([{ type: "text", text: '{"text":"hi"}' }]);
const events = (...all: readonly object[]) =>
  all.map((event) => `event: ${(event as { type?: string }).type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
const start = {
  type: "message_start",
  message: message([], { stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } }),
};

async function sent(more: Partial<ModelRequest>, options: Parameters<typeof anthropic>[1] = {}) {
  const { client, bodies } = clientOf(said);
  await anthropic("claude-haiku-4-5", { client, ...options }).generate(request(more), idle);
  return bodies[0] as {
    readonly messages: readonly Json[];
    readonly tools: readonly Json[];
    readonly [key: string]: Json;
  };
}

describe("the key", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("is the environment's; without one the error names the variable", () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "");
    expect(() => anthropic("claude-haiku-4-5")).toThrow(
      'model/key-missing: model "claude-haiku-4-5" has no API key: "ANTHROPIC_API_KEY" is not set',
    );
    const wrong = { apiKey: "key", baseUrl: "localhost:1234" };
    expect(() => anthropic("claude-haiku-4-5", wrong)).toThrow("model/address-invalid");
    vi.stubEnv("ANTHROPIC_API_KEY", "key");
    expect(anthropic("claude-haiku-4-5")).toMatchObject({
      id: "claude-haiku-4-5",
      provider: "anthropic",
      cost: "paid",
      timeoutMs: 120_000,
    });
  });
});

describe("the key in what is thrown", () => {
  test("is hidden where it cannot be a header", async () => {
    const apiKey = "sk-ant-first-line\nsk-ant-second-line";
    const model = anthropic("claude-haiku-4-5", { apiKey, baseUrl: "http://127.0.0.1:9" });
    await expect(model.generate(request(), idle)).rejects.toThrow(/"(Bearer )?\[key\]" is an invalid header value/);
  });

  test("is hidden where a server repeats it, and the error is what it was", async () => {
    const client = new Anthropic({
      apiKey: "sk-ant-of-the-test",
      maxRetries: 0,
      logLevel: "off",
      fetch: async () =>
        Response.json(
          { type: "error", error: { type: "authentication_error", message: "bad key sk-ant-of-the-test" } },
          { status: 401 },
        ),
    });
    await expect(anthropic("m", { client }).generate(request(), idle)).rejects.toMatchObject({
      status: 401,
      message: expect.stringMatching(/^(?!.*sk-ant-of-the-test).*bad key \[key\]/),
    });
  });
});

describe("the final value", () => {
  test("is held to a schema that the API can hold to; bounds become words", async () => {
    const outputSchema = schemaOf(
      z.object({ count: z.int().max(9), of: z.enum(["a", "b"]), note: z.string().optional() }),
    );
    const body = await sent({ outputSchema });
    expect(body.output_config).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: {
            count: { type: "integer", description: "maximum: 9" },
            of: { enum: ["a", "b"] },
            note: { type: "string" },
          },
          required: ["count", "of"],
          additionalProperties: false,
        },
      },
    });
    expect(body.tools).toBe(undefined);
    expect(body.tool_choice).toBe(undefined);
  });

  test("that is a choice stands in an object of ours, and comes out of it", async () => {
    const outputSchema = schemaOf(
      z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("a") }),
        z.object({ kind: z.literal("b"), at: z.int() }),
      ]),
    );
    const { client, bodies } = clientOf(message([{ type: "text", text: '{"answer":{"kind":"b","at":1}}' }]));
    const { parts } = await anthropic("claude-haiku-4-5", { client }).generate(request({ outputSchema }), idle);
    expect(bodies[0]?.output_config).toMatchObject({ format: { schema: { required: ["answer"] } } });
    expect(parts).toEqual([{ type: "output", value: { kind: "b", at: 1 } }]);
  });

  test.each([
    ["an open object", z.record(z.string(), z.int())],
    ["a value of any type", z.object({ any: z.unknown() })],
    ["recursion", z.object({ tree })],
    [
      "too many optional members",
      z.object(Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`m${at}`, z.int().optional()]))),
    ],
  ])("comes by a tool where the schema has %s", async (_, schema) => {
    const body = await sent({ outputSchema: schemaOf(schema), tools: [{ ...lookUp, name: "return_output" }] });
    expect(body.output_config).toBe(undefined);
    expect(body.tools.map((tool) => (tool as { name: string }).name)).toEqual(["return_output", "return_output_2"]);
    expect(body.tool_choice).toEqual({ type: "any" });
  });

  test("by a tool is an output, also beside a call, and is shown as text while it comes", async () => {
    const { client } = clientOf(
      events(
        start,
        {
          type: "content_block_start",
          index: 0,
          content_block: { type: "tool_use", id: "t1", name: "return_output", input: {} },
        },
        { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"text":' } },
        { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '"hi"}' } },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 7 } },
        { type: "message_stop" },
      ),
    );
    const deltas: ModelDelta[] = [];
    const response = await anthropic("claude-haiku-4-5", { client, structured: "tool" }).generate(request(), {
      ...idle,
      onDelta: (delta) => {
        deltas.push(delta);
      },
    });
    expect(response).toEqual({
      parts: [{ type: "output", value: { text: "hi" } }],
      usage: { inputTokens: 10, outputTokens: 7 },
    });
    expect(deltas).toEqual([
      { type: "text", text: '{"text":' },
      { type: "text", text: '"hi"}' },
    ]);
  });
});

describe("a conversation", () => {
  const calls: ResponsePart[] = ["a", "b"].map((callId) => ({
    type: "toolCall",
    callId,
    tool: "look_up",
    input: { text: callId },
  }));
  const picture = { $media: "image/png", data: "aGk=" };

  test("has all results of a turn first in one message, and what a failed one shows behind them", async () => {
    const messages: Message[] = [
      { role: "assistant", parts: [{ type: "text", text: " " }, ...calls] },
      {
        role: "tool",
        results: [
          { callId: "b", tool: "look_up", status: "done", output: { photo: picture } },
          {
            callId: "a",
            tool: "look_up",
            status: "failed",
            error: { code: "tool/refused", message: "no", data: { photo: picture } },
          },
        ],
      },
      { role: "repair", issues: [{ pointer: "", message: "wrong" }] },
    ];
    const body = await sent({ tools: [lookUp], messages });
    expect(body.messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "a", name: "look_up", input: { text: "a" } },
          { type: "tool_use", id: "b", name: "look_up", input: { text: "b" } },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "a",
            is_error: true,
            content: [{ type: "text", text: expect.stringContaining("[media 1: image/png]") }],
          },
          {
            type: "tool_result",
            tool_use_id: "b",
            content: [
              { type: "text", text: '{"photo":"[media 2: image/png]"}' },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
            ],
          },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
          { type: "text", text: expect.stringContaining("does not fit") },
        ],
      },
    ]);
  });

  test("carries pictures and documents, by content and by address", async () => {
    const input = {
      picture: { $media: "image/webp", url: "https://example.com/a.webp" },
      pdf: { $media: "application/pdf", data: "aGk=", name: "a.pdf" },
      far: { $media: "application/pdf", url: "https://example.com/a.pdf" },
      note: { $media: "text/csv; charset=utf-8", data: Buffer.from("a,ü").toString("base64") },
    };
    const body = await sent({ input });
    expect((body.messages[0] as { content: readonly Json[] }).content.slice(1)).toEqual([
      { type: "image", source: { type: "url", url: "https://example.com/a.webp" } },
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "aGk=" }, title: "a.pdf" },
      { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a,ü" } },
    ]);
  });

  test.each(["audio/wav", "video/mp4", "image/tiff"])("with %s fails before anything is sent", async ($media) => {
    const { client, bodies } = clientOf(said);
    const outcome = anthropic("claude-haiku-4-5", { client }).generate(
      request({ input: { $media, data: "aGk=" } }),
      idle,
    );
    await expect(outcome).rejects.toMatchObject({
      code: "model/media-unsupported",
      data: { model: "claude-haiku-4-5", media: $media },
    });
    expect(bodies).toEqual([]);
  });

  test("is cached up to the instructions when that is wished", async () => {
    const marked = { cache_control: { type: "ephemeral" } };
    const body = await sent({ tools: [{ ...lookUp, name: "one" }, lookUp] }, { cache: true });
    expect(body.system).toMatchObject([marked]);
    expect(body.tools).toMatchObject([{ name: "one" }, { name: "look_up", ...marked }]);
    expect(JSON.stringify([body.messages, body.tools[0]])).not.toContain("cache_control");
  });
});

// "Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'", the API says, and answers nothing of the whole request.
describe("a member whose name the API refuses", () => {
  const long = "x".repeat(70);
  const names = ["$top", "filter[id]", "_top", long, `${long}y`];
  const inputSchema = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, { type: "integer" }])),
    required: ["$top", "_top"],
  };
  const tools = [{ name: "list", description: "Lists.", inputSchema }];
  const wire = ["_top_2", "filter_id_", "_top", "x".repeat(64), `${"x".repeat(62)}_2`];

  test("of a tool has another one there, and its own in what the model asks for", async () => {
    const args = Object.fromEntries(names.map((name, index) => [name, index]));
    const call: ResponsePart = { type: "toolCall", callId: "c1", tool: "list", input: args };
    const written = Object.fromEntries(wire.map((name, index) => [name, index]));
    const { client, bodies } = clientOf(message([{ type: "tool_use", id: "c2", name: "list", input: written }]));
    const asked = request({ tools, messages: [{ role: "assistant", parts: [call] }] });
    const { parts } = await anthropic("m", { client }).generate(asked, idle);
    const body = bodies[0] as unknown as {
      readonly tools: readonly { readonly input_schema: { readonly properties: object; readonly required: Json } }[];
      readonly messages: readonly { readonly content: readonly { readonly input?: Json }[] }[];
    };
    const schema = body.tools[0]?.input_schema;
    expect(Object.keys(schema?.properties ?? {})).toEqual(wire);
    expect(schema?.required).toEqual(["_top_2", "_top"]);
    expect(schema?.properties).toMatchObject({ _top_2: { type: "integer", title: "$top" }, _top: { type: "integer" } });
    expect(body.messages[1]?.content[0]?.input).toEqual(written);
    expect(parts).toEqual([{ ...call, callId: "c2" }]);
  });

  test("of an answer has it too, where a tool of ours takes it", async () => {
    const { client } = clientOf(message([{ type: "tool_use", id: "o", name: "return_output", input: { _top_2: 1 } }]));
    const asked = request({ outputSchema: inputSchema });
    const { parts } = await anthropic("m", { client, structured: "tool" }).generate(asked, idle);
    expect(parts).toEqual([{ type: "output", value: { $top: 1 } }]);
  });
});

describe("thinking", () => {
  const thought = { type: "thinking", thinking: "Hm.", signature: "c2lnbmVk" };
  const sealed = { type: "redacted_thinking", data: "c2VhbGVk" };

  test("has a budget beside the answer's, no temperature, and forces no tool", async () => {
    const body = await sent(
      {},
      { thinking: { budgetTokens: 2_000 }, temperature: 0.5, structured: "tool", maxOutputTokens: 100 },
    );
    expect(body).toMatchObject({
      max_tokens: 2_100,
      thinking: { type: "enabled", budget_tokens: 2_000 },
      tools: [{ name: "return_output" }],
    });
    expect(body.temperature).toBe(undefined);
    expect(body.tool_choice).toBe(undefined);
    expect((await sent({}, { thinking: "adaptive" })).thinking).toEqual({ type: "adaptive" });
    const { client } = clientOf(said);
    const model = anthropic("claude-haiku-4-5", {
      client,
      price,
      maxOutputTokens: 100,
      thinking: { budgetTokens: 2_000 },
    });
    expect(model.quote?.(request()).tokens).toBe(2_100);
  });

  test.each([true, false])("comes back as it came, signed or sealed (stream: %s)", async (stream) => {
    const content = [thought, sealed, { type: "text", text: '{"text":"hi"}' }];
    const { client } = clientOf(
      stream
        ? events(
            start,
            { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
            { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
            { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2lnbmVk" } },
            { type: "content_block_start", index: 1, content_block: sealed },
            { type: "content_block_start", index: 2, content_block: { type: "text", text: "" } },
            { type: "content_block_delta", index: 2, delta: { type: "text_delta", text: '{"text":"hi"}' } },
            { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } },
            { type: "message_stop" },
          )
        : message(content),
    );
    const onDelta = vi.fn();
    const { parts } = await anthropic("claude-haiku-4-5", { client, stream }).generate(request(), {
      ...idle,
      ...(stream ? { onDelta } : {}),
    });
    expect(parts.slice(0, 2)).toEqual([
      { type: "reasoning", provider: "anthropic", data: thought },
      { type: "reasoning", provider: "anthropic", data: sealed },
    ]);
    if (stream) expect(onDelta).toHaveBeenCalledWith({ type: "reasoning", text: "Hm." });
    const body = await sent({
      messages: [
        { role: "assistant", parts },
        { role: "repair", issues: [] },
      ],
    });
    expect(body.messages[1]).toEqual({ role: "assistant", content });
  });

  test.each([thought, sealed])("that it keeps to itself is a sign of life when it begins ($type)", async (block) => {
    const begun = block === thought ? { ...thought, thinking: "", signature: "" } : sealed;
    const { client } = clientOf(
      events(start, { type: "content_block_start", index: 0, content_block: begun }, { type: "message_stop" }),
    );
    const onDelta = vi.fn();
    await anthropic("claude-haiku-4-5", { client }).generate(request(), { ...idle, onDelta });
    expect(onDelta.mock.calls).toEqual([[{ type: "reasoning", text: "" }]]);
  });

  // "The final block in an assistant message cannot be `thinking`", the API says.
  test("goes back with what it led to, and not alone or at the end", async () => {
    const reasoning = (data: Json): ResponsePart => ({ type: "reasoning", provider: "anthropic", data });
    const text = (said: string): ResponsePart => ({ type: "text", text: said });
    const answers = async (...turns: readonly (readonly ResponsePart[])[]) => {
      const messages = turns.flatMap((parts): Message[] => [
        { role: "assistant", parts },
        { role: "repair", issues: [] },
      ]);
      const body = await sent({ messages });
      return body.messages.filter((one) => (one as { readonly role: string }).role === "assistant");
    };
    expect(await answers([reasoning(thought), reasoning(sealed), text("")])).toEqual([]);
    expect(await answers([reasoning(thought), text("well"), reasoning(sealed)])).toEqual([
      { role: "assistant", content: [thought, { type: "text", text: "well" }] },
    ]);
  });

  test("that was masked does not go back: a text in its place is no block", async () => {
    const masked: ResponsePart = { type: "reasoning", provider: "anthropic", data: "sealed_reasoning_x" };
    const parts: ResponsePart[] = [masked, { type: "toolCall", callId: "c1", tool: "look_up", input: {} }];
    const body = await sent({ messages: [{ role: "assistant", parts }] });
    expect(body.messages[1]).toEqual({
      role: "assistant",
      content: [{ type: "tool_use", id: "c1", name: "look_up", input: {} }],
    });
  });
});

describe("an answer", () => {
  const answered = async (given: object, options: Parameters<typeof anthropic>[1] = {}) => {
    const { client } = clientOf(given);
    return anthropic("claude-haiku-4-5", { client, ...options }).generate(request(), idle);
  };

  test("counts all input, and what of it was read from and written to a cache", async () => {
    const more = { usage: { ...usage, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 } };
    expect((await answered(message(said.content, more))).usage).toEqual({
      inputTokens: 130,
      outputTokens: 5,
      cachedInputTokens: 100,
      cacheWriteTokens: 20,
    });
  });

  test("that declines is a refusal with the vendor's reason, and nothing said before it", async () => {
    const stop_details = { type: "refusal", category: "bio", explanation: "Not this." };
    const refused = message([{ type: "text", text: "Take" }], { stop_reason: "refusal", stop_details });
    expect((await answered(refused)).parts).toEqual([{ type: "refusal", reason: "Not this." }]);
  });

  test("of nothing is an empty text, which the contract sends back", async () => {
    expect((await answered(message([]))).parts).toEqual([{ type: "text", text: "" }]);
  });

  test("of another model than the one that was asked says so", async () => {
    expect((await answered(message(said.content, { model: "claude-haiku-4-5-20251001" }))).model).toBe(
      "claude-haiku-4-5-20251001",
    );
  });

  test.each(["max_tokens", "model_context_window_exceeded"])(
    "that ends by %s is truncated, and has cost what it has",
    async (stop_reason) => {
      await expect(answered(message(said.content, { stop_reason }), { price })).rejects.toMatchObject({
        code: "model/truncated",
        usage: { inputTokens: 10, outputTokens: 5 },
        cost: { microUsd: 5, basis: "reported" },
      });
    },
  );

  test("without content is no answer", async () => {
    await expect(answered({ type: "message" })).rejects.toMatchObject({ code: "model/response-invalid" });
  });
});

describe("a failure", () => {
  const broken = (...more: readonly object[]) => {
    const { client, bodies } = clientOf(events(start, ...more));
    const outcome = anthropic("claude-haiku-4-5", { client, price, maxOutputTokens: 100 }).generate(request(), {
      ...idle,
      onDelta: () => {},
    });
    return { outcome, bodies };
  };

  test.each([
    ["overloaded_error", 529],
    ["api_error", 500],
    ["rate_limit_error", 429],
    ["timeout_error", 504],
  ])("in the middle of a stream, %s, has the status %s; its output stands at its bound", async (type, status) => {
    const { outcome, bodies } = broken({ type: "error", error: { type, message: "Overloaded" } });
    await expect(outcome).rejects.toMatchObject({
      status,
      usage: { inputTokens: 10, outputTokens: 100 },
      cost: { microUsd: 100, basis: "estimated" },
    });
    expect(bodies).toHaveLength(1);
  });

  test("a stream that ends without its end is a broken connection", async () => {
    const { outcome } = broken({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
    await expect(outcome).rejects.toMatchObject({ code: "ECONNRESET", usage: { inputTokens: 10, outputTokens: 100 } });
  });

  test("a piece of a block that never began is no answer", async () => {
    const { outcome } = broken({ type: "content_block_delta", index: 4, delta: { type: "text_delta", text: "x" } });
    await expect(outcome).rejects.toMatchObject({ code: "model/response-invalid" });
  });

  test("an answer that was blocked is filtered", async () => {
    const error = { type: "invalid_request_error", message: "Output blocked by content filtering policy" };
    const { client } = clientOf({ type: "error", error }, 400);
    await expect(anthropic("claude-haiku-4-5", { client }).generate(request(), idle)).rejects.toMatchObject({
      code: "model/content-filtered",
    });
  });

  test("is tried once, also with a client that would try again", async () => {
    const { client, bodies } = clientOf({ type: "error", error: { type: "overloaded_error", message: "x" } }, 529);
    await expect(
      anthropic("claude-haiku-4-5", { client: async () => client }).generate(request(), idle),
    ).rejects.toMatchObject({ status: 529 });
    expect(bodies).toHaveLength(1);
  });
});
