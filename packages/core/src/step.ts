import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from "xstate";
import { OrchestrationError } from "./errors.ts";

/** One pure transition: the next snapshot and the named commands that left the machine. */
export interface Step<Command> {
  readonly snapshot: AnyMachineSnapshot;
  readonly commands: readonly Command[];
}

/** A machine's start. */
export function firstStep<Command>(machine: AnyStateMachine): Step<Command> {
  const [snapshot, actions] = initialTransition(machine);
  return { snapshot: snapshot as AnyMachineSnapshot, commands: commandsOf<Command>(actions) };
}

/**
 * Takes one event. XState answers an event that it has no place for with the same snapshot, silently; here that is an
 * error (every machine has a wildcard that says so).
 * @throws OrchestrationError `run/unexpected-event`
 */
export function nextStep<Command>(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: { readonly type: string },
): Step<Command> {
  const unexpected = () =>
    new OrchestrationError("run/unexpected-event", {
      machine: machine.id,
      state: JSON.stringify(snapshot.value),
      event: event.type,
    });
  if (snapshot.status !== "active") throw unexpected();
  const [next, actions] = transition(machine, snapshot, event as never);
  const commands = commandsOf<Command>(actions);
  if (commands.some((command) => (command as { type?: unknown }).type === "unexpected")) throw unexpected();
  return { snapshot: next as AnyMachineSnapshot, commands };
}

/** Names and parameters of the actions; XState's own bookkeeping (`xstate.*`) stays inside. */
function commandsOf<Command>(actions: readonly { readonly type: string; readonly params?: unknown }[]): Command[] {
  const commands: Command[] = [];
  for (const { type, params } of actions) {
    if (type.startsWith("xstate.")) continue;
    commands.push({ type, ...(params as object | undefined) } as Command);
  }
  return commands;
}

/** What a snapshot cache keeps of a machine. */
export interface SavedMachine {
  readonly value: unknown;
  readonly context: unknown;
}

export function saveMachine(snapshot: AnyMachineSnapshot): SavedMachine {
  return { value: snapshot.value as unknown, context: snapshot.context as unknown };
}

export function loadMachine(machine: AnyStateMachine, saved: SavedMachine): AnyMachineSnapshot {
  return machine.resolveState({ value: saved.value, context: saved.context } as never) as AnyMachineSnapshot;
}
