import type { Audience } from "./agent.ts";
import type { ToolAnswer, ToolQuestion } from "./elicit/question.ts";
import type { ErrorRecord } from "./errors.ts";
import type { Grant } from "./grant.ts";
import type { Json } from "./json.ts";
import type { FlowFinding } from "./label/flow.ts";
import type { Mark } from "./label/marks.ts";
import type { PlanStep } from "./label/plan.ts";
import type { PolicyEffect } from "./policy/policy.ts";
import type { PolicyEdge } from "./policy/request.ts";
import type { Principal } from "./principal.ts";
import type { Issue } from "./schema.ts";

/**
 * What a journal holds. An entry is either an *input* (something that came from outside the pure core: a start, a
 * model's answer, a tool's result, a signal) or a *decision* that the core made from it. Decisions carry the `cause`,
 * the seq of their input; inputs carry cause 0. Folding the inputs gives every decision again (R1, R13).
 */

export type EndStatus = "completed" | "denied" | "escalated" | "failed" | "cancelled";
export type RunStatus = "running" | "parked" | EndStatus;

/** Origin labels of one payload: JSON pointer → labels; "" is the whole payload (D10). */
export type LabelTable = { readonly [pointer: string]: readonly string[] };

/** What a call cost. `basis` says how well that is known (D12). */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Among the input tokens: read from the provider's cache. */
  readonly cachedInputTokens?: number;
  /** Among the input tokens: written to the provider's cache, where that has a price of its own. */
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}
export interface Cost {
  /** Millionths of a US dollar. */
  readonly microUsd: number;
  readonly basis: "reported" | "estimated" | "reserved";
}

/** Why a route asked this model and not another one. */
export interface ModelChoice {
  /** `first`, `rule <name>`, `split`, `target`, `fallback` or `breaker`. */
  readonly why: string;
  /** Models that would have come first, and the code of what kept them from it. */
  readonly passedOver?: readonly { readonly model: string; readonly code: string }[];
}

/** What of a transcript is to be summarised before its model is asked. */
export interface SummaryDue {
  /** Alias of who summarises. */
  readonly with: string;
  /** Messages that the summary shall stand for, from the beginning on. */
  readonly messages: number;
  /** Tokens of the whole request, and those that it may have. */
  readonly before: number;
  readonly bound: number;
  /** What follows when there is no summary: the request is shortened, or the call has failed. */
  readonly otherwise: "trim" | "fail";
}

/** Parts of a model's answer. */
export type ResponsePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolCall"; readonly callId: string; readonly tool: string; readonly input: Json }
  | { readonly type: "output"; readonly value: Json }
  | { readonly type: "ask"; readonly of: Audience; readonly question: string }
  | { readonly type: "refusal"; readonly reason: string }
  /** What a provider wants back with the next call as it is: signed or sealed thinking. Shown to no other provider. */
  | { readonly type: "reasoning"; readonly provider: string; readonly data: Json }
  | { readonly type: "media"; readonly media: Media };

/**
 * An image, a sound or a file, as it stands in a payload or a tool's answer: a JSON object with the member `$media`. A
 * model gets it as a part of its own where its provider takes one. Either `data` or `url` is there.
 */
export interface Media {
  /** MIME type, such as `image/png`. */
  readonly $media: string;
  /** The content, in base64. */
  readonly data?: string;
  readonly url?: string;
  readonly name?: string;
}

/** Which rule allowed or refused, and under which version of the policy. */
export interface Decision {
  readonly ruleId: string;
  readonly policyVersion: string;
  /** Hash of what the policy was asked, under the tenant's key; where a policy of the supervisor's own was. */
  readonly inputs?: string;
}

/** An amount that a budget bounds. A member that is left out is not bounded. */
export interface BudgetAmount {
  /** Millionths of a US dollar. */
  readonly microUsd?: number;
  /** Input and output tokens together. */
  readonly tokens?: number;
}
/** An amount that was set aside or used: both members, in full. */
export interface Spend {
  readonly microUsd: number;
  readonly tokens: number;
}

/** The budgets that bound one run, fixed when it starts: its own, and one for each agent by name. */
export interface RunBudget {
  readonly run?: BudgetAmount;
  readonly agents?: { readonly [agent: string]: BudgetAmount };
  /** The run takes slices of its tenant's budget. */
  readonly tenant?: true;
}

