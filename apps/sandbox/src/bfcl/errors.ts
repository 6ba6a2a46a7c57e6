import type { Json } from "@remit/core";

/** What can go wrong with folders of function-calling conversations, and what to do about it. */
export const bfclErrorCodes = {
  "bfcl/file-missing": {
    retryable: false,
    hint: "Name a folder with multi_turn_*.jsonl or irrelevance.jsonl, and for conversations func_doc/ beside them; docs/guides/run-scenarios.md has the form.",
  },
  "bfcl/file-broken": {
    retryable: false,
    hint: "Mend the place that is named; docs/guides/run-scenarios.md has the form.",
  },
  "bfcl/call-broken": {
    retryable: false,
    hint: "Calls are written as one Python call with literals alone, such as move(source='a', target=['b', 2]); nothing is evaluated.",
  },
  "bfcl/class-unknown": {
    retryable: false,
    hint: "The functions of a class stand in a file of func_doc/ that bears its name in small letters with underscores; add it, or correct the name.",
  },
  "bfcl/function-unknown": {
    retryable: false,
    hint: "Calls and withheld functions name functions of the classes that the conversation involves; correct the name.",
  },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type BfclErrorCode = keyof typeof bfclErrorCodes;

/** A problem with such a folder. `message` names the values, `hint` the next step, `data` is JSON. */
export class BfclError<C extends BfclErrorCode = BfclErrorCode> extends Error {
  override readonly name = "BfclError";
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
    this.hint = bfclErrorCodes[code].hint;
    this.retryable = bfclErrorCodes[code].retryable;
    this.data = data;
  }
}
