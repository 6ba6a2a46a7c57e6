import { type AnyStateMachine, assign, createMachine } from "xstate";
import type { Edge } from "../handoff.ts";
import type { Threshold } from "../threshold.ts";
import { unheard } from "../unheard.ts";

/**
 * The supervisor as a pure XState machine, compiled from its edges (R2). An event goes in, a snapshot and named
 * commands come out. It has no `invoke`, no `after`, no clock. What it refuses to be: an executor. The maps of the
 * contracts run outside, after the machine has chosen an edge.
 *
 * S1 Only an edge that was defined leads to an agent.
 * S2 An edge is taken at most `max` times.
 * S3 A guard that throws takes no edge: the fault is reported on the event, and the run fails.
 * S4 A state that has no place for an event says so (`unexpected`).
 */

/** What went wrong in a guard. `notConfidence`: nothing was thrown, but what a threshold read is no confidence. */
export interface GuardFault {
  readonly edge: string;
  readonly thrown: unknown;
  readonly notConfidence?: true;
}

/** What a guard may read: the sender's typed output and, by edge, the earlier payloads it declared. */
export interface GuardView {
  readonly output: unknown;
  readonly sourcesOf: (edge: Edge) => unknown;
  /** Collects what guards threw during this one transition; never read by the machine. */
  readonly faults: GuardFault[];
}

export type SupervisorEvent =
  | { readonly type: "start" }
  | ({ readonly type: "agent.returned"; readonly agent: string } & GuardView)
  | { readonly type: "agent.failed"; readonly agent: string }
  | { readonly type: "agent.ended"; readonly agent: string; readonly status: "denied" | "escalated" }
  | { readonly type: "branch.returned"; readonly branch: string }
  | { readonly type: "branch.failed"; readonly branch: string }
  | { readonly type: "input.received"; readonly edge: string }
  | { readonly type: "handoff.rejected"; readonly edge: string }
  | { readonly type: "limit.exceeded" }
  | { readonly type: "cancel" };

/** What the machine wants done. `delegate` without an edge is the entry; with `model` it is a second, stronger try. */
export type SupervisorCommand =
  | { readonly type: "delegate"; readonly agent: string; readonly edge?: string; readonly model?: string }
  | { readonly type: "fork"; readonly edge: string }
  | { readonly type: "question"; readonly edge: string }
  | { readonly type: "complete"; readonly agent: string }
  | { readonly type: "end"; readonly edge: string }
  | { readonly type: "endAs"; readonly why: EndReason }
  | { readonly type: "unexpected"; readonly event: string };

export type EndReason = "agent-failed" | "agent-ended" | "low-confidence" | "no-edge" | "rejected" | "limit" | "cancel";

export interface SupervisorContext {
  /** How often each edge was taken. */
  readonly taken: Readonly<Record<string, number>>;
  /** The agent whose present delivery already went to a stronger model. */
  readonly stronger: string | null;
  /** Keys of the branches that have not returned. */
  readonly pending: readonly string[];
}

/** What the machine is compiled from. */
export interface SupervisorPlan {
  readonly name: string;
  readonly entry: string;
  readonly exits: ReadonlySet<string>;
  readonly agents: readonly string[];
  readonly edges: readonly Edge[];
  readonly thresholds: ReadonlyMap<string, Threshold>;
  readonly onFailure: "fail" | "escalate";
}

type Args = { readonly context: SupervisorContext; readonly event: SupervisorEvent };
type Returned = Extract<SupervisorEvent, { type: "agent.returned" }>;

const command = <Type extends SupervisorCommand["type"]>(
  type: Type,
  params: Omit<Extract<SupervisorCommand, { type: Type }>, "type">,
) => ({ type, params });