/** What is taken away from a tenant's runs at once, whatever they were granted when they started (D4). */
export interface Restrictions {
  /** Seq of the last change in the tenant's stream of restrictions, and in that of all tenants. */
  readonly version: string;
  readonly tools: readonly string[];
  readonly agents: readonly string[];
  /** Nothing at all may be done for this tenant any more. */
  readonly stopped: boolean;
}

/** How much has to happen before a write is made: nothing, a verdict by rule, or a person's approval as well. */
export type Tier = "none" | "compliance" | "person";

/** One write of an ended run that shall be undone, by the tool that its own tool names. */
export interface Undo {
  /** The effect that is undone, in the run that `compensates` names. */
  readonly effect: string;
  readonly undoes: string;
  readonly tool: string;
  readonly input: Json;
}

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

/** Bodies of the inputs, by entry type. */
export interface InputBodies {
  "run.started": {
    readonly supervisor: string;
    readonly definitionHash: string;
    readonly input: Json;
    readonly principal: Principal;
    readonly labels: LabelTable;
    readonly conversationId?: string;
    readonly attributes?: { readonly [name: string]: string };
    /** What the tenant and whoever started the run allow at most (R6). */
    readonly grants?: { readonly tenant?: Grant; readonly run?: Grant; readonly principal?: Grant };
    /** Version of the policy that the run is pinned to; `allowlist-1` when absent. */
    readonly policyVersion?: string;
    /** Epoch ms before which nothing of the run happens. */
    readonly startAt?: number;
    readonly budget?: RunBudget;
    /** What may not be used, where there is anything. */
    readonly restrictions?: Restrictions;
    /** The run has no team to run: it undoes writes of another one. */
    readonly compensates?: { readonly run: string; readonly undos: readonly Undo[] };
    /** The run whose place it takes, after that was given up. */
    readonly redrives?: string;
    /** It is the work of a specialist for another run. */
    readonly delegation?: Delegation;
    /** Version of the journal's own schema. */
    readonly format: 1;
  };
  /** A run that waited goes on under another definition, from `state` on: what came before was decided by the old one. */
  "run.migrated": {
    readonly from: string;
    readonly to: string;
    readonly supervisor: string;
    readonly principal: Principal;
    readonly state: Json;
  };
  /** What may not be used any more, as it stood when the run was looked at. */
  "restrictions.changed": { readonly restrictions: Restrictions };
  /** A person's word on one proposed effect. Whether it counts, the core says. */
  "approval.decided": {
    readonly effect: string;
    /** What the person saw: hash of arguments, run, agent, tool, definition, policy and tenant. */
    readonly binding: string;
    readonly decision: "approve" | "reject" | "edit";
    /** The arguments as they shall be; with `edit` only. */
    readonly input?: Json;
    readonly reason: string;
    readonly principal: Principal;
    /** The same key twice is one decision. */
    readonly key: string;
    /** Made by a registered key; absent in development mode. */
    readonly signature?: { readonly keyId: string; readonly value: string };
  };
  /** A tool under way asks a person. Its text is its server's, as untrusted as what the tool will answer. */
  "question.asked": {
    /** `action#1/tool#2/question#1`: the same for the same question of another try. */
    readonly question: string;
    readonly effect: string;
    readonly command: string;
    readonly asks: ToolQuestion;
    readonly hash: string;
    readonly labels: LabelTable;
  };
  /** A person's answer to a tool's question. Whether it counts, the core says. */
  "question.answered": {
    readonly question: string;
    /** What the person saw: hash of the question, run, agent, tool, definition, policy and tenant. */
    readonly binding: string;
    readonly answer: ToolAnswer;
    readonly reason: string;
    readonly principal: Principal;
    /** The same key twice is one answer. */
    readonly key: string;
    /** Made by a registered key; absent in development mode. */
    readonly signature?: { readonly keyId: string; readonly value: string };
  };
  /**
   * Enough was set aside for one model call, whose outcome settles it; `slice` is what the run took from its tenant for it,
   * if anything.
   */
  "budget.reserved": {
    readonly command: string;
    readonly amount: Spend;
    readonly slice?: { readonly stream: string; readonly amount: Spend };
  };
  "budget.refused": {
    readonly command: string;
    readonly scope: "tenant" | "price";
    readonly error: ErrorRecord;
  };
  /** The tenant's stream has the run's last word on what it used. */
  "budget.returned": { readonly command: string; readonly spent: Spend };
  /** Outstanding commands were lost with their process; the core decides for each how it goes on. */
  "run.resumed": { readonly lost: readonly string[] };
  "model.responded": {
    readonly command: string;
    readonly model: string;
    readonly parts: readonly ResponsePart[];
    readonly usage?: Usage;
    readonly cost?: Cost;
    /** Why this model of its route was asked. */
    readonly choice?: ModelChoice;
    /** Tokens of the request before and after it was made to fit, and how many messages were shortened or dropped for it. */
    readonly context?: {
      readonly before: number;
      readonly after: number;
      readonly shortened: number;
      readonly dropped: number;
      /** The answer is a summary, which stands for so many messages from the beginning on: nothing else was touched. */
      readonly summarised?: number;
    };
    /** It was answered before, and nobody was asked this time. */
    readonly cached?: true;
    /** Granted tools that were not offered, because the breaker before them was open. */
    readonly withheld?: readonly string[];
  };
  "model.failed": {
    readonly command: string;
    readonly model: string;
    readonly error: ErrorRecord;
    readonly usage?: Usage;
    readonly cost?: Cost;
    readonly choice?: ModelChoice;
    /** The model of its route that is asked instead, at once. */
    readonly next?: string;
    /** Nobody was asked, because the request is too long: a summary comes first. */
    readonly summarise?: SummaryDue;
  };
  "tool.returned": {
    readonly command: string;
    readonly output: Json;
    readonly labels: LabelTable;
    readonly durationMs: number;
  };
  "tool.failed": {
    readonly command: string;
    readonly error: ErrorRecord;
    /** `true` when nobody here can know whether the call took effect. */
    readonly mayHaveExecuted: boolean;
    /** Of what the error says, where it is the tool's own. */
    readonly labels?: LabelTable;
    readonly durationMs: number;
  };
  "effect.looked-up": {
    readonly command: string;
    readonly outcome: "found" | "never" | "unknown";
    readonly output?: Json;
    /** Of the output. */
    readonly labels?: LabelTable;
  };
  /** A specialist's run has begun, and has not ended: it is looked at again after so many milliseconds, or when it says so. */
  "delegation.accepted": {
    readonly command: string;
    readonly run: string;
    /** `supervisor@definitionHash` of the specialist that has it. */
    readonly definition: string;
    readonly lookAfterMs: number;
    /** What it waits for of people, if it does. */
    readonly waits?: readonly ("approval" | "question" | "effect")[];
  };
  /** A specialist did not take a delegation, or is not there: nothing was done. */
  "delegation.refused": { readonly command: string; readonly error: ErrorRecord };
  /** A specialist's run has ended. */
  "delegation.ended": {
    readonly command: string;
    readonly run: string;
    readonly definition: string;
    readonly end: DelegationEnd;
    /** Labels of its output. */
    readonly labels: readonly string[];
    /** What its model calls, and those of whom it asked in turn, have cost. */
    readonly spent: Spend;
    readonly basis: Cost["basis"];
    /** Seq and hash of its last entry: they stand for its whole journal. */
    readonly seq: number;
    readonly hash: string;
  };
  /** A specialist's run was told to stop, and had not ended when that was given up on. */
  "delegation.recalled": { readonly command: string; readonly run: string };
  "input.received": {
    readonly ask: string;
    readonly answer: Json;
    readonly principal: Principal;
    readonly labels: LabelTable;
    readonly key?: string;
  };
  "effect.decided": {
    readonly effect: string;
    readonly outcome: "happened" | "never";
    readonly output?: Json;
    readonly principal: Principal;
    readonly reason: string;
  };
  "cancel.requested": {
    readonly reason: string;
    readonly principal: Principal;
    /** Path of the agent instance that is cancelled with all that works for it; absent: the whole run. */
    readonly subtree?: string;
  };
  "timer.fired": { readonly timer: string };
}

