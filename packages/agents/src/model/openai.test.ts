import { type Json, jsonSchemaOf, type Message, type ModelDelta, type ResponsePart, systemClock } from "@remit/core";
import OpenAI from "openai";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { openai, openaiCompatible } from "./openai.ts";
import { chatCollector } from "./openai-chat-stream.ts";
import { priceTable } from "./prices.ts";
import { idle, request } from "./request.test.data.ts";
import { loadSdk } from "./sdk-failure.ts";

/** What the contract of all models does not ask: OpenAI's own words for what is sent and for what goes wrong. */

const output = (text: string): Json => [
  { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [{ type: "output_text", text }] },
];

/** A client whose network is a function; bodies are what it was sent. */
function clientOf(answer: object | string, status = 200) {
  const bodies: { readonly [key: string]: Json }[] = [];
  const client = new OpenAI({
    apiKey: "test",
    maxRetries: 0,
    logLevel: "off",
    fetch: async (_url, init) => {
      bodies.push(JSON.parse(String(init?.body)) as { readonly [key: string]: Json });
      const isEvents = typeof answer === "string";
      const type = isEvents ? "text/event-stream" : "application/json";
      const text = isEvents ? answer : JSON.stringify(answer);
      return new Response(text, { status, headers: { "content-type": type } });
    },
  });
  return { client, bodies };
}
const done = (items: Json, more: object = {}) => ({ status: "completed", model: "gpt-5-mini", output: items, ...more });
const events = (...all: readonly object[]) =>
  all.map((event) => `event: ${(event as { type?: string }).type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

test("reasoning goes back with the message or call that it led to, and not alone", async () => {
  const thought = (id: string) =>
    ({ type: "reasoning", provider: "openai", data: { type: "reasoning", id, summary: [] } }) as const;
  const text = { type: "text", text: "well" } as const;
  const call = { type: "toolCall", callId: "c1", tool: "look_up", input: {} } as const;
  const sent = async (...turns: readonly (readonly ResponsePart[])[]) => {
    const { client, bodies } = clientOf(done(output('{"text":"hi"}')));
    const messages = turns.flatMap((parts): Message[] => [
      { role: "assistant", parts },
      { role: "repair", issues: [] },
    ]);
    await openai("gpt-5-mini", { client }).generate(request({ messages }), idle);
    const items = bodies[0]?.input as readonly {
      readonly type?: string;
      readonly role?: string;
      readonly id?: string;
    }[];
    return items.slice(1).map(({ type, role, id }) => id ?? type ?? role);
  };
  expect(await sent([thought("r1")])).toEqual(["user"]);
  expect(await sent([thought("r1")], [thought("r2"), text])).toEqual(["user", "r2", "assistant", "user"]);
  expect(await sent([thought("r1"), thought("r2"), call, thought("r3")])).toEqual([
    "r1",
    "r2",
    "function_call",
    "function_call_output",
    "user",
  ]);
  const media = { type: "media", media: { $media: "image/png", data: "aGk=" } } as const;
  expect(await sent([thought("r1"), media, text])).toEqual(["user", "assistant", "user"]);
  // What was masked is a text, and no item.
  const masked = { type: "reasoning", provider: "openai", data: "sealed_reasoning_x" } as const;
  expect(await sent([masked, call])).toEqual(["function_call", "function_call_output", "user"]);
});

test("an address that is none is refused where the model is made, and shows nobody's password", () => {
  const compatible = (baseUrl: string) => () => openaiCompatible("qwen3:8b", { baseUrl, cost: "zero" });
  for (const baseUrl of ["", "localhost:11434/v1", "127.0.0.1:11434", undefined as never]) {
    expect(compatible(baseUrl)).toThrow(
      expect.objectContaining({ code: "model/address-invalid", data: { model: "qwen3:8b", baseUrl: String(baseUrl) } }),
    );
  }
  expect(compatible("ann:secret@models.example/v1")).toThrow('has the address "…@models.example/v1"');
  expect(compatible("ftp://ann:secret@models.example/v1")).toThrow('has the address "ftp://…@models.example/v1"');
  expect(() => openai("gpt-5-mini", { apiKey: "key", baseUrl: "" })).toThrow("model/address-invalid");
  expect(compatible("http://127.0.0.1:11434/v1")()).toMatchObject({ provider: "127.0.0.1:11434" });
});

describe("the key", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("of OpenAI is the environment's; without one the error names the variable", () => {
    vi.stubEnv("OPENAI_API_KEY", "");
    expect(() => openai("gpt-5-mini")).toThrow(
      'model/key-missing: model "gpt-5-mini" has no API key: "OPENAI_API_KEY" is not set',
    );
    vi.stubEnv("OPENAI_API_KEY", "key");
    expect(openai("gpt-5-mini")).toMatchObject({ id: "gpt-5-mini", provider: "openai", cost: "paid" });
  });

  test("of another server is never the one that the environment holds for OpenAI", async () => {
    vi.stubEnv("OPENAI_API_KEY", "secret");
    const seen: string[] = [];
    vi.stubGlobal("fetch", async (_url: unknown, init: RequestInit) => {
      seen.push(String(new Headers(init.headers).get("authorization")));
      return new Response("{}", { status: 500 });
    });
    const model = openaiCompatible("qwen3:8b", { baseUrl: "http://127.0.0.1:11434/v1" });
    await expect(model.generate(request(), idle)).rejects.toMatchObject({ status: 500 });
    vi.unstubAllGlobals();
    expect(seen).toEqual(["Bearer none"]);
    expect(model).toMatchObject({ provider: "127.0.0.1:11434" });
  });

  test("of another server is all that it gets: headers that the environment holds for OpenAI stay here", async () => {
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", "x-gateway-key: secret\nAuthorization: Bearer secret");
    const seen: (string | null)[][] = [];
    vi.stubGlobal("fetch", async (_url: unknown, init: RequestInit) => {
      const headers = new Headers(init.headers);
      seen.push([headers.get("x-gateway-key"), headers.get("authorization"), headers.get("x-own")]);
      return new Response("{}", { status: 500 });
    });
    const headers = () => ({ "x-own": "1" });
    const model = openaiCompatible("m", { baseUrl: "http://127.0.0.1:11434/v1", apiKey: "theirs", headers });
    await expect(model.generate(request(), idle)).rejects.toMatchObject({ status: 500 });
    vi.unstubAllGlobals();
    expect(seen).toEqual([[null, "Bearer theirs", "1"]]);
  });
});

describe("the key in what is thrown", () => {
  test("is hidden where it cannot be a header", async () => {
    const model = openai("gpt-5-mini", { apiKey: "sk-first-line\nsk-second-line", baseUrl: "http://127.0.0.1:9/v1" });
    await expect(model.generate(request(), idle)).rejects.toThrow(
      /^Headers\.append: "Bearer \[key\]" is an invalid header value\.$/,
    );
  });

  test("is hidden where a server repeats it, and the error is what it was", async () => {
    const client = new OpenAI({
      apiKey: "sk-of-the-test",
      maxRetries: 0,
      logLevel: "off",
      fetch: async () => Response.json({ error: { message: "bad key sk-of-the-test" } }, { status: 401 }),
    });
    await expect(openai("m", { client }).generate(request(), idle)).rejects.toMatchObject({
      status: 401,
      message: "401 bad key [key]",
    });
  });
});

test("an SDK that is not installed is named", async () => {
  const missing = Object.assign(new Error("Cannot find package 'openai' imported from x"), {
    code: "ERR_MODULE_NOT_FOUND",
  });
  await expect(loadSdk(() => Promise.reject(missing), "m", "openai")).rejects.toMatchObject({
    code: "model/sdk-missing",
    data: { model: "m", package: "openai" },
  });
});

describe("the output schema", () => {
  const formatFor = async (schema: z.ZodType) => {
    const { client, bodies } = clientOf(done(output('{"answer":[1]}')));
    const response = await openai("gpt-5-mini", { client }).generate(
      request({ outputSchema: jsonSchemaOf(schema, "input", "clerk") }),
      idle,
    );
    const format = (bodies[0]?.text as { readonly format?: Json } | undefined)?.format;
    return { format, input: bodies[0]?.input, parts: response.parts };
  };

  test("is told in its own place where nothing of it is lost", async () => {
    expect((await formatFor(z.object({ text: z.string() }))).format).toMatchObject({
      type: "json_schema",
      strict: true,
      schema: { required: ["text"], additionalProperties: false },
    });
  });

  test("of a list is wrapped into an object, and the answer unwrapped", async () => {
    const { format, parts } = await formatFor(z.array(z.int()));
    expect(format).toMatchObject({ schema: { properties: { answer: { type: "array" } } } });
    expect(parts).toEqual([{ type: "output", value: [1] }]);
  });

  test("is told in words where some of it is not known to the strict mode", async () => {
    const open = await formatFor(z.object({ text: z.string().optional() }));
    expect(open.format).toEqual({ type: "json_object" });
    expect(open.input).toMatchObject([
      { role: "developer", content: expect.stringMatching(/^The output schema, as JSON Schema:\n\{/) },
      { role: "user" },
    ]);
    const { format, parts } = await formatFor(z.array(z.string().min(1)));
    expect(format).toBe(undefined);
    expect(parts).toEqual([{ type: "output", value: { answer: [1] } }]);
  });
});

test("a thinking model is asked for its sealed reasoning, another one is not; nothing is stored", async () => {
  const { client, bodies } = clientOf(done(output("{}")));
  for (const name of ["gpt-5-mini", "o4-mini", "gpt-4.1", "gpt-5-chat-latest"]) {
    await openai(name, { client, reasoningEffort: "low" }).generate(request(), idle);
  }
  expect(bodies.map(({ include }) => include !== undefined)).toEqual([true, true, false, false]);
  expect(bodies.map(({ store }) => store)).toEqual([false, false, false, false]);
  expect(bodies[0]?.reasoning).toEqual({ effort: "low" });
});

test("tools are strict where their schema allows it", async () => {
  const { client, bodies } = clientOf(done(output("{}")));
  const tool = (name: string, schema: z.ZodType) => ({
    name,
    description: name,
    inputSchema: jsonSchemaOf(schema, "input", name),
  });
  const tools = [tool("a", z.object({ id: z.string() })), tool("b", z.object({ id: z.string().optional() }))];
  await openai("gpt-5-mini", { client }).generate(request({ tools }), idle);
  expect(bodies[0]?.tools).toMatchObject([
    { type: "function", name: "a", strict: true },
    { type: "function", name: "b", strict: false },
  ]);
});

test("files and sounds go where the API takes them, and elsewhere the model is told", async () => {
  const input = {
    pdf: { $media: "application/pdf", data: "aGk=", name: "a.pdf" },
    sound: { $media: "audio/mpeg", data: "aGk=" },
    far: { $media: "image/png", url: "https://example.com/a.png" },
  };
  const { client, bodies } = clientOf(done(output("{}")));
  await openai("gpt-5-mini", { client }).generate(request({ input }), idle);
  expect(bodies[0]).toMatchObject({
    input: [
      {
        content: [
          { type: "input_text" },
          { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" },
          { type: "input_text", text: "(This audio/mpeg cannot be shown to you.)" },
          { type: "input_image", image_url: "https://example.com/a.png" },
        ],
      },
    ],
  });
  const chat = clientOf({ choices: [{ index: 0, finish_reason: "stop", message: { content: "{}" } }] });
  await openaiCompatible("m", { baseUrl: "http://localhost/v1", client: chat.client }).generate(
    request({ input }),
    idle,
  );
  expect(chat.bodies[0]).toMatchObject({
    messages: [
      { role: "system" },
      {
        content: [
          { type: "text" },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" } },
          { type: "input_audio", input_audio: { data: "aGk=", format: "mp3" } },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        ],
      },
    ],
  });
});

test("a picture that the model made is a part of its answer", async () => {
  const made = {
    type: "image_generation_call",
    id: "ig_1",
    status: "completed",
    result: "aGk=",
    output_format: "webp",
  };
  const { client } = clientOf(done([made]));
  const { parts } = await openai("gpt-5-mini", { client }).generate(request(), idle);
  expect(parts).toEqual([{ type: "media", media: { $media: "image/webp", data: "aGk=" } }]);
});

test("a remark before the answer stays a text, and the answer is the output", async () => {
  const said = (text: string) => ({
    type: "message",
    id: "m",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text }],
  });
  const { client } = clientOf(done([said("I look."), said('```json\n{"text":"hi"}\n```')]));
  const { parts } = await openai("gpt-5-mini", { client }).generate(request(), idle);
  expect(parts).toEqual([
    { type: "text", text: "I look." },
    { type: "output", value: { text: "hi" } },
  ]);
});

test("an answer of nothing is an empty text, which the contract sends back", async () => {
  const empty = [{ type: "text", text: "" }];
  const { client } = clientOf(done([]));
  expect((await openai("gpt-5-mini", { client }).generate(request(), idle)).parts).toEqual(empty);
  const chat = clientOf({
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "" } }],
  });
  const model = openaiCompatible("m", { baseUrl: "http://127.0.0.1:9/v1", client: chat.client });
  expect((await model.generate(request(), idle)).parts).toEqual(empty);
});

describe("what goes wrong inside an answer", () => {
  const usage = { input_tokens: 3, output_tokens: 4, total_tokens: 7 };
  const failed = (code: string) => ({
    status: "failed",
    model: "m",
    output: [],
    usage,
    error: { code, message: "no" },
  });

  test.each<[string, object | string, object]>([
    ["a failed response", failed("server_error"), { status: 500, usage: { inputTokens: 3, outputTokens: 4 } }],
    ["a failed response for the rate", failed("rate_limit_exceeded"), { status: 429 }],
    ["a failed response for its content", failed("bio_policy"), { code: "model/content-filtered" }],
    [
      "a response that failed in a stream",
      events({ type: "response.failed", response: failed("server_error") }),
      { status: 500, usage: { inputTokens: 3, outputTokens: 4 } },
    ],
    ["an error event", events({ type: "error", code: "rate_limit_exceeded", message: "no" }), { status: 429 }],
    ["a stream without an end", events({ type: "response.created", response: {} }), { code: "ECONNRESET" }],
    ["a response that is not there yet", { ...done([]), status: "queued" }, { status: 500 }],
  ])("%s", async (_, answer, expected) => {
    const onDelta = () => undefined;
    const { client } = clientOf(answer);
    const outcome = openai("m", { client }).generate(
      request(),
      typeof answer === "string" ? { ...idle, onDelta } : idle,
    );
    await expect(outcome).rejects.toMatchObject(expected);
  });

  test("a request that the content filter refuses says so", async () => {
    const { client } = clientOf(
      { error: { code: "content_filter", message: "no", type: "invalid_request_error" } },
      400,
    );
    await expect(openai("m", { client }).generate(request(), idle)).rejects.toMatchObject({
      code: "model/content-filtered",
    });
  });
});

test("pieces of calls come together, also where a server counts every call as the first", () => {
  const deltas: ModelDelta[] = [];
  const collector = chatCollector((delta) => deltas.push(delta));
  const take = (delta: object, finish_reason: string | null = null) =>
    collector.take({ choices: [{ index: 0, delta, finish_reason }] } as unknown as Parameters<
      typeof collector.take
    >[0]);
  take({ reasoning_content: "hm" });
  take({ tool_calls: [{ index: 0, id: "a", function: { name: "one", arguments: '{"x"' } }] });
  take({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] });
  take({ tool_calls: [{ index: 0, id: "b", function: { name: "two", arguments: "{}" } }] });
  take({}, "tool_calls");
  expect(collector.answer()).toMatchObject({
    finish: "tool_calls",
    message: {
      calls: [
        { id: "a", name: "one", written: '{"x":1}' },
        { id: "b", name: "two", written: "{}" },
      ],
    },
  });
  expect(deltas).toEqual([
    { type: "reasoning", text: "hm" },
    { type: "toolCall", tool: "one" },
    { type: "toolCall", tool: "two" },
  ]);
});

test("a piece whose id and name are null goes on with the call that it follows", () => {
  const { take, answer } = chatCollector(() => {});
  const piece = (call: object) =>
    take({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] } as unknown as Parameters<
      typeof take
    >[0]);
  piece({ index: 0, id: "a", function: { name: "one", arguments: "" } });
  piece({ index: 0, id: null, function: { name: null, arguments: '{"x"' } });
  piece({ index: 0, id: null, function: { name: null, arguments: ":1}" } });
  piece({ index: 1, id: "b", function: { name: "two", arguments: "{}" } });
  expect(answer().message.calls).toEqual([
    { id: "a", name: "one", written: '{"x":1}' },
    { id: "b", name: "two", written: "{}" },
  ]);
});

test("a call that is whole is not gone on with: another name behind it is another call, also without an id", () => {
  const { take, answer } = chatCollector(() => {});
  const piece = (index: number | undefined, name: string, written: string) => {
    const delta = { tool_calls: [{ index, id: "", function: { name, arguments: written } }] };
    take({ choices: [{ index: 0, delta, finish_reason: null }] } as unknown as Parameters<typeof take>[0]);
  };
  piece(0, "one", '{"x":{"y":1}}');
  piece(0, "one", '{"x":2}');
  // A server that repeats the name with each piece.
  piece(1, "two", '{"z":{}');
  piece(1, "two", "}");
  piece(1, "two", "");
  expect(answer().message.calls).toEqual([
    { id: undefined, name: "one", written: '{"x":{"y":1}}' },
    { id: undefined, name: "one", written: '{"x":2}' },
    { id: undefined, name: "two", written: '{"z":{}}' },
  ]);
});

test.each<[string, object]>([
  ["is empty", {}],
  ["counts no answer", { prompt_tokens: 5, total_tokens: 5 }],
  ["counts with null", { prompt_tokens: 5, completion_tokens: null }],
])("a usage that %s is none, and the answer counts", async (_, usage) => {
  const said = { role: "assistant", content: '{"text":"hi"}' };
  const { client } = clientOf({ choices: [{ index: 0, finish_reason: "stop", message: said }], usage });
  const cost = vi.fn(() => ({ microUsd: 1, basis: "reported" as const }));
  const price = { quote: () => ({ microUsd: 9, tokens: 9 }), cost };
  const model = openaiCompatible("m", { baseUrl: "http://127.0.0.1:9/v1", client, price });
  expect(await model.generate(request(), idle)).toEqual({ parts: [{ type: "output", value: { text: "hi" } }] });
  expect(cost).not.toHaveBeenCalled();
});

test("what was written to a cache is told, because some models charge more for it than for input", async () => {
  const usage = { inputTokens: 2_000, outputTokens: 5, cachedInputTokens: 400, cacheWriteTokens: 1_500 };
  const details = { cached_tokens: 400, cache_write_tokens: 1_500 };
  const price = priceTable({ clock: { ...systemClock(), now: () => Date.parse("2026-11-01") } }).of("gpt-5.6-terra");
  const { client } = clientOf(
    done(output('{"text":"hi"}'), {
      usage: { input_tokens: 2_000, output_tokens: 5, input_tokens_details: details },
    }),
  );
  const answer = await openai("gpt-5.6-terra", { client, price }).generate(request(), idle);
  // 100 at 2, 1,500 at 2.50, 400 at 0.20 and 5 at 12 millionths of a dollar.
  expect(answer).toMatchObject({ usage, cost: { microUsd: 4_090 } });
  const said = { role: "assistant", content: '{"text":"hi"}' };
  const chat = clientOf({
    choices: [{ index: 0, finish_reason: "stop", message: said }],
    usage: { prompt_tokens: 2_000, completion_tokens: 5, prompt_tokens_details: details },
  });
  const model = openaiCompatible("m", { baseUrl: "http://127.0.0.1:9/v1", client: chat.client });
  expect((await model.generate(request(), idle)).usage).toEqual(usage);
});

test("thinking that a server counts beside the answer is output too", async () => {
  const said = { role: "assistant", content: '{"text":"hi"}' };
  const usage = {
    prompt_tokens: 279,
    completion_tokens: 6,
    total_tokens: 374,
    completion_tokens_details: { reasoning_tokens: 89 },
  };
  const { client } = clientOf({ choices: [{ index: 0, finish_reason: "stop", message: said }], usage });
  const model = openaiCompatible("grok", { baseUrl: "http://127.0.0.1:9/v1", client });
  expect((await model.generate(request(), idle)).usage).toEqual({
    inputTokens: 279,
    outputTokens: 95,
    reasoningTokens: 89,
  });
});

describe("a reason of the end that is empty", () => {
  const piece = (content: string, finish_reason: string) => ({
    choices: [{ index: 0, delta: { content }, finish_reason }],
    usage: { prompt_tokens: 5, completion_tokens: 1 },
  });
  const streamed = (...pieces: readonly object[]) => {
    const { client } = clientOf(pieces.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(""));
    const model = openaiCompatible("m", { baseUrl: "http://127.0.0.1:9/v1", client });
    return model.generate(request(), { ...idle, onDelta: () => {} });
  };

  test("is none: without another one the answer is not whole, and its usage not all", async () => {
    const thrown = await Promise.resolve(streamed(piece('{"text":', ""), piece('"hi"}', ""))).catch((error) => error);
    expect(thrown).toMatchObject({ code: "ECONNRESET" });
    expect(thrown).not.toHaveProperty("usage");
  });

  test("takes nothing from the one that was given", async () => {
    await expect(streamed(piece('{"te', "length"), piece("", ""))).rejects.toMatchObject({ code: "model/truncated" });
  });
});

test("a local server's model costs nothing where one says so, and can be told when to hold to a schema", async () => {
  const tools = [{ name: "a", description: "a", inputSchema: { type: "object" } }];
  const chat = clientOf({ choices: [{ index: 0, finish_reason: "stop", message: { content: "{}" } }] });
  const at = { baseUrl: "http://localhost:1234/v1", client: chat.client, cost: "zero" } as const;
  const model = openaiCompatible("m", at);
  expect(model.cost).toBe("zero");
  await model.generate(request(), idle);
  await model.generate(request({ tools }), idle);
  await openaiCompatible("m", { ...at, structured: "always" }).generate(request({ tools }), idle);
  await openaiCompatible("m", { ...at, structured: "never" }).generate(request(), idle);
  expect(chat.bodies.map(({ response_format }) => response_format !== undefined)).toEqual([true, false, true, false]);
});
