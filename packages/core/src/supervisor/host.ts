import type { Deltas } from "../answer/deltas.ts";
import { type CheckpointOptions, checkpointing, checkpointWriter } from "../audit/checkpoints.ts";
import { type BudgetLedger, budgetLedger } from "../budget/ledger.ts";
import { minusSpend } from "../budget/spend.ts";
import type { ReserveCommand, ReturnBudgetCommand } from "../command.ts";
import { breakers } from "../effect/breaker.ts";
import { dispatcher } from "../effect/dispatcher.ts";
import { type Health, health } from "../effect/health.ts";
import { limiter } from "../effect/limiter.ts";
import { rateLimiter } from "../effect/rate.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, Spend } from "../event.ts";
import { type RestrictionBoard, restrictionBoard } from "../governance/restrictions.ts";
import type { IdSource } from "../ids.ts";
import { assertBound } from "../limits.ts";
import { responseCache } from "../model/cache.ts";
import { modelGateway } from "../model/gateway.ts";
import type { Route } from "../model/route.ts";
import { withSummarisers } from "../model/summary.ts";
import type { observers } from "../observer.ts";
import { policyGate } from "../policy/gate.ts";
import type { Engine, RunHost, RunKey, RunSession } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { Tracer } from "../port/tracer.ts";
import { type Admit, admitting } from "../remote/admission.ts";
import { delegationSender, standingTeller } from "../remote/send.ts";
import { statesAtHand } from "../run/at-hand.ts";
import { drive } from "../run/driver.ts";
import type { Sealing } from "../seal/sealing.ts";
import { askingPeople } from "./asking.ts";
import type { SupervisorDefinition } from "./definition.ts";
import type { Concurrency, HostOptions } from "./options.ts";
import { runSpans } from "./spans.ts";

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

