import type { Audience } from "./agent.ts";
import type { ErrorRecord } from "./errors.ts";
import type { Grant } from "./grant.ts";
import type { Json } from "./json.ts";
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
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}
export interface Cost {
  /** Millionths of a US dollar. */
  readonly microUsd: number;
  readonly basis: "reported" | "estimated" | "reserved";
}

/** Parts of a model's answer. */
export type ResponsePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolCall"; readonly callId: string; readonly tool: string; readonly input: Json }
  | { readonly type: "output"; readonly value: Json }
  | { readonly type: "ask"; readonly of: Audience; readonly question: string }
  | { readonly type: "refusal"; readonly reason: string };

/** Which rule allowed or refused, and under which version of the policy. */
export interface Decision {
  readonly ruleId: string;
  readonly policyVersion: string;
}

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
    readonly grants?: { readonly tenant?: Grant; readonly run?: Grant };
    /** Version of the journal's own schema. */
    readonly format: 1;
  };
  /** Outstanding commands were lost with their process; the core decides for each how it goes on. */
  "run.resumed": { readonly lost: readonly string[] };
  "model.responded": {
    readonly command: string;
    readonly model: string;
    readonly parts: readonly ResponsePart[];
    readonly usage?: Usage;
    readonly cost?: Cost;
  };
  "model.failed": {
    readonly command: string;
    readonly model: string;
    readonly error: ErrorRecord;
    readonly cost?: Cost;
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
    readonly durationMs: number;
  };
  "effect.looked-up": {
    readonly command: string;
    readonly outcome: "found" | "never" | "unknown";
    readonly output?: Json;
  };
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
  "cancel.requested": { readonly reason: string; readonly principal: Principal };
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
  "agent.failed": { readonly agent: string; readonly error: ErrorRecord };
  "edge.chosen": { readonly supervisor: string; readonly from: string; readonly edge: string };
  "model.called": {
    readonly command: string;
    readonly agent: string;
    readonly alias: string;
    readonly turn: number;
    /** Why this alias: the agent's own, or a threshold's stronger one. */
    readonly reason: "agent" | "threshold";
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
  "effect.intended": {
    readonly effect: string;
    readonly agent: string;
    readonly tool: string;
    readonly input: Json;
    readonly inputHash: string;
    readonly key: string;
    readonly risk: "low" | "medium" | "high";
    readonly decision: Decision;
  };
  "effect.dispatched": { readonly effect: string; readonly attempt: number; readonly via: "call" | "lookup" };
  "effect.settled": { readonly effect: string; readonly outcome: "done" | "refused" | "failed" | "cancelled" };
  "effect.uncertain": { readonly effect: string; readonly tool: string; readonly next: "key" | "lookup" | "person" };
  "input.requested": {
    readonly ask: string;
    readonly of: Audience;
    readonly by: string;
    readonly question: string;
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
  "run.completed": { readonly output: Json };
  "run.denied": { readonly reason: string; readonly by: string; readonly packet: Json };
  "run.escalated": { readonly reason: string; readonly by: string; readonly packet: Json };
  "run.failed": { readonly error: ErrorRecord; readonly by: string };
  "run.cancelled": { readonly reason: string; readonly openEffects: readonly string[] };
}

/** Bodies of entries in streams beyond runs (D6). */
export interface StreamBodies {
  "definition.loaded": {
    readonly supervisor: string;
    readonly definitionHash: string;
    /** Hashes of function texts, by what they belong to and its version. */
    readonly functions: { readonly [owner: string]: string };
  };
}

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
  "model.responded",
  "model.failed",
  "tool.returned",
  "tool.failed",
  "effect.looked-up",
  "effect.decided",
  "input.received",
  "cancel.requested",
  "timer.fired",
]);

/** True for the entry types that came from outside. */
export function isInputType(type: string): type is InputType {
  return inputTypes.has(type);
}

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
