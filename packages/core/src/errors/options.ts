import type { ErrorTable } from "./entry.ts";

/** What goes wrong where types do not reach. */
export const optionsErrors = {
  "options/invalid": {
    retryable: false,
    message: "{where} wants {wants} as {member}, and got {value}",
    hint: "In JavaScript and behind `any` no compiler tells: compare the call with the type of its options.",
  },
  "options/unknown": {
    retryable: false,
    message: "{where} has no option {member}; there is {known}",
    hint: "It would do nothing, and a misspelt guard guards nothing: write it as the type of the options has it, or leave it out.",
  },
} as const satisfies ErrorTable<"options">;
