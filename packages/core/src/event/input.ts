import type { ToolAnswer, ToolQuestion } from "../elicit/question.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Grant } from "../grant.ts";
import type { Json } from "../json.ts";
import type { Principal } from "../principal.ts";
import type { Attributes } from "./attributes.ts";
import type { RunBudget, Spend } from "./budget.ts";
import type { Delegation, DelegationEnd } from "./delegation.ts";
import type { LabelTable } from "./label-table.ts";
import type { Cost, ModelChoice, ResponsePart, SummaryDue, Usage } from "./model-answer.ts";
import type { Restrictions } from "./restriction.ts";
import type { Undo } from "./undo.ts";

/** Bodies of the inputs, by entry type. */
export interface InputBodies {
  "run.started": {
    readonly supervisor: string;
    readonly definitionHash: string;
    readonly input: Json;
    readonly principal: Principal;
    readonly labels: LabelTable;
    readonly conversationId?: string;
    readonly attributes?: Attributes;
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
    /** Hash of what was given as input, under the tenant's key, where it was started by a key: the same key may say it again. */
    readonly inputHash?: string;
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

export type InputType = keyof InputBodies;

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
