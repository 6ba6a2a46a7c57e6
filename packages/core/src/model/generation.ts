import type { Voice } from "../answer/deltas.ts";
import { OrchestrationError } from "../errors.ts";
import type { Clock } from "../port/clock.ts";
import type { Model, ModelDelta, ModelRequest, ModelResponse } from "../port/model.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { quietController } from "../quiet-stop.ts";
import { defaultTimeoutMs } from "./failure.ts";

/** What holds for all calls of one gateway. */
export interface GenerationBounds {
  readonly clock: Clock;
  /** Of the text that a client says before its answer is whole. */
  readonly payloadBytes: number;
  /** Told what listeners of clients throw when they are stopped. */
  readonly stray?: ((thrown: unknown) => void) | undefined;
}

/**
 * One call of a model's client, under its deadline and signal. The model gateway alone makes it (R3).
 * @throws whatever the client throws; OrchestrationError `model/timeout`, `model/failed` when it was stopped,
 *   `model/response-invalid` for text that is too long before it has ended
 */
export function generate(
  bounds: GenerationBounds,
  model: Model,
  request: ModelRequest,
  signal: StopSignal,
  voice?: Voice,
): ModelResponse | Promise<ModelResponse> {
  return new Generation(bounds, model, signal, voice).make(request);
}

/** It lasts as long as the call: what it holds is what a run that waits for a model costs, so there are few closures. */
class Generation {
  readonly #bounds: GenerationBounds;
  readonly #model: Model;
  readonly #signal: StopSignal;
  readonly #voice: Voice | undefined;
  // Also for a client that never looks at its signal: a getter here would cost more than what it puts off.
  readonly #own: AbortController;
  #timer: { cancel: () => void } | undefined;
  #first: { cancel: () => void } | undefined;
  #heard = false;
  #bytes = 0;
  #over: OrchestrationError | undefined;
  #reject: ((thrown: unknown) => void) | undefined;

  constructor(bounds: GenerationBounds, model: Model, signal: StopSignal, voice: Voice | undefined) {
    this.#own = quietController(bounds.stray);
    this.#bounds = bounds;
    this.#model = model;
    this.#signal = signal;
    this.#voice = voice;
    if (signal.aborted) this.#own.abort();
  }

  make(request: ModelRequest): ModelResponse | Promise<ModelResponse> {
    const outcome = this.#model.generate(request, { signal: this.#own.signal, onDelta: this.#onDelta });
    if (!isThenable(outcome)) return outcome;
    return new Promise<ModelResponse>((resolve, reject) => {
      this.#reject = reject;
      Promise.resolve(outcome).then(
        (response) => {
          this.#end();
          resolve(response);
        },
        (thrown: unknown) => this.#fail(thrown),
      );
      if (this.#over) return this.#fail(this.#over);
      this.#startTimers();
      if (this.#signal.aborted) this.#onAbort();
      else this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    });
  }

  readonly #onDelta = (delta: ModelDelta): void => {
    if (!this.#heard) this.#first?.cancel();
    this.#heard = true;
    if (this.#own.signal.aborted) return;
    // It never throws, whatever a client says: that would end a call whose answer may be good.
    if (typeof delta !== "object" || delta === null) return;
    if (delta.type === "text" && typeof delta.text !== "string") return;
    this.#bound(delta);
    if (this.#over) return;
    if (delta.type === "text") this.#voice?.say(delta.text);
    if (delta.type === "retracted") this.#voice?.retract();
  };

  readonly #onAbort = (): void => this.#stop(stopped(this.#model));

  /** What is too long already is not waited for to its end. */
  #bound(delta: ModelDelta): void {
    if (delta.type === "retracted") this.#bytes = 0;
    if (delta.type !== "text") return;
    this.#bytes += Buffer.byteLength(delta.text);
    const { payloadBytes } = this.#bounds;
    if (this.#bytes <= payloadBytes) return;
    const reason = `more than the limit of ${payloadBytes} bytes`;
    this.#over = new OrchestrationError("model/response-invalid", { model: this.#model.id, reason });
    this.#fail(this.#over);
    this.#own.abort();
  }

  #startTimers(): void {
    const { clock } = this.#bounds;
    const { timeoutMs = defaultTimeoutMs, firstSignMs } = this.#model;
    const now = clock.now();
    this.#timer = clock.at(now + timeoutMs, () => this.#late(timeoutMs));
    if (firstSignMs !== undefined && firstSignMs < timeoutMs && !this.#heard) {
      this.#first = clock.at(now + firstSignMs, () => this.#late(firstSignMs));
    }
  }

  #late(timeoutMs: number): void {
    this.#stop(new OrchestrationError("model/timeout", { model: this.#model.id, timeoutMs }));
  }

  /** An answer that is here already counts; what the client says of its end comes behind the reason for it. */
  #stop(error: OrchestrationError): void {
    queueMicrotask(() => this.#fail(error));
    this.#own.abort();
  }

  #fail(thrown: unknown): void {
    this.#end();
    this.#reject?.(thrown);
  }

  #end(): void {
    this.#timer?.cancel();
    this.#first?.cancel();
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}

/** What a call comes to that somebody stopped. */
export function stopped({ id: model }: Model): OrchestrationError {
  return new OrchestrationError("model/failed", { model, reason: "it was stopped" });
}

function isThenable(value: unknown): value is PromiseLike<ModelResponse> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
