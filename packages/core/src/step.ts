import { OrchestrationError } from "./errors.ts";

/**
 * One pure transition of one of our machines. XState defines, draws and checks the machines and is the reference (D3);
 * what runs is this step table, read from the machine's own configuration. It knows exactly what our machines use and
 * refuses the rest when the table is made: nested states with an `initial`, guards, `assign`, named actions, `reenter`,
 * wildcards, final states. No parallel states, no history, no `always`, no entry or exit actions, nothing that waits.
 * Property tests compare it with `transition` step by step.
 */

/** Where a machine stands. Plain JSON, so that a snapshot cache can hold it. */
export interface StepSnapshot {
  /** Path of the innermost state, `working.triage`. */
  readonly state: string;
  readonly context: object;
  readonly done: boolean;
}

/** One transition: the next snapshot and the named commands that left the machine. */
export interface Step<Command> {
  readonly snapshot: StepSnapshot;
  readonly commands: readonly Command[];
}

type Args = { readonly context: object; readonly event: { readonly type: string } };
type Guard = (args: Args) => boolean;
type Action =
  | { readonly kind: "assign"; readonly assign: (args: Args) => object }
  | { readonly kind: "command"; readonly type: string; readonly params: object | ((args: Args) => object) | undefined };

interface Transition {
  readonly guard: Guard | undefined;
  /** Path of the innermost state it leads to; absent: it stays. */
  readonly target: string | undefined;
  readonly actions: readonly Action[];
}

interface Node {
  readonly final: boolean;
  /** Candidates by event type, from this state outwards, in the order in which they are tried. */
  readonly on: ReadonlyMap<string, readonly Transition[]>;
  readonly wildcard: readonly Transition[];
}

/** A machine, ready to run. */
export interface StepTable {
  readonly id: string;
  readonly initial: string;
  readonly context: object;
  readonly nodes: ReadonlyMap<string, Node>;
}

/** A machine's start. */
export function firstStep(table: StepTable): StepSnapshot {
  return { state: table.initial, context: table.context, done: false };
}

/**
 * Takes one event. XState answers an event that it has no place for with the same snapshot, silently; here that is an
 * error (every machine has a wildcard that says so).
 * @throws OrchestrationError `run/unexpected-event`
 */
export function nextStep<Command>(
  table: StepTable,
  snapshot: StepSnapshot,
  event: { readonly type: string },
): Step<Command> {
  const node = table.nodes.get(snapshot.state);
  if (!node || snapshot.done) throw unexpected(table, snapshot, event);
  let { context } = snapshot;
  const taken = firstEnabled(node.on.get(event.type) ?? node.wildcard, { context, event });
  if (!taken) throw unexpected(table, snapshot, event);
  const commands: Command[] = [];
  for (const action of taken.actions) {
    if (action.kind === "assign") context = { ...context, ...action.assign({ context, event }) };
    else {
      const { params } = action;
      if (action.type === "unexpected") throw unexpected(table, snapshot, event);
      commands.push({
        type: action.type,
        ...(typeof params === "function" ? params({ context, event }) : params),
      } as Command);
    }
  }
  const state = taken.target ?? snapshot.state;
  return { snapshot: { state, context, done: table.nodes.get(state)?.final ?? false }, commands };
}

function firstEnabled(candidates: readonly Transition[], args: Args): Transition | undefined {
  for (const candidate of candidates) if (!candidate.guard || candidate.guard(args)) return candidate;
  return undefined;
}

function unexpected(table: StepTable, { state }: StepSnapshot, event: { readonly type: string }): OrchestrationError {
  return new OrchestrationError("run/unexpected-event", { machine: table.id, state, event: event.type });
}

interface StateConfig {
  readonly id?: string;
  readonly type?: string;
  readonly initial?: string;
  readonly context?: object;
  readonly description?: string;
  readonly states?: Readonly<Record<string, StateConfig>>;
  readonly on?: Readonly<Record<string, unknown>>;
}

/** All that is read of a machine. XState's own types stay out of what users' compilers load. */
interface Machine {
  readonly id: string;
  readonly config: object;
}

