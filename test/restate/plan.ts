import type { CallToolCommand, Command, StartTimerCommand } from "../../packages/core/src/command.ts";
import type { DecisionBodies, EndStatus, InputEvent } from "../../packages/core/src/event.ts";
import { hashJson } from "../../packages/core/src/hash.ts";
import type { Json } from "../../packages/core/src/json.ts";

/**
 * A toy core, pure: an input event goes in, entries and commands come out. It stands in for the supervisor and the
 * agents and has one of everything that is hard on an engine: reads in parallel, reads in a row, a timer in flight,
 * a question that parks, a durable timer that wakes, a write with its intent, a cancel.
 */

/** What one run does, in this order. Carried as the input of `run.started`. */
export interface Plan {
  /** Cheap reads one after another, answered inside the worker. */
  readonly row?: number;
  /** Reads at the same time, answered by the world. */
  readonly parallel?: number;
  /** Gives the parallel reads up after this many milliseconds. */
  readonly limitMs?: number;
  /** Parks for an answer. */
  readonly ask?: boolean;
  /** Escalates when no answer has come after this many milliseconds. */
  readonly expireMs?: number;
  /** One write at the end. */
  readonly write?: boolean;
}

type Phase = "new" | "row" | "parallel" | "parked" | "write" | EndStatus;

export interface State {
  readonly phase: Phase;
  readonly plan: Plan;
  /** Commands whose outcome has not come, by id. */
  readonly open: { readonly [id: string]: Command };
  readonly done: number;
  readonly cancelling: boolean;
}

/** A decision that is not yet an entry. */
export type Decided = {
  readonly [Type in keyof DecisionBodies]: {
    readonly type: Type;
    readonly path: string;
    readonly body: DecisionBodies[Type];
  };
}[keyof DecisionBodies];

export interface Step {
  readonly state: State;
  readonly decisions: readonly Decided[];
  readonly commands: readonly Command[];
  readonly aborts: readonly string[];
  /** Durable before anything follows (D2). */
  readonly barrier: boolean;
}

export const newState: State = { phase: "new", plan: {}, open: {}, done: 0, cancelling: false };

const agent = "worker";
const effectId = "worker#1/effect#1";
const limitId = "worker#1/limit#1";
const askId = "worker#1/ask#1";
const decision = { ruleId: "toy", policyVersion: "0" };
const endings: ReadonlySet<string> = new Set<EndStatus>(["completed", "denied", "escalated", "failed", "cancelled"]);

export const isEnded = (state: State): boolean => endings.has(state.phase);

/** Calls whose outcome has not come. Timers keep no run in flight. */
export function inFlight(state: State): CallToolCommand[] {
  return Object.values(state.open).filter((command) => command.type === "callTool");
}

/** The next step, or `undefined` for an event that this run does not wait for (any more). */
export function decide(state: State, event: InputEvent, now: number, runId: string): Step | undefined {
  if (isEnded(state)) return undefined;
  switch (event.type) {
    case "run.started":
      return state.phase === "new"
        ? proceed({ ...state, plan: event.body.input as Plan }, "row", now, runId)
        : undefined;
    case "tool.returned":
    case "tool.failed": {
      const { [event.body.command]: command, ...open } = state.open;
      if (command === undefined) return undefined;
      const rest = { ...state, open, done: state.done + 1 };
      const write = command.type === "callTool" && command.effect === "write";
      const outcome = event.type === "tool.returned" ? "done" : "failed";
      const settled = write ? [decided("effect.settled", effectId, { effect: effectId, outcome })] : [];
      if (state.cancelling) {
        if (inFlight(rest).length > 0) return step(rest, settled);
        return end(rest, "cancelled", [...settled, decided("run.cancelled", "", { reason: "asked", openEffects: [] })]);
      }
      if (write)
        return end(rest, "completed", [...settled, decided("run.completed", "", { output: { done: rest.done } })]);
      return proceed(rest, state.phase, now, runId);
    }
    case "run.resumed": {
      const lost = event.body.lost.flatMap((id) => inFlight(state).filter((command) => command.id === id));
      if (lost.length === 0) return undefined;
      const again = lost.map((command) => ({ ...command, id: nextAttempt(command), attempt: command.attempt + 1 }));
      const gone = new Set(lost.map(({ id }) => id));
      const kept = Object.fromEntries(Object.entries(state.open).filter(([id]) => !gone.has(id)));
      const decisions = again.flatMap((command) =>
        command.effect === "write"
          ? [
              decided("effect.uncertain", effectId, { effect: effectId, tool: command.tool, next: "key" }),
              decided("effect.dispatched", effectId, { effect: effectId, attempt: command.attempt, via: "call" }),
            ]
          : [called(command)],
      );
      return step({ ...state, open: kept }, decisions, again, true);
    }
    case "timer.fired": {
      const { [event.body.timer]: timer, ...open } = state.open;
      if (timer === undefined) return undefined;
      if (timer.id === limitId) return state.phase === "parallel" ? stop({ ...state, open }, "too slow") : undefined;
      return end({ ...state, open }, "escalated", [
        decided("run.escalated", "", { reason: "no answer", by: agent, packet: null }),
      ]);
    }
    case "input.received": {
      if (state.phase !== "parked" || event.body.ask !== askId) return undefined;
      return proceed({ ...state, open: {} }, "parked", now, runId);
    }
    case "cancel.requested":
      return stop(state, event.body.reason);
    default:
      return undefined;
  }
}

