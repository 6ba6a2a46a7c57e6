import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import { breakers } from "../effect/breaker.ts";
import { limiter } from "../effect/limiter.ts";
import { rateLimiter } from "../effect/rate.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputEvent, Restrictions } from "../event.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { silentTracer } from "../port/tracer.ts";
import type { Sealing } from "../seal/sealing.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import { fakeClock } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { type ModelGatewayOptions, modelGateway } from "./gateway.ts";
import { defineRoute } from "./route.ts";

/** What the gateway asks before a call: restrictions, breakers, bounds; and what a call can cost. */

const text = z.object({ text: z.string() });
const tool = <const Name extends string>(name: Name, breaker: string) =>
  defineTool({
    name,
    description: "Reads.",
    input: text,
    output: text,
    effect: "read",
    breaker,
    execute: (given) => given,
  });
const agent = <const Name extends string>(name: Name) =>
  defineAgent({
    name,
    description: "Reads.",
    model: "m",
    tools: [tool("read_a", "a"), tool("read_b", "b"), tool("read_c", "c")],
    input: text,
    output: text,
    instructions: "Read it.",
  });
const clerk = agent("clerk");
const typed = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
const judge = agent("judge");
const definition = { ...typed, judges: { reviewer: judge } } as unknown as SupervisorDefinition;
const command: CallModelCommand = {
  type: "callModel",
  id: "clerk#1/model#1",
  path: "clerk#1",
  agent: "clerk",
  alias: "m",
  turn: 1,
  attempt: 1,
  agentCall: 0,
  input: { text: "hello" },
  messages: [],
  tools: ["read_a", "read_b"],
  labels: [],
  tried: [],
  attributes: {},
};
const done: ModelResponse = { parts: [{ type: "output", value: { text: "x" } }] };
const free: Restrictions = { version: "0", tools: [], agents: [], stopped: false };
const startAt = 1_700_000_000_000;

function gateway(
  generate: (request: ModelRequest) => unknown,
  options: Partial<ModelGatewayOptions> = {},
  more: Partial<Model> = {},
) {
  const clock = fakeClock(startAt);
  const model: Model = {
    id: "small",
    cost: "zero",
    provider: "openai",
    generate: generate as Model["generate"],
    ...more,
  };
  const made = modelGateway({ models: { m: model }, definition, clock, tracer: silentTracer, ...options });
  const call = (wish: Partial<CallModelCommand> = {}, tenant = "acme", signal = new AbortController().signal) =>
    made.call({ tenant, runId: "run_1" }, { ...command, ...wish }, signal);
  const quote = (wish: Partial<CallModelCommand> = {}) =>
    made.quote({ tenant: "acme", runId: "run_1" }, { ...command, ...wish });
  return { clock, call, quote };
}

async function failure(outcome: Promise<InputEvent>) {
  const event = await outcome;
  if (event.type !== "model.failed") throw new Error(`expected a failure, saw ${event.type}`);
  return event.body.error;
}

