import { calcPrice, type ModelInfo, type ModelPrice, type TieredPrices } from "@pydantic/genai-prices";
import { type Clock, type Cost, OrchestrationError, systemClock, type Usage } from "@remit/core";
import type { Pricing } from "./pricing.ts";

export type { Pricing } from "./pricing.ts";

/**
 * What models cost, from the table of `@pydantic/genai-prices` and from what a user says instead.
 *
 * P1 A model without a price is refused when it is asked for; no call is ever taken to cost nothing because nobody knows.
 * P2 A quote is never below the cost of the call that it was asked for, at whatever time that is made.
 * P3 Arithmetic is exact: whole numbers of 10⁻¹⁸ of a millionth of a dollar, rounded up once, to a whole millionth.
 *
 * The quote knows no tokenizer. It counts the UTF-8 bytes that the text has at most: three for each UTF-16 code unit (a
 * character beyond the first plane has four bytes and two units). A byte-level BPE begins with one token for each byte and
 * only ever joins them, and a vocabulary of pieces that falls back to bytes does no worse; so there are never more tokens
 * than bytes. English text has about a twelfth of that, which is what a budget gets back when the call is settled.
 */
export interface PriceTable {
  /**
   * The prices of one model.
   * @throws OrchestrationError `budget/unpriced` (P1)
   */
  readonly of: (model: string, options?: PricedModel) => Pricing;
}

export interface PricedModel {
  /** Whose model it is, as the table calls them (`openai`, `anthropic`, `google`, `azure` …): names alone are not unique. */
  readonly provider?: string;
  /**
   * It is sent, or makes, sound, images or film. Where these have rates of their own its costs are `estimated`: at the
   * dearest rate, because a usage does not tell such tokens from text. Absent: a call is charged as text.
   */
  readonly media?: boolean;
}

/** US dollars for a million tokens. */
export interface Price {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  /** `inputPerMillion` when absent. */
  readonly cachedInputPerMillion?: number;
  /** For what is written to the provider's cache, which Anthropic charges at 1.25 times the input; `inputPerMillion` when absent. */
  readonly cacheWritePerMillion?: number;
}

export interface PriceTableOptions {
  /** By model, instead of what the table says. */
  readonly overrides?: { readonly [model: string]: Price };
  /** What a model costs that is in neither; its costs are `estimated`. Absent: such a model is refused. */
  readonly unknown?: Price;
  /** Tokens of one image, sound or file at most; {@link mediaTokensMax} when absent. */
  readonly mediaTokens?: number;
  /** The machine's when absent. */
  readonly clock?: Clock;
}

/**
 * Tokens of one image at most: the dearest that a vendor documents is 2,833 + 8 × 5,667 = 48,169 (gpt-4o-mini, high
 * detail). A document of many pages or a long sound can have more: say so in `mediaTokens`.
 */
export const mediaTokensMax = 50_000;

/** Tokens that a provider adds to each call: marks around messages, its own text on how tools are used. */
const framingTokens = 1_000n;
const tokensPerCharMax = 3n;
/** Of a price's digits after the point. */
const digits = 18;
const unit = 10n ** BigInt(digits);

/** Units of 10⁻¹⁸ of a millionth of a dollar for one token, by the number of input tokens that the call has. */
interface Rate {
  readonly base: bigint;
  /** The last one whose `start` the call's input is above holds for all of its tokens. */
  readonly tiers: readonly { readonly start: number; readonly price: bigint }[];
}

interface Rates {
  readonly input: Rate;
  readonly cached: Rate;
  /** For what is written to the provider's cache; the five-minute one, where there are several. */
  readonly written: Rate;
  readonly output: Rate;
  /** Where reasoning has a rate of its own. */
  readonly reasoning: Rate | undefined;
  /** All that a token of input may be charged at: writing to a cache is dearer than the input itself. */
  readonly anyInput: readonly Rate[];
  readonly anyOutput: readonly Rate[];
  /** For sound, images and film beside that; empty where they cost what text does. */
  readonly mediaInput: readonly Rate[];
  readonly mediaOutput: readonly Rate[];
  readonly perCall: bigint;
}

/** What a model's rates are at a time, and all that may come to hold later. */
interface Priced {
  readonly at: (ms: number) => Rates;
  readonly fromNow: readonly Rates[];
  readonly basis: "reported" | "estimated";
}

