import type { Attributes } from "./event/attributes.ts";
import type { BudgetAmount, Spend, Tier } from "./event.ts";
import type { Grant } from "./grant.ts";
import type { Json } from "./json.ts";
import type { CallFlow, EarlierCall, PolicyFacts } from "./policy/request.ts";
import type { Message } from "./port/model.ts";
import type { Principal } from "./principal.ts";

/**
 * A wish of the pure core. Named by path and local counter (`action#2/tool#1`), so that parallel branches replay the
 * same (D1). What comes of it returns as an input event that names the command.
 */
export type Command =
  | CallModelCommand
  | CallToolCommand
  | LookupCommand
  | DelegateCommand
  | RecallCommand
  | ReserveCommand
  | ReturnBudgetCommand
  | StartTimerCommand;

export interface CallModelCommand {
  readonly type: "callModel";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  readonly alias: string;
  readonly turn: number;
  /** 1 for the first try of this call, counting up over retries; a call that was lost is the same try again. */
  readonly attempt: number;
  /** How many model calls this agent made in this run before, over all its invocations. */
  readonly agentCall: number;
  readonly input: Json;
  readonly messages: readonly Message[];
  /** Names of the tools that this delivery was granted: all that is offered. */
  readonly tools: readonly string[];
  /** Labels of all that the agent has seen. */
  readonly labels: readonly string[];
  /** Candidates of a route that have failed at this turn, in order: others are asked before them. */
  readonly tried: readonly TriedModel[];
  /** It asks for a summary of `messages`, because a request under that alias, of so many tokens, is too long. */
  readonly summarises?: { readonly alias: string; readonly before: number };
  /** A summary was asked for in vain: what is too long is shortened. */
  readonly trims?: true;
  readonly attributes: Attributes;
  /** Absent: nobody is known, and no policy takes that for somebody. */
  readonly facts?: AskedFacts;
}

/** What a policy is told beside the call itself; the gate asks with the same. */
export type AskedFacts = Pick<PolicyFacts, "supervisor" | "principal" | "labels"> & {
  readonly flow?: CallFlow;
  readonly earlier?: readonly EarlierCall[];
};

/** A model that did not do, and the code of its failure. */
export interface TriedModel {
  readonly model: string;
  readonly code: string;
}

export interface CallToolCommand {
  readonly type: "callTool";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  readonly tool: string;
  /** What the model called this call; absent where no model asked for it. */
  readonly callId?: string;
  readonly input: Json;
  readonly effect: "read" | "write";
  /** What the delivery was granted; the gate looks again. */
  readonly grant: Grant;
  /** Empty on reads. */
  readonly key: string;
  readonly attempt: number;
  /**
   * Epoch ms before which a write has to be made; later it is not made, but dispatched anew. Whoever takes a run over
   * knows by it what can still come of a dispatch whose process stands still (D7).
   */
  readonly callBefore?: number;
  readonly attributes: Attributes;
  /** Of everything that its agent has read; absent where nothing foreign can be read. */
  readonly labels?: readonly string[];
  /** Who started the run, and the conversation that it belongs to. */
  readonly principal?: string;
  readonly conversationId?: string;
  /** What the call had to pass before it was asked for, and the policy that says so; the gate looks again. */
  readonly tier: Tier;
  readonly policyVersion: string;
  /** The approval that it rests on: required by tier `person`, and good for these arguments alone (R8). */
  readonly approval?: ApprovalToken;
  /** Absent: nobody is known, and no policy takes that for somebody. */
  readonly facts?: AskedFacts;
}

/** A granted approval on its way to the gate. */
export interface ApprovalToken {
  readonly binding: string;
  readonly by: readonly string[];
  /** What the binding covers beside the call itself. */
  readonly definitionHash: string;
  readonly policyVersion: string;
}

/** Sets money and tokens aside for one model call (R10). Its outcome is `budget.reserved` or `budget.refused`. */
export interface ReserveCommand {
  readonly type: "reserve";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  /** Epoch ms at which it was asked for: names the period of the budget, also when it is asked for again. */
  readonly at: number;
  /** The call that it is for; it is made when this is settled. */
  readonly call: CallModelCommand;
  /** What is left of the slices that the run has taken; absent where the tenant has no budget. */
  readonly sliceLeft?: Spend;
}

/** Tells the tenant's budget what an ending run has used of its slices. Its outcome is `budget.returned`. */
export interface ReturnBudgetCommand {
  readonly type: "returnBudget";
  readonly id: string;
  readonly path: string;
  readonly streams: readonly string[];
  /** Times at which slices were asked for by a process that was lost (epoch ms): their streams hear of the end too. */
  readonly asked?: readonly number[];
  readonly spent: Spend;
}

export interface LookupCommand {
  readonly type: "lookup";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  readonly tool: string;
  readonly input: Json;
  readonly key: string;
  readonly attempt: number;
  /** Epoch ms by which the write was made, if ever: before it has had its time, `never` says nothing (D7). */
  readonly since?: number;
  readonly attributes: Attributes;
}

/**
 * Has a specialist work for this run, or asks how that stands. The same one however often it is carried out. Its outcome is
 * `delegation.accepted`, `delegation.ended` or `delegation.refused`.
 */
export interface DelegateCommand {
  readonly type: "delegate";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  /** The run that it becomes. */
  readonly run: string;
  /** 1 for the one that begins it, counting up over looks. */
  readonly attempt: number;
  readonly specialist: string;
  readonly contract: string;
  /** Absent: it has begun. */
  readonly start?: DelegationStart;
}

/** What goes along with a delegation. */
export interface DelegationStart {
  readonly input: Json;
  readonly labels: readonly string[];
  readonly grant: Grant;
  readonly principal: Principal;
  readonly attributes: Attributes;
  readonly conversationId?: string;
  readonly budget?: BudgetAmount;
  readonly tenantBudget?: true;
  readonly deadlineAt: number;
  readonly depth: number;
}

/** Stops a specialist's run that nobody waits for any more. Its outcome is `delegation.ended` or `delegation.recalled`. */
export interface RecallCommand {
  readonly type: "recall";
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  readonly run: string;
  readonly specialist: string;
  readonly reason: string;
}

export interface StartTimerCommand {
  readonly type: "startTimer";
  readonly id: string;
  readonly path: string;
  readonly dueAt: number;
  /** A durable timer wakes a parked run; the others stop with it. */
  readonly durable: boolean;
  /** The run is at work until it fires: a short wait before another try. */
  readonly holds?: boolean;
}
