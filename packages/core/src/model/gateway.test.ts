import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { findNonJson } from "../json.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { silentTracer, type Tracer } from "../port/tracer.ts";
import { asAgent, defineSupervisor } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import { fakeClock } from "../testing/index.ts";
import { modelGateway } from "./gateway.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Reads.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  asks: ["customer"],
  instructions: "Read it.",
});
const definition = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
const key = { tenant: "acme", runId: "run_1" };
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
  tools: definition.agents.get("clerk")?.tools.map(({ name }) => name) ?? [],
  labels: [],
  tried: [],
  attributes: { world: "w1" },
};
const done: ModelResponse = { parts: [{ type: "output", value: { text: "x" } }] };

type Generate = Model["generate"];
function gateway(generate: Generate, more: Partial<Model> = {}, tracer: Tracer = silentTracer) {
  const clock = fakeClock();
  const models = { m: { id: "test-model", cost: "zero", generate, ...more } satisfies Model };
  const made = modelGateway({ models, definition: definition as never, clock, tracer });
  const call = (signal = new AbortController().signal, wish: Partial<CallModelCommand> = {}) =>
    made.call(key, { ...command, ...wish }, signal);
  return { clock, call, made };
}

/** The error of a failed call, whose event must be fit for a journal. */
async function failure(outcome: Promise<InputEvent>) {
  const event = await outcome;
  expect(findNonJson(event)).toBeUndefined();
  if (event.type !== "model.failed") throw new Error(`expected a failure, saw ${event.type}`);
  expect(event).toMatchObject({ id: command.id, path: command.path, body: { command: command.id } });
  return event.body.error;
}

describe("a call", () => {
  test("shows the model its request and brings its answer as an event", async () => {
    const seen: ModelRequest[] = [];
    const usage = { inputTokens: 3, outputTokens: 1 };
    const cost = { microUsd: 12, basis: "reported" } as const;
    const { call } = gateway((request) => {
      seen.push(request);
      return { ...done, usage, cost, model: "test-model-2" };
    });
    expect(await call()).toEqual({
      id: command.id,
      type: "model.responded",
      path: "clerk#1",
      body: { command: command.id, model: "test-model-2", parts: done.parts, usage, cost },
    });
    expect(seen[0]).toMatchObject({
      agent: "clerk",
      instructions: "Read it.",
      input: { text: "hello" },
      tools: [],
      asks: ["customer"],
      outputSchema: clerk.outputSchema,
      context: { ...key, path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: { world: "w1" } },
    });
  });

  test("of a paid model waits for what is durable, and so does one that nobody knows", () => {
    expect(gateway(() => done).made.isPaid("m")).toBe(false);
    expect(gateway(() => done, { cost: "paid" }).made.isPaid("m")).toBe(true);
    expect(gateway(() => done).made.isPaid("other")).toBe(true);
  });

  test("of an unknown alias or agent fails and asks nobody", async () => {
    let asked = 0;
    const { call } = gateway(() => {
      asked++;
      return done;
    });
    const signal = new AbortController().signal;
    expect(await failure(call(signal, { alias: "other" }))).toMatchObject({
      code: "model/alias-unknown",
      data: { alias: "other", agent: "clerk" },
    });
    expect((await failure(call(signal, { agent: "ghost" }))).code).toBe("model/alias-unknown");
    expect(asked).toBe(0);
  });
});

describe("a model that throws", () => {
  const typed = new OrchestrationError("model/script-mismatch", { agent: "clerk", call: 1, reason: "no turn" });
  test.each<[string, Generate, string, string]>([
    ["at once", () => fail(new Error("boom")), "model/failed", "boom"],
    ["later", async () => fail(new Error("boom")), "model/failed", "boom"],
    ["something that is no error", () => fail(null), "model/failed", "null"],
    ["something without a text", () => fail(Object.create(null)), "model/failed", "test-model"],
    ["an error of ours", () => fail(typed), "model/script-mismatch", "no turn"],
    ["an error of ours, later", async () => fail(typed), "model/script-mismatch", "no turn"],
  ])("%s has failed, and the reason is told", async (_, generate, code, reason) => {
    const error = await failure(gateway(generate).call());
    expect(error.code).toBe(code);
    expect(error.message).toContain(reason);
  });
});

