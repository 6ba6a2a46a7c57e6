import { type ApprovalCase, type ApprovalDecision, operator } from "@remit/core";
import { objectionMark } from "../model/conduct.ts";

/** Who decides on calls that wait for a person: a simulated member of staff, or nobody. */
export const approverNames = ["auto", "none"] as const;
export type ApproverName = (typeof approverNames)[number];

export function isApproverName(name: string): name is ApproverName {
  return (approverNames as readonly string[]).includes(name);
}

/** Approves every case that its reviewer has nothing against, as `operator auto` of role staff; where it takes several people, as several. */
export function approveAll({ address, approvals, roles, binding, packet }: ApprovalCase): ApprovalDecision {
  const id = approvals.length === 0 ? "auto" : `auto-${approvals.length + 1}`;
  const objections = packet?.evidence.filter((one) => one.startsWith(objectionMark)) ?? [];
  if (objections.length > 0) {
    return {
      decision: "reject",
      reason: `the reviewer objects: ${objections.map((one) => one.slice(objectionMark.length)).join(", ")}`,
      principal: operator(id, [...new Set(["staff", ...roles])]),
      key: `${address}:${id}`,
      binding,
    };
  }
  return {
    decision: "approve",
    reason: "approved by the automatic approver",
    principal: operator(id, [...new Set(["staff", ...roles])]),
    key: `${address}:${id}`,
    binding,
  };
}