/** @throws OrchestrationError `budget/unpriced` for an override that is no price, `options/invalid` for `mediaTokens` that are no number of tokens */
export function priceTable(options: PriceTableOptions = {}): PriceTable {
  const { overrides = {}, unknown, mediaTokens = mediaTokensMax, clock = systemClock() } = options;
  if (!(Number.isSafeInteger(mediaTokens) && mediaTokens >= 0)) {
    const wants = "a whole number of tokens";
    const value = typeof mediaTokens === "number" ? `${mediaTokens}` : `a ${typeof mediaTokens}`;
    throw new OrchestrationError("options/invalid", { where: "priceTable", member: "mediaTokens", wants, value });
  }
  const own = new Map(Object.entries(overrides).map(([model, price]) => [model, fixed(model, price, "reported")]));
  const other = unknown && fixed("unknown", unknown, "estimated");
  return {
    of: (model, { provider, media = false } = {}) => {
      const priced = own.get(model) ?? listed(model, provider, clock.now()) ?? other;
      if (!priced) throw unpriced(model, `the table has no price of its tokens at ${provider ?? "any provider"}`);
      return pricing(priced, BigInt(mediaTokens), media);
    },
  };
}

function pricing({ at: ratesAt, fromNow, basis }: Priced, mediaTokens: bigint, media: boolean): Pricing {
  return {
    quote: (text, maxOutputTokens) => {
      const input = BigInt(text.chars) * tokensPerCharMax + BigInt(text.media) * mediaTokens + framingTokens;
      const output = BigInt(maxOutputTokens);
      const dear = media || text.media > 0;
      const costs = fromNow.map(
        (rates) =>
          input * most(dearest(rates.anyInput, input), dear ? dearest(rates.mediaInput, input) : 0n) +
          output * most(dearest(rates.anyOutput, input), dear ? dearest(rates.mediaOutput, input) : 0n) +
          rates.perCall,
      );
      return { microUsd: wholeMicroUsd(costs.reduce(most, 0n)), tokens: Number(input + output) };
    },
    cost: (usage, at) => {
      const rates = ratesAt(at);
      const dear = media && rates.mediaInput.length + rates.mediaOutput.length > 0;
      const units = dear ? dearCost(rates, usage) : textCost(rates, usage);
      return { microUsd: wholeMicroUsd(units), basis: dear ? "estimated" : basis } satisfies Cost;
    },
  };
}

function textCost(rates: Rates, usage: Usage): bigint {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage;
  const all = Math.max(inputTokens, cachedInputTokens + cacheWriteTokens);
  const thought = rates.reasoning ? Math.min(reasoningTokens, outputTokens) : 0;
  return (
    BigInt(all - cachedInputTokens - cacheWriteTokens) * inForce(rates.input, all) +
    BigInt(cacheWriteTokens) * inForce(rates.written, all) +
    BigInt(cachedInputTokens) * inForce(rates.cached, all) +
    BigInt(outputTokens - thought) * inForce(rates.output, all) +
    BigInt(thought) * inForce(rates.reasoning ?? rates.output, all) +
    rates.perCall
  );
}

function dearCost(rates: Rates, usage: Usage): bigint {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const all = Math.max(inputTokens, cachedInputTokens + cacheWriteTokens);
  const top = (list: readonly Rate[]) => list.map((rate) => inForce(rate, all)).reduce(most, 0n);
  return (
    BigInt(all) * top([rates.input, rates.written, ...rates.mediaInput]) +
    BigInt(outputTokens) * top([...rates.anyOutput, ...rates.mediaOutput]) +
    rates.perCall
  );
}

function inForce({ base, tiers }: Rate, inputTokens: number): bigint {
  return tiers.findLast(({ start }) => inputTokens > start)?.price ?? base;
}

/** The dearest that any of these can be in a call with so much input or less. */
function dearest(rates: readonly Rate[], inputTokens: bigint): bigint {
  let price = 0n;
  for (const { base, tiers } of rates) {
    price = most(price, base);
    for (const tier of tiers) if (inputTokens > tier.start) price = most(price, tier.price);
  }
  return price;
}