/** Bodies of the decisions, by entry type. */
export interface DecisionBodies {
  "handoff.delivered": {
    readonly message: string;
    readonly edge: string;
    readonly from: string;
    readonly to: string;
    readonly agent: string;
    readonly payload: Json;
    readonly payloadHash: string;
    readonly labels: LabelTable;
    /** Alias that replaces the agent's own for this delivery. */
    readonly model?: string;
    /** The grant in force, where it bounds anything. */
    readonly grant?: Grant;
    /** The effect that it shall be judged by; such a delivery is no step on the way of the case. */
    readonly judges?: string;
    /** What the policy said, where the supervisor has one. */
    readonly decision?: Decision;
  };
  "handoff.rejected": {
    readonly edge: string;
    readonly from: string;
    readonly to: string;
    readonly side: "sender" | "receiver";
    readonly error: ErrorRecord;
  };
  "handoff.returned": {
    readonly message: string;
    readonly agent: string;
    readonly output: Json;
    readonly confidence?: number;
  };
  /** A delivery goes to a specialist in a deployment of its own. */
  "delegation.sent": {
    readonly command: string;
    readonly agent: string;
    readonly specialist: string;
    readonly contract: string;
    /** The run that it becomes. */
    readonly run: string;
    readonly deadlineAt: number;
    /** What was left of the budgets, and is set aside for it as far as it is bounded. */
    readonly budget?: BudgetAmount;
  };
  "agent.failed": { readonly agent: string; readonly error: ErrorRecord };
  "edge.chosen": { readonly supervisor: string; readonly from: string; readonly edge: string };
  "model.called": {
    readonly command: string;
    readonly agent: string;
    readonly alias: string;
    readonly turn: number;
    /** Why this alias: the agent's own, a threshold's stronger one, or one for summaries of what is too long. */
    readonly reason: "agent" | "threshold" | "summary";
    /** What the policy said, where the supervisor has one. */
    readonly decision?: Decision;
  };
  "output.rejected": { readonly agent: string; readonly issues: readonly Issue[]; readonly repair: number };
  "tool.denied": {
    readonly agent: string;
    readonly tool: string;
    readonly callId: string;
    readonly input: Json;
    readonly error: ErrorRecord;
    readonly decision: Decision;
  };
  "tool.called": {
    readonly command: string;
    readonly agent: string;
    readonly tool: string;
    readonly callId: string;
    readonly input: Json;
    readonly inputHash: string;
    readonly effect: "read" | "write";
    readonly attempt: number;
    readonly decision: Decision;
  };
  /** A write that may not be made before somebody has said so. Writes of tier `none` are intended at once. */
  "effect.proposed": {
    readonly effect: string;
    readonly agent: string;
    readonly tool: string;
    readonly input: Json;
    readonly inputHash: string;
    readonly risk: "low" | "medium" | "high";
    readonly reversible: boolean;
    readonly tier: Tier;
    readonly decision: Decision;
    /** The proposal that a person's edit took the place of, and who edited. */
    readonly edits?: { readonly effect: string; readonly by: string };
  };
  /** What an agent is going to write, said before it read anything foreign (D10). */
  "plan.made": { readonly agent: string; readonly first: number; readonly steps: readonly PlanStep[] };
  /** What compliance said, or that it said nothing and a person has to. */
  "effect.judged": {
    readonly effect: string;
    readonly verdict: "allow" | "revise" | "escalate" | "none";
    readonly ruleIds: readonly string[];
    readonly reasons: readonly string[];
    readonly conditions: readonly string[];
  };
  "approval.requested": {
    readonly effect: string;
    readonly agent: string;
    readonly tool: string;
    readonly input: Json;
    readonly inputHash: string;
    readonly binding: string;
    readonly risk: "low" | "medium" | "high";
    readonly reversible: boolean;
    /** Approvals of different people that it takes. */
    readonly quorum: number;
    /** Roles of which an approver needs one; empty: any. */
    readonly roles: readonly string[];
    /** Ids of those who asked for it, and so may not approve it. */
    readonly requesters: readonly string[];
    readonly expiresAt: number;
    readonly verdict?: EntryBodies["effect.judged"];
    /** What the reviewer made of it: from this alone a person can decide. */
    readonly packet?: Json;
    readonly labels: readonly string[];
    /** Why the flow rule asks, and where what it asks about may have come from. */
    readonly because?: readonly FlowFinding[];
    /** The rule of the policy that wants a person, and its reason. */
    readonly policy?: Decision & { readonly because: string };
  };
  /** An approval that counts, and is not yet enough. */
  "approval.recorded": {
    readonly effect: string;
    readonly by: string;
    readonly approvals: number;
    readonly quorum: number;
  };
  "approval.granted": {
    readonly effect: string;
    readonly binding: string;
    readonly by: readonly string[];
    /** `false` when one of them could not show who they are. */
    readonly authenticated: boolean;
  };
  "approval.rejected": { readonly effect: string; readonly by: string; readonly reason: string };
  /** A person changed the arguments: this proposal is void, `next` is a new one. */
  "approval.edited": { readonly effect: string; readonly by: string; readonly next: string };
  "approval.expired": { readonly effect: string };
  /** A decision that does not count, and why; the approval stays open. */
  "approval.refused": { readonly effect: string; readonly by: string; readonly error: ErrorRecord };
  /** A tool's question waits for a person. */
  "question.opened": {
    readonly question: string;
    readonly effect: string;
    readonly agent: string;
    readonly tool: string;
    readonly binding: string;
    /** Roles of which whoever answers needs one; empty: any. */
    readonly roles: readonly string[];
    /** Ids of those on whose behalf the call is made, and so may not answer. */
    readonly requesters: readonly string[];
    readonly expiresAt: number;
  };
  /** An answer that does not count, and why; the question stays open. */
  "question.refused": { readonly question: string; readonly by: string; readonly error: ErrorRecord };
  /**
   * Nobody is asked any more. `recalled`: it was answered when an earlier try of the call asked it; `expired`: nobody
   * answered in time, the tool is told `cancel`; `withdrawn`: its call, its tool or its run is over or was taken away.
   */
  "question.closed": {
    readonly question: string;
    readonly command: string;
    readonly outcome: "answered" | "recalled" | "expired" | "withdrawn";
    /** What the tool is told, unless it was withdrawn. */
    readonly answer?: ToolAnswer;
    /** Who answered, and whether they could show who they are. */
    readonly by?: string;
    readonly authenticated?: boolean;
  };
  "effect.intended": {
    readonly effect: string;
    readonly agent: string;
    readonly tool: string;
    readonly input: Json;
    readonly inputHash: string;
    readonly key: string;
    readonly risk: "low" | "medium" | "high";
    readonly decision: Decision;
    /** Binding of the approval that it rests on; used up with it. */
    readonly approval?: string;
    /** Index of the entry of the run's plan that announced it; used up with it. */
    readonly planned?: number;
  };
  /** A failed step that will be tried again at `dueAt`. */
  "step.retried": {
    readonly step: string;
    readonly kind: "model" | "tool" | "transport";
    readonly attempt: number;
    readonly dueAt: number;
    readonly error: ErrorRecord;
  };
  /**
   * A reservation is settled of which no outcome will come: a call that was lost with its process, abandoned or given up
   * (as a whole), or a specialist's run (by what that spent). An outcome settles its call without a word; in journals of
   * before it has this entry behind it all the same (`settlementsOf`).
   */
  "budget.settled": {
    readonly command: string;
    readonly agent: string;
    readonly amount: Spend;
    readonly basis: Cost["basis"];
  };
  "budget.exceeded": {
    readonly scope: "tenant" | "run" | "agent" | "grant" | "price";
    readonly agent: string;
    readonly error: ErrorRecord;
  };
  /** A delivery that waits for its time. */
  "handoff.delayed": { readonly edge: string; readonly from: string; readonly to: string; readonly dueAt: number };
  "effect.dispatched": { readonly effect: string; readonly attempt: number; readonly via: "call" | "lookup" };
  "effect.settled": { readonly effect: string; readonly outcome: "done" | "refused" | "failed" | "cancelled" };
  "effect.uncertain": { readonly effect: string; readonly tool: string; readonly next: "key" | "lookup" | "person" };
  "input.requested": {
    readonly ask: string;
    readonly of: Audience;
    readonly by: string;
    readonly question: string;
    /** What the policy said, where the supervisor has one. */
    readonly decision?: Decision;
  };
  "message.dead": {
    readonly letter: string;
    readonly to: string;
    readonly type: string;
    readonly error: ErrorRecord;
    readonly payload: Json;
  };
  "limit.exceeded": { readonly limit: string; readonly bound: number; readonly path: string };
  "run.parked": { readonly waitingFor: readonly string[] };
  "run.completed": {
    readonly output: Json;
    /** Values of the output that only foreign text says, or that the agent made after it had read such text. */
    readonly marks?: readonly Mark[];
    /** Labels of the output, where another run waits for it. */
    readonly labels?: readonly string[];
    /** What the policy said, where the supervisor has one. */
    readonly decision?: Decision;
  };
  "run.denied": { readonly reason: string; readonly by: string; readonly packet: Json };
  "run.escalated": { readonly reason: string; readonly by: string; readonly packet: Json };
  "run.failed": { readonly error: ErrorRecord; readonly by: string };
  "run.cancelled": { readonly reason: string; readonly openEffects: readonly string[] };
  /** What the policy said, where no other entry tells: a denial of what is no call, and a call for which it wants a person. */
  "policy.decided": {
    readonly edge: PolicyEdge;
    readonly agent: string;
    readonly target: string;
    readonly effect: PolicyEffect;
    readonly because: string;
    readonly decision: Decision;
  };
  /** A candidate says something else than the policy in force. It changes nothing, and a replay does not ask it. */
  "policy.shadowed": {
    readonly edge: PolicyEdge;
    readonly agent: string;
    readonly target: string;
    readonly live: { readonly effect: PolicyEffect; readonly decision: Decision };
    readonly candidate: { readonly effect: PolicyEffect; readonly decision: Decision; readonly because: string };
  };
}

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
  /** An event for a run of a specialist that another process drives, which puts it into the run. */
  "delegation.left": {
    readonly tenant: string;
    readonly run: string;
    readonly definition: string;
    readonly event: InputEvent;
  };
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

