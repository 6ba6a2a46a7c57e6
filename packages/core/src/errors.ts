import { agentErrors } from "./errors/agent.ts";
import { approvalErrors } from "./errors/approval.ts";
import { engineErrors } from "./errors/engine.ts";
import { journalErrors } from "./errors/journal.ts";
import { modelErrors } from "./errors/model.ts";
import { optionsErrors } from "./errors/options.ts";
import { policyErrors } from "./errors/policy.ts";
import { runErrors } from "./errors/run.ts";
import { specialistErrors } from "./errors/specialist.ts";
import { supervisorErrors } from "./errors/supervisor.ts";
import { toolErrors } from "./errors/tool.ts";
import type { Json } from "./json.ts";

/**
 * Every error of the kernel, from a table for each area. Codes are `family/what-happened`; `docs/errors.md` is made from
 * this table.
 */
export const errorCodes = {
  ...agentErrors,
  ...approvalErrors,
  ...engineErrors,
  ...journalErrors,
  ...modelErrors,
  ...optionsErrors,
  ...policyErrors,
  ...runErrors,
  ...specialistErrors,
  ...supervisorErrors,
  ...toolErrors,
} as const;

export type ErrorCode = keyof typeof errorCodes;
export type ErrorFamily = ErrorCode extends `${infer Family}/${string}` ? Family : never;
export type ErrorData = { readonly [key: string]: Json | undefined };

/** An error as data: what a journal, a wire or a report holds. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data?: ErrorData;
}

const brand = Symbol.for("remit.error");

/** Every error that Remit throws. `code` says what happened, `hint` what to do, `data` is JSON, `cause` the original. */
export class OrchestrationError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = "OrchestrationError";
  readonly code: Code;
  readonly data: ErrorData;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, data: ErrorData = {}, options?: { readonly cause?: unknown }) {
    const entry = errorCodes[code];
    super(`${code}: ${fill(entry.message, data)}`, options);
    this.code = code;
    this.data = data;
    this.hint = entry.hint;
    this.retryable = entry.retryable;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this or another copy of the package, of this code or, without one, of any. */
  static is<Code extends ErrorCode = ErrorCode>(error: unknown, code?: Code): error is OrchestrationError<Code> {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as { code?: unknown }).code === code;
  }

  /** The error as data, for a journal or a wire. */
  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message, data: this.data };
  }

  toJSON(): ErrorRecord {
    return this.toRecord();
  }
}

/** Makes the error again from its data. A code of another version or package becomes `run/internal` with its message. */
export function errorFrom(record: ErrorRecord): OrchestrationError {
  if (Object.hasOwn(errorCodes, record.code)) return new OrchestrationError(record.code, record.data ?? {});
  return new OrchestrationError("run/internal", {
    reason: record.message,
    code: record.code,
    data: (record.data ?? {}) as Json,
  });
}

/** What was thrown where it is one of ours, and a defect of ours where it is anything else: `run/internal`. */
export function ownError(thrown: unknown): OrchestrationError {
  if (OrchestrationError.is(thrown)) return thrown;
  return new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown });
}

/** The text of something thrown, whatever it was; at most 2,000 characters. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    return cut(thrown instanceof Error ? String(thrown.message) : String(thrown));
  } catch {
    return "something that has no text"; // An object without a prototype, or one whose `toString` throws.
  }
}

const charsMax = 2000;

function cut(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…`.toWellFormed() : text;
}

/** A sentence with its values: text in quotes, the rest as JSON, `?` for what is missing. */
export function fill(template: string, data: ErrorData): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = data[name];
    if (value === undefined) return "?";
    return cut(typeof value === "string" ? `"${value}"` : JSON.stringify(value));
  });
}
