import type { Principal } from "../principal.ts";
import type { BudgetAmount, Spend } from "./budget.ts";
import type { InputBodies, InputEvent } from "./input.ts";
import type { RestrictionTarget } from "./restriction.ts";

/** Bodies of entries in streams beyond runs (D6). */
export interface StreamBodies {
  /** A run has taken a part of its tenant's budget. The same `slice` id twice is one slice. */
  "slice.taken": { readonly slice: string; readonly run: string; readonly amount: Spend; readonly bound: BudgetAmount };
  /** A run has ended: what it used is spent, the rest of its slices is free again. */
  "slice.settled": { readonly run: string; readonly spent: Spend };
  "restriction.set": {
    readonly target: RestrictionTarget;
    readonly reason: string;
    readonly principal: Principal;
  };
  "restriction.lifted": {
    readonly target: RestrictionTarget;
    readonly reason: string;
    readonly principal: Principal;
  };
  /** An answer for a tool that is under way in another process, which puts it into the run. */
  "answer.left": InputBodies["question.answered"];
  /** A deployment serves a specialist; of several the last one takes what is new. */
  "specialist.served": {
    readonly specialist: string;
    readonly contract: string;
    /** `supervisor@definitionHash`. */
    readonly definition: string;
  };
  /** It takes nothing new any more. */
  "specialist.withdrawn": { readonly specialist: string; readonly definition: string };
  /**
   * An event for a run of a specialist that another process drives, which puts it into the run. The event itself is entry
   * `letter` of the run's own letters, so that it is erased with the run.
   */
  "delegation.left": {
    readonly tenant: string;
    readonly run: string;
    readonly definition: string;
    readonly letter: number;
  };
  /** One of the letters of a specialist's run. */
  "delegation.letter": { readonly event: InputEvent };
  /** A run that was given up was taken up again as another one, or put aside. */
  "letter.redriven": { readonly run: string; readonly as: string; readonly principal: Principal };
  "letter.dismissed": { readonly run: string; readonly reason: string; readonly principal: Principal };
  /** Where a stream of the tenant stood at a time, signed by the operator's key (ADR 22). */
  "checkpoint.signed": {
    /** `kind/id` of the stream. */
    readonly stream: string;
    /** Seq and hash of its last entry. */
    readonly seq: number;
    readonly hash: string;
    /** Hash of the entry before this one in the stream of checkpoints, "" for the first. */
    readonly previous: string;
    /** The public key's thumbprint (RFC 7638). */
    readonly keyId: string;
    /** Ed25519 over tenant and members, as 86 characters of base64url. */
    readonly signature: string;
  };
  /** Somebody wants the bodies of a run's entries erased. */
  "erasure.requested": {
    readonly run: string;
    /** Only entries of before this time (epoch ms). */
    readonly before?: number;
    /** Only what the tokens of these classes of data stand for. */
    readonly classes?: readonly string[];
    readonly reason: string;
    readonly principal: Principal;
  };
  /** They are gone: so many, the last of them at most this seq. */
  "run.erased": {
    readonly run: string;
    readonly before?: number;
    readonly classes?: readonly string[];
    readonly entries: number;
    readonly through: number;
  };
  "definition.loaded": {
    readonly supervisor: string;
    readonly definitionHash: string;
    /** Hashes of function texts, by what they belong to and its version. */
    readonly functions: { readonly [owner: string]: string };
  };
  /** A run holds values of a class, in a stream of their own; sealed under this key of the operator. */
  "class.sealed": { readonly keyId: string; readonly class: string };
  /** Tokens of a run, and under the operator's key what they stand for; a masked one stands for nothing any more. */
  "value.sealed": {
    /** Which of the operator's keys. */
    readonly keyId: string;
    readonly values: readonly { readonly token: string; readonly class: string; readonly box?: string }[];
  };
  /** Values were let out: the tokens that stood for them, by class, and to whom. */
  "value.disclosed": {
    readonly run: string;
    readonly to: { readonly kind: "tool" | "model" | "caller" | "run" | "approver"; readonly name: string };
    /** The call, agent instance or effect for which it was; "" for the run's own answer. */
    readonly path: string;
    readonly tokens: { readonly [dataClass: string]: readonly string[] };
  };
}