/** Compiles the machine. State names are the agents'; forks and questions are `+`, numbered and described. */
export function compileMachine(plan: SupervisorPlan): AnyStateMachine {
  const failed = plan.onFailure === "escalate" ? "#escalated" : "#failed";
  const states: Record<string, unknown> = {};

  const take = (edge: Edge) =>
    assign(({ context }: Args) => ({
      taken: { ...context.taken, [edge.name]: timesTaken(context, edge) + 1 },
      stronger: null,
      pending: edge.kind === "parallel" ? edge.branches.map(({ key }) => key) : [],
    }));

  const fits =
    (edge: Edge) =>
    ({ context, event }: Args) => {
      if (edge.max !== undefined && timesTaken(context, edge) >= edge.max) return false;
      const view = event as Returned;
      if (view.faults.length > 0) return false;
      if (!edge.when) return true;
      try {
        const said: unknown = edge.when(view.output as never, view.sourcesOf(edge) as never);
        if (typeof said !== "boolean") unheard(said);
        return said === true;
      } catch (thrown) {
        view.faults.push({ edge: edge.name, thrown });
        return false;
      }
    };

  const below = (threshold: Threshold) => (event: SupervisorEvent) => {
    const view = event as Returned;
    try {
      const confidence: unknown = threshold.read(view.output as never);
      if (typeof confidence !== "number" || !(confidence >= 0 && confidence <= 1)) {
        unheard(confidence);
        view.faults.push({ edge: `confidence of ${threshold.agent}`, thrown: confidence, notConfidence: true });
        return false;
      }
      return confidence < threshold.atLeast;
    } catch (thrown) {
      view.faults.push({ edge: `confidence of ${threshold.agent}`, thrown });
      return false;
    }
  };

  const ended = [
    {
      guard: named("denied", ({ event }: Args) => event.type === "agent.ended" && event.status === "denied"),
      target: "#denied",
      actions: [command("endAs", { why: "agent-ended" })],
    },
    { target: "#escalated", actions: [command("endAs", { why: "agent-ended" })] },
  ];

  for (const agent of plan.agents) {
    const leaving = plan.edges.filter((edge) => edge.from === agent);
    const threshold = plan.thresholds.get(agent);
    const returned: unknown[] = [];
    if (threshold) {
      const isBelow = below(threshold);
      if (threshold.stronger !== undefined) {
        returned.push({
          guard: named(
            `confidence < ${threshold.atLeast}`,
            ({ context, event }: Args) => context.stronger !== agent && isBelow(event),
          ),
          target: agent,
          reenter: true,
          actions: [assign({ stronger: agent }), command("delegate", { agent, model: threshold.stronger })],
        });
      }
      returned.push({
        guard: named(`confidence < ${threshold.atLeast}`, ({ event }: Args) => isBelow(event)),
        target: "#escalated",
        actions: [command("endAs", { why: "low-confidence" })],
      });
    }
    for (const edge of leaving) {
      returned.push({
        guard: named(edge.when ? `when ${edge.name}` : "otherwise", fits(edge)),
        ...leave(edge, take(edge)),
      });
    }
    const sound = named("sound", ({ event }: Args) => (event as Returned).faults.length === 0);
    if (plan.exits.has(agent)) {
      returned.push({ guard: sound, target: "#completed", actions: [command("complete", { agent })] });
    }
    returned.push({ target: failed, actions: [command("endAs", { why: "no-edge" })] });
    states[agent] = {
      on: {
        "agent.returned": returned,
        "agent.failed": { target: failed, actions: [command("endAs", { why: "agent-failed" })] },
        "agent.ended": ended,
        "handoff.rejected": { target: failed, actions: [command("endAs", { why: "rejected" })] },
      },
    };
  }

  plan.edges.forEach((edge, index) => {
    if (edge.kind === "parallel") {
      states[stateOf(edge, index)] = {
        description: edge.name,
        on: {
          "branch.returned": [
            {
              guard: named("last branch", ({ context, event }: Args) =>
                context.pending.every((key) => event.type === "branch.returned" && key === event.branch),
              ),
              target: edge.join.to,
              actions: [assign({ pending: [] }), command("delegate", { agent: edge.join.to, edge: edge.name })],
            },
            {
              actions: assign({
                pending: ({ context, event }: Args) =>
                  context.pending.filter((key) => event.type !== "branch.returned" || key !== event.branch),
              }),
            },
          ],
          "agent.ended": ended,
          "branch.failed": { target: failed, actions: [command("endAs", { why: "agent-failed" })] },
          "handoff.rejected": { target: failed, actions: [command("endAs", { why: "rejected" })] },
        },
      };
    }
    if (edge.kind === "question") {
      states[stateOf(edge, index)] = {
        description: edge.name,
        on: {
          "input.received": { target: edge.to, actions: [command("delegate", { agent: edge.to, edge: edge.name })] },
          "handoff.rejected": { target: failed, actions: [command("endAs", { why: "rejected" })] },
        },
      };
    }
  });

  function leave(edge: Edge, taking: unknown): { target: string; actions: unknown[] } {
    switch (edge.kind) {
      case "handoff":
        return { target: edge.to, actions: [taking, command("delegate", { agent: edge.to, edge: edge.name })] };
      case "parallel":
        return {
          target: stateOf(edge, plan.edges.indexOf(edge)),
          actions: [taking, command("fork", { edge: edge.name })],
        };
      case "question":
        return {
          target: stateOf(edge, plan.edges.indexOf(edge)),
          actions: [taking, command("question", { edge: edge.name })],
        };
      case "ending":
        return { target: `#${edge.status}`, actions: [taking, command("end", { edge: edge.name })] };
    }
  }

  const final = (id: string) => ({ id, type: "final" });
  return createMachine({
    id: plan.name,
    context: { taken: {}, stronger: null, pending: [] } satisfies SupervisorContext,
    initial: "idle",
    on: {
      "limit.exceeded": { target: "#failed", actions: [command("endAs", { why: "limit" })] },
      cancel: { target: "#cancelled", actions: [command("endAs", { why: "cancel" })] },
      "*": { actions: [{ type: "unexpected", params: ({ event }: Args) => ({ event: event.type }) }] },
    },
    states: {
      idle: {
        on: { start: { target: `working.${plan.entry}`, actions: [command("delegate", { agent: plan.entry })] } },
      },
      working: { initial: plan.entry, states },
      completed: final("completed"),
      denied: final("denied"),
      escalated: final("escalated"),
      failed: final("failed"),
      cancelled: final("cancelled"),
    },
  } as unknown as Parameters<typeof createMachine>[0]) as unknown as AnyStateMachine;
}

/** Name of the state in which a supervisor waits for its branches or for a person; no agent can have it. */
function stateOf(edge: Edge, index: number): string {
  return edge.kind === "parallel" ? `+fork_${index}` : `+question_${index}`;
}

/** An edge may have any name, also one that every object has. */
function timesTaken({ taken }: SupervisorContext, { name }: Edge): number {
  return Object.hasOwn(taken, name) ? (taken[name] ?? 0) : 0;
}

/** Guards are inline functions with a name of their own, so that pictures and exports can show them. */
function named<Fn extends (args: Args) => boolean>(name: string, guard: Fn): Fn {
  Object.defineProperty(guard, "name", { value: name });
  return guard;
}
