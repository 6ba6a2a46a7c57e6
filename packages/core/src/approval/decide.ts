import { OrchestrationError } from "../errors.ts";
import type { InputBodies } from "../event.ts";
import type { Principal } from "../principal.ts";

/**
 * Whether one person's word on one open approval counts (R8). Pure: the core asks it when the word arrives, the
 * service before it delivers, and a replay asks it again.
 *
 * V1 Nobody who asked for a write decides on it, nor their delegate, nor the one whose delegate asked.
 * V2 A word counts only for what the person saw: the binding is that of the case.
 */

/** An open approval, as far as a decision on it matters. */
export interface OpenCase {
  readonly run: string;
  readonly effect: string;
  readonly binding: string;
  readonly requesters: readonly string[];
  /** Roles of which an approver needs one; empty: any. */
  readonly roles: readonly string[];
  /** Epoch ms from which on nothing counts any more. */
  readonly expiresAt: number;
  /** Whose approvals there are, as {@link voterOf} names them. */
  readonly approvals: readonly string[];
  /** Ids of those who said so, for themselves or for others, where that is looked at. */
  readonly voices?: readonly string[];
}

/**
 * Why a decision does not count, or nothing when it does. The first of: `approval/binding-mismatch`,
 * `approval/expired`, `approval/self-approval`, `approval/role-missing`, `approval/already-decided`.
 * @param at epoch ms at which the decision arrives
 */
export function refusalOf(
  open: OpenCase,
  decision: Pick<InputBodies["approval.decided"], "binding" | "decision" | "principal">,
  at: number,
): OrchestrationError | undefined {
  const { effect, requesters, roles, approvals, voices = [] } = open;
  const { principal } = decision;
  if (decision.binding !== open.binding) return new OrchestrationError("approval/binding-mismatch", { effect });
  if (at >= open.expiresAt) return new OrchestrationError("approval/expired", { effect });
  if (idsOf(principal).some((id) => requesters.includes(id))) {
    return new OrchestrationError("approval/self-approval", { principal: principal.id, effect });
  }
  if (roles.length > 0 && !roles.some((role) => principal.roles.includes(role))) {
    return new OrchestrationError("approval/role-missing", { principal: principal.id, effect, roles });
  }
  // Somebody who approved may still say no, or change the arguments: both are more careful than a yes.
  const approved = (id: string) => approvals.includes(id) || voices.includes(id);
  if (decision.decision === "approve" && idsOf(principal).some(approved)) {
    return new OrchestrationError("approval/already-decided", { principal: principal.id, effect });
  }
  return undefined;
}

/**
 * Why an answer to a tool's question does not count: as for an approval, nobody answers for what was asked on their own
 * behalf. The first of: `approval/binding-mismatch`, `question/expired`, `approval/self-approval`, `approval/role-missing`.
 */
export function answerRefusal(
  open: Pick<OpenCase, "run" | "binding" | "requesters" | "roles" | "expiresAt"> & { readonly question: string },
  { binding, principal }: Pick<InputBodies["question.answered"], "binding" | "principal">,
  at: number,
): OrchestrationError | undefined {
  const { question } = open;
  const refusal = refusalOf(
    { ...open, effect: question, approvals: [] },
    { binding, principal, decision: "approve" },
    at,
  );
  if (!OrchestrationError.is(refusal, "approval/expired")) return refusal;
  return new OrchestrationError("question/expired", { question });
}

/** Ids that may not decide on what this principal asked for: their own, and that of whom they stand for. Sorted. */
export function requestersOf(principal: Pick<Principal, "id" | "onBehalfOf">): string[] {
  return [...new Set(idsOf(principal))].sort();
}

/** Whose approval it is: a delegate's is that of whom they stand for, so that the two are one of a quorum. */
export function voterOf({ id, onBehalfOf }: Pick<Principal, "id" | "onBehalfOf">): string {
  return onBehalfOf ?? id;
}

function idsOf({ id, onBehalfOf }: Pick<Principal, "id" | "onBehalfOf">): string[] {
  return onBehalfOf === undefined ? [id] : [id, onBehalfOf];
}
