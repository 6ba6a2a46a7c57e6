import type { Audience } from "../audience.ts";
import type { ToolAnswer } from "../elicit/question.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Grant } from "../grant.ts";
import type { Json } from "../json.ts";
import type { FlowFinding } from "../label/flow.ts";
import type { Mark } from "../label/marks.ts";
import type { PlanStep } from "../label/plan.ts";
import type { PolicyEffect } from "../policy/answer.ts";
import type { PolicyEdge } from "../policy/request.ts";
import type { Issue } from "../schema.ts";
import type { BudgetAmount, Spend } from "./budget.ts";
import type { LabelTable } from "./label-table.ts";
import type { Cost } from "./model-answer.ts";
import type { Decision, Tier } from "./ruling.ts";

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
    readonly verdict?: DecisionBodies["effect.judged"];
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
