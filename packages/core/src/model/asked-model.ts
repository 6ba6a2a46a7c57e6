import type { Deltas, Voice } from "../answer/deltas.ts";
import type { CallModelCommand } from "../command.ts";
import { evidenceOf, type Pass } from "../effect/breaker.ts";
import type { Release } from "../effect/limiter.ts";
import type { Taken } from "../effect/rate.ts";
import type { OrchestrationError } from "../errors.ts";
import type { InputEvent, ModelChoice, ResponsePart, Usage } from "../event.ts";
import { canonicalJson } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { FailedCall, Model, ModelRequest, ModelResponse } from "../port/model.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import type { Tracer } from "../port/tracer.ts";
import type { Sealing } from "../seal/sealing.ts";
import { readAnswer } from "./answer.ts";
import type { ResponseCache } from "./cache.ts";
import type { ContextBudget, FittedContext } from "./context.ts";
import { modelError, toldBy } from "./failure.ts";
import { type GenerationBounds, generate } from "./generation.ts";
import type { modelLatencies } from "./latency.ts";
import { openModelSpan } from "./span.ts";
import { summarised } from "./summary.ts";

/** Failures that say nothing about how another model would do. */
const staysWith: ReadonlySet<string> = new Set([
  "policy/revoked",
  "policy/denied",
  "policy/no-rule",
  "policy/not-yet",
  "policy/evaluation-failed",
  "run/internal",
]);

/** The model that a call asks, and the one that would be asked next. */
export interface Asked {
  readonly command: CallModelCommand;
  readonly model: Model;
  readonly choice: ModelChoice | undefined;
  readonly next: string | undefined;
  readonly signal: StopSignal;
}

/** What a call holds until it is over, whatever comes of it. */
export interface Places {
  readonly releases: Release[];
  taken: Taken | undefined;
}

/** A call that everything before it has let pass. */
export interface Admitted extends Asked, Places {
  readonly key: RunKey;
  readonly agent: { readonly name: string; readonly streams?: boolean };
  /** As the journal has it, and as this model may see it. */
  readonly request: ModelRequest;
  readonly opened: ModelRequest;
  readonly withheld: readonly string[];
  readonly fitted: FittedContext | undefined;
  readonly pass: Pass | undefined;
}

/** What the calls of one gateway share. */
export interface AskingPorts {
  readonly bounds: GenerationBounds;
  readonly tracer: Tracer;
  readonly latencies: ReturnType<typeof modelLatencies>;
  readonly cache: ResponseCache | undefined;
  readonly deltas: Deltas | undefined;
  readonly sealing: Sealing | undefined;
  readonly context: { readonly [alias: string]: ContextBudget } | undefined;
}

/**
 * Asks the model. A run that waits for it holds this and nothing else of the gateway. Whatever comes of it, what the call held
 * is given back.
 */
export function ask(ports: AskingPorts, admitted: Admitted): InputEvent | Promise<InputEvent> {
  let asking: Asking;
  try {
    asking = new Asking(ports, admitted);
  } catch (thrown) {
    giveBack(admitted);
    throw thrown;
  }
  return asking.make();
}

class Asking {
  readonly #ports: AskingPorts;
  readonly #admitted: Admitted;
  readonly #span: ReturnType<typeof openModelSpan>;
  #voice: Voice | undefined;
  readonly #startedAt: number;

  constructor(ports: AskingPorts, admitted: Admitted) {
    const { key, command, model, choice, request } = admitted;
    this.#ports = ports;
    this.#admitted = admitted;
    this.#span = openModelSpan(ports.tracer, { key, command, model, choice, request });
    this.#startedAt = ports.bounds.clock.now();
  }

