export type PolicyEffect = "allow" | "approve" | "deny";

/** What a policy says. */
export interface PolicyAnswer {
  readonly effect: PolicyEffect;
  /** The rule that decided; `no-rule` where none did. */
  readonly ruleId: string;
  readonly because: string;
  /** With `deny` only. */
  readonly code?: "policy/denied" | "policy/no-rule" | "policy/not-yet" | "policy/evaluation-failed";
}

export const strictness: Readonly<Record<PolicyEffect, number>> = { allow: 0, approve: 1, deny: 2 };

/** The answer of a rule that could not be evaluated. */
export function failedRule(ruleId: string, reason: string): PolicyAnswer {
  return { effect: "deny", ruleId, because: reason, code: "policy/evaluation-failed" };
}
