import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import { breakers } from "../effect/breaker.ts";
import { limiter } from "../effect/limiter.ts";
import type { Logger } from "../port/logger.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { attributeNames, type Tracer } from "../port/tracer.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { fakeClock } from "../testing/index.ts";
import { cacheKey, type ModelCache, memoryModelCache, responseCache } from "./cache.ts";
import { type ModelGatewayOptions, modelGateway } from "./gateway.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Reads.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "Read it.",
});
const definition = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
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
  tools: [],
  labels: ["user"],
  tried: [],
  attributes: {},
};
const usage = { inputTokens: 3, outputTokens: 1 };
const answer = (value: string): ModelResponse => ({ parts: [{ type: "output", value: { text: value } }], usage });

function cached(
  options: { readonly store?: ModelCache; readonly models?: readonly string[]; readonly answers?: ModelResponse } = {},
  gates: (clock: ReturnType<typeof fakeClock>) => Partial<ModelGatewayOptions> = () => ({}),
) {
  const clock = fakeClock();
  const logged: string[] = [];
  const log = (_: unknown, sentence: string) => void logged.push(sentence);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const { store = memoryModelCache({ clock }), models = ["small"], answers } = options;
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "small",
    cost: "paid",
    cleared: ["sensitive"],
    generate: async (request) => {
      asked.push(request);
      return answers ?? answer(`answer ${asked.length}`);
    },
  };
  const spans: Record<string, unknown>[] = [];
  const tracer: Tracer = {
    span: (_, attributes) => {
      const span: Record<string, unknown> = { ...attributes };
      spans.push(span);
      return { set: (more) => void Object.assign(span, more), end: () => {} };
    },
  };
  const gateway = modelGateway({
    models: { m: model, whole: model },
    definition: definition as unknown as SupervisorDefinition,
    clock,
    tracer,
    cache: responseCache({ store, ttlMs: 1_000, models }, { clock, logger }),
    ...gates(clock),
  });
  const call = async (wish: Partial<CallModelCommand> = {}, tenant = "acme", runId = "run_1") => {
    const { type, body } = await gateway.call({ tenant, runId }, { ...command, ...wish }, new AbortController().signal);
    return { type, ...body } as Record<string, unknown>;
  };
  return { call, asked, clock, logged, spans };
}

test("a span says whether its answer came out of the cache", async () => {
  const { call, spans } = cached();
  await call();
  await call();
  expect(spans.map((span) => span[attributeNames.cached])).toEqual([undefined, true]);
  expect(spans[1]).toMatchObject({ [attributeNames.requestModel]: "small", [attributeNames.costUsd]: 0 });
});

describe("a request that was answered", () => {
  test("is answered again without a call, for nothing, in another run and turn", async () => {
    const { call, asked } = cached();
    const first = await call();
    expect(first).toEqual({
      type: "model.responded",
      command: command.id,
      model: "small",
      parts: answer("answer 1").parts,
      usage,
    });
    const other = { id: "clerk#2/model#4", path: "clerk#2", turn: 4, attempt: 2, agentCall: 7 };
    expect(await call(other, "acme", "run_2")).toEqual({
      type: "model.responded",
      command: "clerk#2/model#4",
      model: "small",
      parts: answer("answer 1").parts,
      usage: { inputTokens: 0, outputTokens: 0 },
      cost: { microUsd: 0, basis: "reported" },
      cached: true,
    });
    expect(asked).toHaveLength(1);
  });

  test("K1 is another one where an alias shows less of it to the same model", async () => {
    const { call, asked } = cached({}, () => ({ context: { m: { maxTokens: 600, keepTurns: 1 } } }));
    const said = (text: string) => ({ role: "assistant", parts: [{ type: "text", text }] }) as const;
    const repair = { role: "repair", issues: [{ pointer: "", message: "no" }] } as const;
    const messages = [said("long ".repeat(400)), repair, said("short"), repair];
    await call({ messages });
    await call({ messages, alias: "whole" });
    expect(asked.map((request) => request.messages.length)).toEqual([2, 4]);
    expect(await call({ messages })).toMatchObject({ cached: true });
  });

  test("K1 is another one for another tenant, and where anything differs that the model is shown", async () => {
    const { call, asked } = cached();
    await call();
    await call({}, "other");
    await call({ input: { text: "hello!" } });
    await call({ labels: [] });
    await call({ attributes: { world: "w1" } });
    await call({ messages: [{ role: "answer", of: "customer", answer: "yes" }] });
    expect(asked).toHaveLength(6);
    const [one] = asked;
    const model = { id: "small", provider: "near", settings: { temperature: 0 } };
    const others = [{ id: "large" }, { provider: "far" }, { settings: { temperature: 1 } }, { settings: { seed: 7 } }];
    const keys = [{}, ...others].map((other) => one && cacheKey({ ...model, ...other }, one));
    expect(new Set(keys).size).toBe(5);
  });

  test("K2 is asked every time where it is sensitive", async () => {
    const store: ModelCache = { get: () => expect.unreachable(), put: () => expect.unreachable() };
    const { call, logged } = cached({ store });
    for (const label of ["sensitive", "sensitive:health"]) {
      expect((await call({ labels: [label] })).type).toBe("model.responded");
    }
    expect(logged).toEqual([]);
  });

  test("is asked again of a model that the cache is not for, and after its time", async () => {
    const other = cached({ models: ["large"] });
    await other.call();
    await other.call();
    expect(other.asked).toHaveLength(2);
    const { call, asked, clock } = cached();
    await call();
    clock.advance(999);
    expect(await call()).toHaveProperty("cached", true);
    clock.advance(1);
    expect(await call()).not.toHaveProperty("cached");
    expect(asked).toHaveLength(2);
  });

  test("K4 is asked again where it was refused", async () => {
    const { call, asked } = cached({ answers: { parts: [{ type: "refusal", reason: "no" }] } });
    await call();
    await call();
    expect(asked).toHaveLength(2);
  });

  test("needs no breaker and no place", async () => {
    const places = limiter({ most: 1, waitingMax: 1 });
    let open: () => void = () => {};
    const { call, asked } = cached({}, (clock) => {
      const made = breakers({ clock, failuresMax: 1 });
      open = () => {
        const pass = made.pass("model:small");
        if ("record" in pass) pass.record(false);
      };
      return { breakers: made, limiter: places };
    });
    await call();
    open();
    await places.acquire({ target: "model:small", tenant: "acme" });
    expect(await call()).toHaveProperty("cached", true);
    expect(await call({ input: { text: "other" } })).toMatchObject({ error: { code: "breaker/open" } });
    expect(asked).toHaveLength(1);
  });

  test("is not given to whom something was taken away, also while it was looked up", async () => {
    let stopped = false;
    const kept = new Map<string, unknown>();
    const store: ModelCache = {
      get: async (key) => {
        stopped = kept.has(key);
        return kept.get(key) as never;
      },
      put: (key, response) => void kept.set(key, response),
    };
    const { call, asked } = cached({ store }, () => ({
      restrictions: () => ({ version: "1", tools: [], agents: [], stopped }),
    }));
    await call();
    expect(await call()).toMatchObject({ type: "model.failed", error: { code: "policy/revoked" } });
    expect(asked).toHaveLength(1);
  });
});

