import { OrchestrationError } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mediaTokensMax, type Price, priceTable } from "./prices.ts";

const at = Date.parse("2026-06-01T12:00:00Z");
const table = (options: Parameters<typeof priceTable>[0] = {}) => priceTable({ clock: fakeClock(at), ...options });

function refusal(act: () => unknown): OrchestrationError {
  try {
    act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown, "budget/unpriced")) return thrown;
    throw thrown;
  }
  throw new Error("it was priced");
}

describe("cost", () => {
  test("is input, cached input and output at their rates, rounded up once", () => {
    // gpt-4o: 2.5, 1.25 and 10 dollars for a million.
    const { cost } = table().of("gpt-4o", { provider: "openai" });
    expect(cost({ inputTokens: 1_000, outputTokens: 100 }, at)).toEqual({ microUsd: 3_500, basis: "reported" });
    expect(cost({ inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 }, at).microUsd).toBe(3_000);
    expect(cost({ inputTokens: 1, outputTokens: 0 }, at).microUsd).toBe(3);
    expect(cost({ inputTokens: 0, outputTokens: 0 }, at).microUsd).toBe(0);
  });

  test("has what is written to a cache at its own rate, where there is one", () => {
    // claude-sonnet-4-5: 3, 0.3 and 3.75 dollars for a million of input, read and written.
    const { cost } = table().of("claude-sonnet-4-5", { provider: "anthropic" });
    const usage = { inputTokens: 10_000, cachedInputTokens: 2_000, cacheWriteTokens: 4_000, outputTokens: 0 };
    expect(cost(usage, at)).toEqual({ microUsd: 4_000 * 3 + 2_000 * 0.3 + 4_000 * 3.75, basis: "reported" });
    const own = table({ overrides: { mine: { inputPerMillion: 1, outputPerMillion: 2 } } }).of("mine");
    expect(own.cost(usage, at).microUsd).toBe(10_000);
    const price = { inputPerMillion: 1, outputPerMillion: 2, cacheWritePerMillion: 1.25, cachedInputPerMillion: 0.1 };
    const dear = table({ overrides: { mine: price } }).of("mine");
    expect(dear.cost(usage, at).microUsd).toBe(4_000 + 2_000 * 0.1 + 4_000 * 1.25);
    // P2: all of a call may come to be written there.
    expect(dear.quote({ chars: 1_000, media: 0 }, 0).microUsd).toBe(4_000 * 1.25);
  });

  test("has reasoning as output", () => {
    const { cost } = table().of("gpt-5", { provider: "openai" });
    const usage = { inputTokens: 0, outputTokens: 300 };
    expect(cost({ ...usage, reasoningTokens: 200 }, at)).toEqual(cost(usage, at));
  });

  test("is that of the time of the call", () => {
    // o3 fell from 10 and 40 dollars to 2 and 8 on 2025-06-10.
    const { cost } = table().of("o3", { provider: "openai" });
    const usage = { inputTokens: 1_000_000, outputTokens: 1_000_000 };
    expect(cost(usage, Date.parse("2025-06-09T23:59:59Z")).microUsd).toBe(50_000_000);
    expect(cost(usage, Date.parse("2025-06-10T00:00:00Z")).microUsd).toBe(10_000_000);
  });

  test("is that of the hour, where a provider has cheaper ones", () => {
    const { cost } = table().of("deepseek-chat", { provider: "deepseek" });
    const usage = { inputTokens: 1_000_000, outputTokens: 0 };
    expect(cost(usage, Date.parse("2026-06-01T12:00:00Z")).microUsd).toBe(270_000);
    expect(cost(usage, Date.parse("2026-06-01T20:00:00Z")).microUsd).toBe(135_000);
  });

  test("of a long context is dearer for all of its tokens", () => {
    // gemini-2.5-pro: 1.25 and 10 dollars, 2.5 and 15 above 200,000 tokens of input.
    const { cost } = table().of("gemini-2.5-pro", { provider: "google" });
    expect(cost({ inputTokens: 200_000, outputTokens: 1_000 }, at).microUsd).toBe(260_000);
    expect(cost({ inputTokens: 200_001, outputTokens: 1_000 }, at).microUsd).toBe(515_003);
    expect(cost({ inputTokens: 200_001, cachedInputTokens: 200_001, outputTokens: 0 }, at).microUsd).toBe(50_001);
  });

  test("of sound and images is estimated at the dearest rate, where it is said that there are any", () => {
    // gpt-realtime: text 4 and 16, sound 32 and 64 dollars.
    const usage = { inputTokens: 1_000, outputTokens: 100 };
    const provider = "openai";
    expect(table().of("gpt-realtime", { provider }).cost(usage, at)).toEqual({ microUsd: 5_600, basis: "reported" });
    expect(table().of("gpt-realtime", { provider, media: true }).cost(usage, at)).toEqual({
      microUsd: 38_400,
      basis: "estimated",
    });
    expect(table().of("gpt-4o", { provider, media: true }).cost(usage, at).basis).toBe("reported");
  });
});

