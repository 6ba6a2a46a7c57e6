import { canonicalText } from "../../world/canonical.ts";
import { changesBetween } from "../../world/changes.ts";
import type { World, WorldLogLine } from "../../world/world.ts";
import { type Change, compareChanges } from "../change.ts";
import { groundTruth } from "../ground-truth.ts";
import { unsaidOf } from "../score.ts";
import type { Tau2Action } from "../task.ts";
import { holds } from "./function.ts";
import type { TelecomTask } from "./load.ts";
import type { TelecomState } from "./state.ts";

/** How a finished run did. A part is null where the task's reward does not depend on it. */
export interface TelecomScore {
  /** All that must be true of the world is. */
  readonly assertions: boolean | null;
  /** Each ground-truth call was made, by whose it is. */
  readonly actions: boolean | null;
  /** The end state has exactly the changes of the ground truth. */
  readonly db: boolean | null;
  /** Everything that must be said was said. */
  readonly communicate: boolean | null;
  /** The task's reward is 1. */
  readonly reward: boolean;
  /** What is missing, for people. */
  readonly missing: readonly string[];
}

export interface TelecomRunToScore {
  readonly task: TelecomTask;
  readonly endState: TelecomState;
  readonly log: readonly WorldLogLine[];
  /** What the customer was told. */
  readonly said: readonly string[];
}

/** Scores one finished run by the task's own reward basis. Sentences for a judge model do not count. */
export function scoreTelecomRun(
  world: World<TelecomState>,
  { task, endState, log, said }: TelecomRunToScore,
): TelecomScore {
  const counts = (basis: string) => task.rewardBasis.includes(basis);
  const failed = task.checks.filter((check) => !holds(endState, check));
  const unmade = counts("ACTION") ? task.actions.filter((action) => !log.some((line) => isMade(action, line))) : [];
  const differences = counts("DB") ? differencesOf(world, task, endState) : [];
  const unsaid = unsaidOf(task.communicate, said);
  // What must be true is looked at even where a task does not say what its reward depends on.
  const assertions = task.checks.length === 0 ? null : failed.length === 0;
  const actions = counts("ACTION") ? unmade.length === 0 : null;
  const db = counts("DB") ? differences.length === 0 : null;
  const communicate = task.communicate.length === 0 ? null : unsaid.length === 0;
  return {
    assertions,
    actions,
    db,
    communicate,
    reward: [assertions, actions, db, communicate].every((part) => part !== false),
    missing: [
      ...failed.map(({ name, input, expected }) => `${name} ${JSON.stringify(input)} is not ${expected}`),
      ...unmade.map(({ name, input, by }) => `the ${by} did not call ${name} ${JSON.stringify(input)}`),
      ...differences.map((change) => `end state: ${JSON.stringify(change)}`),
      ...unsaid.map((text) => `not said: ${text}`),
    ],
  };
}

function isMade({ name, input, by, compare }: Tau2Action, line: WorldLogLine): boolean {
  if (line.tool !== name || (line.by ?? "agent") !== by) return false;
  const given = line.input as Tau2Action["input"];
  const wanted = compare ?? [...new Set([...Object.keys(input), ...Object.keys(given)])];
  return wanted.every((key) => canonicalText(input[key] ?? null) === canonicalText(given[key] ?? null));
}

function differencesOf(world: World<TelecomState>, task: TelecomTask, endState: TelecomState): readonly Change[] {
  const { changes } = groundTruth(task, world, task.start);
  const { missing, unexpected } = compareChanges(changes, changesBetween(task.start, endState));
  return [...missing, ...unexpected];
}