/** Aborts what is out and ends when the last of it has come back; a timer has no outcome to wait for. */
function stop(state: State, reason: string): Step {
  const aborts = inFlight(state).map(({ id }) => id);
  if (aborts.length > 0) return { ...step({ ...state, cancelling: true }, []), aborts };
  return end(state, "cancelled", [decided("run.cancelled", "", { reason, openEffects: [] })]);
}

const order: readonly Phase[] = ["row", "parallel", "parked", "write", "completed"];

/** Stays in a phase that has work left, else enters the next one that has any. */
function proceed(state: State, from: Phase, now: number, runId: string): Step {
  const { plan } = state;
  for (const phase of order.slice(order.indexOf(from))) {
    const entering = phase !== state.phase;
    if (phase === "row" && state.done < (plan.row ?? 0)) {
      return issue({ ...state, phase }, [read(runId, "count_up", state.done + 1)]);
    }
    if (phase === "parallel" && (plan.parallel ?? 0) > 0) {
      if (!entering && inFlight(state).length > 0) return step(state, []);
      const reads = Array.from({ length: plan.parallel ?? 0 }, (_, index) =>
        read(runId, "look_up", state.done + index + 1),
      );
      const limit = plan.limitMs === undefined ? [] : [timer(limitId, now + plan.limitMs, false)];
      if (entering) return issue({ ...state, phase }, [...reads, ...limit]);
    }
    if (phase === "parked" && entering && plan.ask === true) {
      const question = { ask: askId, of: "customer" as const, by: agent, question: "Which one?" };
      const wake = plan.expireMs === undefined ? [] : [timer("worker#1/expiry#1", now + plan.expireMs, true)];
      const entries = [
        decided("input.requested", "worker#1", question),
        decided("run.parked", "", { waitingFor: [askId] }),
      ];
      return { ...issue({ ...state, phase }, wake, entries), barrier: true };
    }
    if (phase === "write" && entering && plan.write === true) {
      const write: CallToolCommand = {
        ...read(runId, "put_down", 1),
        id: "worker#1/write#1",
        effect: "write",
        grant: {},
        key: `${runId}/${effectId}`,
      };
      const { tool, input, key, attempt } = write;
      const intent = {
        effect: effectId,
        agent,
        tool,
        input,
        inputHash: hashJson(input),
        key,
        risk: "low" as const,
        decision,
      };
      const entries = [
        decided("effect.intended", effectId, intent),
        decided("effect.dispatched", effectId, { effect: effectId, attempt, via: "call" }),
      ];
      return { ...issue({ ...state, phase }, [write], entries), barrier: true };
    }
  }
  return end(state, "completed", [decided("run.completed", "", { output: { done: state.done } })]);
}

function read(runId: string, tool: string, index: number): CallToolCommand {
  const input: Json = { runId, index };
  return {
    type: "callTool",
    id: `worker#1/${tool}#${index}`,
    path: "worker#1",
    agent,
    tool,
    input,
    effect: "read",
    grant: {},
    key: "",
    attempt: 1,
    attributes: {},
  };
}

function timer(id: string, dueAt: number, durable: boolean): StartTimerCommand {
  return { type: "startTimer", id, path: "worker#1", dueAt, durable };
}

const nextAttempt = (command: CallToolCommand): string =>
  `${command.id.replace(/\/again#\d+$/, "")}/again#${command.attempt}`;

function called({ id, tool, input, effect, attempt }: CallToolCommand): Decided {
  const body = { command: id, agent, tool, callId: id, input, inputHash: hashJson(input), effect, attempt, decision };
  return decided("tool.called", "worker#1", body);
}

function decided<Type extends keyof DecisionBodies>(type: Type, path: string, body: DecisionBodies[Type]): Decided {
  return { type, path, body } as Decided;
}

function step(state: State, decisions: readonly Decided[], commands: readonly Command[] = [], barrier = false): Step {
  const opened = Object.fromEntries(commands.map((command) => [command.id, command]));
  return { state: { ...state, open: { ...state.open, ...opened } }, decisions, commands, aborts: [], barrier };
}

function issue(state: State, commands: readonly Command[], entries?: readonly Decided[]): Step {
  return step(
    state,
    entries ?? commands.flatMap((command) => (command.type === "callTool" ? [called(command)] : [])),
    commands,
  );
}

function end(state: State, phase: EndStatus, decisions: readonly Decided[]): Step {
  return { ...step({ ...state, phase, open: {} }, decisions), barrier: true };
}
