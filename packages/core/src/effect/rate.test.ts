import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { fakeClock } from "../testing/index.ts";
import { type Rates, rateLimiter, type Taken } from "./rate.ts";

const target = "model:openai";

function limited(rates: Rates, waitingMax?: number) {
  const clock = fakeClock();
  const limiter = rateLimiter({
    clock,
    limits: (one) => (one === target ? rates : undefined),
    ...(waitingMax === undefined ? {} : { waitingMax }),
  });
  const served: string[] = [];
  const take = (name: string, tokens = 0, signal?: AbortSignal) => {
    const taken = limiter.take({ target, tenant: name.slice(0, 1), tokens, ...(signal ? { signal } : {}) });
    if (taken instanceof Promise) taken.then(() => served.push(name)).catch(() => served.push(`not ${name}`));
    else served.push(name);
    return taken;
  };
  /** Moves time on and lets those who were served say so. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await Promise.resolve();
    await Promise.resolve();
    return served.splice(0);
  };
  return { ...limiter, clock, take, pass };
}

describe("requests", () => {
  test("T1 pass while there are any, then one whenever one has come", async () => {
    const { take, pass, states } = limited({ requestsPerMinute: 2 });
    for (const name of ["a1", "a2", "a3", "a4"]) take(name);
    expect(await pass(0)).toEqual(["a1", "a2"]);
    expect(states()).toEqual([{ target, requestsLeft: 0, waiting: 2 }]);
    expect(await pass(29_999)).toEqual([]);
    expect(await pass(1)).toEqual(["a3"]);
    expect(await pass(30_000)).toEqual(["a4"]);
    expect(await pass(3_600_000)).toEqual([]);
    expect(states()).toEqual([{ target, requestsLeft: 2, waiting: 0 }]);
  });

  test("T2 of tenants are served in turns, and nobody who comes later is before them", async () => {
    const { take, pass } = limited({ requestsPerMinute: 60 });
    for (let call = 0; call < 60; call++) take("z0");
    for (const name of ["a1", "a2", "a3", "b1", "c1", "b2"]) take(name);
    await pass(0);
    expect(await pass(2_000)).toEqual(["a1", "b1"]);
    take("d1");
    expect(await pass(60_000)).toEqual(["c1", "a2", "b2", "d1", "a3"]);
  });
});

describe("tokens", () => {
  test("T1 a call waits for as many as it wants, and one that wants more than a minute has waits for all of them", async () => {
    const { take, pass, states } = limited({ tokensPerMinute: 600 });
    take("a1", 500);
    take("a2", 200);
    expect(await pass(9_999)).toEqual(["a1"]);
    expect(await pass(1)).toEqual(["a2"]);
    take("a3", 10_000);
    expect(await pass(59_999)).toEqual([]);
    expect(await pass(1)).toEqual(["a3"]);
    expect(states()).toEqual([{ target, tokensLeft: 0, waiting: 0 }]);
  });

  test("T2 a small call does not overtake one that waits for much", async () => {
    const { take, pass } = limited({ tokensPerMinute: 600 });
    take("a1", 600);
    take("a2", 600);
    take("b1", 1);
    expect(await pass(59_999)).toEqual(["a1"]);
    expect(await pass(1)).toEqual(["a2"]);
    expect(await pass(100)).toEqual(["b1"]);
  });

  test("T3 what was not used goes back once and serves those who wait", async () => {
    const { take, pass, states } = limited({ tokensPerMinute: 600, requestsPerMinute: 100 });
    const first = take("a1", 600) as Taken;
    take("a2", 300);
    first.used(100);
    first.used(0);
    first.unused();
    expect(await pass(0)).toEqual(["a1", "a2"]);
    expect(states()).toEqual([{ target, requestsLeft: 98, tokensLeft: 200, waiting: 0 }]);
  });

  test("T3 what was used beyond that is missing, and what nobody knows is gone", async () => {
    const { take, pass, states } = limited({ tokensPerMinute: 600 });
    (take("a1", 100) as Taken).used(900);
    expect(states()).toEqual([{ target, tokensLeft: -300, waiting: 0 }]);
    take("a2", 60);
    expect(await pass(35_999)).toEqual(["a1"]);
    expect(await pass(1)).toEqual(["a2"]);
    await pass(60_000);
    (take("a3", 400) as Taken).used(undefined);
    expect(states()).toEqual([{ target, tokensLeft: 200, waiting: 0 }]);
  });

  test("T3 a count beyond all reason keeps nobody away for longer than some minutes", async () => {
    const { take, pass, states } = limited({ tokensPerMinute: 600 });
    (take("a1", 100) as Taken).used(1e12);
    expect(states()).toMatchObject([{ tokensLeft: -6_000 }]);
    take("b1", 600);
    expect(await pass(11 * 60_000 - 1)).toEqual(["a1"]);
    expect(await pass(1)).toEqual(["b1"]);
  });

  test("T3 a call that was not made takes nothing, neither tokens nor the request", () => {
    const { take, states } = limited({ tokensPerMinute: 600, requestsPerMinute: 1 });
    (take("a1", 900) as Taken).unused();
    expect(states()).toEqual([{ target, requestsLeft: 1, tokensLeft: 600, waiting: 0 }]);
  });
});

describe("a queue", () => {
  test("T4 is left by an aborted wait, and those behind go on", async () => {
    const { take, pass, states } = limited({ tokensPerMinute: 600 });
    take("a1", 500);
    const stop = new AbortController();
    const stopped = take("a2", 600, stop.signal);
    take("a3", 100);
    expect(states()[0]?.waiting).toBe(2);
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow("enough");
    expect(await pass(0)).toEqual(["a1", "a3", "not a2"]);
    expect(() => take("a4", 1, stop.signal)).toThrow("enough");
    expect(states()[0]?.waiting).toBe(0);
  });

  test("T4 is bounded", () => {
    const { take } = limited({ requestsPerMinute: 1 }, 1);
    take("a1");
    take("a2");
    expect(() => take("b1")).toThrow(new OrchestrationError("limits/queue-full", { target, waiting: 1 }));
  });
});

test("what has no rates is not bounded, and rates are bounds", () => {
  const { take, states } = rateLimiter({ clock: fakeClock(), limits: () => undefined });
  for (let call = 0; call < 5; call++) expect(take({ target, tenant: "a", tokens: 9 })).not.toBeInstanceOf(Promise);
  expect(states()).toEqual([]);
  const limits = () => ({ requestsPerMinute: 0.5 });
  expect(() => rateLimiter({ clock: fakeClock(), limits }).take({ target, tenant: "a", tokens: 0 })).toThrow(
    "limits/not-a-bound",
  );
});

const stepMs = 1_000;

test("T1 no span of time sees more than a full bucket and what came in it; all are served in the end", async () => {
  const arbCall = fc.record({
    tenant: fc.constantFrom("a", "b", "c"),
    tokens: fc.nat({ max: 150 }),
    afterMs: fc.nat({ max: 40_000 }),
    used: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(arbCall, { maxLength: 25 }),
      async (requestsPerMinute, tokensPerMinute, calls) => {
        const clock = fakeClock();
        const { take, states } = rateLimiter({ clock, limits: () => ({ requestsPerMinute, tokensPerMinute }) });
        const taken: { readonly at: number; tokens: number }[] = [];
        const one = async ({ tenant, tokens, used }: (typeof calls)[number]) => {
          const given = await take({ target, tenant, tokens });
          const held = Math.min(tokens, tokensPerMinute);
          // Where less was used, that room was never taken.
          const count = used === undefined ? undefined : Math.floor(held * used);
          taken.push({ at: clock.now(), tokens: count ?? held });
          given.used(count);
        };
        /** In steps, so that it is known to a step when somebody was served. */
        const pass = async (ms: number) => {
          for (let left = ms; left > 0; left -= stepMs) {
            clock.advance(Math.min(stepMs, left));
            for (let turn = 0; turn < 4; turn++) await Promise.resolve();
          }
        };
        const waits: Promise<void>[] = [];
        for (const call of calls) {
          await pass(call.afterMs);
          waits.push(one(call));
        }
        await pass((calls.length + 1) * 60_000);
        await Promise.all(waits);
        for (const [from, first] of taken.entries()) {
          let tokens = 0;
          for (const [index, other] of taken.slice(from).entries()) {
            tokens += other.tokens;
            const minutes = (other.at - first.at + stepMs) / 60_000;
            expect(index + 1).toBeLessThanOrEqual(requestsPerMinute * (1 + minutes));
            expect(tokens).toBeLessThanOrEqual(tokensPerMinute * (1 + minutes));
          }
        }
        expect(states().every(({ waiting }) => waiting === 0)).toBe(true);
      },
    ),
  );
});
