import type { Deltas } from "../answer/deltas.ts";
import { type CheckpointOptions, checkpointing, checkpointWriter } from "../audit/checkpoints.ts";
import { type BudgetLedger, budgetLedger, type TenantBudget } from "../budget/ledger.ts";
import { breakers } from "../effect/breaker.ts";
import { type Health, health } from "../effect/health.ts";
import { limiter } from "../effect/limiter.ts";
import { type Rates, rateLimiter } from "../effect/rate.ts";
import { OrchestrationError } from "../errors.ts";
import { type RestrictionBoard, restrictionBoard } from "../governance/restrictions.ts";
import type { IdSource } from "../ids.ts";
import { assertBound } from "../limits.ts";
import { responseCache } from "../model/cache.ts";
import type { ContextBudget } from "../model/context.ts";
import { modelsOf, type Route } from "../model/route.ts";
import { withSummarisers } from "../model/summary.ts";
import type { observers } from "../observer.ts";
import { policyGate } from "../policy/gate.ts";
import type { Engine, RunHost } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { Tracer } from "../port/tracer.ts";
import type { Admit } from "../remote/admission.ts";
import type { Sealing } from "../seal/sealing.ts";
import { assertOptions, type Known, oneOf, optional, strangeMember } from "../wanted.ts";
import type { SupervisorDefinition } from "./definition.ts";
import { findAgent } from "./find-agent.ts";

import type { Concurrency, HostOptions } from "./options.ts";
import { runSpans } from "./spans.ts";
import { hostAtWork } from "./work.ts";

/** What carries out the commands of one supervisor's runs: the two gates, and the tenant's purse. */
export interface Host {
  readonly host: RunHost;
  readonly board: RestrictionBoard;
  readonly ledger: BudgetLedger;
  readonly health: () => Health;
}

export interface HostParts {
  readonly definition: SupervisorDefinition;
  readonly engine: Engine;
  readonly models: Readonly<Record<string, Model | Route>>;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly observers: ReturnType<typeof observers>;
  readonly deltas: Deltas;
  /** Absent: nothing is sealed. */
  readonly sealing: Sealing | undefined;
  /** What a run that somebody has delegated here begins with; absent: nobody delegates anything here. */
  readonly admit: Admit | undefined;
  readonly options: HostOptions;
}

const waitingMax = 1_000;

export function makeHost({
  definition,
  engine,
  models,
  ids,
  logger,
  tracer,
  observers: watching,
  deltas,
  sealing,
  admit,
  options,
}: HostParts): Host {
  const { clock, journal } = engine;
  const board = restrictionBoard({
    journal,
    clock,
    salt: ids.salt,
    ...(options.restrictionsMaxAgeMs === undefined ? {} : { maxAgeMs: options.restrictionsMaxAgeMs }),
  });
  const ledger = budgetLedger({ journal, now: () => clock.now(), salt: ids.salt, budgets: options.budgets ?? {} });
  const gates = {
    breakers: breakers({
      clock,
      ...options.breaker,
      onChange: ({ key: target, state, from }) => {
        logger.warn({ target, state, from }, "a breaker changed its state");
      },
    }),
    limiter: limiter({
      most: (target) => mostOf(options.concurrency, target),
      waitingMax: options.concurrency?.waiting ?? waitingMax,
    }),
  };
  assertGateBounds(options);
  tellStrangeNames({ definition, models, sealing, options, logger });
  const rates = rateLimiter({
    clock,
    limits: (target) => options.rates?.[target.slice("model:".length)],
    waitingMax: options.concurrency?.waiting ?? waitingMax,
  });
  const policies = policyGate(definition, options.livePolicy);
  const host = hostAtWork({
    definition,
    engine,
    models: withSummarisers(models, options.context),
    ids,
    logger,
    spans: runSpans(tracer, definition.name),
    observers: watching,
    deltas,
    board,
    ledger,
    breakers: gates.breakers,
    limiter: options.concurrency ? gates.limiter : undefined,
    rates: options.rates ? rates : undefined,
    cache: options.cache && responseCache(options.cache, { clock, logger }),
    policies: policies.asks() ? policies : undefined,
    shadow: options.shadow?.bind(definition),
    sealing,
    checkpoints: options.checkpoints && checkpointsOf(options.checkpoints, { engine, ids, logger }),
    admit,
    options,
  });
  return { host, board, ledger, health: () => health({ ...gates, rates }) };
}

/**
 * What is no bound would bound nothing, or fail each run at its first call.
 * @throws OrchestrationError `limits/not-a-bound`, `limits/unknown`, `options/invalid`
 */
