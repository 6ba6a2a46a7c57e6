import type { CallModelCommand } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Spend } from "../event.ts";
import type { Model, ModelRequest } from "../port/model.ts";

export type Quote = { readonly amount: Spend } | { readonly error: OrchestrationError };

/** What one call of this model can cost at most. */
export function quoteOf(command: CallModelCommand, model: Model, request: ModelRequest): Quote {
  if (model.cost === "zero") return { amount: { microUsd: 0, tokens: 0 } };
  if (!model.quote) return { error: unpriced(command, model, "it has no `quote`") };
  try {
    const quoted: unknown = model.quote(request);
    const { microUsd, tokens } = (quoted ?? {}) as Partial<Spend>;
    if (!isAmount(microUsd) || !isAmount(tokens)) {
      return { error: unpriced(command, model, "its `quote` is no amount") };
    }
    return { amount: { microUsd: Math.ceil(microUsd), tokens: Math.ceil(tokens) } };
  } catch (thrown) {
    return { error: unpriced(command, model, reasonOf(thrown)) };
  }
}

/** What a rate limit takes before the call: what the model says it may need, or nothing where it says nothing. */
export function tokensOf(model: Model, request: ModelRequest): number {
  try {
    const tokens = model.quote?.(request).tokens;
    return isAmount(tokens) ? Math.ceil(tokens) : 0;
  } catch {
    return 0; // Where a budget needs the quote, it says so; here the answer's own usage is taken instead.
  }
}

export function unpriced(
  { alias }: CallModelCommand,
  { id: model }: Pick<Model, "id">,
  reason: string,
): OrchestrationError {
  return new OrchestrationError("budget/unpriced", { model, alias, reason });
}

/** An amount that a budget can hold exactly once it is rounded up. */
function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(Math.ceil(value));
}
