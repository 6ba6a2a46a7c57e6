import { OrchestrationError } from "../errors.ts";
import type { ModelChoice } from "../event.ts";
import { sha256 } from "../hash.ts";
import { isSensitive } from "../label/label.ts";
import type { Model, ModelRequest } from "../port/model.ts";

/**
 * Which model is asked under an alias. A route is plain data; what it chose, and why, is journaled with the answer.
 *
 * M1 A request with a sensitive label goes to a model that is cleared for it, or to none.
 * M2 The first rule that holds gives the models, in its order; else the split puts one of them first; else they come as
 *    they stand. Models beyond a target come after those within.
 * M3 A model that has failed at this turn comes again only when all the others have.
 */
export interface Route {
  readonly kind: "route";
  readonly id: string;
  /** In the order in which they are asked where nothing else says another one. */
  readonly candidates: readonly Model[];
  readonly rules: readonly RouteRule[];
  readonly split: RouteSplit | undefined;
  readonly targets: RouteTargets;
}

export interface RouteRule {
  /** Stands in the journal where the rule chose. */
  readonly name: string;
  /** By task, size, labels, attributes; a throw is a no. Pure: it is asked again for a quote. */
  readonly when: (request: ModelRequest) => boolean;
  readonly use: readonly Model[];
}

/** Parts of the traffic for each of some models: for a canary, or to compare two. */
export interface RouteSplit {
  readonly of: readonly { readonly model: Model; readonly weight: number }[];
  /** Who stays with a model; the tenant when absent. */
  readonly sticky?: "tenant" | "run";
}

export interface RouteTargets {
  /** What one call may be quoted at, in millionths of a dollar. */
  readonly microUsd?: number;
  /** Milliseconds that a model's answers took lately, smoothed. */
  readonly latencyMs?: number;
}

export interface RouteOptions {
  readonly candidates: readonly Model[];
  readonly rules?: readonly RouteRule[];
  readonly split?: RouteSplit;
  readonly targets?: RouteTargets;
}

/**
 * Several models under one alias.
 * @throws OrchestrationError `model/route-invalid`
 */
export function defineRoute(id: string, options: RouteOptions): Route {
  const { candidates, rules = [], split, targets = {} } = options;
  const refuse = (reason: string) => new OrchestrationError("model/route-invalid", { route: id, reason });
  const route: Route = { kind: "route", id, candidates, rules, split, targets };
  if (candidates.length === 0) throw refuse("it has no candidate");
  const known = new Map<string, Model>();
  for (const model of modelsOf(route)) {
    if ((known.get(model.id) ?? model) !== model) throw refuse(`two different models are called ${model.id}`);
    known.set(model.id, model);
  }
  if (rules.some(({ use }) => use.length === 0)) throw refuse("a rule names no model");
  if (new Set(rules.map(({ name }) => name)).size < rules.length) throw refuse("two rules have one name");
  const weights = split?.of.map(({ weight }) => weight) ?? [1];
  if (!weights.every((weight) => Number.isFinite(weight) && weight >= 0) || !weights.some((weight) => weight > 0)) {
    throw refuse("its weights are not at least 0, with one above it");
  }
  for (const [name, value] of Object.entries(targets)) {
    if (!(value >= 0)) throw refuse(`its target ${name} is not at least 0`);
  }
  return route;
}

export function isRoute(model: Model | Route): model is Route {
  return "kind" in model && model.kind === "route";
}

/** All models that may be asked under an alias. */
export function modelsOf(model: Model | Route): readonly Model[] {
  if (!isRoute(model)) return [model];
  const { candidates, rules, split } = model;
  return [
    ...new Set([...candidates, ...rules.flatMap(({ use }) => use), ...(split?.of ?? []).map((part) => part.model)]),
  ];
}

/** What a route is not told by the request. */
export interface RouteFacts {
  /** Codes of models that cannot be asked now: `breaker/open`. */
  readonly blocked: (model: Model) => string | undefined;
  /** Smoothed milliseconds of a model's answers; nothing before the first. */
  readonly latencyMs: (model: Model) => number | undefined;
}

export interface Chosen {
  /** The one to ask, then those to ask when it fails. Never empty. */
  readonly models: readonly [Model, ...Model[]];
  /** Absent where there was nothing to choose. */
  readonly choice: ModelChoice | undefined;
}

/**
 * @param tried models that failed at this turn, with the codes
 * @throws OrchestrationError `model/not-cleared`
 */
