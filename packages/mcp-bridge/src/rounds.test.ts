import { defineTool, service, user } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { bearerTokens } from "./auth/bearer.ts";
import { httpServer } from "./http-server-options.ts";
import { requestStates } from "./request-state.ts";
import { createRounds } from "./rounds.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
import type { ServedCallContext, ServedTool } from "./served.ts";
import { openSession, statelessClient } from "./testing/http-client.ts";
import type { ServedContext } from "./wire/serving.ts";

/** Questions to a client in the course of its call, over HTTP in both eras. */

const servings: McpServing[] = [];
afterEach(async () => {
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

const [annToken, botToken] = ["ann-token-0123456789", "bot-token-0123456789"];
const authenticate = bearerTokens([
  { token: annToken, client: { principal: user("ann"), tenant: "acme" } },
  { token: botToken, client: { principal: service("bot"), tenant: "acme" } },
]);

async function served(tools: ServeMcpOptions["tools"], options: Partial<ServeMcpOptions> = {}) {
  const serving = await serveMcp({
    name: "asks",
    version: "1",
    tools,
    transport: httpServer({ authenticate }),
    ...options,
  });
  servings.push(serving);
  return serving.address?.url ?? "";
}

function asking(call: (context: ServedCallContext) => Promise<unknown>): ServedTool {
  return {
    kind: "served-tool",
    definition: { name: "ask", inputSchema: { type: "object" } },
    call: async (_, context) => ({ content: [{ type: "text", text: JSON.stringify(await call(context)) }] }),
  };
}

const colour = {
  mode: "form",
  message: "Which colour?",
  schema: { type: "object", properties: { colour: { type: "string", enum: ["red", "blue"] } }, required: ["colour"] },
} as const;
const asksColour = asking(async ({ elicit }) => (await elicit(colour, { key: "colour" })).content);
const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const red = { colour: { action: "accept", content: { colour: "red" } } };

test("H1 a held call goes on for its own client with its own arguments, and no other", async () => {
  const url = await served([asksColour]);
  const ann = statelessClient(url, { token: annToken, capabilities });
  const bot = statelessClient(url, { token: botToken, capabilities });
  const call = { name: "ask", arguments: { a: 1 } };
  const first = (await ann("tools/call", call)).body.result;
  expect(first).toMatchObject({
    resultType: "input_required",
    inputRequests: {
      colour: { method: "elicitation/create", params: { message: "Which colour?", requestedSchema: colour.schema } },
    },
  });
  const { requestState } = first;
  const again = { ...call, requestState, inputResponses: red };
  const bad = { code: -32602, message: "Invalid or expired requestState", data: { reason: "invalid_request_state" } };
  expect((await bot("tools/call", again)).body.error).toEqual(bad);
  expect((await ann("tools/call", { ...again, arguments: { a: 2 } })).body.error).toEqual(bad);
  expect((await ann("tools/call", { ...again, requestState: `${requestState}x` })).body.error).toEqual(bad);
  expect((await ann("tools/call", again)).body.result.content).toEqual([{ type: "text", text: '{"colour":"red"}' }]);
  expect((await ann("tools/call", again)).body.error).toEqual(bad); // Once.
});

test("H2 what nobody comes back for is aborted, and its state is worth nothing then", async () => {
  const clock = fakeClock();
  const aborted = Promise.withResolvers<string>();
  const tool = asking(async ({ elicit, signal }) => {
    signal.addEventListener("abort", () => aborted.resolve((signal.reason as Error).message));
    return elicit(colour, { key: "colour" });
  });
  const url = await served([tool], { clock, rounds: { heldMs: 1_000 } });
  const ann = statelessClient(url, { token: annToken, capabilities });
  const { requestState } = (await ann("tools/call", { name: "ask" })).body.result;
  clock.advance(1_000);
  expect(await aborted.promise).toBe("the client did not come back");
  const late = await ann("tools/call", { name: "ask", requestState, inputResponses: red });
  expect(late.body.error.message).toBe("Invalid or expired requestState");
});

test("H2 one client holds only so many calls", async () => {
  const url = await served([asksColour], { rounds: { heldPerCaller: 2 } });
  const ann = statelessClient(url, { token: annToken, capabilities });
  const call = async () => {
    const { body } = await ann("tools/call", { name: "ask" });
    return body.error?.message ?? body.result.resultType;
  };
  expect([await call(), await call(), await call()]).toEqual([
    "input_required",
    "input_required",
    "Too many calls wait for their clients",
  ]);
});

test("H3 an answer that does not fit is asked for again, and questions asked together go out together", async () => {
  const url = await served([
    asking(async ({ elicit, roots }) => Promise.all([elicit(colour, { key: "colour" }), roots({ key: "roots" })])),
  ]);
  const ann = statelessClient(url, { token: annToken, capabilities });
  const keys = (result: { readonly inputRequests: object }) => Object.keys(result.inputRequests);
  const first = (await ann("tools/call", { name: "ask" })).body.result;
  expect(keys(first)).toEqual(["colour", "roots"]);
  const wrong = {
    colour: { action: "accept", content: { colour: "green" } },
    roots: { roots: [{ uri: "file:///a" }] },
  };
  const second = (await ann("tools/call", { name: "ask", requestState: first.requestState, inputResponses: wrong }))
    .body.result;
  expect(keys(second)).toEqual(["colour"]);
  expect(second.requestState).not.toBe(first.requestState);
  const third = await ann("tools/call", { name: "ask", requestState: second.requestState, inputResponses: red });
  expect(JSON.parse(third.body.result.content[0].text)).toEqual([
    { action: "accept", content: { colour: "red" } },
    [{ uri: "file:///a" }],
  ]);
});

test("a client that ends its call ends what is held for it", async () => {
  const aborted = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const url = await served([
    asking(async ({ elicit, signal }) => {
      await elicit(colour, { key: "colour" });
      signal.addEventListener("abort", () => aborted.resolve());
      begun.resolve();
      await aborted.promise;
    }),
  ]);
  const ann = statelessClient(url, { token: annToken, capabilities });
  const { requestState } = (await ann("tools/call", { name: "ask" })).body.result;
  const stop = new AbortController();
  const call = { name: "ask", requestState, inputResponses: red };
  const called = ann("tools/call", call, { signal: stop.signal }).catch(() => "gone");
  await begun.promise;
  stop.abort();
  expect(await called).toBe("gone");
  await aborted.promise;
});

test("what a client has not declared is not asked of it", async () => {
  const url = await served([asksColour]);
  const ann = statelessClient(url, { token: annToken, capabilities: { sampling: {} } });
  const { status, body } = await ann("tools/call", { name: "ask" });
  expect(status).toBe(400);
  expect(body.error).toMatchObject({ code: -32021, data: { requiredCapabilities: { elicitation: {} } } });
  const { request } = await openSession(url, { token: annToken });
  expect((await request("tools/call", { name: "ask" })).body.result).toEqual({
    content: [{ type: "text", text: "The client has not declared elicitation, which this needs" }],
    isError: true,
  });
});

test("in a session the question is a request, and the call waits for its answer", async () => {
  const url = await served([asksColour]);
  const asked: unknown[] = [];
  const { request } = await openSession(url, {
    token: annToken,
    capabilities,
    answer: (method, params) => {
      asked.push([method, params.message]);
      return red.colour;
    },
  });
  expect((await request("tools/call", { name: "ask" })).body.result.content[0].text).toBe('{"colour":"red"}');
  expect(asked).toEqual([["elicitation/create", "Which colour?"]]);
});

test("an ordinary tool asks nobody and is answered in one round", async () => {
  const plain = defineTool({
    name: "plain",
    description: "",
    input: z.object({}),
    output: z.object({ ok: z.boolean() }),
    effect: "read",
    execute: vi.fn(() => ({ ok: true })),
  });
  const url = await served([plain]);
  const ann = statelessClient(url, { token: annToken });
  expect((await ann("tools/call", { name: "plain", arguments: {} })).body.result.structuredContent).toEqual({
    ok: true,
  });
});

test("a question that is taken back late takes back no other one of the same key", async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const url = await served([
    asking(async ({ elicit }) => {
      await elicit(colour, { key: "colour", signal: first.signal });
      const again = elicit(colour, { key: "colour", signal: second.signal });
      first.abort(new Error("it was over long ago"));
      return (await again).content;
    }),
  ]);
  const ann = statelessClient(url, { token: annToken, capabilities });
  const call = { name: "ask", arguments: {} };
  const one = (await ann("tools/call", call)).body.result;
  const two = (await ann("tools/call", { ...call, requestState: one.requestState, inputResponses: red })).body.result;
  expect(Object.keys(two.inputRequests)).toEqual(["colour"]);
  const done = await ann("tools/call", { ...call, requestState: two.requestState, inputResponses: red });
  expect(done.body.result.content).toEqual([{ type: "text", text: '{"colour":"red"}' }]);
});

test("H2 work that does not heed that its client has gone is not held for it", async () => {
  const clock = fakeClock();
  const newId = () => "id";
  const states = requestStates({ secret: Buffer.alloc(32, 1), clock, newId, validMs: 1_000 });
  const rounds = createRounds({
    states,
    clock,
    newId,
    limits: { held: 1, heldPerCaller: 1, heldMs: 1_000, rounds: 3 },
  });
  const bound = { callerKey: "ann", method: "tools/call", target: "ask", arguments: {} };
  const gone = new AbortController();
  const context = (signal: AbortSignal) => {
    const peer = { name: "x", version: "1", protocolVersion: "2026-07-28", capabilities };
    return { peer, signal, ask: undefined, state: undefined, responses: undefined } as unknown as ServedContext;
  };
  const heedless = rounds.answer(bound, context(gone.signal), async ({ elicit }) => {
    const asked = elicit(colour);
    gone.abort();
    await asked.catch(() => {});
    return new Promise(() => {});
  });
  await expect(heedless).rejects.toThrow();
  const next = await rounds.answer(bound, context(new AbortController().signal), async ({ elicit }) => {
    await elicit(colour);
    return {};
  });
  expect(next).toMatchObject({ resultType: "input_required" });
  rounds.close();
});