describe("a model", () => {
  test("P1 that nobody prices is refused where it is asked for", () => {
    expect(refusal(() => table().of("no-such-model", { provider: "openai" }))).toMatchObject({
      data: { model: "no-such-model" },
    });
    expect(refusal(() => table().of("gpt-4o", { provider: "nobody" })).code).toBe("budget/unpriced");
    // Charged by the hour, and for nothing, as far as the table knows.
    expect(refusal(() => table().of("whisper-1", { provider: "openai" })).code).toBe("budget/unpriced");
    expect(refusal(() => table().of("gemma-3", { provider: "google" })).code).toBe("budget/unpriced");
  });

  test("P1 that nobody prices has the price for unknown ones, as an estimate", () => {
    const { of } = table({ unknown: { inputPerMillion: 20, outputPerMillion: 100 } });
    const usage = { inputTokens: 10, outputTokens: 1 };
    expect(of("no-such-model").cost(usage, at)).toEqual({ microUsd: 300, basis: "estimated" });
    expect(of("gemma-3", { provider: "google" }).cost(usage, at).microUsd).toBe(300);
    expect(of("gpt-4o", { provider: "openai" }).cost(usage, at)).toEqual({ microUsd: 35, basis: "reported" });
  });

  test("has the price that its user says", () => {
    const { of } = table({
      overrides: {
        "my-model": { inputPerMillion: 0.1, outputPerMillion: 0.3, cachedInputPerMillion: 0.01 },
        "gpt-4o": { inputPerMillion: 1, outputPerMillion: 1 },
        "at-home": { inputPerMillion: 0, outputPerMillion: 0 },
      },
    });
    const usage = { inputTokens: 3_000_000, cachedInputTokens: 1_000_000, outputTokens: 1_000_000 };
    // 0.1 + 0.2 is 0.3 here.
    expect(of("my-model").cost(usage, at)).toEqual({ microUsd: 510_000, basis: "reported" });
    expect(of("gpt-4o", { provider: "openai" }).cost(usage, at).microUsd).toBe(4_000_000);
    expect(of("at-home").cost(usage, at).microUsd).toBe(0);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e15])("has no price of %d dollars", (inputPerMillion) => {
    expect(refusal(() => table({ overrides: { m: { inputPerMillion, outputPerMillion: 1 } } })).data).toEqual({
      model: "m",
      reason: `${inputPerMillion} is no price`,
    });
  });

  test.each<[object, string]>([
    [{ inputPerMillion: 1 }, "nothing is no price"],
    [{ inputPerMillion: "1", outputPerMillion: 2 }, '"1" is no price'],
    [{ inputPerMillion: 1, outputPerMillion: 2, cacheWritePerMillion: -1 }, "-1 is no price"],
  ])("has no price that %j says", (price, reason) => {
    expect(refusal(() => table({ overrides: { m: price as Price } })).data).toEqual({ model: "m", reason });
    expect(refusal(() => table({ unknown: price as Price })).data).toEqual({ model: "unknown", reason });
  });
});