describe("K3 a cache that fails", () => {
  const fail = (): never => {
    throw new Error("down");
  };
  test.each<[string, ModelCache["get"]]>([
    ["throws", fail],
    ["rejects", async () => fail()],
    ["gives something else", () => ({ parts: [{ type: "song" }] }) as never],
  ])("%s: the model is asked, and somebody is told", async (_, get) => {
    const { call, asked, logged } = cached({ store: { get, put: () => {} } });
    expect((await call()).type).toBe("model.responded");
    expect(asked).toHaveLength(1);
    expect(logged).toEqual(["the cache of model answers could not be read; the model is asked"]);
  });

  test("does not answer: the model is asked after a second", async () => {
    const { call, asked, clock, logged } = cached({ store: { get: () => new Promise(() => {}), put: () => {} } });
    const outcome = call();
    clock.advance(999);
    expect(asked).toHaveLength(0);
    clock.advance(1);
    expect((await outcome).type).toBe("model.responded");
    expect(logged).toHaveLength(1);
  });

  test.each<[string, ModelCache["put"]]>([
    ["throws", fail],
    ["rejects", async () => fail()],
  ])("%s when it shall keep one: the answer stands", async (_, put) => {
    const { call, logged } = cached({ store: { get: () => undefined, put } });
    expect((await call()).type).toBe("model.responded");
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged).toEqual(["the cache of model answers could not keep one"]);
  });
});

describe("the cache in memory", () => {
  const response = (value: string) => ({ parts: [{ type: "text" as const, text: value }] });

  test("forgets the one that was used longest ago", async () => {
    const cache = memoryModelCache({ clock: fakeClock(), entriesMax: 2 });
    for (const key of ["a", "b"]) await cache.put(key, response(key), 10);
    await cache.get("a");
    await cache.put("c", response("c"), 10);
    expect([await cache.get("a"), await cache.get("b"), await cache.get("c")]).toEqual([
      response("a"),
      undefined,
      response("c"),
    ]);
  });

  test("holds no more bytes than it may, and not what is bigger than that", async () => {
    // {"parts":[{"type":"text","text":"xxxxxxxxxx"}]} and a key of one byte: 48 of them.
    const cache = memoryModelCache({ clock: fakeClock(), bytesMax: 100 });
    for (const key of ["a", "b", "c"]) await cache.put(key, response("x".repeat(10)), 10);
    expect([await cache.get("a"), await cache.get("b")]).toEqual([undefined, response("x".repeat(10))]);
    await cache.put("d", response("x".repeat(100)), 10);
    expect([await cache.get("d"), await cache.get("c")]).toEqual([undefined, response("x".repeat(10))]);
    // What is put again counts once.
    for (let time = 0; time < 5; time++) await cache.put("b", response("x".repeat(10)), 10);
    expect(await cache.get("c")).toEqual(response("x".repeat(10)));
  });

  test("gives a copy", async () => {
    const cache = memoryModelCache({ clock: fakeClock() });
    await cache.put("a", response("x"), 10);
    Object.assign((await cache.get("a")) as object, { parts: [] });
    expect(await cache.get("a")).toEqual(response("x"));
  });

  test("is bounded by whole numbers", () => {
    const clock = fakeClock();
    for (const wrong of [{ entriesMax: 0 }, { bytesMax: 0.5 }]) {
      expect(() => memoryModelCache({ clock, ...wrong })).toThrow("limits/not-a-bound");
    }
  });
});
