import { basename } from "node:path";
import type { PriceTable, Pricing } from "@remit/agents/prices";
import { defineRoute, type Model, type ModelRequest, OrchestrationError, type Route, reasonOf } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { isLoopback, type ModelReference, referenceOf, referenceText, type VendorName } from "./reference.ts";
import {
  everyAlias,
  type ModelSpec,
  parseRoutes,
  type RouteRuleSpec,
  type RouteSpec,
  type RoutesFile,
  routesText,
} from "./routes-file.ts";

/**
 * The models of vendors, with keys from the environment alone. What a suite's file keeps of them is {@link LiveChoice},
 * which holds no key.
 *
 * K1 A model is made only when somebody knows what it costs and its key is there.
 * K2 What would fail every call alike (a refused key, a model or an SDK that is not there) fails no run: the call stays
 *    open, whoever plays is told, and the run goes on from its journal when that is mended.
 */
export interface LiveChoice {
  /** For every alias that has no route: `openai:gpt-5-mini`, or the name of a model of the routes file. */
  readonly model?: string;
  /** The server of `model`, where it is a reference. */
  readonly baseUrl?: string;
  /** The file's name as a person gave it, and what stood in it. */
  readonly routes?: { readonly file: string; readonly text: string };
  /** Millionths of a US dollar that the suite may spend; absent: not bounded. */
  readonly spendLimitMicroUsd?: number;
}

export interface LiveOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Hears of what fails every call alike (K2); such a call fails its run when absent. */
  readonly onRefused?: (error: SandboxError | OrchestrationError) => void;
  /**
   * Puts something in the place of a model, under the name that the choice or its routes file has for it. Where `make` is
   * not called, no key, price or SDK is looked for.
   */
  readonly place?: (name: string, make: () => Promise<Model>) => Promise<Model>;
}

const keyVariables: Readonly<Record<VendorName, string>> = {
  openai: "OPENAI_API_KEY",
  anthropic: "ANTHROPIC_API_KEY",
  compatible: "COMPATIBLE_API_KEY",
};

/**
 * A model, or a route to one of several, for each of these aliases.
 * @throws SandboxError `model/choice-unknown`, `model/price-unknown`, `routes/*`, `usage/wrong`
 * @throws OrchestrationError `model/key-missing`
 */
export async function liveModels(
  choice: LiveChoice,
  aliases: readonly string[],
  options: LiveOptions,
): Promise<Readonly<Record<string, Model | Route>>> {
  const file = choice.routes && parseRoutes(choice.routes.text, choice.routes.file);
  const { place = (_name, make) => make() } = options;
  let prices: Promise<PriceTable> | undefined;
  const made = async (spec: ModelSpec): Promise<Model> => {
    prices ??= import("@remit/agents/prices").then(({ priceTable }) =>
      priceTable(file ? { overrides: file.prices } : {}),
    );
    return liveModel(spec, { ...options, prices: await prices, priced: priced(file) });
  };
  const known = new Map<string, Promise<Model>>();
  const ofFile = (name: string): Promise<Model> => {
    const spec = file?.models[name];
    if (!spec) {
      const names = Object.keys(file?.models ?? {}).join(", ");
      throw file?.fault(["models"], `--model ${name} is none of the models ${names}`) ?? unknownModel(name);
    }
    const model = known.get(name) ?? place(name, () => made(spec));
    known.set(name, model);
    return model;
  };
  const { model: named } = choice;
  const fallback =
    named === undefined
      ? undefined
      : file && !referenceOf(named)
        ? await ofFile(named)
        : await place(named, async () => made(specOf(named, choice.baseUrl)));
  if (file) checkAliases(file, aliases, fallback !== undefined);
  const sources: [string, Model | Route][] = [];
  for (const alias of aliases) {
    const spec = file?.routes[alias] ?? (fallback ? undefined : file?.routes[everyAlias]);
    const source = file && spec ? await routeOf(file, alias, spec, ofFile) : fallback;
    if (source) sources.push([alias, source]);
  }
  return Object.fromEntries(sources);
}

/** The keys that a choice's models are called with. */
export function keysOf({ routes }: LiveChoice, env: NodeJS.ProcessEnv): readonly string[] {
  const own = routes ? Object.values(parseRoutes(routes.text, routes.file).models) : [];
  const variables = [...Object.values(keyVariables), ...own.flatMap(({ keyVariable }) => keyVariable ?? [])];
  return [...new Set(variables)].flatMap((name) => env[name]?.trim() || []);
}

