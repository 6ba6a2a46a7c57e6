import type { Audience } from "../audience.ts";
import type { ErrorData } from "../errors.ts";
import type { Principal } from "../principal.ts";
import type { RuntimeOptions } from "../supervisor/options.ts";
import type { FindingCode } from "./finding.ts";
import type { Ground } from "./ground.ts";

/**
 * What is known beside the definition. The options that a supervisor is run with are taken as they are; what is not given
 * is not looked at.
 */
export interface CheckOptions
  extends Partial<
    Pick<
      RuntimeOptions<string>,
      "models" | "tenants" | "approvers" | "budgets" | "concurrency" | "rates" | "context" | "seal" | "vault"
    >
  > {
  /** Everybody who may approve, with their roles. */
  readonly people?: readonly Pick<Principal, "id" | "roles">[];
  /** Whose questions somebody answers; both when absent. */
  readonly audiences?: readonly Audience[];
  /**
   * Labels whose data may decide what is written, such as `mcp:crm`. Those of a run's own principals and those that only
   * say how sensitive something is need not be named.
   */
  readonly trusted?: readonly string[];
  /** True: whatever holds a function has a version of its own. */
  readonly versions?: boolean;
}

/** Takes a finding down. */
export type Note = (code: FindingCode, path: readonly string[], data: ErrorData) => void;

/** Looks at a supervisor from one side. Pure; never throws, whatever the definition holds. */
export type Rule = (ground: Ground, note: Note, options: CheckOptions) => void;
