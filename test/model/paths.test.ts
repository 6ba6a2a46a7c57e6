import { describe, expect, test } from "vitest";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { agentMachine } from "../../packages/core/src/agent-loop/machine.ts";
import { breakerMachine } from "../../packages/core/src/effect/breaker-machine.ts";
import { effectMachine } from "../../packages/core/src/effect/machine.ts";
import { compileSteps, firstStep, nextStep } from "../../packages/core/src/step.ts";
import { makeTrial } from "../support/trial.ts";

/** Every state of a machine can be reached, by a path that the step table walks to the same place. */

interface Named {
  readonly type: string;
}

const pathOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [[key, inner] = ["", ""]] = Object.entries(value as object);
  return `${key}.${pathOf(inner)}`;
};

/** Innermost states, by path. */
function leavesOf(machine: AnyStateMachine): string[] {
  return [...compileSteps(machine).nodes.keys()].sort();
}

/** The states that some path leads to. Contexts are left aside, so that counters do not make states of their own. */
function reach(machine: AnyStateMachine, events: readonly Named[]): string[] {
  const paths = getShortestPaths(machine, {
    events: events as never,
    serializeState: (state) => pathOf((state as AnyMachineSnapshot).value),
    limit: 100_000,
  });
  const table = compileSteps(machine);
  const reached = new Set<string>();
  for (const { state, steps } of paths) {
    const goal = pathOf((state as unknown as AnyMachineSnapshot).value);
    let snapshot = firstStep(table);
    for (const { event } of steps) {
      if ((event as Named).type === "xstate.init") continue;
      snapshot = nextStep<Named>(table, snapshot, event as Named).snapshot;
    }
    expect(snapshot.state).toBe(goal);
    reached.add(goal);
  }
  return [...reached].sort();
}

describe("every state can be reached", () => {
  test("of the agent loop", () => {
    const events = [
      { type: "deliver", turns: 3, repairs: 1 },
      { type: "model.calls", count: 1 },
      { type: "model.ask", allowed: true },
      { type: "model.failed", retry: true },
      ...["model.output", "model.invalid", "model.refused", "due", "call.settled", "input.received"].map((type) => ({
        type,
      })),
    ];
    expect(reach(agentMachine(), events)).toEqual(leavesOf(agentMachine()));
  });

  test("of a call", () => {
    const proposals = (["key", "lookup", "none"] as const).flatMap((idempotency) =>
      (["none", "compliance", "person"] as const).flatMap((tier) =>
        [true, false].map((judges) => ({
          type: "propose",
          effect: "write",
          idempotency,
          attempts: 2,
          tier,
          quorum: 2,
          lossIsFree: judges,
          compliance: judges,
          reviewer: judges,
        })),
      ),
    );
    const events = [
      { type: "failed", mayHaveExecuted: true, keyValid: true, retry: false },
      { type: "failed", mayHaveExecuted: false, keyValid: true, retry: true },
      { type: "lost", keyValid: true },
      ...["deny", "returned", "refused", "found", "never", "unknown", "decided", "due"].map((type) => ({ type })),
      ...["allow", "revise", "escalate", "prepared", "approve", "reject", "edit", "expire", "revoke", "cancel"].map(
        (type) => ({ type }),
      ),
    ];
    // A proposal of each kind leads to the same states, so each is walked by itself.
    const reached = new Set(proposals.flatMap((proposal) => reach(effectMachine(), [proposal, ...events])));
    expect([...reached].sort()).toEqual(leavesOf(effectMachine()));
  });

  test("of a breaker", () => {
    const events = ["succeeded", "failed", "probe", "abandoned"].map((type) => ({ type }));
    const machine = breakerMachine({ failuresMax: 1 });
    expect(reach(machine, events)).toEqual(["closed", "halfOpen", "open"]);
    expect(reach(machine, events)).toEqual(leavesOf(machine));
  });

  test("of supervisors, as far as their guards ever say yes", () => {
    for (let seed = 0; seed < 25; seed++) {
      const { definition } = makeTrial(seed);
      const machine = definition.machine as AnyStateMachine;
      const sourcesOf = () => ({});
      const events = [
        { type: "start" },
        ...[...definition.agents.keys()].flatMap((agent) => [
          // Guards read the number: over these each of them says yes and no. Faults are a fresh list for each look.
          ...Array.from({ length: 15 }, (_, n) => ({
            type: "agent.returned",
            agent,
            output: { n, text: "x" },
            sourcesOf,
            get faults() {
              return [];
            },
          })),
          { type: "agent.failed", agent },
          { type: "agent.ended", agent, status: "denied" },
          { type: "agent.ended", agent, status: "escalated" },
        ]),
        { type: "branch.returned", branch: "b0" },
        { type: "branch.returned", branch: "b1" },
        { type: "input.received", edge: "" },
        { type: "limit.exceeded" },
        { type: "cancel" },
      ];
      const reached = new Set(reach(machine, events));
      // Each agent that is not only a branch has its place, and each way of waiting.
      const branches = new Set(
        definition.edges.flatMap((edge) => (edge.kind === "parallel" ? edge.branches.map(({ to }) => to) : [])),
      );
      for (const leaf of leavesOf(machine)) {
        const agent = leaf.replace("working.", "");
        if (!branches.has(agent)) expect(reached, `${leaf} of seed ${seed}`).toContain(leaf);
      }
      for (const end of ["completed", "denied", "escalated", "failed", "cancelled"]) expect(reached).toContain(end);
    }
  });
});
