import { OrchestrationError, reasonOf } from "@remit/core";

/**
 * Reads a part of an answer that its type may not be true of: a server that is only compatible, or none at all, may have put
 * `null` where an object stands.
 * @throws OrchestrationError `model/response-invalid` in place of a `TypeError`; anything else as it is
 */
export function legible<Value>(model: string, read: () => Value): Value {
  try {
    return read();
  } catch (thrown) {
    throw illegible(model, thrown) ?? thrown;
  }
}

/**
 * What an answer was that an SDK, or one of ours, tripped over; nothing for any other failure. A network's own `TypeError`
 * has a cause.
 */
export function illegible(model: string, thrown: unknown): OrchestrationError | undefined {
  if (!(thrown instanceof TypeError) || thrown.cause !== undefined) return undefined;
  const reason = `a part of it has another form (${reasonOf(thrown)})`;
  return new OrchestrationError("model/response-invalid", { model, reason }, { cause: thrown });
}