const retryMsFirst = 100;
const retryMsMax = 10_000;
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
  for (const [provider, { requestsPerMinute = 1, tokensPerMinute = 1 }] of Object.entries(options.rates ?? {})) {
    assertBound(`rates.${provider}.requestsPerMinute`, requestsPerMinute);
    assertBound(`rates.${provider}.tokensPerMinute`, tokensPerMinute);
  }
  const rates = rateLimiter({
    clock,
    limits: (target) => options.rates?.[target.slice("model:".length)],
    waitingMax: options.concurrency?.waiting ?? waitingMax,
  });
  const spans = runSpans(tracer, definition.name);
  const policies = policyGate(definition, options.livePolicy);
  const common = {
    definition,
    clock,
    tracer: spans.tracer,
    restrictions: board.current,
    ...(policies.asks() ? { policies } : {}),
    breakers: gates.breakers,
    // Where nothing is bounded nobody is asked for a place.
    ...(options.concurrency ? { limiter: gates.limiter } : {}),
    ...(sealing ? { sealing } : {}),
  };
  const gateway = modelGateway({
    ...common,
    models: withSummarisers(models, options.context),
    deltas,
    ...(options.context ? { context: options.context } : {}),
    ...(options.rates ? { rates } : {}),
    ...(options.cache === undefined ? {} : { cache: responseCache(options.cache, { clock, logger }) }),
  });
  const tools = dispatcher({
    ...common,
    tenantKey: (tenant) => journal.tenantKey(tenant),
    ask: askingPeople(engine, `${definition.name}@${definition.hash}`, logger),
  });

  const delegations = delegationSender({
    engine,
    definition: `${definition.name}@${definition.hash}`,
    logger,
    salt: ids.salt,
    ...options.delegations,
    ...(sealing ? { sealing } : {}),
  });

  /** Money is not given up on: what a journal that is away cannot take down now, it takes down later. */
  const persist = async <Answer>(signal: AbortSignal, act: () => Promise<Answer>): Promise<Answer | undefined> => {
    for (let delayMs = retryMsFirst; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        return await act();
      } catch (thrown) {
        if (signal.aborted) return undefined;
        if (!OrchestrationError.is(thrown, "journal/unavailable") && !OrchestrationError.is(thrown, "journal/conflict"))
          throw thrown;
        logger.warn({ reason: reasonOf(thrown) }, "a tenant's budget could not be reached; it is asked again");
        await new Promise<void>((resolve) => {
          const done = () => {
            timer.cancel();
            signal.removeEventListener("abort", done);
            resolve();
          };
          const timer = clock.at(clock.now() + delayMs, done);
          signal.addEventListener("abort", done, { once: true });
        });
        if (signal.aborted) return undefined;
      }
    }
  };

  const refuse = (
    { id, path }: ReserveCommand,
    scope: "price" | "tenant",
    error: OrchestrationError,
  ): InputEvent<"budget.refused"> => ({
    id,
    path,
    type: "budget.refused",
    body: { command: id, scope, error: error.toRecord() },
  });
  const reserved = (
    { id, path }: ReserveCommand,
    amount: Spend,
    slice?: { readonly stream: string; readonly amount: Spend },
  ): InputEvent<"budget.reserved"> => ({
    id,
    path,
    type: "budget.reserved",
    body: { command: id, amount, ...(slice === undefined ? {} : { slice }) },
  });

  /** What is set aside within the run's own budget is nobody else's business, and takes a look at the price alone. */
  const reserveWithinRun = (key: RunKey, command: ReserveCommand): InputEvent => {
    const quoted = gateway.quote(key, command.call);
    return "error" in quoted ? refuse(command, "price", quoted.error) : reserved(command, quoted.amount);
  };

  const reserve = async (key: RunKey, command: ReserveCommand, signal: AbortSignal): Promise<InputEvent> => {
    const { id, sliceLeft, at } = command;
    if (!sliceLeft) return reserveWithinRun(key, command);
    const quoted = gateway.quote(key, command.call);
    if ("error" in quoted) return refuse(command, "price", quoted.error);
    const { amount } = quoted;
    const needed = minusSpend(amount, sliceLeft);
    if (needed.microUsd === 0 && needed.tokens === 0) return reserved(command, amount);
    const demand = { slice: id, run: key.runId, needed, at };
    const taken = await persist(signal, () => ledger.take(key.tenant, demand)).catch((thrown: unknown) => {
      if (OrchestrationError.is(thrown)) return { error: thrown };
      throw thrown;
    });
    if (!taken) return refuse(command, "tenant", new OrchestrationError("engine/closed", { engine: engine.name }));
    return "error" in taken ? refuse(command, "tenant", taken.error) : reserved(command, amount, taken);
  };

  const giveBack = async (key: RunKey, command: ReturnBudgetCommand, signal: AbortSignal): Promise<InputEvent> => {
    const { id, path, streams, asked = [], spent } = command;
    const { tenant } = key;
    // The ids of a tenant's streams sort as their periods do.
    const all = [...new Set([...streams, ...asked.map((at) => ledger.streamOf(tenant, at))])].sort();
    await persist(signal, () => ledger.settleAll(tenant, all, { run: key.runId, spent }));
    return { id, path, type: "budget.returned", body: { command: id, spent } };
  };

  const shadow = options.shadow?.bind(definition);
  const atHand = statesAtHand({ most: options.statesAtHand ?? 64, clock });
  const driven = (session: RunSession) =>
    spans.around(watching.around(session), (watched, onConversation) =>
      drive(watched, {
        definition,
        gateway,
        logger,
        restrictions: board.current,
        shadow,
        snapshotEvery: options.snapshotEvery ?? 256,
        blobChars: options.blobChars ?? 16_384,
        atHand,
        ...(sealing ? { sealing } : {}),
        onConversation,
      }),
    );
  /** What tokens stand for is at hand while the run is driven, and no longer. */
  const holding = (vaults: Sealing) => async (session: RunSession) => {
    const letGo = vaults.hold({ tenant: session.key.tenant, runId: session.key.id });
    try {
      await driven(session);
    } finally {
      letGo();
    }
  };
  const withVault = sealing ? holding(sealing) : driven;
  const checkpointed = options.checkpoints && checkpointsOf(options.checkpoints, { engine, ids, logger });
  const driving = (session: RunSession) => (checkpointed ? checkpointed(session, withVault) : withVault(session));
  const tell = admit && standingTeller(engine, logger);
  const host: RunHost = {
    drive: async (session) => {
      await driving(admit ? admitting(session, admit) : session);
      if (tell) void tell({ tenant: session.key.tenant, runId: session.key.id });
    },
    immediate: (key, command) =>
      command.type === "reserve" && !command.sliceLeft ? reserveWithinRun(key, command) : undefined,
    execute: (key, command, signal) => {
      switch (command.type) {
        case "callModel":
          return gateway.call(key, command, signal);
        case "callTool":
          return tools.call(key, command, signal);
        case "delegate":
          return delegations.delegate(key, command, signal);
        case "recall":
          return delegations.recall(key, command, signal);
        case "lookup":
          return tools.lookup(key, command, signal);
        case "reserve":
          return reserve(key, command, signal);
        case "returnBudget":
          return giveBack(key, command, signal);
        case "startTimer":
          throw new OrchestrationError("run/internal", { reason: "a timer is the engine's own business" });
      }
    },
  };
  return { host, board, ledger, health: () => health({ ...gates, rates }) };
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
