import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from "xstate";
import { agentMachine } from "../../packages/core/src/agent-loop/machine.ts";
import { breakerMachine } from "../../packages/core/src/effect/breaker-machine.ts";
import type { BreakerContext } from "../../packages/core/src/effect/breaker-state.ts";
import { effectMachine } from "../../packages/core/src/effect/machine.ts";
import { compileSteps, firstStep, nextStep, type StepSnapshot } from "../../packages/core/src/step.ts";
import type { GuardView, SupervisorEvent } from "../../packages/core/src/supervisor/machine.ts";
import { makeTrial } from "../support/trial.ts";

/** XState is the reference (D3): the step table must do what `transition` does, for any machine of ours and any events. */

interface Named {
  readonly type: string;
}
type Outcome = { readonly state: string; readonly context: unknown; readonly commands: unknown } | "unexpected";

function pathOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [[key, inner] = ["", ""]] = Object.entries(value as object);
  return `${key}.${pathOf(inner)}`;
}

function reference(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: Named,
): [AnyMachineSnapshot, Outcome] {
  if (snapshot.status !== "active") return [snapshot, "unexpected"];
  const [next, actions] = transition(machine, snapshot, event as never);
  const commands = actions
    .filter(({ type }) => !type.startsWith("xstate."))
    .map(({ type, params }) => ({ type: type as string, ...(params as object | undefined) }));
  if (commands.some(({ type }) => type === "unexpected")) return [snapshot, "unexpected"];
  const { value, context } = next as AnyMachineSnapshot;
  return [next as AnyMachineSnapshot, { state: pathOf(value), context, commands }];
}

function compare(
  machine: AnyStateMachine,
  events: readonly (() => Named)[],
  check?: (outcome: Outcome, event: Named) => void,
): void {
  const table = compileSteps(machine);
  let [snapshot] = initialTransition(machine) as unknown as [AnyMachineSnapshot];
  let own: StepSnapshot = firstStep(table);
  expect([own.state, own.context]).toEqual([pathOf(snapshot.value), snapshot.context]);
  for (const make of events) {
    const [next, expected] = reference(machine, snapshot, make());
    let seen: Outcome;
    try {
      // A snapshot that went through JSON decides the same.
      const revived = JSON.parse(JSON.stringify(own)) as StepSnapshot;
      const step = nextStep<Named>(table, revived, make());
      own = step.snapshot;
      seen = { state: own.state, context: own.context, commands: step.commands };
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "run/unexpected-event" });
      seen = "unexpected";
    }
    expect(seen).toEqual(expected);
    expect(own.done).toBe(next.status === "done");
    check?.(seen, make());
    snapshot = next;
  }
}

const runs = Number(process.env.REMIT_PROPERTY_RUNS ?? 300);
const constant =
  <T>(value: T) =>
  () =>
    value;

interface Proposed {
  readonly effect: string;
  readonly idempotency: string;
  readonly tier: string;
  readonly quorum: number;
  readonly compliance: boolean;
}

const arbCallEvent = fc.oneof(
  fc.record({
    type: fc.constant("propose"),
    effect: fc.constantFrom("read", "write"),
    idempotency: fc.constantFrom("key", "lookup", "none"),
    attempts: fc.integer({ min: 1, max: 4 }),
    tier: fc.constantFrom("none", "compliance", "person"),
    quorum: fc.integer({ min: 1, max: 3 }),
    lossIsFree: fc.boolean(),
    compliance: fc.boolean(),
    reviewer: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("failed"),
    mayHaveExecuted: fc.boolean(),
    keyValid: fc.boolean(),
    retry: fc.boolean(),
  }),
  fc.record({ type: fc.constant("lost"), keyValid: fc.boolean() }),
  ...["allow", "revise", "escalate", "prepared", "approve", "approve", "reject", "edit", "expire", "revoke"].map(
    (type) => fc.constant({ type }),
  ),
  ...["deny", "cancel", "returned", "refused", "due", "found", "never", "unknown", "decided", "nonsense"].map((type) =>
    fc.constant({ type }),
  ),
);

/** Plays random lives of calls on both machines; `check` sees what each event that had a place led to. */
function playCalls(
  check: (commands: readonly string[], event: { readonly type: string }, proposed: Proposed | undefined) => void,
): void {
  fc.assert(
    fc.property(fc.array(arbCallEvent, { maxLength: 40 }), (events) => {
      let proposed: Proposed | undefined;
      let called = 0;
      compare(effectMachine(), events.map(constant), (outcome, event) => {
        if (outcome === "unexpected") return;
        const commands = (outcome.commands as Named[]).map(({ type }) => type);
        if (event.type === "propose") proposed = event as unknown as Proposed;
        check(commands, event, proposed);
        called += commands.filter((type) => type === "call").length;
        const retried = events.some((one) => "retry" in one && one.retry);
        if (proposed?.effect === "write" && proposed.idempotency === "none" && !retried) {
          expect(called).toBeLessThanOrEqual(1);
        }
      });
    }),
    { numRuns: runs },
  );
}

