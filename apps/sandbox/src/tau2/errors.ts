import type { Json } from "../world/world.ts";

/** What can go wrong with a folder in tau2-bench's published format, and what to do about it. */
export const tau2ErrorCodes = {
  "tau2/file-missing": {
    retryable: false,
    hint: "Point at the folder that holds db.json, tasks.json and policy.md; in a tau2-bench checkout that is data/tau2/domains/retail. Telecom is data/tau2/domains/telecom, with db.toml, user_db.toml, main_policy.md and tech_support_manual.md.",
  },
  "tau2/file-broken": {
    retryable: false,
    hint: "Restore the file from the published data set, or repair the place that is named.",
  },
  "tau2/not-supported": {
    retryable: false,
    hint: "Leave the task out of the folder. Retail tasks start from db.json and are acted by the agent; telecom tasks start from functions, not from given data or earlier messages.",
  },
  "tau2/too-few-runs": {
    retryable: false,
    hint: "Run every task at least k times, or ask for a smaller k.",
  },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type Tau2ErrorCode = keyof typeof tau2ErrorCodes;

interface Tau2ErrorOptions {
  readonly data?: { readonly [key: string]: Json };
  /** Says more than the table's hint, for this one case. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A problem with a tau2 folder. `message` names the values, `hint` the next step, `data` is JSON, `cause` the original. */
export class Tau2Error<C extends Tau2ErrorCode = Tau2ErrorCode> extends Error {
  override readonly name = "Tau2Error";
  readonly code: C;
  readonly hint: string;
  readonly retryable: boolean;
  readonly data: { readonly [key: string]: Json };

  constructor(code: C, message: string, { data = {}, hint, cause }: Tau2ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint ?? tau2ErrorCodes[code].hint;
    this.retryable = tau2ErrorCodes[code].retryable;
    this.data = data;
  }
}
