import type { DecisionBodies } from "./event/decision.ts";
import type { InputBodies } from "./event/input.ts";
import type { StreamBodies } from "./event/stream.ts";

/**
 * What a journal holds. An entry is either an *input* (something that came from outside the pure core: a start, a
 * model's answer, a tool's result, a signal) or a *decision* that the core made from it. Decisions carry the `cause`,
 * the seq of their input; inputs carry cause 0. Folding the inputs gives every decision again (R1, R13).
 */

export type { BudgetAmount, RunBudget, Spend } from "./event/budget.ts";
export type { DecisionBodies } from "./event/decision.ts";
export type { Delegation, DelegationEnd } from "./event/delegation.ts";
export { type InputBodies, type InputEvent, type InputType, isInputType } from "./event/input.ts";
export type { LabelTable } from "./event/label-table.ts";
export type { Cost, Media, ModelChoice, ResponsePart, SummaryDue, Usage } from "./event/model-answer.ts";
export type { Restrictions, RestrictionTarget } from "./event/restriction.ts";
export type { Decision, Tier } from "./event/ruling.ts";
export { type EndStatus, endStatusOf, endTypes, type RunStatus } from "./event/status.ts";
export type { StreamBodies } from "./event/stream.ts";
export type { Undo } from "./event/undo.ts";

export type EntryBodies = InputBodies & DecisionBodies & StreamBodies;
export type EntryType = keyof EntryBodies;

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
