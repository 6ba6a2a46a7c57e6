/** Which rule allowed or refused, and under which version of the policy. */
export interface Decision {
  readonly ruleId: string;
  readonly policyVersion: string;
  /**
   * Hash of what the policy was asked, under the tenant's key; where a policy of the supervisor's own was. Absent where it
   * allowed by the names of edge and agent alone: no rule looked at anything else.
   */
  readonly inputs?: string;
}

/** How much has to happen before a write is made: nothing, a verdict by rule, or a person's approval as well. */
export type Tier = "none" | "compliance" | "person";