export function chooseModels(
  alias: string,
  source: Model | Route,
  request: ModelRequest,
  tried: readonly { readonly model: string; readonly code: string }[],
  facts: RouteFacts,
): Chosen {
  const cleared = (model: Model) => isCleared(model, request.labels);
  if (!isRoute(source)) {
    if (!cleared(source)) throw notCleared(alias, request);
    return { models: [source], choice: undefined };
  }
  const { order, why: first } = orderOf(source, request);
  const allowed = order.filter(cleared);
  const [best] = allowed;
  if (!best) throw notCleared(alias, request);
  const aimed = withinTargets(source, allowed, request, facts);
  const codes = new Map<Model, string>();
  for (const model of order) if (!cleared(model)) codes.set(model, "model/not-cleared");
  const open = aimed.filter((model) => {
    const code = tried.findLast((one) => one.model === model.id)?.code;
    if (code !== undefined) codes.set(model, code);
    return code === undefined;
  });
  const free = open.filter((model) => {
    const code = facts.blocked(model);
    if (code !== undefined) codes.set(model, code);
    return code === undefined;
  });
  // Where nobody is free the first one says why not.
  const models = (free.length > 0 ? free : open.length > 0 ? open : aimed) as unknown as [Model, ...Model[]];
  const why =
    tried.length > 0 && models[0] !== aimed[0]
      ? "fallback"
      : models[0] !== aimed[0]
        ? "breaker"
        : aimed[0] !== best
          ? "target"
          : first;
  const before = (list: readonly Model[]) => list.slice(0, list.indexOf(models[0]));
  const passedOver = [...before(order).filter((model) => !cleared(model)), ...before(aimed)].flatMap((model) => {
    const code = codes.get(model);
    return code === undefined ? [] : [{ model: model.id, code }];
  });
  return { models, choice: { why, ...(passedOver.length > 0 ? { passedOver } : {}) } };
}

/** True for a model that may see all of these labels (M1). */
export function isCleared({ cleared = [] }: Pick<Model, "cleared">, labels: readonly string[]): boolean {
  return cleared.includes("sensitive") || labels.every((label) => !isSensitive(label) || cleared.includes(label));
}

function notCleared(alias: string, { labels }: ModelRequest): OrchestrationError {
  return new OrchestrationError("model/not-cleared", { alias, labels: labels.filter(isSensitive).join(", ") });
}

function orderOf(route: Route, request: ModelRequest): { readonly order: readonly Model[]; readonly why: string } {
  const { candidates, rules, split } = route;
  const rule = rules.find(({ when }) => holds(when, request));
  if (rule) return { order: rule.use, why: `rule ${rule.name}` };
  if (!split) return { order: candidates, why: "first" };
  const { tenant, runId } = request.context;
  const drawn = unit(`${route.id}\n${split.sticky === "run" ? runId : tenant}`);
  let left = drawn * split.of.reduce((sum, { weight }) => sum + weight, 0);
  const picked = split.of.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  const model = (picked ?? split.of.findLast(({ weight }) => weight > 0))?.model as Model;
  return { order: [model, ...candidates.filter((one) => one !== model)], why: "split" };
}

function holds(when: RouteRule["when"], request: ModelRequest): boolean {
  try {
    return when(request) === true;
  } catch {
    return false; // A rule that cannot read a request does not hold for it.
  }
}

function withinTargets(
  { targets }: Route,
  models: readonly Model[],
  request: ModelRequest,
  { latencyMs }: RouteFacts,
): readonly Model[] {
  const { microUsd, latencyMs: latencyMax } = targets;
  if (microUsd === undefined && latencyMax === undefined) return models;
  const within = (model: Model) => {
    const quoted = microUsd === undefined ? 0 : quotedAt(model, request);
    return quoted <= (microUsd ?? quoted) && (latencyMs(model) ?? 0) <= (latencyMax ?? Number.POSITIVE_INFINITY);
  };
  const fits = new Set(models.filter(within));
  return [...models.filter((model) => fits.has(model)), ...models.filter((model) => !fits.has(model))];
}

/** Who cannot say what a call costs is beyond every target; whether it may be called at all its budget says. */
function quotedAt({ cost, quote }: Model, request: ModelRequest): number {
  if (cost === "zero") return 0;
  if (!quote) return Number.POSITIVE_INFINITY;
  try {
    return quote(request).microUsd;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The same number in [0, 1) for the same text, on any machine. */
function unit(text: string): number {
  return Buffer.from(sha256(text), "base64url").readUInt32BE(0) / 2 ** 32;
}