describe("step tables and XState decide alike", () => {
  test("the agent loop; A1 at most `turns` model calls, A3 nothing after an end", () => {
    const arbEvent = fc.oneof(
      fc.record({
        type: fc.constant("deliver"),
        turns: fc.integer({ min: 1, max: 5 }),
        repairs: fc.integer({ min: 0, max: 2 }),
      }),
      fc.record({ type: fc.constant("model.calls"), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ type: fc.constant("model.ask"), allowed: fc.boolean() }),
      fc.record({ type: fc.constant("model.failed"), retry: fc.boolean() }),
      ...[
        "model.output",
        "model.invalid",
        "model.refused",
        "due",
        "call.settled",
        "input.received",
        "no-progress",
        "nonsense",
      ].map((type) => fc.constant({ type })),
    );
    fc.assert(
      fc.property(fc.array(arbEvent, { maxLength: 60 }), (events) => {
        let calls = 0;
        let turns = Number.POSITIVE_INFINITY;
        let ended = false;
        compare(agentMachine(), events.map(constant), (outcome, event) => {
          if (ended) expect(outcome).toBe("unexpected");
          if (outcome === "unexpected") return;
          if (event.type === "deliver") turns = (event as unknown as { turns: number }).turns;
          // A second try of the same turn is no turn of its own.
          if (event.type !== "due")
            calls += (outcome.commands as Named[]).filter(({ type }) => type === "callModel").length;
          expect(calls).toBeLessThanOrEqual(turns);
          ended = outcome.state === "returned" || outcome.state === "failed";
        });
      }),
      { numRuns: runs },
    );
  });

  test("a call; E1 E2 a write is called once after its intent, again only under its key or after `never`", () => {
    playCalls((seen, event, proposed) => {
      if (event.type === "propose" || proposed?.effect !== "write" || !seen.includes("call")) return;
      if (seen.includes("intend")) return expect(seen.indexOf("intend")).toBeLessThan(seen.indexOf("call"));
      expect(proposed.idempotency === "key" || event.type === "never" || event.type === "due").toBe(true);
    });
  });

  test("E6 a write of tier `compliance` is intended after `allow` or an approval, one of tier `person` after its quorum", () => {
    let approvals = 0;
    playCalls((seen, event, proposed) => {
      if (event.type === "propose") approvals = 0;
      if (event.type === "approve") approvals++;
      if (!proposed || !seen.includes("intend")) return;
      if (proposed.tier === "none") return expect(event.type).toBe("propose");
      if (proposed.tier === "compliance" && event.type === "allow") return expect(proposed.compliance).toBe(true);
      expect(event.type).toBe("approve");
      expect(approvals).toBe(proposed.quorum);
    });
  });

  test("a breaker; B1 it opens at its bound, B2 no more probes than it may", () => {
    const arbEvent = fc.constantFrom("succeeded", "failed", "failed", "probe", "abandoned", "nonsense");
    const arbBound = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(arbBound, arbBound, fc.array(arbEvent, { maxLength: 60 }), (failuresMax, probes, types) => {
        compare(
          breakerMachine({ failuresMax, probes }),
          types.map((type) => constant({ type })),
          (outcome) => {
            if (outcome === "unexpected") return;
            const { failures, probing } = outcome.context as BreakerContext;
            if (outcome.state === "closed") expect(failures).toBeLessThan(failuresMax);
            else expect(failures).toBeGreaterThanOrEqual(failuresMax);
            expect(probing).toBeLessThanOrEqual(outcome.state === "halfOpen" ? probes : 0);
          },
        );
      }),
      { numRuns: runs },
    );
  });

  test("any supervisor; S1 only defined edges are taken, S2 at most `max` times, S3 a fault takes none", () => {
    const arbEvent = fc.record({
      kind: fc.constantFrom(
        "start",
        "returned",
        "returned",
        "returned",
        "returned",
        "failed",
        "ended",
        "branch",
        "branch-failed",
        "input",
        "rejected",
        "limit",
        "cancel",
        "nonsense",
      ),
      agent: fc.nat(5),
      n: fc.nat(30),
      branch: fc.constantFrom("b0", "b1"),
      status: fc.constantFrom("denied" as const, "escalated" as const),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5_000 }), fc.array(arbEvent, { maxLength: 40 }), (seed, drawn) => {
        const { definition } = makeTrial(seed);
        const names = [...definition.agents.keys()];
        const taken = new Map<string, number>();
        const events = drawn.map(({ kind, agent: index, n, branch, status }) => (): SupervisorEvent | Named => {
          const agent = names[index % names.length] ?? "";
          const view: GuardView = { output: { n, text: "x" }, sourcesOf: () => ({}), faults: [] };
          switch (kind) {
            case "start":
              return { type: "start" };
            case "returned":
              return { type: "agent.returned", agent, ...view };
            case "failed":
              return { type: "agent.failed", agent };
            case "ended":
              return { type: "agent.ended", agent, status };
            case "branch":
              return { type: "branch.returned", branch };
            case "branch-failed":
              return { type: "branch.failed", branch };
            case "input":
              return { type: "input.received", edge: "e" };
            case "rejected":
              return { type: "handoff.rejected", edge: "e" };
            case "limit":
              return { type: "limit.exceeded" };
            case "cancel":
              return { type: "cancel" };
            default:
              return { type: "nonsense" };
          }
        });
        compare(definition.machine as AnyStateMachine, events, (outcome, event) => {
          if (outcome === "unexpected") return;
          for (const command of outcome.commands as { type: string; edge?: string }[]) {
            if (command.edge === undefined) continue;
            const edge = definition.edgeByName.get(command.edge);
            expect(edge).toBeDefined();
            if (event.type !== "agent.returned") continue;
            taken.set(command.edge, (taken.get(command.edge) ?? 0) + 1);
            if (edge?.max !== undefined) expect(taken.get(command.edge)).toBeLessThanOrEqual(edge.max);
          }
        });
      }),
      { numRuns: runs },
    );
  });
});
