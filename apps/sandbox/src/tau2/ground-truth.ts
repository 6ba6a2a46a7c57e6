import { changesBetween } from "../world/changes.ts";
import { type Json, type World, WorldRefusal } from "../world/world.ts";
import type { Change } from "./change.ts";
import type { RetailState } from "./state.ts";
import type { Tau2Task } from "./task.ts";

/** A ground-truth call that came to nothing. */
export interface GroundTruthError {
  readonly actionId: string;
  readonly name: string;
  /** The tool's message, or what is wrong with the call itself. */
  readonly error: string;
}

export interface GroundTruth<State = RetailState> {
  readonly changes: readonly Change[];
  readonly errors: readonly GroundTruthError[];
  readonly endState: State;
}

/** One call as the world's server makes it: all or nothing. */
export type CallOutcome<State = RetailState> =
  | { readonly ok: true; readonly state: State; readonly answer: Json }
  | { readonly ok: false; readonly state: State; readonly message: string };

/** Makes one call on a copy of the state; a refusal gives back the state as it was. Other throws are faults and pass. */
export function callTool<State>(
  world: World<State>,
  state: State,
  { name, input }: { readonly name: string; readonly input: Json },
): CallOutcome<State> {
  const tool = world.tools.find((candidate) => candidate.name === name);
  if (tool === undefined) return { ok: false, state, message: `Tool ${name} not found` };
  const parsed = tool.input.safeParse(input);
  if (!parsed.success) return { ok: false, state, message: `Invalid arguments: ${parsed.error.issues[0]?.message}` };
  const draft = world.clone(state);
  try {
    return { ok: true, answer: tool.run(draft, parsed.data), state: draft };
  } catch (error) {
    if (!(error instanceof WorldRefusal)) throw error;
    return { ok: false, state, message: error.message };
  }
}

/** Plays a task's ground-truth calls on a fresh state. Calls that fail change nothing and are listed, as upstream does. */
export function groundTruth<State>(
  task: Pick<Tau2Task, "actions">,
  world: World<State>,
  start: State = world.initial(),
): GroundTruth<State> {
  const errors: GroundTruthError[] = [];
  let state = start;
  for (const { id, name, input } of task.actions) {
    const outcome = callTool(world, state, { name, input });
    state = outcome.state;
    if (!outcome.ok) errors.push({ actionId: id, name, error: outcome.message });
  }
  return { changes: changesBetween(start, state), errors, endState: state };
}