describe("quote", () => {
  test("counts three tokens for a character, what a provider adds, and the whole output", () => {
    const { quote } = table().of("gpt-4o", { provider: "openai" });
    expect(quote({ chars: 1_000, media: 0 }, 500)).toEqual({ tokens: 4_500, microUsd: 15_000 });
    expect(quote({ chars: 0, media: 2 }, 0)).toEqual({ tokens: 101_000, microUsd: 252_500 });
    expect(table({ mediaTokens: 5 }).of("gpt-4o").quote({ chars: 0, media: 2 }, 0).tokens).toBe(1_010);
    expect(mediaTokensMax).toBe(50_000);
  });

  test("P2 holds for writing to a cache, for long contexts and for prices that are still to come", () => {
    // claude-sonnet-4-5: input 3, written to a cache for an hour 6; above 200,000 tokens 12; output 15 and 22.5.
    const { quote } = table().of("claude-sonnet-4-5", { provider: "anthropic" });
    expect(quote({ chars: 1_000, media: 0 }, 1_000).microUsd).toBe(4_000 * 6 + 15_000);
    expect(quote({ chars: 100_000, media: 0 }, 1_000).microUsd).toBe(301_000 * 12 + 22_500);
    const before = fakeClock(Date.parse("2025-01-01T00:00:00Z"));
    expect(table({ clock: before }).of("o3").quote({ chars: 0, media: 0 }, 0).microUsd).toBe(10_000);
    expect(table().of("o3").quote({ chars: 0, media: 0 }, 0).microUsd).toBe(2_000);
    expect(table().of("deepseek-chat", { provider: "deepseek" }).quote({ chars: 0, media: 0 }, 0).microUsd).toBe(270);
  });

  test("P2 has a token for every byte of any text", () => {
    const { quote } = table().of("gpt-4o");
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 0x10ffff })), (points) => {
        const text = String.fromCodePoint(...points);
        const { tokens } = quote({ chars: text.length, media: 0 }, 0);
        expect(tokens).toBeGreaterThanOrEqual(Buffer.byteLength(text));
      }),
    );
  });

  test.each([1.5, -1, Number.NaN, "9", null])("is told at once of media of %j tokens", (mediaTokens) => {
    expect(() => table({ mediaTokens: mediaTokens as number })).toThrow(
      expect.objectContaining({ code: "options/invalid", data: expect.objectContaining({ member: "mediaTokens" }) }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0.5])("is refused for %d tokens of output", (maxOutputTokens) => {
    expect(() => table().of("gpt-4o").quote({ chars: 0, media: 0 }, maxOutputTokens)).toThrow(RangeError);
  });
});

/** Prices in whole hundred-thousandths of a dollar, so that the expectation needs no decimals at all. */
const arbCents = fc.integer({ min: 0, max: 10_000_000 });
const arbUsage = fc
  .record({
    inputTokens: fc.nat({ max: 3_000_000 }),
    outputTokens: fc.nat({ max: 500_000 }),
    cached: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ inputTokens, outputTokens, cached }) => ({
    inputTokens,
    outputTokens,
    cachedInputTokens: Math.floor(inputTokens * cached),
  }));

test("P3 a cost is the exact sum, rounded up", () => {
  fc.assert(
    fc.property(fc.record({ input: arbCents, cached: arbCents, output: arbCents }), arbUsage, (cents, usage) => {
      const price: Price = {
        inputPerMillion: cents.input / 100_000,
        cachedInputPerMillion: cents.cached / 100_000,
        outputPerMillion: cents.output / 100_000,
      };
      const { microUsd } = table({ overrides: { m: price } })
        .of("m")
        .cost(usage, at);
      const exact =
        BigInt(usage.inputTokens - usage.cachedInputTokens) * BigInt(cents.input) +
        BigInt(usage.cachedInputTokens) * BigInt(cents.cached) +
        BigInt(usage.outputTokens) * BigInt(cents.output);
      expect(BigInt(microUsd) * 100_000n - exact).toBeGreaterThanOrEqual(0n);
      expect(BigInt(microUsd) * 100_000n - exact).toBeLessThan(100_000n);
    }),
  );
});

test("P2 no call costs more than it was quoted at, at any later time", () => {
  const models = [
    ["gpt-4o", "openai"],
    ["gpt-5.4", "openai"],
    ["o3", "openai"],
    ["claude-sonnet-4-5", "anthropic"],
    ["claude-opus-4-6", "anthropic"],
    ["gemini-2.5-pro", "google"],
    ["deepseek-chat", "deepseek"],
    ["sonar-deep-research", "perplexity"],
    ["gpt-realtime", "openai"],
  ] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      fc.boolean(),
      fc.record({ chars: fc.nat({ max: 2_000_000 }), media: fc.nat({ max: 3 }) }),
      fc.nat({ max: 200_000 }),
      fc.record({ start: fc.integer({ min: 0, max: 1_200 }), later: fc.integer({ min: 0, max: 800 * 24 }) }),
      fc.record({
        input: fc.double({ min: 0, max: 1, noNaN: true }),
        output: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      ([model, provider], media, text, maxOutputTokens, { start, later }, share) => {
        const now = Date.parse("2024-06-01T00:00:00Z") + start * 86_400_000;
        const { quote, cost } = priceTable({ clock: fakeClock(now) }).of(model, { provider, media });
        const quoted = quote(text, maxOutputTokens);
        const inputTokens = Math.floor((quoted.tokens - maxOutputTokens) * share.input);
        const outputTokens = Math.floor(maxOutputTokens * share.output);
        const usage = { inputTokens, outputTokens, reasoningTokens: outputTokens };
        expect(cost(usage, now + later * 3_600_000).microUsd).toBeLessThanOrEqual(quoted.microUsd);
      },
    ),
  );
});