function most(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function wholeMicroUsd(units: bigint): number {
  return Number((units + unit - 1n) / unit);
}

function fixed(model: string, price: Price, basis: Priced["basis"]): Priced {
  const { inputPerMillion, outputPerMillion } = price;
  const { cachedInputPerMillion = inputPerMillion, cacheWritePerMillion = inputPerMillion } = price;
  const said = [inputPerMillion, outputPerMillion, cachedInputPerMillion, cacheWritePerMillion];
  const [input, output, cached, written] = said.map((dollars) => rateOf(model, dollars)) as [Rate, Rate, Rate, Rate];
  const rates: Rates = {
    input,
    cached,
    written,
    output,
    reasoning: undefined,
    anyInput: [input, cached, written],
    anyOutput: [output],
    mediaInput: [],
    mediaOutput: [],
    perCall: 0n,
  };
  return { at: () => rates, fromNow: [rates], basis };
}

/** What the table says of a model, or nothing. */
function listed(model: string, provider: string | undefined, now: number): Priced | undefined {
  const find = (ms: number) =>
    calcPrice({}, model, { timestamp: new Date(ms), ...(provider === undefined ? {} : { providerId: provider }) });
  const found = find(now);
  if (!found) return undefined;
  const ofNow = ratesOf(model, found.model_price);
  if (!ofNow) return undefined;
  const fromNow = pricesFrom(found.model, now).flatMap((price) => ratesOf(model, price) ?? []);
  return { at: (ms) => ratesOf(model, find(ms)?.model_price ?? {}) ?? ofNow, fromNow, basis: "reported" };
}

/** Prices that hold now or may later: all that come to hold by the hour, those of days to come, and that of today. */
function pricesFrom({ prices }: ModelInfo, now: number): readonly ModelPrice[] {
  if (!Array.isArray(prices)) return [prices];
  const last = prices.findLastIndex(
    ({ constraint }) =>
      constraint === undefined || (constraint.type === "start_date" && Date.parse(constraint.start_date) <= now),
  );
  return prices.slice(Math.max(0, last)).map((one) => one.prices);
}

/** Nothing for what is not charged by tokens, or not at all: a table's silence is no gift (P1). */
function ratesOf(model: string, price: ModelPrice): Rates | undefined {
  const rate = (key: string) => (price[key] === undefined ? undefined : rateOf(model, price[key]));
  const [input, output] = [rate("input_mtok"), rate("output_mtok")];
  if (!input || !output || (input.base === 0n && output.base === 0n)) return undefined;
  const cached = rate("cache_read_mtok") ?? input;
  const writes = ["cache_write_mtok", "cache_write_1h_mtok"].flatMap((key) => rate(key) ?? []);
  const reasoning = rate("output_reasoning_mtok");
  const keys = Object.keys(price).filter((key) => /_(audio|image|video)_/.test(key) && key.endsWith("_mtok"));
  const media = (made: boolean) =>
    keys.filter((key) => key.startsWith("output_") === made).flatMap((key) => rate(key) ?? []);
  return {
    input,
    cached,
    written: rate("cache_write_mtok") ?? input,
    output,
    reasoning,
    anyInput: [input, cached, ...writes],
    anyOutput: reasoning ? [output, reasoning] : [output],
    mediaInput: media(false),
    mediaOutput: media(true),
    // Dollars for a thousand calls: a thousand times as much for one as for one of a million.
    perCall: (rate("requests_kcount")?.base ?? 0n) * 1_000n,
  };
}

/** Dollars for a million tokens are millionths of a dollar for one. */
function rateOf(model: string, price: number | TieredPrices): Rate {
  if (typeof price === "number") return { base: unitsOf(model, price), tiers: [] };
  // A price that came as JSON, or was misspelt where no compiler looked.
  if (!Array.isArray((price as Partial<TieredPrices> | undefined)?.tiers)) {
    throw unpriced(model, `${JSON.stringify(price) ?? "nothing"} is no price`);
  }
  const tiers = price.tiers.map((tier) => ({ start: tier.start, price: unitsOf(model, tier.price) }));
  return { base: unitsOf(model, price.base), tiers: tiers.sort((a, b) => a.start - b.start) };
}

/** The decimal number that a price is written as, not the binary one next to it. Digits beyond the 18th round up. */
function unitsOf(model: string, price: number): bigint {
  if (!(price >= 0 && price < 1e15)) throw unpriced(model, `${price} is no price`);
  const [, whole = "0", part = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(price)) ?? [];
  const shift = digits - part.length + Number(exponent);
  const mantissa = BigInt(whole + part);
  if (shift >= 0) return mantissa * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (mantissa + divisor - 1n) / divisor;
}

function unpriced(model: string, reason: string): OrchestrationError {
  return new OrchestrationError("budget/unpriced", { model, reason });
}