function fail(thrown: unknown): never {
  throw thrown;
}

test("W2 an answer that cannot be read has cost what its client says all the same", async () => {
  const spent = { usage: { inputTokens: 7, outputTokens: 3 }, cost: { microUsd: 12, basis: "reported" } } as const;
  const event = await gateway(() => ({ parts: [], ...spent }), { cost: "paid" }).call();
  expect(event).toMatchObject({ body: { error: { code: "model/response-invalid" }, ...spent } });
  const unknown = { ...spent, cost: { microUsd: Number.NaN, basis: "reported" } } as const;
  const odd = await gateway(() => ({ parts: [], ...unknown }), { cost: "paid" }).call();
  expect(odd.body).not.toHaveProperty("cost");
});

test("W2 a client that could not even ask has cost nothing", async () => {
  const unsupported = new OrchestrationError("model/media-unsupported", { model: "test-model", media: "audio/ogg" });
  const event = await gateway(() => fail(unsupported), { cost: "paid" }).call();
  const free = { usage: { inputTokens: 0, outputTokens: 0 }, cost: { microUsd: 0, basis: "reported" } };
  expect(event).toMatchObject({ body: { error: { code: "model/media-unsupported" }, ...free } });
  const missing = new OrchestrationError("model/sdk-missing", { model: "test-model", package: "openai" });
  expect(await gateway(async () => fail(missing), { cost: "paid" }).call()).toMatchObject({ body: free });
  const failed = await gateway(() => fail(new Error("boom")), { cost: "paid" }).call();
  expect(failed.body).not.toHaveProperty("cost");
});

describe("an answer that is too long while it comes", () => {
  const talker = (pieces: number, piece: string, until: { aborted?: boolean } = {}): Generate => {
    return async (_, { signal, onDelta }) => {
      for (let n = 0; n < pieces && !signal.aborted; n++) {
        onDelta?.({ type: "text", text: piece });
        await Promise.resolve();
      }
      until.aborted = signal.aborted;
      if (signal.aborted) throw new Error("aborted");
      return done;
    };
  };
  const { payloadBytes } = definition.limits;

  test("is not waited for: the call fails, and the model's signal is aborted", async () => {
    const until: { aborted?: boolean } = {};
    const error = await failure(gateway(talker(2 ** 20, "é".repeat(1_000), until)).call());
    expect(error).toMatchObject({ code: "model/response-invalid", data: { model: "test-model" } });
    expect(error.message).toContain(`more than the limit of ${payloadBytes} bytes`);
    await new Promise((resolve) => setImmediate(resolve));
    expect(until).toEqual({ aborted: true });
  });

  test("is so by its bytes, and before its client says anything else", async () => {
    const sudden: Generate = (_, { onDelta }) => {
      onDelta?.({ type: "text", text: "x".repeat(payloadBytes + 1) });
      return new Promise(() => {});
    };
    expect((await failure(gateway(sudden).call())).code).toBe("model/response-invalid");
    expect((await gateway(talker(1, "x".repeat(payloadBytes))).call()).type).toBe("model.responded");
  });

  test("does not count what was taken back, nor thinking", async () => {
    const { call } = gateway(async (_, { onDelta }) => {
      onDelta?.({ type: "text", text: "x".repeat(payloadBytes) });
      onDelta?.({ type: "retracted" });
      onDelta?.({ type: "text", text: "x".repeat(payloadBytes) });
      onDelta?.({ type: "reasoning", text: "x".repeat(payloadBytes) });
      return done;
    });
    expect((await call()).type).toBe("model.responded");
  });
});

test.each([{ type: "text" }, {}, null, undefined, "text"])(
  "a piece that is %o is a sign of life, and fails nothing",
  async (piece) => {
    const generate: Generate = async (_, { onDelta }) => {
      onDelta?.(piece as never);
      return done;
    };
    expect((await gateway(generate).call()).type).toBe("model.responded");
  },
);

