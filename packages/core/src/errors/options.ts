import type { ErrorTable } from "./entry.ts";

/** What goes wrong where types do not reach. */
export const optionsErrors = {
  "options/invalid": {
    retryable: false,
    message: "{where} wants {wants} as {member}, and got {value}",
    hint: "In JavaScript and behind `any` no compiler tells: compare the call with the type of its options.",
  },
} as const satisfies ErrorTable<"options">;
