import type { AnyAgent } from "../agent.ts";
import type { Deltas } from "../answer/deltas.ts";
import type { CallModelCommand } from "../command.ts";
import { type Breakers, breakerOpen, type Pass } from "../effect/breaker.ts";
import type { Limiter } from "../effect/limiter.ts";
import type { RateLimiter } from "../effect/rate.ts";
import { assertUnrestricted, type LiveRestrictions } from "../effect/restriction.ts";
import { OrchestrationError, ownError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import type { PolicyGate } from "../policy/gate.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import type { Tracer } from "../port/tracer.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import { readAnswer } from "./answer.ts";
import {
  type Admitted,
  type Asked,
  type AskingPorts,
  ask,
  giveBack,
  modelEvent,
  modelFailed,
  type Places,
} from "./asked-model.ts";
import type { ResponseCache } from "./cache.ts";
import { type ContextBudget, type FittedContext, fitContext } from "./context.ts";
import { free } from "./failure.ts";
import { type GenerationBounds, stopped } from "./generation.ts";
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
 * W3 A model is shown the values of the classes that it, or the settings for its alias or agent, `reveals`, and tokens for the rest.
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
  const { deltas, context } = options;
  const ports: AskingPorts = { bounds, tracer, latencies, cache, deltas, sealing, context };

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

  /** An answer that was there already: no call, and no cost. */
  const cached = (
    { command, model, choice }: Asked,
    { key, request, withheld }: Pick<Admitted, "key" | "request" | "withheld">,
    answer: ModelResponse,
  ): InputEvent => {
    const { parts, model: name = model.id } = answer;
    const summary = summarised(model.id, command, parts, options.context);
    const span = openModelSpan(tracer, { key, command, model, choice, request });
    span.set({ ...free, model: name, parts, cached: true });
    span.end();
    return modelEvent(command, "model.responded", {
      model: name,
      parts,
      ...free,
      ...(choice ? { choice } : {}),
      ...summary,
      cached: true,
      ...(withheld.length > 0 ? { withheld } : {}),
    });
  };

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
        return modelEvent(command, "model.failed", { model: command.alias, error: unknownAlias(command).toRecord() });
      }
      let chosen: Chosen;
      // With all that is granted; what a breaker withholds is known only when the call is made.
      const whole = requests.of(key, command, agent);
      requests.drop(command);
      try {
        chosen = chooseModels(command.alias, source, whole, command.tried, facts);
      } catch (thrown) {
        const error = ownError(thrown);
        return modelEvent(command, "model.failed", { model: command.alias, error: error.toRecord(), ...free });
      }
      const { choice } = chosen;
      const [model, ...others] = chosen.models;
      const next = others.find(({ id }) => id !== model.id && !command.tried.some((one) => one.model === id))?.id;
      const asked: Asked = { command, model, choice, next, signal };
      /** A model without cost need not say that nothing was called. */
      const uncalled = (thrown: unknown) => {
        const error = !OrchestrationError.is(thrown) && signal.aborted ? stopped(model) : ownError(thrown);
        return modelFailed(asked, error, model.cost === "zero" ? {} : free);
      };
      const target = `model:${model.provider ?? model.id}`;
      const places: Places = { releases: [], taken: undefined };
      let admitted: Admitted;
      try {
        const due = summaryDue(command, whole, options.context);
        if (due) {
          const error = contextFull(model.id, due).toRecord();
          const chose = choice ? { choice } : {};
          return modelEvent(command, "model.failed", { model: model.id, error, ...free, ...chose, summarise: due });
        }
        const fitted = fit(command, model, whole);
        const checking = checkRestrictions(key, command);
        if (checking) await checking;
        policies?.model(key, command);
        let waited = false;
        if (cache) {
          const withheld = withheldOf(agent, command.tools);
          const request = shown(whole, withheld, fitted);
          const found = cache.find(model, request);
          const answer = found && (await findCached(found, model));
          if (found) waited = true;
          if (answer) {
            await checkRestrictions(key, command);
            policies?.model(key, command);
            if (signal.aborted) throw stopped(model);
            return cached(asked, { key, request, withheld }, answer);
          }
        }
        // Asked before the queue, so that nobody queues up for what is not there.
        checkBreaker(target);
        // The tenant's place first: one that waits for its own bound shall hold no place that others could use.
        for (const place of limiter ? [`tenant:${key.tenant}`, target] : []) {
          const release = limiter?.acquire({ target: place, tenant: key.tenant, signal });
          if (release instanceof Promise) waited = true;
          if (release) places.releases.push(release instanceof Promise ? await release : release);
        }
        // Last, so that what it lets pass is called at once.
        if (rates) {
          const tokens = tokensOf(model, whole);
          const taking = rates.take({ target, tenant: key.tenant, tokens, signal });
          if (taking instanceof Promise) waited = true;
          places.taken = taking instanceof Promise ? await taking : taking;
        }
        if (waited) {
          await checkRestrictions(key, command);
          policies?.model(key, command);
        }
        // Stopped while it waited for any of this: then nothing is called, and nothing paid.
        if ((restrictions || limiter || rates || cache) && signal.aborted) throw stopped(model);
        const pass = breakers?.pass(target);
        if (pass && "retryAt" in pass) throw breakerOpen(target, pass);
        const withheld = withheldOf(agent, command.tools);
        const request = shown(whole, withheld, fitted);
        const opening = sealing ? openedOr(sealing, key, asked, request, pass) : request;
        const opened = opening instanceof Promise ? await opening : opening;
        const { releases, taken } = places;
        // One literal, for it is what a run that waits holds.
        admitted = {
          command,
          model,
          choice,
          next,
          signal,
          key,
          agent,
          request,
          opened,
          withheld,
          fitted,
          pass,
          releases,
          taken,
        };
      } catch (thrown) {
        // Nothing was called. A port that threw is no failure of the model.
        giveBack(places);
        return uncalled(thrown);
      }
      // Not awaited: all that was needed to get here is let go of while the model is asked.
      return ask(ports, admitted);
    },
  };
}

/** A request as its model may see it. What cannot be opened is no word on the provider. */
function openedOr(
  sealing: Sealing,
  key: RunKey,
  { command, model }: Asked,
  request: ModelRequest,
  pass: Pass | undefined,
): ModelRequest | Promise<ModelRequest> {
  const broken = (thrown: unknown): never => {
    pass?.record(undefined);
    throw ownError(thrown);
  };
  try {
    const opened = openedFor(sealing, key, command, model, request);
    return opened instanceof Promise ? opened.catch(broken) : opened;
  } catch (thrown) {
    return broken(thrown);
  }
}

function unknownAlias({ agent, alias }: CallModelCommand): OrchestrationError {
  return new OrchestrationError("model/alias-unknown", { agent, alias });
}
