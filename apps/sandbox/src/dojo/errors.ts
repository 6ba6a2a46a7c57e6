import type { Json } from "@remit/core";

/** What can go wrong with folders of attack suites, and what to do about it. */
export const dojoErrorCodes = {
  "dojo/file-missing": {
    retryable: false,
    hint: "A suite is a folder with environment.json, injection_vectors.json, tools.json, user_tasks.json and injection_tasks.json; name it, or the folder that holds such folders.",
  },
  "dojo/file-broken": {
    retryable: false,
    hint: "Mend the place that is named; docs/guides/attack-suites.md has the fields.",
  },
  "dojo/suite-unknown": { retryable: false, hint: "Name one of the suites that the folder holds." },
  "dojo/reference-unknown": {
    retryable: false,
    hint: "Tasks, vectors and tools are named in several files of a suite; correct the name, or add what it names.",
  },
  "dojo/tools-unknown": {
    retryable: false,
    hint: "A suite says what its tools are called, not what they do. Name a module with `behaviours: ./tools.mjs` in the policy file; it exports `behaviours`, by tool a function of state and arguments.",
  },
  "dojo/template-unknown": { retryable: false, hint: "Leave --template out for all of them." },
  "dojo/policy-broken": {
    retryable: false,
    hint: "Mend the place that is named; docs/guides/attack-suites.md has the fields.",
  },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type DojoErrorCode = keyof typeof dojoErrorCodes;

/** A problem with an attack suite. `message` names the values, `hint` the next step, `data` is JSON. */
export class DojoError<C extends DojoErrorCode = DojoErrorCode> extends Error {
  override readonly name = "DojoError";
  readonly code: C;
  readonly hint: string;
  readonly retryable: boolean;
  readonly data: { readonly [key: string]: Json };

  constructor(
    code: C,
    message: string,
    { data = {}, cause }: { readonly data?: { readonly [key: string]: Json }; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = dojoErrorCodes[code].hint;
    this.retryable = dojoErrorCodes[code].retryable;
    this.data = data;
  }
}
