import type { ErrorData } from "@remit/core";

interface ToolsErrorEntry {
  readonly retryable: boolean;
  readonly message: string;
  readonly hint: string;
}

/** What can go wrong around a set of tools and around schemas that come from outside. */
export const toolsErrorCodes = {
  "registry/duplicate-tool": {
    retryable: false,
    message: "two tools are named {tool}",
    hint: "Rename one of them; a name means one tool in a registry.",
  },
  "registry/tool-unknown": {
    retryable: false,
    message: "there is no tool named {tool}; there are {known}",
    hint: "Correct the name, or put the tool into the registry.",
  },
  "schema/invalid": {
    retryable: false,
    message: "the JSON Schema of {owner} cannot be used: {reason}",
    hint: "Mend the document where it comes from, or give a schema of your own.",
  },
  "schema/dialect-foreign": {
    retryable: false,
    message:
      "the JSON Schema of {owner} has the type {type} at {pointer}, which is a type elsewhere and none of JSON Schema",
    hint: "Read the description with `readFunction`, or the schema alone with `translateSchema`, which write such types as JSON Schema's and tell what they changed; or give a schema of your own.",
  },
  "schema/too-large": {
    retryable: false,
    message: "the JSON Schema of {owner} has {found} {what}, more than {limit}",
    hint: "Give a smaller schema of your own that covers what you use.",
  },
  "schema/reference-refused": {
    retryable: false,
    message: "the JSON Schema of {owner} refers to {reference}: {reason}",
    hint: "Only references inside the document are followed, and none that leads back to itself; give a schema of your own.",
  },
  "schema/pattern-refused": {
    retryable: false,
    message: "the JSON Schema of {owner} has the pattern {pattern}: {reason}",
    hint: "Back-references and look-behind cannot be matched in bounded time; give a schema of your own.",
  },
  "schema/keyword-refused": {
    retryable: false,
    message: "the JSON Schema of {owner} is not checked at once: {reason}",
    hint: "Read it with `createSchemaValidator`, which checks it on a thread of its own, or give a schema of your own.",
  },
  "schema/check-timeout": {
    retryable: false,
    message: "checking by the JSON Schema of {owner} took longer than {budgetMs} ms",
    hint: "A pattern or a part of it takes far longer than its text; give a schema of your own.",
  },
  "schema/check-failed": {
    retryable: true,
    message: "the value could not be checked by the JSON Schema of {owner}: {reason}",
    hint: "The thread that checks has ended; the next check starts another one.",
  },
} as const satisfies Record<`${string}/${string}`, ToolsErrorEntry>;

export type ToolsErrorCode = keyof typeof toolsErrorCodes;

const brand = Symbol.for("remit.tools-error");

/** Every error of this package. `code` says what happened, `hint` what to do, `data` is JSON. */
export class ToolsError<Code extends ToolsErrorCode = ToolsErrorCode> extends Error {
  override readonly name = "ToolsError";
  readonly code: Code;
  readonly data: ErrorData;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, data: ErrorData, options?: { readonly cause?: unknown }) {
    const entry = toolsErrorCodes[code];
    super(`${code}: ${filled(entry.message, data)}`, options);
    this.code = code;
    this.data = data;
    this.hint = entry.hint;
    this.retryable = entry.retryable;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this or another copy of the package, of this code or, without one, of any. */
  static is<Code extends ToolsErrorCode = ToolsErrorCode>(error: unknown, code?: Code): error is ToolsError<Code> {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as { code?: unknown }).code === code;
  }
}

function filled(template: string, data: ErrorData): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = data[name];
    if (value === undefined) return "?";
    const text = typeof value === "string" ? `"${value}"` : JSON.stringify(value);
    return text.length > 500 ? `${text.slice(0, 500)}…` : text;
  });
}