/** Reads a machine's configuration. @throws OrchestrationError `run/internal` for a feature that the table does not know */
export function compileSteps(machine: Machine): StepTable {
  const root = machine.config as StateConfig;
  const paths = new Map<string, { readonly config: StateConfig; readonly parent: string | undefined }>();
  const ids = new Map<string, string>();
  const walk = (config: StateConfig, path: string, parent: string | undefined) => {
    for (const key of Object.keys(config)) {
      if (!known.has(key)) throw refuse(machine.id, `state "${path}" has "${key}"`);
    }
    if (config.type !== undefined && config.type !== "final")
      throw refuse(machine.id, `state "${path}" is ${config.type}`);
    paths.set(path, { config, parent });
    if (config.id !== undefined) ids.set(config.id, path);
    for (const [name, child] of Object.entries(config.states ?? {})) walk(child, join(path, name), path);
  };
  walk(root, "", undefined);

  const enter = (path: string): string => {
    const { initial } = paths.get(path)?.config ?? {};
    return initial === undefined ? path : enter(join(path, initial));
  };
  const resolve = (target: string, source: string): string => {
    const path = target.startsWith("#")
      ? ids.get(target.slice(1))
      : join(source === "" ? "" : (paths.get(source)?.parent ?? ""), target);
    if (path === undefined || !paths.has(path)) throw refuse(machine.id, `"${target}" leads nowhere`);
    return enter(path);
  };

  const nodes = new Map<string, Node>();
  for (const [path, { config }] of paths) {
    if (config.states) continue;
    const on = new Map<string, Transition[]>();
    const outward: string[] = [];
    for (let at: string | undefined = path; at !== undefined; at = paths.get(at)?.parent) outward.push(at);
    const transitionsAt = (at: string, type: string) => {
      const given = paths.get(at)?.config.on?.[type];
      if (given === undefined) return [];
      return (Array.isArray(given) ? given : [given]).map((one) => transitionOf(one, at, resolve, machine.id));
    };
    const types = new Set(outward.flatMap((at) => Object.keys(paths.get(at)?.config.on ?? {})));
    types.delete("*");
    // At each state the exact type comes before the wildcard, and a state comes before the ones around it.
    for (const type of types)
      on.set(
        type,
        outward.flatMap((at) => [...transitionsAt(at, type), ...transitionsAt(at, "*")]),
      );
    const wildcard = outward.flatMap((at) => transitionsAt(at, "*"));
    nodes.set(path, { final: config.type === "final", on, wildcard });
  }
  return { id: machine.id, initial: enter(""), context: root.context ?? {}, nodes };
}

const known = new Set(["id", "type", "initial", "context", "description", "states", "on"]);

function transitionOf(
  given: unknown,
  source: string,
  resolve: (target: string, source: string) => string,
  machine: string,
): Transition {
  if (typeof given === "string") return { guard: undefined, target: resolve(given, source), actions: [] };
  const {
    guard,
    target,
    actions,
    reenter: _,
    ...rest
  } = given as {
    guard?: Guard;
    target?: string;
    actions?: unknown;
    reenter?: boolean;
  };
  const [extra] = Object.keys(rest);
  if (extra !== undefined) throw refuse(machine, `a transition has "${extra}"`);
  if (guard !== undefined && typeof guard !== "function") throw refuse(machine, "a guard is not a function");
  const list = actions === undefined ? [] : Array.isArray(actions) ? actions : [actions];
  return {
    guard,
    target: target === undefined ? undefined : resolve(target, source),
    actions: list.map((action) => actionOf(action, machine)),
  };
}

function actionOf(action: unknown, machine: string): Action {
  if (typeof action === "function") {
    const { type, assignment } = action as { type?: unknown; assignment?: unknown };
    if (type !== "xstate.assign") throw refuse(machine, `an action is the function ${String(type)}`);
    if (typeof assignment === "function") return { kind: "assign", assign: assignment as (args: Args) => object };
    const members = Object.entries(assignment as Record<string, unknown>);
    return {
      kind: "assign",
      assign: (args) => {
        const made: Record<string, unknown> = {};
        for (const [key, value] of members) {
          made[key] = typeof value === "function" ? (value as (args: Args) => unknown)(args) : value;
        }
        return made;
      },
    };
  }
  const { type, params } = action as { type?: unknown; params?: object | ((args: Args) => object) };
  if (typeof type !== "string") throw refuse(machine, "an action has no name");
  return { kind: "command", type, params };
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function refuse(machine: string, reason: string): OrchestrationError {
  return new OrchestrationError("run/internal", { reason: `the machine ${machine} cannot be compiled: ${reason}` });
}
