import type { OperatorRoles } from "../policy/operators.ts";
import type { SealSettings, VaultSettings } from "../seal/settings.ts";
import type { Threshold } from "../threshold.ts";
import {
  assertEach,
  assertKnown,
  assertOptions,
  either,
  isObject,
  type Known,
  list,
  made,
  object,
  oneOf,
  optional,
  text,
  texts,
  type Wanted,
} from "../wanted.ts";
import type { Judges } from "./compiled.ts";
import type { AgentMap, RuntimeOptions, StartOptions, SupervisorOptions } from "./options.ts";

/** What the entrances of a supervisor take, for those whom no compiler tells. */

const agent = made("an agent, as `defineAgent` makes it", "agent");

const policy = object("a policy, as `definePolicy` makes it", "bind");
const isFunction = (value: unknown) => typeof value === "function";

const team = {
  handoffs: list(
    "a list of edges, as `defineHandoff` and the like make them",
    made("an edge, as `defineHandoff` and the like make one,", "handoff", "parallel", "question", "ending"),
  ),
  entry: text,
  exit: either(text, texts),
  thresholds: optional(
    list(
      "a list of thresholds, as `defineThreshold` makes them",
      object("a threshold, as `defineThreshold` makes it,"),
    ),
  ),
  approvals: optional(
    list("a list of rules, each with a tool", {
      wants: "a rule whose `tool` is one that `defineTool` has made",
      is: (rule) =>
        typeof rule === "object" && rule !== null && made("", "tool").is((rule as { readonly tool?: unknown }).tool),
    }),
  ),
  limits: optional(object("an object of limits")),
  budget: optional(object("an object with `run` and `agents`")),
  judges: optional(object("an object with `compliance` and `reviewer`")),
  policy: optional(policy),
  flows: optional(object("an object of flow rules")),
  answers: optional(object("an object with rules of answers")),
  trusted: optional(texts),
} as const satisfies Readonly<Record<string, Wanted>>;

type Team = SupervisorOptions<AgentMap, string, string, readonly Threshold[]>;

/** One object says what a team is and how it is put to work; who reads the one half knows the other as well. */
const known: Known<Team & RuntimeOptions<string>> = {
  ...{ name: true, version: true, agents: true, entry: true, exit: true, handoffs: true, thresholds: true },
  ...{ limits: true, onFailure: true, approvals: true, policy: true, judges: true, flows: true, answers: true },
  ...{ trusted: true, budget: true, vault: true, seal: true, budgets: true, concurrency: true, rates: true },
  ...{ cache: true, breaker: true, restrictionsMaxAgeMs: true, context: true, livePolicy: true, shadow: true },
  ...{ detectors: true, checkpoints: true, delegations: true, snapshotEvery: true, statesAtHand: true },
  ...{ blobChars: true, models: true, engine: true, tenants: true, grants: true, roles: true, principals: true },
  ...{ approvers: true, waitingRuns: true, check: true, logger: true, tracer: true, ids: true },
};
const knownJudges: Known<Judges> = { compliance: true, reviewer: true };
const knownSeal: Known<SealSettings> = {
  ...{ mode: true, detectors: true, classes: true, tenants: true, models: true, agents: true, operators: true },
};
const knownBreaker: Known<NonNullable<RuntimeOptions<string>["breaker"]>> = {
  failuresMax: true,
  cooldownMs: true,
  probes: true,
};
const knownRoles: Known<OperatorRoles> = { start: true, see: true, approve: true, restrict: true, operate: true };
const knownVault: Known<VaultSettings> = { key: true, previous: true };
const amounts = { microUsd: true, tokens: true } as const;

/** @throws OrchestrationError `options/invalid`, `options/unknown` */
export function assertTeam(options: unknown): void {
  assertOptions("a supervisor", options);
  const { agents, judges, budget } = options as { readonly [member: string]: unknown };
  assertEach("a supervisor", "agents", agents, agent);
  assertOptions("a supervisor", options, team);
  assertAnswers("a supervisor", (options as { readonly answers?: unknown }).answers);
  assertKnown("a supervisor", options as object, known);
  if (judges !== undefined) {
    assertEach("a supervisor", "judges", judges, optional(agent));
    assertKnown("the judges of a supervisor", judges as object, knownJudges);
  }
  if (budget === undefined) return;
  const amount = optional(object("an object with `microUsd` and `tokens`"));
  assertOptions("the budget of a supervisor", budget, { run: amount });
  assertKnown("the budget of a supervisor", budget as object, { run: true, agents: true });
  const { run, agents: bounds } = budget as { readonly run?: object; readonly agents?: object };
  if (bounds !== undefined) assertEach("the budget of a supervisor", "agents", bounds, amount);
  for (const bound of [run, ...Object.values(bounds ?? {})]) {
    if (bound !== undefined) assertKnown("the budget of a supervisor", bound, amounts);
  }
}

