import type { Spending } from "../suite/spend.ts";

/** Dollars with their cents, and with further digits only where they say something. Never less than it is. */
export function dollars(microUsd: number): string {
  const digits = microUsd % 10_000 === 0 ? 2 : microUsd % 100 === 0 || microUsd >= 10_000 ? 4 : 6;
  const unit = 10 ** (6 - digits);
  return `$${((Math.ceil(microUsd / unit) * unit) / 1e6).toFixed(digits)}`;
}

export function spendLimitText(microUsd: number | undefined): string {
  return microUsd === undefined ? "no spend limit" : `at most ${dollars(microUsd)}`;
}

/** `$0.0123 of $1.00 in 340 calls; reported 338, reserved 2`. */
export function spendingText({ microUsd, limitMicroUsd, calls, bases }: Spending): string {
  const of = limitMicroUsd === undefined ? "" : ` of ${dollars(limitMicroUsd)}`;
  const known = Object.entries(bases)
    .sort(([, left], [, right]) => right - left)
    .map(([basis, number]) => `${basis} ${number.toLocaleString("en")}`)
    .join(", ");
  const told = `${dollars(microUsd)}${of} in ${calls.toLocaleString("en")} ${calls === 1 ? "call" : "calls"}`;
  return known === "" ? told : `${told}; ${known}`;
}

/** `gpt-5-mini $0.01 in 12 calls · …`, the dearest first. */
export function byModelText({ models }: Spending): string {
  return Object.entries(models)
    .sort(([, left], [, right]) => right.microUsd - left.microUsd)
    .map(([model, { calls, microUsd }]) => `${model} ${dollars(microUsd)} in ${calls.toLocaleString("en")}`)
    .join(" · ");
}