/** What a kill switch or a revocation is about. */
export type RestrictionTarget =
  | { readonly kind: "tool"; readonly name: string }
  | { readonly kind: "agent"; readonly name: string }
  /** Everything of the tenant in whose stream it stands. */
  | { readonly kind: "tenant" };

export type EntryBodies = InputBodies & DecisionBodies & StreamBodies;
export type EntryType = keyof EntryBodies;
export type InputType = keyof InputBodies;

/** One entry of a run's journal, opened. `at` is epoch milliseconds; `path` names the instance it is about. */
export type Entry<Type extends EntryType = EntryType> = {
  readonly [Key in Type]: {
    readonly seq: number;
    readonly type: Key;
    readonly at: number;
    readonly path: string;
    readonly cause: number;
    readonly body: EntryBodies[Key];
  };
}[Type];

/** Something that happened outside, on its way into a run. `id` makes a second delivery of it harmless. */
export type InputEvent<Type extends InputType = InputType> = {
  readonly [Key in Type]: {
    readonly id: string;
    readonly type: Key;
    readonly path: string;
    readonly body: InputBodies[Key];
  };
}[Type];

const inputTypes: ReadonlySet<string> = new Set<InputType>([
  "run.started",
  "run.resumed",
  "run.migrated",
  "restrictions.changed",
  "approval.decided",
  "question.asked",
  "question.answered",
  "budget.reserved",
  "budget.refused",
  "budget.returned",
  "model.responded",
  "model.failed",
  "tool.returned",
  "tool.failed",
  "effect.looked-up",
  "delegation.accepted",
  "delegation.refused",
  "delegation.ended",
  "delegation.recalled",
  "effect.decided",
  "input.received",
  "cancel.requested",
  "timer.fired",
]);

/** True for the entry types that came from outside. */
export function isInputType(type: string): type is InputType {
  return inputTypes.has(type);
}

/** Types of the entries that end a run. */
export const endTypes = ["run.completed", "run.denied", "run.escalated", "run.failed", "run.cancelled"] as const;

/** The status that an entry type ends a run with, if it does. */
export function endStatusOf(type: string): EndStatus | undefined {
  switch (type) {
    case "run.completed":
      return "completed";
    case "run.denied":
      return "denied";
    case "run.escalated":
      return "escalated";
    case "run.failed":
      return "failed";
    case "run.cancelled":
      return "cancelled";
    default:
      return undefined;
  }
}