const answers = { cleared: optional(texts), reveals: optional(texts) } as const satisfies Readonly<
  Record<string, Wanted>
>;

/** A misspelt member would bound nothing: whoever asked would be told everything. */
function assertAnswers(where: string, given: unknown): void {
  if (given === undefined) return;
  assertOptions(`the answers of ${where}`, given, answers);
  assertKnown(`the answers of ${where}`, given as object, { cleared: true, reveals: true });
}

const engine: Wanted = {
  wants: "an engine, such as `memoryEngine()` gives it,",
  is: (value) =>
    object("", "deliver", "register").is(value) && object("").is((value as { readonly journal?: unknown }).journal),
};

const model: Wanted = {
  wants: "a model, such as an adapter or `scriptedModel` makes it, or a route",
  is: (value) => made("", "route").is(value) || object("", "generate").is(value),
};

/**
 * @param more members that the entrance has beside those of every supervisor
 * @throws OrchestrationError `options/invalid`, `options/unknown`
 */
export function assertRuntime(name: string, options: unknown, more: Readonly<Record<string, true>> = {}): void {
  const where = `the supervisor ${name}`;
  assertOptions(where, options, {
    engine,
    tenants: optional(object("an object of grants")),
    grants: optional(object("an object with `principals`")),
    principals: optional(object("an object with a function `current`", "current")),
    waitingRuns: optional(oneOf("refuse", "leave")),
    check: optional(oneOf("refuse", "log", "done")),
    shadow: optional(policy),
    livePolicy: optional(either(policy, { wants: "a function that gives the present one", is: isFunction })),
    approvers: optional(object("a registry, as `approverRegistry` makes it", "check")),
    concurrency: optional(object("an object with `tools`, `models`, `perTenant` and `waiting`")),
    breaker: optional(object("an object with `failuresMax`, `cooldownMs` and `probes`")),
    rates: optional(object("an object of rates by provider")),
    budgets: optional(object("an object of budgets by tenant")),
  });
  assertKnown(where, options as object, { ...known, ...more });
  const {
    models,
    roles,
    answers: rules,
    grants,
    seal,
    vault,
    breaker,
  } = options as { readonly [member: string]: unknown };
  if (isObject(breaker)) assertKnown(`the breaker of ${where}`, breaker, knownBreaker);
  if (isObject(grants)) assertKnown(`the grants of ${where}`, grants, { principals: true });
  if (isObject(seal)) assertKnown(`the seal of ${where}`, seal, knownSeal);
  if (isObject(vault)) assertKnown(`the vault of ${where}`, vault, knownVault);
  assertEach(where, "models", models, model);
  assertAnswers(where, rules);
  if (roles === undefined) return;
  assertEach(where, "roles", roles, optional(texts));
  assertKnown(`the roles of ${where}`, roles as object, knownRoles);
}

const starting = {
  grant: optional(object("a grant")),
  budget: optional(object("an object with `microUsd` and `tokens`")),
  attributes: optional(object("an object of texts")),
} as const satisfies Readonly<Record<string, Wanted>>;

const knownAtStart: Known<StartOptions> = {
  ...{ tenant: true, principal: true, idempotencyKey: true, conversationId: true, grant: true, budget: true },
  ...{ startAt: true, delayMs: true, attributes: true },
};

/** @throws OrchestrationError `options/invalid`, `options/unknown` */
export function assertStart(options: unknown): void {
  assertOptions("start", options, starting);
  assertKnown("start", options as object, knownAtStart);
  const { budget } = options as { readonly budget?: object };
  if (budget !== undefined) assertKnown("the budget of start", budget, amounts);
}

/** Options of a call that needs some. @throws OrchestrationError `options/invalid` */
export function told<Options>(where: string, options: Options): Options {
  assertOptions(where, options);
  return options;
}

const target = { kind: oneOf("tool", "agent", "tenant") };
const named = {
  name: { wants: "the name of a tool or an agent", is: (value) => text.is(value) && value !== "" },
} as const satisfies Readonly<Record<string, Wanted>>;

/** What is taken away, or given back: what names nothing would take nothing away. @throws OrchestrationError `options/invalid` */
export function assertRestriction(where: string, given: unknown, word: unknown): void {
  assertOptions(where, given, target, "target");
  if ((given as { readonly kind: string }).kind !== "tenant") assertOptions(where, given, named, "target");
  assertOptions(where, word);
  assertOptions(where, word, { reason: text });
}