describe("an answer that is none", () => {
  test.each<[string, unknown, string]>([
    ["nothing", undefined, "/"],
    ["no parts", { parts: [] }, "/parts"],
    ["an unknown part", { parts: [{ type: "song" }] }, "/parts/0"],
    ["a call without an id", { parts: [{ type: "toolCall", callId: "", tool: "t", input: {} }] }, "/parts/0/callId"],
    ["a value that is not JSON", { parts: [{ type: "output", value: { at: new Date(0) } }] }, "/parts/0/value"],
    ["a value that is undefined", { parts: [{ type: "output", value: undefined }] }, "/parts/0/value"],
    ["a question to nobody", { parts: [{ type: "ask", of: "everybody", question: "?" }] }, "/parts/0/of"],
    ["a negative count", { ...done, usage: { inputTokens: -1, outputTokens: 0 } }, "/usage/inputTokens"],
    ["a count beyond all reason", { ...done, usage: { inputTokens: 2e15, outputTokens: 0 } }, "/usage/inputTokens"],
    ["a cost that no sum can hold", { ...done, cost: { microUsd: 1e300, basis: "reported" } }, "/cost/microUsd"],
    ["a cost without a basis", { ...done, cost: { microUsd: 1 } }, "/cost/basis"],
  ])("%s is a typed failure that names the place", async (_, answer, place) => {
    for (const generate of [() => answer, async () => answer] as Generate[]) {
      const error = await failure(gateway(generate).call());
      expect(error.code).toBe("model/response-invalid");
      expect(error.message).toContain(place);
    }
  });
});

describe("a call that is not answered", () => {
  test("ends at its deadline, by our clock, and its signal aborts", async () => {
    let signal: AbortSignal | undefined;
    const { clock, call } = gateway(
      (_, options) => {
        signal = options.signal;
        return new Promise(() => {});
      },
      { timeoutMs: 500 },
    );
    const outcome = call();
    clock.advance(499);
    expect(signal?.aborted).toBe(false);
    clock.advance(1);
    expect(signal?.aborted).toBe(true);
    expect(await failure(outcome)).toMatchObject({ code: "model/timeout", data: { timeoutMs: 500 } });
  });

  test("has two minutes where its model says nothing", async () => {
    const { clock, call } = gateway(() => new Promise(() => {}));
    const outcome = call();
    clock.advance(120_000);
    expect((await failure(outcome)).data).toMatchObject({ timeoutMs: 120_000 });
  });

  test("ends when it is stopped, before it began or after", async () => {
    for (const early of [true, false]) {
      const stop = new AbortController();
      if (early) stop.abort();
      const { call } = gateway(() => new Promise(() => {}));
      const outcome = call(stop.signal);
      stop.abort();
      expect(await failure(outcome)).toMatchObject({ code: "model/failed", data: { reason: "it was stopped" } });
    }
  });

  test("an answer that comes late is not heard of, and no timer is left", async () => {
    let answer: (response: ModelResponse) => void = () => {};
    const late = new Promise<ModelResponse>((resolve) => {
      answer = resolve;
    });
    const { clock, call } = gateway(() => late, { timeoutMs: 10 });
    const outcome = call();
    clock.advance(10);
    answer(done);
    expect((await failure(outcome)).code).toBe("model/timeout");

    let fired = 0;
    const quick = gateway(async () => done, { timeoutMs: 10 });
    const at = quick.clock.at;
    Object.assign(quick.clock, {
      at: (dueAt: number, callback: () => void) =>
        at(dueAt, () => {
          fired++;
          callback();
        }),
    });
    expect((await quick.call()).type).toBe("model.responded");
    quick.clock.advance(100);
    expect(fired).toBe(0);
  });
});

test("a span opens for each call and says how it ended", async () => {
  const spans: string[] = [];
  const tracer: Tracer = {
    span: (name) => ({ set: () => {}, end: (error) => void spans.push(`${name}: ${error?.code ?? "ok"}`) }),
  };
  await gateway(() => done, {}, tracer).call();
  await gateway(() => fail(new Error("x")), {}, tracer).call();
  expect(spans).toEqual(["chat test-model: ok", "chat test-model: model/failed"]);
});

test("an agent is found in a team of a team", () => {
  const team = asAgent(definition as never, { name: "team", description: "A team.", input: text, output: text });
  const outer = defineSupervisor({ name: "outer", agents: { team }, entry: "team", exit: "team", handoffs: [] });
  expect(findAgent(outer as never, "clerk")).toBe(clerk);
  expect(findAgent(outer as never, "nobody")).toBeUndefined();
});
