import type { Deltas } from "../answer/deltas.ts";
import type { checkpointing } from "../audit/checkpoints.ts";
import type { BudgetLedger } from "../budget/ledger.ts";
import { minusSpend } from "../budget/spend.ts";
import type { ReserveCommand, ReturnBudgetCommand } from "../command.ts";
import type { Breakers } from "../effect/breaker.ts";
import { dispatcher } from "../effect/dispatcher.ts";
import type { Limiter } from "../effect/limiter.ts";
import type { RateLimiter } from "../effect/rate.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, Spend } from "../event.ts";
import type { RestrictionBoard } from "../governance/restrictions.ts";
import type { IdSource } from "../ids.ts";
import type { ResponseCache } from "../model/cache.ts";
import { modelGateway } from "../model/gateway.ts";
import type { Route } from "../model/route.ts";
import type { observers } from "../observer.ts";
import type { PolicyGate } from "../policy/gate.ts";
import type { Policy } from "../policy/policy.ts";
import type { Engine, RunHost, RunKey, RunSession } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { type Admit, admitting } from "../remote/admission.ts";
import { delegationSender, standingTeller } from "../remote/send.ts";
import { statesAtHand } from "../run/at-hand.ts";
import { type DriverOptions, drive } from "../run/driver.ts";
import type { Sealing } from "../seal/sealing.ts";
import { askingPeople } from "./asking.ts";
import type { SupervisorDefinition } from "./definition.ts";
import type { HostOptions } from "./options.ts";
import { sealedDelivery } from "./sealed-delivery.ts";
import type { RunSpans } from "./spans.ts";

/** What runs of one supervisor need at work. All that can be wrong with it has been said when the supervisor began. */
export interface WorkParts {
  readonly definition: SupervisorDefinition;
  readonly engine: Engine;
  /** With those that write summaries. */
  readonly models: Readonly<Record<string, Model | Route>>;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly spans: RunSpans;
  readonly observers: ReturnType<typeof observers>;
  readonly deltas: Deltas;
  readonly board: RestrictionBoard;
  readonly ledger: BudgetLedger;
  readonly breakers: Breakers;
  /** Absent: nothing is bounded, and nobody is asked for a place. */
  readonly limiter: Limiter | undefined;
  readonly rates: RateLimiter | undefined;
  readonly cache: ResponseCache | undefined;
  /** Absent: no policy is asked. */
  readonly policies: PolicyGate | undefined;
  readonly shadow: Policy | undefined;
  /** Absent: nothing is sealed. */
  readonly sealing: Sealing | undefined;
  readonly checkpoints: ReturnType<typeof checkpointing> | undefined;
  /** What a run that somebody has delegated here begins with; absent: nobody delegates anything here. */
  readonly admit: Admit | undefined;
  readonly options: Pick<HostOptions, "context" | "delegations" | "statesAtHand" | "snapshotEvery" | "blobChars">;
}

const retryMsFirst = 100;
const retryMsMax = 10_000;

/** Drives the runs of one supervisor and carries out their commands. */
export function runsAtWork({
  definition,
  engine,
  models,
  ids,
  logger,
  spans,
  observers: watching,
  deltas,
  board,
  ledger,
  breakers,
  limiter,
  rates,
  cache,
  policies,
  shadow,
  sealing,
  checkpoints,
  admit,
  options,
}: WorkParts): RunHost {
  const { clock, journal } = engine;
  const id = `${definition.name}@${definition.hash}`;
  const common = {
    definition,
    clock,
    tracer: spans.tracer,
    restrictions: board.current,
    breakers,
    stray: (thrown: unknown) =>
      logger.warn({ reason: reasonOf(thrown) }, "a tool or a model's client threw when it was told to stop"),
    ...(policies ? { policies } : {}),
    ...(limiter ? { limiter } : {}),
    ...(sealing ? { sealing } : {}),
  };
  const gateway = modelGateway({
    ...common,
    models,
    deltas,
    ...(options.context ? { context: options.context } : {}),
    ...(rates ? { rates } : {}),
    ...(cache ? { cache } : {}),
  });
  const tools = dispatcher({
    ...common,
    tenantKey: (tenant) => journal.tenantKey(tenant),
    ask: askingPeople(engine, sealedDelivery(engine, definition, sealing), id, logger),
  });

  const delegations = delegationSender({
    engine,
    definition: id,
    logger,
    salt: ids.salt,
    ...options.delegations,
    ...(sealing ? { sealing } : {}),
  });

  /** Money is not given up on: what a journal that is away cannot take down now, it takes down later. */
  const persist = async <Answer>(signal: StopSignal, act: () => Promise<Answer>): Promise<Answer | undefined> => {
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

  const reserve = async (key: RunKey, command: ReserveCommand, signal: StopSignal): Promise<InputEvent> => {
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

  const giveBack = async (key: RunKey, command: ReturnBudgetCommand, signal: StopSignal): Promise<InputEvent> => {
    const { id, path, streams, asked = [], spent } = command;
    const { tenant } = key;
    // The ids of a tenant's streams sort as their periods do.
    const all = [...new Set([...streams, ...asked.map((at) => ledger.streamOf(tenant, at))])].sort();
    await persist(signal, () => ledger.settleAll(tenant, all, { run: key.runId, spent }));
    return { id, path, type: "budget.returned", body: { command: id, spent } };
  };

  const driving: DriverOptions = {
    definition,
    gateway,
    logger,
    restrictions: board.current,
    shadow,
    snapshotEvery: options.snapshotEvery ?? 256,
    blobChars: options.blobChars ?? 16_384,
    atHand: statesAtHand({ most: options.statesAtHand ?? 64, clock }),
    ...(sealing ? { sealing } : {}),
  };
  const driven = (session: RunSession) =>
    spans.around(watching.around(session), (watched, onConversation) => drive(watched, driving, onConversation));
  /** What tokens stand for is at hand while the run is driven, and no longer. */
  const holding = (vaults: Sealing) => (session: RunSession) => {
    const letGo = vaults.hold({ tenant: session.key.tenant, runId: session.key.id });
    return driven(session).finally(letGo);
  };
  const withVault = sealing ? holding(sealing) : driven;
  const kept = (session: RunSession) => (checkpoints ? checkpoints(session, withVault) : withVault(session));
  const tell = admit && standingTeller(engine, logger);
  return {
    drive: (session) => {
      const driven = kept(admit ? admitting(session, admit) : session);
      if (!tell) return driven;
      return driven.then(() => void tell({ tenant: session.key.tenant, runId: session.key.id }));
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
}