  make(): InputEvent | Promise<InputEvent> {
    const { key, command, agent, model, opened, signal } = this.#admitted;
    let outcome: ModelResponse | Promise<ModelResponse>;
    try {
      const of = { path: command.path, agent: agent.name, command: command.id };
      this.#voice = agent.streams && !command.summarises ? this.#ports.deltas?.voice(key, of) : undefined;
      outcome = generate(this.#ports.bounds, model, opened, signal, this.#voice);
    } catch (thrown) {
      return this.#failed(thrown, thrown);
    }
    if (!(outcome instanceof Promise)) return this.#answered(outcome);
    return outcome.then(
      (answer) => this.#answered(answer),
      (thrown: unknown) => this.#failed(thrown, thrown),
    );
  }

  #answered(answer: ModelResponse): InputEvent | Promise<InputEvent> {
    const { bounds, latencies, sealing } = this.#ports;
    const { key, model, agent } = this.#admitted;
    let response: ModelResponse | undefined;
    try {
      this.#voice?.end();
      latencies.note(model, bounds.clock.now() - this.#startedAt);
      response = readAnswer(answer, model.id, bounds.payloadBytes);
      const sealed = sealing?.parts(key, response.parts, { agent: agent.name, model: model.id });
      if (!(sealed instanceof Promise)) return this.#responded(response, sealed ?? response.parts);
      const read = response;
      return sealed.then((parts) => this.#responded(read, parts)).catch((thrown) => this.#failed(thrown, answer, read));
    } catch (thrown) {
      return this.#failed(thrown, answer, response);
    }
  }

  #responded(response: ModelResponse, parts: readonly ResponsePart[]): InputEvent {
    const { cache, sealing, context } = this.#ports;
    const { command, model, request, opened, choice, fitted, withheld, pass, taken } = this.#admitted;
    const { usage, cost, model: name = model.id } = response;
    const summary = summarised(model.id, command, parts, context);
    // Tokens that this run made mean nothing in another one.
    const isSealed = () => canonicalJson(parts) !== canonicalJson(response.parts);
    if (cache && opened === request && !(sealing && isSealed())) cache.keep(model, request, { ...response, parts });
    taken?.used(tokensUsed(usage));
    this.#span.set({ model: name, usage, cost, parts });
    this.#span.end();
    pass?.record(true);
    giveBack(this.#admitted);
    return modelEvent(command, "model.responded", {
      model: name,
      parts,
      ...(usage ? { usage } : {}),
      ...(cost ? { cost } : {}),
      ...(choice ? { choice } : {}),
      ...(fitted && fitted.after < fitted.before ? { context: shrunk(fitted) } : {}),
      ...summary,
      ...(withheld.length > 0 ? { withheld } : {}),
    });
  }

  /** @param source what tells of the cost: what was answered and is of no use has its cost all the same */
  #failed(thrown: unknown, source: unknown, read?: ModelResponse): InputEvent {
    const { model, signal, pass, taken } = this.#admitted;
    const error = modelError(thrown, model.id, this.#ports.bounds.clock.now());
    const told: FailedCall = read ? costOf(read) : toldBy(source);
    const outcome = modelFailed(this.#admitted, error, told);
    try {
      this.#span.set({ ...told, next: outcome.body.next });
      this.#span.end({ code: error.code });
      // Who stopped the call does not know how the provider is.
      pass?.record(signal.aborted ? undefined : evidenceOf(error));
      taken?.used(tokensUsed(told.usage));
    } finally {
      giveBack(this.#admitted);
    }
    return outcome;
  }
}

/** Lets others in. What was taken of a rate and not used is nobody's. */
export function giveBack({ taken, releases }: Places): void {
  taken?.unused();
  for (const release of releases) release();
}

/** The event that a call comes to. */
export function modelEvent<Type extends "model.responded" | "model.failed">(
  { id, path }: CallModelCommand,
  type: Type,
  body: Omit<InputEvent<Type>["body"], "command">,
): InputEvent<Type> {
  return { id, type, path, body: { command: id, ...body } } as InputEvent<Type>;
}

/** A call that failed; where another model may do better, it says which. */
export function modelFailed(
  { command, model, choice, next, signal }: Asked,
  error: OrchestrationError,
  told: FailedCall = {},
): InputEvent<"model.failed"> {
  return modelEvent(command, "model.failed", {
    model: model.id,
    error: error.toRecord(),
    ...told,
    ...(choice ? { choice } : {}),
    ...(next !== undefined && !signal.aborted && !staysWith.has(error.code) ? { next } : {}),
  });
}

function costOf({ usage, cost }: ModelResponse): FailedCall {
  return { ...(usage ? { usage } : {}), ...(cost ? { cost } : {}) };
}

function shrunk({ before, after, shortened, dropped }: FittedContext) {
  return { before, after, shortened, dropped };
}

function tokensUsed(usage: Usage | undefined): number | undefined {
  return usage && usage.inputTokens + usage.outputTokens;
}
