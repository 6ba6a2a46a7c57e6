import { OrchestrationError } from "../errors.ts";
import type { BudgetAmount, Spend } from "../event.ts";

/** Arithmetic on amounts: whole numbers of millionths of a US dollar and of tokens, never below 0. */

export const noSpend: Spend = { microUsd: 0, tokens: 0 };

/** The members of an amount, in the order in which they are shown. */
export const members = ["microUsd", "tokens"] as const satisfies readonly (keyof Spend)[];

export function addSpend(left: Spend, right: Spend): Spend {
  return { microUsd: left.microUsd + right.microUsd, tokens: left.tokens + right.tokens };
}

/** What is left of an amount, 0 where more was taken away than there was. */
export function minusSpend(left: Spend, right: Spend): Spend {
  return {
    microUsd: Math.max(0, left.microUsd - right.microUsd),
    tokens: Math.max(0, left.tokens - right.tokens),
  };
}

export function leastSpend(left: Spend, right: Spend): Spend {
  return { microUsd: Math.min(left.microUsd, right.microUsd), tokens: Math.min(left.tokens, right.tokens) };
}

/**
 * An amount in whole numbers, rounded up: a provider may charge parts of a millionth.
 * @throws OrchestrationError `limits/not-a-bound` for what is no amount; it would make every later sum one
 */
export function wholeSpend(what: string, { microUsd, tokens }: Spend): Spend {
  return { microUsd: whole(`${what}.microUsd`, microUsd), tokens: whole(`${what}.tokens`, tokens) };
}

function whole(limit: string, value: number): number {
  const rounded = Math.ceil(value);
  if (Number.isSafeInteger(rounded) && value >= 0) return rounded;
  throw new OrchestrationError("limits/not-a-bound", { limit, value: String(value) });
}

/** A bound in whole numbers, rounded down: what a provider's parts of a millionth have left of it. */
export function wholeAmount({ microUsd, tokens }: BudgetAmount): BudgetAmount {
  return {
    ...(microUsd === undefined ? {} : { microUsd: Math.floor(microUsd) }),
    ...(tokens === undefined ? {} : { tokens: Math.floor(tokens) }),
  };
}

/** What a bound leaves when this much is gone. A member without a bound is not in it. */
export function leftOf(bound: BudgetAmount, gone: Spend): BudgetAmount {
  return {
    ...(bound.microUsd === undefined ? {} : { microUsd: Math.max(0, bound.microUsd - gone.microUsd) }),
    ...(bound.tokens === undefined ? {} : { tokens: Math.max(0, bound.tokens - gone.tokens) }),
  };
}
