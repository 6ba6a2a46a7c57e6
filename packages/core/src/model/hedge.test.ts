import { describe, expect, test } from "vitest";
import type { FailedCall, Model, ModelCallOptions, ModelDelta, ModelRequest, ModelResponse } from "../port/model.ts";
import { fakeClock } from "../testing/index.ts";
import { hedge } from "./hedge.ts";
import { isCleared } from "./route.ts";

const request = { agent: "clerk", labels: [] } as unknown as ModelRequest;
const said = (text: string, more: Partial<ModelResponse> = {}): ModelResponse => ({
  parts: [{ type: "text", text }],
  ...more,
});

/** A model that answers when it is told to. */
function told(id: string, more: Partial<Model> = {}) {
  let settle: { resolve: (response: ModelResponse) => void; reject: (thrown: unknown) => void } | undefined;
  let given: ModelCallOptions | undefined;
  const model: Model = {
    id,
    cost: "paid",
    quote: () => ({ microUsd: 100, tokens: 50 }),
    generate: (_, options) => {
      given = options;
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
    ...more,
  };
  return {
    model,
    asked: () => given !== undefined,
    aborted: () => given?.signal.aborted,
    onAbort: (act: () => void) => given?.signal.addEventListener("abort", act),
    delta: (text: string) => given?.onDelta?.({ type: "text", text }),
    answer: (response: ModelResponse) => settle?.resolve(response),
    fail: (thrown: unknown) => settle?.reject(thrown),
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function pair(more: { readonly a?: Partial<Model>; readonly b?: Partial<Model> } = {}) {
  const clock = fakeClock();
  const [a, b] = [told("a", more.a), told("b", more.b)];
  const model = hedge([a.model, b.model], { afterMs: 100, clock, graceMs: 10 });
  const deltas: ModelDelta[] = [];
  const stop = new AbortController();
  const call = () => {
    const outcome = Promise.resolve(
      model.generate(request, { signal: stop.signal, onDelta: (delta) => void deltas.push(delta) }),
    );
    outcome.catch(() => {});
    return outcome;
  };
  const pass = async (ms: number) => {
    await turn();
    clock.advance(ms);
    await turn();
  };
  return { a, b, model, deltas, stop, call, pass };
}
const usage = (inputTokens: number, outputTokens: number) => ({ inputTokens, outputTokens });
const cost = (microUsd: number, basis: "reported" | "estimated" = "reported") => ({ microUsd, basis });

describe("a hedge", () => {
  test("asks the first alone where it answers in time", async () => {
    const { a, b, call, pass } = pair();
    const outcome = call();
    await pass(99);
    a.answer(said("a", { usage: usage(1, 2), cost: cost(3) }));
    expect(await outcome).toEqual({ ...said("a"), model: "a", usage: usage(1, 2), cost: cost(3) });
    await pass(1_000);
    expect(b.asked()).toBe(false);
  });

  test("H1 takes the second's answer, aborts the first, and counts its quote as spent where it does not tell", async () => {
    const { a, b, call, pass } = pair();
    const outcome = call();
    await pass(100);
    expect([b.asked(), a.aborted()]).toEqual([true, false]);
    b.answer(said("b", { usage: { ...usage(10, 5), cachedInputTokens: 4 }, cost: cost(30) }));
    await pass(0);
    expect(a.aborted()).toBe(true);
    await pass(10);
    expect(await outcome).toEqual({
      ...said("b"),
      model: "b",
      usage: { inputTokens: 60, outputTokens: 5, cachedInputTokens: 4 },
      cost: { microUsd: 130, basis: "reserved" },
    });
  });

  test("H1 counts a quote of parts of a token as whole ones, as a budget does", async () => {
    const { b, call, pass } = pair({ a: { quote: () => ({ microUsd: 0.5, tokens: 12.25 }) } });
    const outcome = call();
    await pass(100);
    b.answer(said("b", { usage: usage(10, 5), cost: cost(30) }));
    await pass(10);
    expect(await outcome).toMatchObject({ usage: usage(23, 5), cost: { microUsd: 31, basis: "reserved" } });
  });

  test("H1 hears what the aborted one has cost, and waits no longer than it takes to say so", async () => {
    const { a, b, call, pass } = pair();
    const outcome = call();
    await pass(100);
    a.onAbort(() => a.fail(Object.assign(new Error("aborted"), { usage: usage(7, 1), cost: cost(8, "estimated") })));
    b.answer(said("b", { usage: usage(10, 5), cost: cost(30), model: "b-2" }));
    expect(await outcome).toEqual({ ...said("b"), model: "b-2", usage: usage(17, 6), cost: cost(38, "estimated") });
  });

  test("takes the first's answer also when the second was asked", async () => {
    const { a, b, call, pass } = pair({ b: { cost: "zero" } });
    const outcome = call();
    await pass(100);
    a.answer(said("a", { usage: usage(1, 2), cost: cost(3) }));
    await pass(0);
    expect(b.aborted()).toBe(true);
    await pass(10);
    expect(await outcome).toEqual({ ...said("a"), model: "a", usage: usage(1, 2), cost: cost(3) });
  });

  test.each([() => ({ microUsd: Number.NaN, tokens: 1 }), () => expect.unreachable()])(
    "loses no answer to a quote that is none",
    async (quote) => {
      const { b, call, pass } = pair({ a: { quote }, b: { quote } });
      const outcome = call();
      await pass(100);
      b.answer(said("b"));
      await pass(10);
      expect(await outcome).toEqual({ ...said("b"), model: "b" });
    },
  );

  test("asks the second at once where the first has failed, and goes on without one that failed later", async () => {
    const early = pair();
    const one = early.call();
    await early.pass(1);
    early.a.fail(new Error("boom"));
    await turn();
    early.b.answer(said("b"));
    expect((await one).parts).toEqual(said("b").parts);

    const late = pair();
    const other = late.call();
    await late.pass(100);
    late.b.fail(new Error("boom"));
    await turn();
    late.a.answer(said("a", { usage: usage(1, 2), cost: cost(3) }));
    expect(await other).toMatchObject({ model: "a", cost: { microUsd: 103, basis: "reserved" } });
  });

  test("H1 fails when both have, with what both have cost and the reason of the second", async () => {
    const { a, b, call, pass } = pair();
    const outcome = call();
    await pass(100);
    const busy = Object.freeze(Object.assign(new Error("busy"), { status: 429, usage: usage(0, 0), cost: cost(0) }));
    b.fail(busy);
    a.fail(new Error("boom"));
    const error = (await outcome.catch((thrown: unknown) => thrown)) as FailedCall & { code: string };
    expect(error).toMatchObject({ code: "model/rate-limited", data: { model: "b" }, cause: busy });
    expect([error.usage, error.cost]).toEqual([usage(50, 0), { microUsd: 100, basis: "reserved" }]);
  });

  test("says nothing of a cost that nobody can know", async () => {
    const { b, call, pass } = pair({ a: { quote: undefined as never } });
    const outcome = call();
    await pass(100);
    b.answer(said("b", { usage: usage(1, 1), cost: cost(1) }));
    await pass(0);
    await pass(10);
    expect(await outcome).toEqual({ ...said("b"), model: "b" });
  });

  test("a model of it that takes longer than it may has failed", async () => {
    const { a, b, call, pass } = pair({ a: { timeoutMs: 150 }, b: { timeoutMs: 30 } });
    const outcome = call();
    await pass(100);
    await pass(30);
    expect([a.aborted(), b.aborted()]).toEqual([false, true]);
    await pass(20);
    expect(a.aborted()).toBe(true);
    await expect(outcome).rejects.toMatchObject({ code: "model/timeout", data: { model: "b", timeoutMs: 30 } });
  });

  test("that is stopped stops both, or asks no second one", async () => {
    const both = pair();
    both.call();
    await both.pass(100);
    both.stop.abort();
    expect([both.a.aborted(), both.b.aborted()]).toEqual([true, true]);

    const one = pair();
    const outcome = one.call();
    await one.pass(1);
    one.stop.abort(new Error("enough"));
    await one.pass(100);
    await expect(outcome).rejects.toThrow("enough");
    expect(one.b.asked()).toBe(false);
  });

  test("shows the pieces of the one that spoke first", async () => {
    const { a, b, call, pass, deltas } = pair();
    call();
    await pass(100);
    b.delta("b1");
    a.delta("a1");
    b.delta("b2");
    expect(deltas).toEqual([
      { type: "text", text: "b1" },
      { type: "text", text: "b2" },
    ]);
  });
});

describe("for the gates a hedge", () => {
  const of = (a: Partial<Model>, b: Partial<Model>) => pair({ a, b }).model;

  test("H2 may cost what both may cost, and has no quote where a paid one has none", () => {
    expect(of({}, {}).quote?.(request)).toEqual({ microUsd: 200, tokens: 100 });
    expect(of({ quote: undefined as never }, {})).not.toHaveProperty("quote");
    const free = of({ cost: "zero", quote: undefined as never }, {});
    expect([free.cost, free.quote?.(request)]).toEqual(["paid", { microUsd: 100, tokens: 50 }]);
    expect(of({ cost: "zero" }, { cost: "zero" }).cost).toBe("zero");
  });

  test.each<[string[], string[], string[], boolean]>([
    [["sensitive"], ["sensitive"], ["sensitive:health"], true],
    [["sensitive"], ["sensitive:health"], ["sensitive:health"], true],
    [["sensitive:health"], ["sensitive"], ["sensitive:money"], false],
    [["sensitive:health", "sensitive:money"], ["sensitive:money"], ["sensitive:money"], true],
    [["sensitive:health"], ["sensitive:money"], ["sensitive:money"], false],
    [["sensitive"], [], ["sensitive"], false],
    [[], [], ["user"], true],
  ])("H2 of models cleared for %j and %j sees %j: %j", (a, b, labels, sees) => {
    expect(isCleared(of({ cleared: a }, { cleared: b }), labels)).toBe(sees);
  });

  test("H3 has the provider that both have, and time for both", () => {
    expect(of({ provider: "openai" }, { provider: "openai" }).provider).toBe("openai");
    expect(of({ provider: "openai" }, { provider: "anthropic" })).toMatchObject({ id: "a|b" });
    expect(of({ provider: "openai" }, { provider: "anthropic" })).not.toHaveProperty("provider");
    expect(of({ timeoutMs: 1_000 }, { timeoutMs: 950 }).timeoutMs).toBe(1_060);
    expect(of({}, {}).timeoutMs).toBe(120_110);
  });

  test("is bounded by whole numbers", () => {
    const { model } = told("a");
    expect(() => hedge([model, model], { afterMs: 0, clock: fakeClock() })).toThrow("limits/not-a-bound");
  });

  test("H4 what the one has begun to say is taken back when the other one's answer counts", async () => {
    const { a, b, deltas, call, pass } = pair();
    const outcome = call();
    a.delta("half an ans");
    await pass(100);
    b.delta("another one");
    b.answer(said("another one"));
    await pass(10);
    await outcome;
    expect(deltas).toEqual([{ type: "text", text: "half an ans" }, { type: "retracted" }]);
  });
});
