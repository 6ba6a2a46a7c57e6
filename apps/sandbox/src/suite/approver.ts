import { type ApprovalCase, type ApprovalDecision, operator } from "@remit/core";

/** Who decides on calls that wait for a person: a simulated member of staff who approves everything, or nobody. */
export const approverNames = ["auto", "none"] as const;
export type ApproverName = (typeof approverNames)[number];

export function isApproverName(name: string): name is ApproverName {
  return (approverNames as readonly string[]).includes(name);
}

/** Approves every case, as `operator auto` of role staff; where it takes several people, as several. */
export function approveAll({ address, approvals, roles, binding }: ApprovalCase): ApprovalDecision {
  const id = approvals.length === 0 ? "auto" : `auto-${approvals.length + 1}`;
  return {
    decision: "approve",
    reason: "approved by the automatic approver",
    principal: operator(id, [...new Set(["staff", ...roles])]),
    key: `${address}:${id}`,
    binding,
  };
}
