/** What can go wrong around a world (not inside its domain: that is a `WorldRefusal`), with what to do next. */
export const worldErrorCodes = {
  "world/id-invalid": {
    retryable: false,
    hint: "Use 1 to 128 letters, digits, dots, dashes or underscores; no dot first.",
  },
  "world/definition-invalid": { retryable: false, hint: "Check the module path, the export's name and its tools." },
  "world/tool-unknown": { retryable: false, hint: "Call one of the tools that the world lists." },
  "world/tool-failed": { retryable: false, hint: "The tool itself is broken: see `cause`. Nothing was changed." },
  "world/log-torn": {
    retryable: false,
    hint: "The log was damaged in the middle. Restore it, or start under a new world id.",
  },
  "world/log-gap": {
    retryable: false,
    hint: "Lines are missing or doubled. Restore the log, or start under a new world id.",
  },
  "world/log-diverged": {
    retryable: false,
    hint: "The log was written by another version of this world, or a tool is not pure. Use a new world id.",
  },
  "world/log-write-failed": { retryable: true, hint: "Free some space or fix the folder's rights, then call again." },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type WorldErrorCode = keyof typeof worldErrorCodes;

/** A fault of the world kit. `data` is JSON; `hint` and `retryable` come from the table. */
export class WorldError<Code extends WorldErrorCode = WorldErrorCode> extends Error {
  override readonly name = "WorldError";
  readonly code: Code;
  readonly data: { readonly [key: string]: string | number };
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, message: string, data: { readonly [key: string]: string | number }, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
    this.hint = worldErrorCodes[code].hint;
    this.retryable = worldErrorCodes[code].retryable;
  }
}
