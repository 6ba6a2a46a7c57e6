import type { PolicyEffect } from "./answer.ts";
import type { EarlierCall, PolicyEdge } from "./request.ts";

/** What has to have returned before a rule of any edge holds; holds the variance of `when` open. */
export interface AnyAfter {
  readonly tools: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a list of rules must accept every kind of request.
  readonly when?: (earlier: EarlierCall, asked: any) => boolean;
}

/** Any rule at all; holds the variance of `when` open. */
export interface AnyPolicyRule {
  readonly id: string;
  readonly on: PolicyEdge | readonly PolicyEdge[];
  readonly effect: PolicyEffect;
  readonly agents?: readonly string[];
  readonly tools?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a list of rules must accept every kind of request.
  readonly when?: (request: any) => boolean;
  readonly after?: AnyAfter | readonly AnyAfter[];
  readonly because: string;
}

/** What has to come before a rule holds, each of it. */
export function aftersOf({ after }: Pick<AnyPolicyRule, "after">): readonly AnyAfter[] {
  if (after === undefined) return [];
  return Array.isArray(after) ? (after as readonly AnyAfter[]) : [after as AnyAfter];
}
