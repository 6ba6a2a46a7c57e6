import type { Voice } from "../answer/deltas.ts";
import { OrchestrationError } from "../errors.ts";
import type { Clock } from "../port/clock.ts";
import type { Model, ModelDelta, ModelRequest, ModelResponse } from "../port/model.ts";
import { defaultTimeoutMs } from "./failure.ts";

/** What holds for all calls of one gateway. */
export interface GenerationBounds {
  readonly clock: Clock;
  /** Of the text that a client says before its answer is whole. */
  readonly payloadBytes: number;
}

/**
 * One call of a model's client, under its deadline and signal. The model gateway alone makes it (R3).
 * @throws whatever the client throws; OrchestrationError `model/timeout`, `model/failed` when it was stopped,
 *   `model/response-invalid` for text that is too long before it has ended
 */
export function generate(
  { clock, payloadBytes }: GenerationBounds,
  model: Model,
  request: ModelRequest,
  signal: AbortSignal,
  voice?: Voice,
): ModelResponse | Promise<ModelResponse> {
  const timeoutMs = model.timeoutMs ?? defaultTimeoutMs;
  const { firstSignMs } = model;
  // Also for a client that never looks at its signal: a getter here would cost more than what it puts off.
  const own = new AbortController();
  const abort = () => own.abort();
  if (signal.aborted) abort();
  let timer: { cancel: () => void } | undefined;
  let first: { cancel: () => void } | undefined;
  let heard = false;
  let bytes = 0;
  let over: OrchestrationError | undefined;
  let refuse: ((error: OrchestrationError) => void) | undefined;
  /** What is too long already is not waited for to its end. */
  const bound = (delta: ModelDelta) => {
    if (delta.type === "retracted") bytes = 0;
    if (delta.type !== "text") return;
    bytes += Buffer.byteLength(delta.text);
    if (bytes <= payloadBytes) return;
    const reason = `more than the limit of ${payloadBytes} bytes`;
    over = new OrchestrationError("model/response-invalid", { model: model.id, reason });
    refuse?.(over);
    abort();
  };
  const onDelta = (delta: ModelDelta) => {
    if (!heard) first?.cancel();
    heard = true;
    if (own.signal.aborted) return;
    bound(delta);
    if (over) return;
    if (delta.type === "text") voice?.say(delta.text);
    if (delta.type === "retracted") voice?.retract();
  };
  const outcome = model.generate(request, { signal: own.signal, onDelta });
  if (!isThenable(outcome)) return outcome;
  return new Promise<ModelResponse>((resolve, reject) => {
    const end = () => {
      timer?.cancel();
      first?.cancel();
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (thrown: unknown) => {
      end();
      reject(thrown);
    };
    /** An answer that is here already counts; what the client says of its end comes behind the reason for it. */
    const stop = (error: OrchestrationError) => {
      queueMicrotask(() => fail(error));
      abort();
    };
    const onAbort = () => stop(stopped(model));
    const late = (ms: number) => () => {
      stop(new OrchestrationError("model/timeout", { model: model.id, timeoutMs: ms }));
    };
    refuse = fail;
    if (over) fail(over);
    const now = clock.now();
    timer = clock.at(now + timeoutMs, late(timeoutMs));
    if (firstSignMs !== undefined && firstSignMs < timeoutMs && !heard) {
      first = clock.at(now + firstSignMs, late(firstSignMs));
    }
    Promise.resolve(outcome).then((response) => {
      end();
      resolve(response);
    }, fail);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** What a call comes to that somebody stopped. */
export function stopped({ id: model }: Model): OrchestrationError {
  return new OrchestrationError("model/failed", { model, reason: "it was stopped" });
}

function isThenable(value: unknown): value is PromiseLike<ModelResponse> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
