import { z } from "zod";
import type { AnyAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import { type Breakers, breakerOpen, evidenceOf, type Pass } from "../effect/breaker.ts";
import type { Limiter, Release } from "../effect/limiter.ts";
import { assertUnrestricted, type LiveRestrictions } from "../effect/restriction.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, Spend } from "../event.ts";
import { plainJson } from "../json.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { spanNames, type Tracer } from "../port/tracer.ts";
import { issuesOf } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { modelError } from "./failure.ts";

/** The one holder of model clients (R3): alias in, journaled answer out. Never throws. */
export interface ModelGateway {
  readonly call: (key: RunKey, command: CallModelCommand, signal: AbortSignal) => Promise<InputEvent>;
  /** True when a call under this alias must wait until everything before it is durable (D2). */
  readonly isPaid: (alias: string) => boolean;
  /**
   * What this call can cost at most: zeros for a zero-cost model, else what its model says of the very request. Tools that
   * a breaker withholds now count as offered, because the breaker may close before the call. Errors are
   * `budget/unpriced` and `model/alias-unknown`.
   */
  readonly quote: (key: RunKey, command: CallModelCommand) => Quote;
}

export type Quote = { readonly amount: Spend } | { readonly error: OrchestrationError };

/** Anything but nothing; whether it is JSON is looked at once, for the whole answer. */
const given = z.unknown().refine((value) => value !== undefined, "it is missing");
const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("toolCall"), callId: z.string().min(1), tool: z.string(), input: given }),
  z.object({ type: z.literal("output"), value: given }),
  z.object({ type: z.literal("ask"), of: z.enum(["customer", "operator"]), question: z.string().min(1) }),
  z.object({ type: z.literal("refusal"), reason: z.string() }),
]);
const count = z.number().int().nonnegative();
const response = z.object({
  parts: z.array(part).min(1),
  usage: z
    .object({
      inputTokens: count,
      outputTokens: count,
      cachedInputTokens: count.optional(),
      reasoningTokens: count.optional(),
    })
    .optional(),
  cost: z
    .object({ microUsd: z.number().nonnegative(), basis: z.enum(["reported", "estimated", "reserved"]) })
    .optional(),
  model: z.string().optional(),
});

const defaultTimeoutMs = 120_000;

export interface ModelGatewayOptions {
  readonly models: Readonly<Record<string, Model>>;
  readonly definition: SupervisorDefinition;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Breakers before providers (`model:openai`). Those before tools say which tools are not offered. */
  readonly breakers?: Breakers;
  /** Bounds what is under way of one tenant (`tenant:acme`) and at one provider (`model:openai`). */
  readonly limiter?: Limiter;
  /** What is taken away now; nothing where it is absent. */
  readonly restrictions?: LiveRestrictions;
}