function fail(thrown: unknown): never {
  throw thrown;
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("before a call", () => {
  test.each<[Partial<Restrictions>, string]>([
    [{ agents: ["clerk"] }, "agent:clerk"],
    [{ stopped: true }, "tenant:acme"],
  ])("%j stops it", async (change, target) => {
    let asked = 0;
    const { call } = gateway(() => ++asked, { restrictions: async () => ({ ...free, ...change }) });
    expect(await failure(call())).toMatchObject({ code: "policy/revoked", data: { target, tenant: "acme" } });
    expect(asked).toBe(0);
  });

  test("K2 a request that cannot be made to fit is no call, and costs nothing", async () => {
    const { call } = gateway(
      () => fail(new Error("must not be called")),
      { context: { m: { maxTokens: 3 } } },
      {
        cost: "paid",
      },
    );
    const event = await call();
    expect(event).toMatchObject({
      type: "model.failed",
      body: { error: { code: "model/context-too-long", data: { model: "small", bound: 3 } }, cost: { microUsd: 0 } },
    });
  });

  test("Y1 who has to be asked first is told without a call, and who was asked in vain is not waited for", async () => {
    const requests: ModelRequest[] = [];
    const answer = (request: ModelRequest) => {
      requests.push(request);
      return done;
    };
    const summarise = { with: { id: "brief", cost: "zero", generate: () => done }, otherwise: "fail" } as const;
    const { call } = gateway(answer, { context: { m: { maxTokens: 1_500, keepTurns: 1, summarise } } });
    const long = (id: string) =>
      [
        { role: "assistant", parts: [{ type: "toolCall", callId: id, tool: "read_it", input: {} }] },
        { role: "tool", results: [{ callId: id, tool: "read_it", status: "done", output: "x".repeat(3_000) }] },
      ] as const;
    const messages = [...long("1"), ...long("2")];
    expect((await call({ messages })).body).toMatchObject({
      error: { code: "model/context-full" },
      summarise: { with: "m/summary", messages: 2, otherwise: "fail" },
      cost: { microUsd: 0 },
    });
    expect(requests).toEqual([]);
    const broken = { m: { maxTokens: 1, count: () => fail(new Error("no count")), summarise } };
    expect(await failure(gateway(answer, { context: broken }).call({ messages }))).toMatchObject({
      code: "run/internal",
    });
    expect((await call({ messages, trims: true })).body).toMatchObject({ context: { shortened: 1 } });
    expect((await call({ messages: messages.slice(2) })).type).toBe("model.responded");
  });

  test("K3 what was left out of a request is told with its answer", async () => {
    const requests: ModelRequest[] = [];
    const long = (id: string) =>
      [
        { role: "assistant", parts: [{ type: "toolCall", callId: id, tool: "read_it", input: {} }] },
        { role: "tool", results: [{ callId: id, tool: "read_it", status: "done", output: "x".repeat(3_000) }] },
      ] as const;
    const { call } = gateway(
      (request) => {
        requests.push(request);
        return done;
      },
      { context: { m: { maxTokens: 1_500, keepTurns: 1 } } },
    );
    const messages = [...long("1"), ...long("2")];
    const event = await call({ messages });
    expect(event.body).toMatchObject({ context: { shortened: 1, dropped: 0 } });
    expect(requests[0]?.messages.slice(2)).toEqual(messages.slice(2));
    expect(JSON.stringify(requests[0]?.messages[1])).toContain("left out");
    const short = await call({ messages: [] });
    expect(short.body).not.toHaveProperty("context");
  });

  test("a model that was too slow for its route's target is asked again when a minute has passed", async () => {
    const clock = fakeClock(startAt);
    const model = (id: string, tookMs: number): Model => ({
      id,
      cost: "zero",
      generate: async () => {
        clock.advance(tookMs);
        return done as ModelResponse;
      },
    });
    const route = defineRoute("r", {
      candidates: [model("slow", 900), model("quick", 10)],
      targets: { latencyMs: 500 },
    });
    const { call } = gateway(() => done, { models: { m: route }, clock });
    const asked = async () => ((await call()).body as { model: string }).model;
    expect([await asked(), await asked()]).toEqual(["slow", "quick"]);
    clock.advance(59_000);
    expect(await asked()).toBe("quick");
    clock.advance(1_000);
    expect(await asked()).toBe("slow");
  });

  test("restrictions that cannot be read stop it too", async () => {
    const { call } = gateway(() => done, { restrictions: () => fail(new Error("disk")) });
    expect(await failure(call())).toMatchObject({ code: "run/internal", data: { reason: "disk" } });
  });

  test("a call that is stopped meanwhile is not made", async () => {
    let asked = 0;
    const { call } = gateway(() => ++asked, { restrictions: async () => free });
    const stop = new AbortController();
    const outcome = call({}, "acme", stop.signal);
    stop.abort();
    expect(await failure(outcome)).toMatchObject({ code: "model/failed", data: { reason: "it was stopped" } });
    expect(asked).toBe(0);
  });

  test("an open breaker of its provider stops it; answers that are none do not open it", async () => {
    const clock = fakeClock(startAt);
    const made = breakers({ clock, failuresMax: 2, cooldownMs: 1_000 });
    const overloaded = Object.assign(new Error("busy"), { status: 529 });
    const wrong = Object.assign(new Error("your fault"), { status: 400 });
    const answers: (() => unknown)[] = [
      () => ({ parts: [] }),
      () => fail(wrong),
      () => ({ parts: [] }),
      () => fail(overloaded),
      async () => fail(overloaded),
    ];
    const { call } = gateway(() => (answers.shift() ?? (() => done))(), { clock, breakers: made });
    const codes: string[] = [];
    for (let n = 0; n < 6; n++) codes.push((await failure(call())).code);
    expect(codes).toEqual([
      "model/response-invalid",
      "model/failed",
      "model/response-invalid",
      "model/overloaded",
      "model/overloaded",
      "breaker/open",
    ]);
    expect(made.states()).toEqual([{ key: "model:openai", state: "open", failures: 2, retryAt: startAt + 1_000 }]);
    clock.advance(1_000);
    expect((await call()).type).toBe("model.responded");
    expect(made.states()[0]?.state).toBe("closed");
  });

  test("a call that was stopped says nothing of its provider", async () => {
    const made = breakers({ clock: fakeClock(startAt), failuresMax: 1 });
    const { call } = gateway(() => new Promise(() => {}), { breakers: made });
    const stop = new AbortController();
    const outcome = call({}, "acme", stop.signal);
    stop.abort();
    expect((await failure(outcome)).code).toBe("model/failed");
    expect(made.states()).toEqual([{ key: "model:openai", state: "closed", failures: 0 }]);
  });

  test("B3 a probe whose request could not be opened leaves its place to the next one", async () => {
    const clock = fakeClock(startAt);
    const made = breakers({ clock, failuresMax: 1, cooldownMs: 1_000 });
    const opened = [() => fail(new OrchestrationError("journal/unavailable", { reason: "away" }))];
    const sealing = {
      rules: { model: () => [] },
      reveal: (_: unknown, told: unknown) => opened.shift()?.() ?? told,
      parts: (_: unknown, parts: unknown) => parts,
    } as unknown as Sealing;
    const { call } = gateway(() => done, { clock, breakers: made, sealing });
    const down = made.pass("model:openai");
    if ("record" in down) down.record(false);
    clock.advance(1_000);
    expect((await failure(call())).code).toBe("journal/unavailable");
    expect((await call()).type).toBe("model.responded");
    expect(made.states()).toEqual([{ key: "model:openai", state: "closed", failures: 0 }]);
  });

  test("bounds hold for a provider, tenants are served in turns, and a stopped wait was no call", async () => {
    const served: string[] = [];
    const waits: (() => void)[] = [];
    const made = limiter({ most: (target) => (target === "model:openai" ? 1 : undefined), waitingMax: 3 });
    const { call } = gateway(
      ({ context }) => {
        served.push(context.tenant);
        return new Promise((resolve) => waits.push(() => resolve(done)));
      },
      { limiter: made },
    );
    const stop = new AbortController();
    const all = [call(), call(), call({}, "other")];
    const stopped = call({}, "third", stop.signal);
    await settle();
    expect((await failure(call())).code).toBe("limits/queue-full");
    stop.abort();
    expect(await failure(stopped)).toMatchObject({ code: "model/failed", data: { reason: "it was stopped" } });
    for (let n = 0; n < 3; n++) {
      waits[n]?.();
      await settle();
    }
    expect((await Promise.all(all)).map(({ type }) => type)).toEqual(Array(3).fill("model.responded"));
    expect(served).toEqual(["acme", "acme", "other"]);
    expect(made.queues()).toEqual([]);
  });
});

describe("a rate limit", () => {
  const limited = (tokensPerMinute: number) => {
    const clock = fakeClock(startAt);
    return { clock, rates: rateLimiter({ clock, limits: () => ({ tokensPerMinute, requestsPerMinute: 10 }) }) };
  };
  const quoted = { quote: () => ({ microUsd: 1, tokens: 60 }) };
  const used = { ...done, usage: { inputTokens: 20, outputTokens: 10 } };

  test("takes what the model says it may need, and gets back what it did not", async () => {
    const { clock, rates } = limited(100);
    const { call } = gateway(() => used, { clock, rates }, quoted);
    await call();
    expect(rates.states()).toEqual([{ target: "model:openai", requestsLeft: 9, tokensLeft: 70, waiting: 0 }]);
    const failing = gateway(() => fail(Object.assign(new Error("x"), { usage: used.usage })), { clock, rates }, quoted);
    await failing.call();
    expect(rates.states()[0]).toMatchObject({ requestsLeft: 8, tokensLeft: 40 });
    clock.advance(60_000);
    await gateway(() => done, { clock, rates }, quoted).call();
    expect(rates.states()[0]).toMatchObject({ requestsLeft: 9, tokensLeft: 40 });
  });

  test("of a model that says nothing counts what was used", async () => {
    const { clock, rates } = limited(100);
    await gateway(() => used, { clock, rates }).call();
    await gateway(() => used, { clock, rates }, { quote: () => fail(new Error("no price")) }).call();
    expect(rates.states()[0]).toMatchObject({ requestsLeft: 8, tokensLeft: 40 });
  });

  test("has a call wait, and what is taken away meanwhile is not done", async () => {
    const { clock, rates } = limited(60);
    let stopped = false;
    let asked = 0;
    const restrictions = () => ({ ...free, stopped });
    const { call } = gateway(
      () => {
        asked++;
        return done;
      },
      { clock, rates, restrictions },
      quoted,
    );
    await call();
    const waits = call();
    await settle();
    expect(rates.states()[0]?.waiting).toBe(1);
    clock.advance(30_000);
    await settle();
    expect(asked).toBe(1);
    stopped = true;
    clock.advance(30_000);
    expect((await failure(waits)).code).toBe("policy/revoked");
    expect(asked).toBe(1);
    // Nothing was called, so nothing is taken.
    expect(rates.states()).toEqual([{ target: "model:openai", requestsLeft: 10, tokensLeft: 60, waiting: 0 }]);
  });

  test("is left by a call that is stopped", async () => {
    const { clock, rates } = limited(60);
    const { call } = gateway(() => done, { clock, rates }, quoted);
    await call();
    const stop = new AbortController();
    const outcome = call({}, "acme", stop.signal);
    await settle();
    stop.abort();
    expect(await failure(outcome)).toMatchObject({ code: "model/failed", data: { reason: "it was stopped" } });
    expect(rates.states()[0]).toMatchObject({ waiting: 0, tokensLeft: 0 });
  });
});

test("tools behind an open breaker are not offered, and the answer names them", async () => {
  const clock = fakeClock(startAt);
  const made = breakers({ clock, failuresMax: 1, cooldownMs: 100 });
  for (const key of ["tool:a", "tool:c"]) {
    const pass = made.pass(key);
    if ("record" in pass) pass.record(false);
  }
  const offered: string[][] = [];
  const { call } = gateway(
    ({ tools }) => {
      offered.push(tools.map(({ name }) => name));
      return done;
    },
    { clock, breakers: made },
  );
  expect((await call()).body).toMatchObject({ withheld: ["read_a"] });
  // It has cooled down: somebody has to find out.
  clock.advance(100);
  expect((await call()).body).not.toHaveProperty("withheld");
  expect(offered).toEqual([["read_b"], ["read_a", "read_b"]]);
});

describe("a quote", () => {
  test("of a zero-cost model is nothing, and of a paid one what it says of the very request, rounded up", async () => {
    expect(gateway(() => done).quote()).toEqual({ amount: { microUsd: 0, tokens: 0 } });
    const requests: ModelRequest[] = [];
    const { call, quote } = gateway(
      (request) => {
        requests.push(request);
        return done;
      },
      {},
      {
        cost: "paid",
        quote: (request) => {
          requests.push(request);
          return { microUsd: 10.2, tokens: 7 };
        },
      },
    );
    expect(quote()).toEqual({ amount: { microUsd: 11, tokens: 7 } });
    await call();
    expect(requests[1]).toEqual(requests[0]);
  });

  test.each<[string, Model["quote"] | undefined]>([
    ["without a quote", undefined],
    ["with one that is not finite", () => ({ microUsd: Number.POSITIVE_INFINITY, tokens: 1 })],
    ["with one that is no number", () => ({ microUsd: Number.NaN, tokens: 1 })],
    ["with one below nothing", () => ({ microUsd: 1, tokens: -1 })],
    ["with one that is none", () => undefined as never],
    ["with one that throws", () => fail(new Error("no price"))],
  ])("of a paid model %s is `budget/unpriced`", (_, quoted) => {
    const { quote } = gateway(() => done, {}, { cost: "paid", ...(quoted ? { quote: quoted } : {}) });
    expect(quote()).toMatchObject({ error: { code: "budget/unpriced", data: { model: "small" } } });
  });

  test("of an unknown alias is an error", () => {
    expect(gateway(() => done).quote({ alias: "x" })).toMatchObject({ error: { code: "model/alias-unknown" } });
  });
});

test("a judge is found by its name", () => {
  expect(findAgent(definition, "judge")).toBe(judge);
  expect(findAgent(typed as never, "judge")).toBeUndefined();
});

test("a voice that cannot speak fails its call, and every place is given back", async () => {
  const bounds = limiter({ most: 1, waitingMax: 1 });
  const outside = breakers({ clock: fakeClock(startAt), failuresMax: 1 });
  const speaking = defineSupervisor({
    agents: { clerk: { ...clerk, streams: true } as unknown as typeof clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
  }) as unknown as SupervisorDefinition;
  const deltas = {
    voice: () => {
      throw new Error("no voice");
    },
    listen: () => () => {},
    redact: (said: string) => said,
  };
  const { call } = gateway(() => done, { definition: speaking, limiter: bounds, breakers: outside, deltas });
  expect(await failure(call())).toMatchObject({ code: "model/failed" });
  expect(bounds.queues()).toEqual([]);
});

test("a place is given back also where nobody can be told what its call has come to", async () => {
  const bounds = limiter({ most: 1, waitingMax: 1 });
  const outside = {
    ...breakers({ clock: fakeClock(startAt) }),
    pass: () => ({ record: () => fail(new Error("a listener")) }),
  };
  for (const generate of [
    () => done,
    () => fail(new Error("down")),
    async () => done,
    async () => fail(new Error("down")),
  ]) {
    const { call } = gateway(generate, { limiter: bounds, breakers: outside });
    await expect(call()).rejects.toThrow("a listener");
    expect(bounds.queues()).toEqual([]);
  }
});