/** The choice as others may read it: which models and routes, and no server's address or variable's name. */
export function choiceToShare({ model, routes, spendLimitMicroUsd }: LiveChoice): LiveChoice {
  return {
    ...(model === undefined ? {} : { model }),
    ...(routes === undefined
      ? {}
      : { routes: { file: basename(routes.file), text: routesText(parseRoutes(routes.text, routes.file)) } }),
    ...(spendLimitMicroUsd === undefined ? {} : { spendLimitMicroUsd }),
  };
}

const priced = (file: RoutesFile | undefined) => (name: string) => Object.hasOwn(file?.prices ?? {}, name);

function specOf(text: string, baseUrl: string | undefined): ModelSpec {
  const reference = referenceOf(text);
  if (!reference) throw unknownModel(text);
  if (reference.vendor === "compatible" && baseUrl === undefined) {
    throw new SandboxError("usage/wrong", { reason: `${text} needs --base-url <url> of its server` });
  }
  return { reference, ...(baseUrl === undefined ? {} : { baseUrl }) };
}

function unknownModel(model: string): SandboxError {
  return new SandboxError("model/choice-unknown", { model });
}

/** Every alias has a model, and every route an alias. */
function checkAliases({ routes, fault }: RoutesFile, aliases: readonly string[], hasFallback: boolean): void {
  const list = aliases.join(", ");
  for (const alias of Object.keys(routes)) {
    if (alias === everyAlias && hasFallback) {
      throw fault(["routes", alias], "--model names the model of all other aliases already");
    }
    if (alias === everyAlias || aliases.includes(alias)) continue;
    throw fault(
      ["routes", alias],
      `the team has no such alias; its aliases are ${list}, and ${everyAlias} is all others`,
    );
  }
  const bare = aliases.find((alias) => !Object.hasOwn(routes, alias));
  if (bare === undefined || hasFallback || Object.hasOwn(routes, everyAlias)) return;
  throw fault(["routes"], `the alias ${bare} has no route; give it one, or ${everyAlias} for all others, or --model`);
}

async function routeOf(
  { fault }: RoutesFile,
  alias: string,
  { candidates, rules, split, targets }: RouteSpec,
  ofFile: (name: string) => Promise<Model>,
): Promise<Model | Route> {
  const all = (names: readonly string[]) => Promise.all(names.map(ofFile));
  const [first, ...others] = await all(candidates);
  if (first && others.length === 0 && rules.length === 0 && !split && Object.keys(targets).length === 0) return first;
  const weighed = await Promise.all(
    Object.entries(split?.weights ?? {}).map(async ([name, weight]) => ({ model: await ofFile(name), weight })),
  );
  const ruled = await Promise.all(
    rules.map(async (rule) => ({ name: rule.name, when: whenOf(rule), use: await all(rule.use) })),
  );
  const { usd, latencyMs } = targets;
  try {
    return defineRoute(alias, {
      candidates: first ? [first, ...others] : [],
      rules: ruled,
      ...(split ? { split: { of: weighed, sticky: split.sticky } } : {}),
      targets: {
        ...(usd === undefined ? {} : { microUsd: Math.round(usd * 1e6) }),
        ...(latencyMs === undefined ? {} : { latencyMs }),
      },
    });
  } catch (thrown) {
    if (!OrchestrationError.is(thrown, "model/route-invalid")) throw thrown;
    throw fault(["routes", alias], String(thrown.data.reason));
  }
}

/** True for requests that a rule is about. Pure. */
export function whenOf({ agents, labels, minChars, maxChars }: RouteRuleSpec): (request: ModelRequest) => boolean {
  return (request) => {
    if (agents && !agents.includes(request.agent)) return false;
    if (labels && !request.labels.some((label) => labels.includes(label))) return false;
    if (minChars === undefined && maxChars === undefined) return true;
    const chars = charsOf(request);
    return chars >= (minChars ?? 0) && chars <= (maxChars ?? chars);
  };
}

/** Characters of instructions, input and conversation; tools and schemas, which are always the same, do not count. */
function charsOf({ instructions, input, messages }: ModelRequest): number {
  return instructions.length + JSON.stringify(input).length + JSON.stringify(messages).length;
}

interface MakeOptions extends LiveOptions {
  readonly prices: PriceTable;
  /** True for a model whose price the routes file says. */
  readonly priced: (name: string) => boolean;
}

