import { OrchestrationError } from "../errors.ts";
import { assertPrincipal, type Principal, type PrincipalSource } from "../principal.ts";

/**
 * Who may do what with a supervisor and its runs, by role. Without it, everybody may do everything: that is development
 * mode, and it says so. With it, what names no role nobody may do.
 */
export interface OperatorRoles {
  /** Begins runs. */
  readonly start?: readonly string[];
  /** Sees runs, what waits for people, money, restrictions, and which values were shown to whom. */
  readonly see?: readonly string[];
  /** Says a person's word: on approvals, on tools' questions, on agents' to an operator. Who may approve what, its own rule says too. */
  readonly approve?: readonly string[];
  /** Changes what is allowed now: restricts and lifts. */
  readonly restrict?: readonly string[];
  /** Cancels, undoes, does again, puts aside, moves to another definition, settles what is uncertain. */
  readonly operate?: readonly string[];
}

export type OperatorAction = keyof OperatorRoles;

/** @throws OrchestrationError `policy/operator-not-allowed`, `options/invalid` for who is nobody */
export type AssertOperator = (action: OperatorAction, principal?: Principal) => void;

/** `*` stands for everybody, those without any role included. */
export function operatorCheck(roles: OperatorRoles | undefined, principals: PrincipalSource): AssertOperator {
  if (roles === undefined) return () => {};
  return (action, given) => {
    const named = roles[action] ?? [];
    if (named.includes("*")) return;
    const principal = given ?? principals.current();
    assertPrincipal(principal);
    if (principal.roles.some((role) => named.includes(role))) return;
    const data = { principal: principal.id, action, roles: [...named] };
    throw new OrchestrationError("policy/operator-not-allowed", data);
  };
}