export function modelGateway(options: ModelGatewayOptions): ModelGateway {
  const { models, definition, clock, tracer, breakers, limiter, restrictions } = options;
  const { payloadBytes } = definition.limits;

  /** One look at an answer: shape, JSON, size. What comes out is a copy, which nobody outside holds. */
  const read = (answer: unknown, model: string): ModelResponse => {
    const refuse = (reason: string) => new OrchestrationError("model/response-invalid", { model, reason });
    const parsed = response.safeParse(answer);
    if (!parsed.success) {
      const [first] = issuesOf(parsed.error);
      throw refuse(`${first?.pointer || "/"}: ${first?.message ?? "invalid"}`);
    }
    const plain = plainJson(parsed.data);
    if (!plain.ok) throw refuse(`${plain.fault.pointer || "/"}: not JSON: ${plain.fault.reason}`);
    const bytes = Buffer.byteLength(JSON.stringify(plain.value));
    if (bytes > payloadBytes) throw refuse(`${bytes} bytes, more than the limit of ${payloadBytes}`);
    return plain.value as unknown as ModelResponse;
  };

  const requestOf = (
    { tenant, runId }: RunKey,
    command: CallModelCommand,
    agent: AnyAgent,
    withheld: readonly string[],
  ): ModelRequest => ({
    agent: agent.name,
    instructions: agent.instructions,
    input: command.input,
    // The run's own list grows on; what this call was asked stays as it is.
    messages: [...command.messages],
    tools: agent.tools
      .filter(({ name }) => command.tools.includes(name) && !withheld.includes(name))
      .map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    asks: agent.asks,
    outputSchema: agent.outputSchema,
    context: {
      tenant,
      runId,
      path: command.path,
      turn: command.turn,
      attempt: command.attempt,
      agentCall: command.agentCall,
      attributes: command.attributes,
    },
  });

  /** Granted tools that nobody can call now: a model shall not plan with them. */
  const withheldOf = (agent: AnyAgent, granted: readonly string[]): string[] =>
    agent.tools
      .filter(({ name, breaker }) => granted.includes(name) && (breakers?.peek(`tool:${breaker}`) ?? true) !== true)
      .map(({ name }) => name);

  const checkRestrictions = async ({ tenant }: RunKey, { agent }: CallModelCommand) => {
    if (restrictions) assertUnrestricted(await restrictions(tenant), { tenant, agent });
  };

  const checkBreaker = (target: string) => {
    const open = breakers?.peek(target) ?? true;
    if (open !== true) throw breakerOpen(target, open);
  };

  const stopped = (model: Model) =>
    new OrchestrationError("model/failed", { model: model.id, reason: "it was stopped" });

  /** One call of the client, under its deadline and signal. */
  const generate = (
    model: Model,
    request: ModelRequest,
    signal: AbortSignal,
  ): ModelResponse | Promise<ModelResponse> => {
    const timeoutMs = model.timeoutMs ?? defaultTimeoutMs;
    const own = new AbortController();
    if (signal.aborted) own.abort();
    const outcome = model.generate(request, { signal: own.signal });
    if (!isThenable(outcome)) return outcome;
    let timer: { cancel: () => void } | undefined;
    let onAbort: (() => void) | undefined;
    return Promise.race([
      outcome,
      new Promise<never>((_, reject) => {
        timer = clock.at(clock.now() + timeoutMs, () => {
          reject(new OrchestrationError("model/timeout", { model: model.id, timeoutMs }));
          own.abort();
        });
        onAbort = () => {
          reject(stopped(model));
          own.abort();
        };
        if (signal.aborted) onAbort();
        else signal.addEventListener("abort", onAbort, { once: true });
      }),
    ]).finally(() => {
      timer?.cancel();
      if (onAbort) signal.removeEventListener("abort", onAbort);
    });
  };

  const event = <Type extends "model.responded" | "model.failed">(
    { id, path }: CallModelCommand,
    type: Type,
    body: Omit<InputEvent<Type>["body"], "command">,
  ) => ({ id, type, path, body: { command: id, ...body } }) as InputEvent<Type>;

  return {
    isPaid: (alias) => models[alias]?.cost !== "zero",
    quote: (key, command) => {
      const model = models[command.alias];
      const agent = findAgent(definition, command.agent);
      if (!model || !agent) return { error: unknownAlias(command) };
      if (model.cost === "zero") return { amount: { microUsd: 0, tokens: 0 } };
      const unpriced = (reason: string) =>
        new OrchestrationError("budget/unpriced", { model: model.id, alias: command.alias, reason });
      if (!model.quote) return { error: unpriced("it has no `quote`") };
      try {
        const quoted: unknown = model.quote(requestOf(key, command, agent, []));
        const { microUsd, tokens } = (quoted ?? {}) as Partial<Spend>;
        if (!isAmount(microUsd) || !isAmount(tokens)) return { error: unpriced("its `quote` is no amount") };
        return { amount: { microUsd: Math.ceil(microUsd), tokens: Math.ceil(tokens) } };
      } catch (thrown) {
        return { error: unpriced(reasonOf(thrown)) };
      }
    },
    call: async (key, command, signal) => {
      const model = models[command.alias];
      const agent = findAgent(definition, command.agent);
      if (!model || !agent) {
        return event(command, "model.failed", { model: command.alias, error: unknownAlias(command).toRecord() });
      }
      const failed = (error: OrchestrationError) =>
        event(command, "model.failed", { model: model.id, error: error.toRecord() });
      /** Nothing was called, and that is known to have cost nothing; a model without cost need not say so. */
      const uncalled = (error: OrchestrationError) => {
        const usage = { inputTokens: 0, outputTokens: 0 };
        const free = model.cost === "zero" ? {} : { usage, cost: { microUsd: 0, basis: "reported" as const } };
        return event(command, "model.failed", { model: model.id, error: error.toRecord(), ...free });
      };
      const target = `model:${model.provider ?? model.id}`;
      const releases: Release[] = [];
      try {
        let pass: Pass | undefined;
        try {
          if (restrictions) await checkRestrictions(key, command);
          // Asked before the queue, so that nobody queues up for what is not there.
          checkBreaker(target);
          let waited = false;
          // The tenant's place first: one that waits for its own bound shall hold no place that others could use.
          for (const place of limiter ? [`tenant:${key.tenant}`, target] : []) {
            const release = limiter?.acquire({ target: place, tenant: key.tenant, signal });
            if (release instanceof Promise) waited = true;
            if (release) releases.push(release instanceof Promise ? await release : release);
          }
          if (waited) await checkRestrictions(key, command);
          // Stopped while it waited for any of this: then nothing is called, and nothing paid.
          if ((restrictions || limiter) && signal.aborted) throw stopped(model);
          const passed = breakers?.pass(target);
          if (passed && "retryAt" in passed) throw breakerOpen(target, passed);
          pass = passed;
        } catch (thrown) {
          // Nothing was called. A port that threw is no failure of the model.
          if (OrchestrationError.is(thrown)) return uncalled(thrown);
          if (signal.aborted) return uncalled(stopped(model));
          return uncalled(new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown }));
        }
        const span = tracer.span(spanNames.model(model.id), { "gen_ai.agent.name": agent.name });
        try {
          const withheld = withheldOf(agent, command.tools);
          const outcome = generate(model, requestOf(key, command, agent, withheld), signal);
          const answer = outcome instanceof Promise ? await outcome : outcome;
          const { parts, usage, cost, model: name } = read(answer, model.id);
          span.end();
          pass?.record(true);
          return event(command, "model.responded", {
            model: name ?? model.id,
            parts,
            ...(usage ? { usage } : {}),
            ...(cost ? { cost } : {}),
            ...(withheld.length > 0 ? { withheld } : {}),
          });
        } catch (thrown) {
          const error = modelError(thrown, model.id, clock.now());
          span.end({ code: error.code });
          // Who stopped the call does not know how the provider is.
          pass?.record(signal.aborted ? undefined : evidenceOf(error));
          return failed(error);
        }
      } finally {
        for (const release of releases) release();
      }
    },
  };
}

function unknownAlias({ agent, alias }: CallModelCommand): OrchestrationError {
  return new OrchestrationError("model/alias-unknown", { agent, alias });
}

/** An amount that a budget can hold exactly once it is rounded up. */
function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(Math.ceil(value));
}

function isThenable(value: unknown): value is PromiseLike<ModelResponse> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** An agent of a team or of a team inside it, or one of their judges. */
export function findAgent(definition: SupervisorDefinition, name: string): AnyAgent | undefined {
  const direct = definition.agents.get(name);
  if (direct && !direct.team) return direct;
  const { compliance, reviewer } = definition.judges ?? {};
  const judge = [compliance, reviewer].find((one) => one?.name === name);
  if (judge) return judge;
  for (const { team } of definition.agents.values()) {
    const inner = team && findAgent(team, name);
    if (inner) return inner;
  }
  return direct;
}
