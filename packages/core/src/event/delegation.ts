import type { ErrorRecord } from "../errors.ts";
import type { Grant } from "../grant.ts";
import type { Json } from "../json.ts";
import type { BudgetAmount } from "./budget.ts";

/** A run's work for another one, which waits for what it comes to: what travels with a delegation (ADR 30). */
export interface Delegation {
  /** Who waits: the run, the path of the instance there, and `supervisor@definitionHash`. */
  readonly parent: { readonly run: string; readonly path: string; readonly definition: string };
  /** `name@version` of the specialist, and the hash of the contract that its caller holds. */
  readonly specialist: string;
  readonly contract: string;
  /** What the delivery was granted at most. */
  readonly grant: Grant;
  /** Epoch ms: when the caller's own time is over. */
  readonly deadlineAt: number;
  /** What is left of the caller's budgets; absent: nothing bounds it there. */
  readonly budget?: BudgetAmount;
  /** The tenant has a budget at the caller's, so it must have one here. */
  readonly tenantBudget?: true;
  /** Delegations on the way down, this one included. */
  readonly depth: number;
  /** Ed25519 by the caller's key, over all of this, the input, its labels, and for whom. */
  readonly signature?: { readonly keyId: string; readonly value: string };
  /** Whose key that is, as the specialist's owner names them; absent: nobody has shown who they are. */
  readonly caller?: string;
  /** Why the specialist's owner does not take it: nothing of the run is done. */
  readonly refused?: ErrorRecord;
}

/** What a delegated run came to. */
export type DelegationEnd =
  | { readonly status: "completed"; readonly output: Json }
  | { readonly status: "denied" | "escalated"; readonly reason: string; readonly packet: Json }
  | { readonly status: "failed"; readonly error: ErrorRecord }
  | { readonly status: "cancelled"; readonly reason: string };
