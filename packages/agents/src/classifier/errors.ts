import type { ErrorData } from "@remit/core";

interface ClassifierErrorEntry {
  readonly retryable: boolean;
  readonly message: string;
  readonly hint: string;
}

/** What can go wrong with a classifier of texts. */
export const classifierErrorCodes = {
  "classifier/examples-invalid": {
    retryable: false,
    message: "these examples cannot be learned from: {reason}",
    hint: "Give texts with their intents, of two intents at least; one that is empty or of no intent teaches nothing.",
  },
  "classifier/option-invalid": {
    retryable: false,
    message: "{option} is {value}: {reason}",
    hint: "Correct the option, or leave it out for its default.",
  },
  "classifier/text-invalid": {
    retryable: false,
    message: "what is to be classified is no text but {found}",
    hint: "Give a text; where an agent's input may be without one, let `text` give an empty one, of which nothing is known.",
  },
  "classifier/data-invalid": {
    retryable: false,
    message: "this is no stored classifier: {reason}",
    hint: "Store what `toJSON()` gives and read that again; a classifier of another version is trained anew from its examples.",
  },
  "classifier/request-foreign": {
    retryable: false,
    message: "the classifier of {wanted} was asked by {agent}",
    hint: "Give that agent a model of its own: another alias, or another model under this one.",
  },
} as const satisfies Record<`${string}/${string}`, ClassifierErrorEntry>;

export type ClassifierErrorCode = keyof typeof classifierErrorCodes;

/** Every error of `@remit/agents/classifier`. `code` says what happened, `hint` what to do, `data` is JSON. */
export class ClassifierError<Code extends ClassifierErrorCode = ClassifierErrorCode> extends Error {
  override readonly name = "ClassifierError";
  readonly code: Code;
  readonly data: ErrorData;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, data: ErrorData, options?: { readonly cause?: unknown }) {
    const { message, hint, retryable } = classifierErrorCodes[code];
    super(
      `${code}: ${message.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = data[name];
        return typeof value === "string" ? value.slice(0, 300) : (JSON.stringify(value)?.slice(0, 300) ?? "?");
      })}`,
      options,
    );
    this.code = code;
    this.data = data;
    this.hint = hint;
    this.retryable = retryable;
  }
}
