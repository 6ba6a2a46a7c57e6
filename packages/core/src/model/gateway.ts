import type { AnyAgent } from "../agent.ts";
import type { Deltas } from "../answer/deltas.ts";
import type { CallModelCommand } from "../command.ts";
import { type Breakers, breakerOpen, evidenceOf, type Pass } from "../effect/breaker.ts";
import type { Limiter, Release } from "../effect/limiter.ts";
import type { RateLimiter, Taken } from "../effect/rate.ts";
import { assertUnrestricted, type LiveRestrictions } from "../effect/restriction.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, Usage } from "../event.ts";
import { canonicalJson } from "../json.ts";
import type { PolicyGate } from "../policy/gate.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { FailedCall, Model, ModelRequest, ModelResponse } from "../port/model.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import type { Tracer } from "../port/tracer.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import { readAnswer } from "./answer.ts";
import type { ResponseCache } from "./cache.ts";
import { type ContextBudget, type FittedContext, fitContext } from "./context.ts";
import { free, modelError, toldBy } from "./failure.ts";
import { type GenerationBounds, generate, stopped } from "./generation.ts";
import { modelLatencies } from "./latency.ts";
import { openedFor } from "./opened.ts";
import { type Quote, quoteOf, tokensOf, unpriced } from "./quote.ts";
import { modelRequests, shown } from "./requests.ts";
import { type Chosen, chooseModels, modelsOf, type Route } from "./route.ts";
import { openModelSpan } from "./span.ts";
import { contextFull, summarised, summaryDue } from "./summary.ts";

/**
 * The one holder of model clients (R3): alias in, journaled answer out. Never throws.
 *
 * W1 One call asks one model. Which one a route chooses is journaled with what it answered; when it fails, the event names
 *    the one that comes next, and asking that one is a call of its own: reserved, journaled and bounded like any other.
 * W2 What a failed call has cost is journaled too, where its client knows it; else it settles at its reservation (D12).
 * W3 A model is shown the values of the classes that it, or the settings for its alias, `reveals`, and tokens for the rest.
 *    What it is shown is durable before; what it says is sealed before anybody sees it. Such a call is never cached, nor is
 *    an answer in which something was sealed.
 */
export interface ModelGateway {
  readonly call: (key: RunKey, command: CallModelCommand, signal: StopSignal) => Promise<InputEvent>;
  /** True when a call under this alias must wait until everything before it is durable (D2). */
  readonly isPaid: (alias: string) => boolean;
  /**
   * What this call can cost at most: zeros for a zero-cost model, else what its model says of the very request, or the
   * dearest of those that its route may choose. Tools that
   * a breaker withholds now count as offered, because the breaker may close before the call. Errors are
   * `budget/unpriced` and `model/alias-unknown`.
   */
  readonly quote: (key: RunKey, command: CallModelCommand) => Quote;
}

/** Failures that say nothing about how another model would do. */
const staysWith: ReadonlySet<string> = new Set([
  "policy/revoked",
  "policy/denied",
  "policy/no-rule",
  "policy/not-yet",
  "policy/evaluation-failed",
  "run/internal",
]);

export interface ModelGatewayOptions {
  readonly models: Readonly<Record<string, Model | Route>>;
  readonly definition: SupervisorDefinition;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Breakers before providers (`model:openai`). Those before tools say which tools are not offered. */
  readonly breakers?: Breakers;
  /** Bounds what is under way of one tenant (`tenant:acme`) and at one provider (`model:openai`). */
  readonly limiter?: Limiter;
  /** Bounds how often a provider (`model:openai`) is called, and with how many tokens. */
  readonly rates?: RateLimiter;
  /** Asked first. What it has is no call: no breaker, bound or rate stands before it. */
  readonly cache?: ResponseCache;
  /** What is taken away now; nothing where it is absent. */
  readonly restrictions?: LiveRestrictions;
  /** What policies say, asked again before each call. */
  readonly policies?: Pick<PolicyGate, "model">;
  /** How long the requests under an alias may be, and what of them stays whole. */
  readonly context?: { readonly [alias: string]: ContextBudget };
  /** Brings what an agent that streams says to those who listen. */
  readonly deltas?: Deltas;
  /** Puts values in the place of tokens, and seals what comes back; without it there are none. */
  readonly sealing?: Sealing;
  /** Told what listeners of clients throw when they are stopped. */
  readonly stray?: (thrown: unknown) => void;
}