async function liveModel(spec: ModelSpec, options: MakeOptions): Promise<Model> {
  const { reference, baseUrl, cleared, maxOutputTokens, timeoutMs } = spec;
  const { vendor, name } = reference;
  const variable = spec.keyVariable ?? keyVariables[vendor];
  const given = options.env[variable];
  const apiKey = given === undefined || given.trim() === "" ? undefined : given;
  if (apiKey === undefined && (vendor !== "compatible" || spec.keyVariable !== undefined)) {
    throw new OrchestrationError("model/key-missing", { model: referenceText(reference), variable });
  }
  const isOwn = vendor === "compatible" && baseUrl !== undefined && isLoopback(baseUrl) && !options.priced(name);
  const common = {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(cleared === undefined ? {} : { cleared }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    price: isOwn ? await freePricing(name) : pricingOf(reference, options),
  };
  const at = baseUrl === undefined ? {} : { baseUrl };
  const model = await vendorModel(vendor, name, { ...common, ...at }, isOwn ? "zero" : "paid");
  const { onRefused } = options;
  return onRefused ? openWhenRefused(model, { spec, variable, onRefused }) : model;
}

async function vendorModel(
  vendor: VendorName,
  name: string,
  options: { readonly baseUrl?: string },
  cost: "zero" | "paid",
): Promise<Model> {
  switch (vendor) {
    case "openai": {
      const { openai } = await import("@remit/agents/openai");
      return openai(name, options);
    }
    case "anthropic": {
      const { anthropic } = await import("@remit/agents/anthropic");
      return anthropic(name, options);
    }
    case "compatible": {
      const { openaiCompatible } = await import("@remit/agents/openai");
      return openaiCompatible(name, { baseUrl: "", ...options, cost });
    }
  }
}

/** Known to cost nothing, which is more than an answer that says nothing of its cost. */
async function freePricing(name: string): Promise<Pricing> {
  const { priceTable } = await import("@remit/agents/prices");
  return priceTable({ overrides: { [name]: { inputPerMillion: 0, outputPerMillion: 0 } } }).of(name);
}

/** A compatible server has prices of its own, whatever others take for a model of this name. */
function pricingOf({ vendor, name }: ModelReference, { prices, priced: isPriced }: MakeOptions): Pricing {
  const unknown = (cause?: unknown) =>
    new SandboxError("model/price-unknown", { model: `${vendor}:${name}`, name }, { cause });
  if (vendor === "compatible" && !isPriced(name)) throw unknown();
  try {
    return prices.of(name, vendor === "compatible" ? {} : { provider: vendor });
  } catch (thrown) {
    if (OrchestrationError.is(thrown, "budget/unpriced")) throw unknown(thrown);
    throw thrown;
  }
}

/** The same model, whose calls stay open when none could succeed (K2), until they are stopped. */
function openWhenRefused(
  model: Model,
  {
    spec,
    variable,
    onRefused,
  }: { readonly spec: ModelSpec; readonly variable: string; readonly onRefused: NonNullable<LiveOptions["onRefused"]> },
): Model {
  return {
    ...model,
    generate: async (request, options) => {
      try {
        return await model.generate(request, options);
      } catch (thrown) {
        const refused = refusalOf(thrown, spec, variable);
        if (!refused) throw thrown;
        onRefused(refused);
        return new Promise<never>((_, reject) => {
          const { signal } = options;
          if (signal.aborted) reject(refused);
          else signal.addEventListener("abort", () => reject(refused), { once: true });
        });
      }
    },
  };
}

/** What is wrong with all calls of a model, where that is what this one has shown. */
function refusalOf(
  thrown: unknown,
  { reference, baseUrl }: ModelSpec,
  variable: string,
): SandboxError | OrchestrationError | undefined {
  if (OrchestrationError.is(thrown, "model/sdk-missing")) return thrown;
  const status = (typeof thrown === "object" && thrown !== null ? (thrown as { readonly status?: unknown }) : {})
    .status;
  const model = referenceText(reference);
  const host = baseUrl === undefined ? reference.vendor : new URL(baseUrl).host;
  if (status === 401 || status === 403) {
    return new SandboxError("model/key-refused", { model, host, variable, status }, { cause: thrown });
  }
  if (status !== 404) return undefined;
  return new SandboxError("model/not-offered", { model, host, reason: reasonOf(thrown) }, { cause: thrown });
}