function assertGateBounds({ rates = {}, concurrency = {}, context = {}, budgets = {} }: HostOptions): void {
  assertMembers<Concurrency>("concurrency", concurrency, {
    ...{ tools: true, models: true, perTenant: true, waiting: true },
  });
  for (const [tenant, budget] of Object.entries(budgets)) {
    const where = `budgets.${tenant}`;
    assertOptions(where, budget, { per: optional(oneOf("day", "month")) });
    assertMembers<TenantBudget>(where, budget, { microUsd: true, tokens: true, per: true, slice: true });
  }
  for (const [provider, bound] of Object.entries(rates)) {
    const { requestsPerMinute = 1, tokensPerMinute = 1 } = bound;
    assertMembers<Rates>(`rates.${provider}`, bound, { requestsPerMinute: true, tokensPerMinute: true });
    assertBound(`rates.${provider}.requestsPerMinute`, requestsPerMinute);
    assertBound(`rates.${provider}.tokensPerMinute`, tokensPerMinute);
  }
  for (const kind of ["tools", "models"] as const) {
    for (const [name, most] of Object.entries(concurrency[kind] ?? {}))
      assertBound(`concurrency.${kind}.${name}`, most);
  }
  if (concurrency.perTenant !== undefined) assertBound("concurrency.perTenant", concurrency.perTenant);
  for (const [alias, bound] of Object.entries(context)) {
    const { maxTokens, keepTurns = 0 } = bound;
    assertMembers<ContextBudget>(`context.${alias}`, bound, {
      ...{ maxTokens: true, keepTurns: true, count: true, summarise: true },
    });
    assertBound(`context.${alias}.maxTokens`, maxTokens);
    assertBound(`context.${alias}.keepTurns`, keepTurns, 0);
  }
}

/** A misspelt member bounds nothing. @throws OrchestrationError `limits/unknown` */
function assertMembers<Options extends object>(where: string, given: Options, known: Known<Options>): void {
  const strange = strangeMember(given, known);
  if (strange !== undefined) throw new OrchestrationError("limits/unknown", { limit: `${where}.${strange}` });
}

/** A name that nothing here has bounds nothing either; it may be that of another supervisor with the same options. */
function tellStrangeNames({
  definition,
  models,
  sealing,
  options: { rates = {}, concurrency = {}, context = {}, cache },
  logger,
}: Pick<HostParts, "definition" | "models" | "sealing" | "options" | "logger">): void {
  const known = Object.values(withSummarisers(models, context)).flatMap(modelsOf);
  const providers = new Set(known.map(({ provider, id }) => provider ?? id));
  const named: readonly (readonly [string, readonly string[], (name: string) => boolean])[] = [
    ["rates", Object.keys(rates), (name) => providers.has(name)],
    ["concurrency.models", Object.keys(concurrency.models ?? {}), (name) => providers.has(name)],
    ["concurrency.tools", Object.keys(concurrency.tools ?? {}), (name) => definition.tools.has(name)],
    ["context", Object.keys(context), (name) => Object.hasOwn(models, name)],
    ["cache.models", cache?.models ?? [], (name) => known.some(({ id }) => id === name)],
    ["seal.agents", sealing?.rules.agents ?? [], (name) => findAgent(definition, name) !== undefined],
  ];
  for (const [option, names, isKnown] of named) {
    const strange = names.filter((name) => !isKnown(name));
    if (strange.length === 0) continue;
    const said = { supervisor: definition.name, option, names: strange };
    logger.warn(said, "an option names what this supervisor has not, and does nothing for it");
  }
}

function checkpointsOf(
  { signer, every = {} }: CheckpointOptions,
  { engine: { clock, journal }, ids, logger }: Pick<HostParts, "engine" | "ids" | "logger">,
) {
  for (const [name, value = 1] of Object.entries(every)) assertBound(`checkpoints.every.${name}`, value);
  return checkpointing(
    checkpointWriter({ journal, now: () => clock.now(), salt: ids.salt, signer, logger }),
    clock,
    every,
  );
}

/** How much may be under way of one thing; nothing: it is not bounded. */
function mostOf(concurrency: Concurrency | undefined, target: string): number | undefined {
  if (!concurrency) return undefined;
  const colon = target.indexOf(":");
  const kind = target.slice(0, colon);
  if (kind === "tenant") return concurrency.perTenant;
  return (kind === "tool" ? concurrency.tools : concurrency.models)?.[target.slice(colon + 1)];
}