export function modelGateway(options: ModelGatewayOptions): ModelGateway {
  const { models, definition, clock, tracer, breakers, limiter, rates, cache, restrictions, policies, sealing } =
    options;
  const { payloadBytes } = definition.limits;
  const bounds: GenerationBounds = { clock, payloadBytes, stray: options.stray };
  const requests = modelRequests();
  const latencies = modelLatencies(clock);

  /** What of a request its model is shown. @throws OrchestrationError `model/context-too-long` */
  const fit = ({ alias }: CallModelCommand, model: Model, request: ModelRequest): FittedContext | undefined => {
    const budget = options.context?.[alias];
    return budget && fitContext(model.id, request, budget);
  };

  /** Granted tools that nobody can call now: a model shall not plan with them. */
  const withheldOf = (agent: AnyAgent, granted: readonly string[]): string[] =>
    agent.tools
      .filter(({ name, breaker }) => granted.includes(name) && (breakers?.peek(`tool:${breaker}`) ?? true) !== true)
      .map(({ name }) => name);

  /** A promise only where what is taken away has to be looked up first. */
  const checkRestrictions = ({ tenant }: RunKey, { agent }: CallModelCommand): Promise<void> | undefined => {
    const known = restrictions?.(tenant);
    if (known instanceof Promise) return known.then((now) => assertUnrestricted(now, { tenant, agent }));
    if (known) assertUnrestricted(known, { tenant, agent });
    return undefined;
  };

  const checkBreaker = (target: string) => {
    const open = breakers?.peek(target) ?? true;
    if (open !== true) throw breakerOpen(target, open);
  };

  const facts = {
    blocked: ({ provider, id }: Model) =>
      (breakers?.peek(`model:${provider ?? id}`) ?? true) === true ? undefined : "breaker/open",
    latencyMs: latencies.of,
  };
  /** A breaker may close between a quote and its call, so each that it keeps away may be the one. */
  const unblocked = { ...facts, blocked: () => undefined };

  /** What was answered to this very request before; nothing where that is no response. */
  const findCached = async (found: Promise<unknown>, model: Model): Promise<ModelResponse | undefined> => {
    const answer = await found;
    if (answer === undefined) return undefined;
    try {
      return readAnswer(answer, model.id, payloadBytes);
    } catch (thrown) {
      cache?.spoilt(model, thrown);
      return undefined;
    }
  };

  const event = <Type extends "model.responded" | "model.failed">(
    { id, path }: CallModelCommand,
    type: Type,
    body: Omit<InputEvent<Type>["body"], "command">,
  ) => ({ id, type, path, body: { command: id, ...body } }) as InputEvent<Type>;

  return {
    isPaid: (alias) => {
      const source = models[alias];
      return !source || modelsOf(source).some(({ cost }) => cost !== "zero");
    },
    quote: (key, command) => {
      const source = models[command.alias];
      const agent = findAgent(definition, command.agent);
      if (!source || !agent) return { error: unknownAlias(command) };
      const request = requests.of(key, command, agent);
      requests.keep(command, request);
      let chosen: Chosen;
      try {
        chosen = chooseModels(command.alias, source, request, command.tried, unblocked);
      } catch (thrown) {
        // It will not be called, which the call itself says.
        if (OrchestrationError.is(thrown, "model/not-cleared")) return { amount: { microUsd: 0, tokens: 0 } };
        return { error: unpriced(command, { id: command.alias }, reasonOf(thrown)) };
      }
      const most = { microUsd: 0, tokens: 0 };
      for (const model of chosen.models) {
        const quoted = quoteOf(command, model, request);
        if ("error" in quoted) return quoted;
        most.microUsd = Math.max(most.microUsd, quoted.amount.microUsd);
        most.tokens = Math.max(most.tokens, quoted.amount.tokens);
      }
      return { amount: most };
    },
    call: async (key, command, signal) => {
      const source = models[command.alias];
      const agent = findAgent(definition, command.agent);
      if (!source || !agent) {
        return event(command, "model.failed", { model: command.alias, error: unknownAlias(command).toRecord() });
      }
      let chosen: Chosen;
      // With all that is granted; what a breaker withholds is known only when the call is made.
      const whole = requests.of(key, command, agent);
      requests.drop(command);
      try {
        chosen = chooseModels(command.alias, source, whole, command.tried, facts);
      } catch (thrown) {
        const error = OrchestrationError.is(thrown)
          ? thrown
          : new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown });
        return event(command, "model.failed", { model: command.alias, error: error.toRecord(), ...free });
      }
      const [model, ...others] = chosen.models;
      const chose = chosen.choice ? { choice: chosen.choice } : {};
      const [next] = others.filter(({ id }) => id !== model.id && !command.tried.some((one) => one.model === id));
      const failed = (error: OrchestrationError, told: FailedCall = {}) =>
        event(command, "model.failed", {
          model: model.id,
          error: error.toRecord(),
          ...told,
          ...chose,
          ...(next && !signal.aborted && fallsBack(error) ? { next: next.id } : {}),
        });
      /** A model without cost need not say that nothing was called. */
      const uncalled = (error: OrchestrationError) => failed(error, model.cost === "zero" ? {} : free);
      const target = `model:${model.provider ?? model.id}`;
      const releases: Release[] = [];
      let taken: Taken | undefined;
      try {
        let pass: Pass | undefined;
        let fitted: FittedContext | undefined;
        try {
          const due = summaryDue(command, whole, options.context);
          if (due) {
            const error = contextFull(model.id, due).toRecord();
            return event(command, "model.failed", { model: model.id, error, ...free, ...chose, summarise: due });
          }
          fitted = fit(command, model, whole);
          const checking = checkRestrictions(key, command);
          if (checking) await checking;
          policies?.model(key, command);
          let waited = false;
          const withheld = cache ? withheldOf(agent, command.tools) : [];
          const request = shown(whole, withheld, fitted);
          const found = cache?.find(model, request);
          if (found) {
            const answer = await findCached(found, model);
            waited = true;
            if (answer) {
              await checkRestrictions(key, command);
              policies?.model(key, command);
              if (signal.aborted) throw stopped(model);
              const summary = summarised(model.id, command, answer.parts, options.context);
              const span = openModelSpan(tracer, { key, command, model, choice: chosen.choice, request });
              span.set({ ...free, model: answer.model ?? model.id, parts: answer.parts, cached: true });
              span.end();
              return event(command, "model.responded", {
                model: answer.model ?? model.id,
                parts: answer.parts,
                ...free,
                ...chose,
                ...summary,
                cached: true,
                ...(withheld.length > 0 ? { withheld } : {}),
              });
            }
          }
          // Asked before the queue, so that nobody queues up for what is not there.
          checkBreaker(target);
          // The tenant's place first: one that waits for its own bound shall hold no place that others could use.
          for (const place of limiter ? [`tenant:${key.tenant}`, target] : []) {
            const release = limiter?.acquire({ target: place, tenant: key.tenant, signal });
            if (release instanceof Promise) waited = true;
            if (release) releases.push(release instanceof Promise ? await release : release);
          }
          // Last, so that what it lets pass is called at once.
          if (rates) {
            const tokens = tokensOf(model, whole);
            const taking = rates.take({ target, tenant: key.tenant, tokens, signal });
            if (taking instanceof Promise) waited = true;
            taken = taking instanceof Promise ? await taking : taking;
          }
          if (waited) {
            await checkRestrictions(key, command);
            policies?.model(key, command);
          }
          // Stopped while it waited for any of this: then nothing is called, and nothing paid.
          if ((restrictions || limiter || rates || cache) && signal.aborted) throw stopped(model);
          const passed = breakers?.pass(target);
          if (passed && "retryAt" in passed) throw breakerOpen(target, passed);
          pass = passed;
        } catch (thrown) {
          // Nothing was called. A port that threw is no failure of the model.
          if (OrchestrationError.is(thrown)) return uncalled(thrown);
          if (signal.aborted) return uncalled(stopped(model));
          return uncalled(new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown }));
        }
        const withheld = withheldOf(agent, command.tools);
        const request = shown(whole, withheld, fitted);
        let opened = request;
        if (sealing) {
          try {
            const opening = openedFor(sealing, key, command, model, request);
            opened = opening instanceof Promise ? await opening : opening;
          } catch (thrown) {
            pass?.record(undefined);
            if (OrchestrationError.is(thrown)) return uncalled(thrown);
            return uncalled(new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown }));
          }
        }
        const span = openModelSpan(tracer, { key, command, model, choice: chosen.choice, request });
        /** What was answered and is of no use has its cost all the same. */
        let told: FailedCall | undefined;
        let answer: ModelResponse | undefined;
        try {
          const startedAt = clock.now();
          const of = { path: command.path, agent: agent.name, command: command.id };
          const voice = agent.streams && !command.summarises ? options.deltas?.voice(key, of) : undefined;
          const outcome = generate(bounds, model, opened, signal, voice);
          answer = outcome instanceof Promise ? await outcome : outcome;
          voice?.end();
          latencies.note(model, clock.now() - startedAt);
          const response = readAnswer(answer, model.id, payloadBytes);
          const { usage, cost, model: name } = response;
          told = { ...(usage ? { usage } : {}), ...(cost ? { cost } : {}) };
          const sealed = sealing?.parts(key, response.parts, { agent: agent.name, model: model.id });
          const parts = (sealed instanceof Promise ? await sealed : sealed) ?? response.parts;
          const summary = summarised(model.id, command, parts, options.context);
          // Tokens that this run made mean nothing in another one.
          const isSealed = () => canonicalJson(parts) !== canonicalJson(response.parts);
          if (cache && opened === request && !(sealing && isSealed()))
            cache.keep(model, request, { ...response, parts });
          taken?.used(tokensUsed(usage));
          span.set({ model: name ?? model.id, usage, cost, parts });
          span.end();
          pass?.record(true);
          return event(command, "model.responded", {
            model: name ?? model.id,
            parts,
            ...(usage ? { usage } : {}),
            ...(cost ? { cost } : {}),
            ...chose,
            ...(fitted && fitted.after < fitted.before ? { context: shrunk(fitted) } : {}),
            ...summary,
            ...(withheld.length > 0 ? { withheld } : {}),
          });
        } catch (thrown) {
          const error = modelError(thrown, model.id, clock.now());
          told ??= toldBy(answer ?? thrown);
          const outcome = failed(error, told);
          span.set({ ...told, next: outcome.body.next });
          span.end({ code: error.code });
          // Who stopped the call does not know how the provider is.
          pass?.record(signal.aborted ? undefined : evidenceOf(error));
          taken?.used(tokensUsed(told.usage));
          return outcome;
        }
      } finally {
        taken?.unused();
        for (const release of releases) release();
      }
    },
  };
}

function shrunk({ before, after, shortened, dropped }: FittedContext) {
  return { before, after, shortened, dropped };
}

function fallsBack({ code }: OrchestrationError): boolean {
  return !staysWith.has(code);
}

function tokensUsed(usage: Usage | undefined): number | undefined {
  return usage && usage.inputTokens + usage.outputTokens;
}

function unknownAlias({ agent, alias }: CallModelCommand): OrchestrationError {
  return new OrchestrationError("model/alias-unknown", { agent, alias });
}
