import type { FaultKind } from "./fault.ts";
import type { OpenState } from "./history.ts";

/** Which faults met which states, which entries were written, which transitions taken; sums over simulations. */
export class Coverage {
  /** `fault × state` → how often. */
  readonly meetings = new Map<string, number>();
  readonly entryTypes = new Map<string, number>();
  readonly transitions = new Map<string, number>();
  readonly faults = new Map<FaultKind, number>();
  readonly ends = new Map<string, number>();

  meet(fault: FaultKind, states: Iterable<OpenState>): void {
    for (const state of states) count(this.meetings, `${fault} × ${state}`, 1);
  }

  /** As plain data, for another thread. */
  toJson(): CoverageJson {
    const { meetings, entryTypes, transitions, faults, ends } = this;
    return [meetings, entryTypes, transitions, faults, ends].map((map) => [...map]);
  }

  static fromJson(json: CoverageJson): Coverage {
    const coverage = new Coverage();
    const { meetings, entryTypes, transitions, faults, ends } = coverage;
    [meetings, entryTypes, transitions, faults, ends].forEach((map, index) => {
      for (const [key, times] of json[index] ?? []) count(map as Map<string, number>, key, times);
    });
    return coverage;
  }

  add(other: Coverage): void {
    for (const [from, to] of [
      [other.meetings, this.meetings],
      [other.entryTypes, this.entryTypes],
      [other.transitions, this.transitions],
      [other.faults, this.faults],
      [other.ends, this.ends],
    ] as const) {
      for (const [key, value] of from) count(to as Map<string, number>, key, value);
    }
  }
}

export type CoverageJson = readonly (readonly (readonly [string, number])[])[];

/** States of work under way that a fault can meet. */
export const openStates = [
  "run.running",
  "run.parked",
  "run.cancelling",
  "run.delayed",
  "model.reserving",
  "model.called",
  "model.waiting",
  "read.called",
  "read.waiting",
  "write.judging",
  "write.preparing",
  "write.approving",
  "write.called",
  "write.waiting",
  "write.retried",
  "write.looked-up",
  "write.uncertain",
  "question.open",
  "handoff.delayed",
  "handoff.elsewhere",
] as const satisfies readonly OpenState[];

export function count(map: Map<string, number>, key: string, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

/** Every step that a machine can take, as durable entries or the world show it, by machine. */
export const machines = {
  effect: [
    "start → read.called",
    "read.called → read.called",
    "read.called → read.waiting",
    "read.waiting → read.called",
    "read.waiting → denied as policy/revoked",
    "read.called → tool.returned",
    "read.called → tool.failed",
    "read.called → settled as cancelled",
    "start → write.called",
    "start → write.proposed",
    "write.proposed → write.judging",
    "write.proposed → write.preparing",
    "write.proposed → write.approving",
    "write.judging → write.called",
    "write.judging → write.preparing",
    "write.judging → write.approving",
    "write.judging → denied as policy/revise",
    "write.judging → denied as policy/revoked",
    "write.judging → settled as cancelled",
    "write.preparing → write.approving",
    "write.preparing → denied as policy/revoked",
    "write.preparing → settled as cancelled",
    "write.approving → write.approving",
    "write.approving → write.called",
    "write.approving → denied as approval/rejected",
    "write.approving → denied as approval/expired",
    "write.approving → denied as policy/revoked",
    "write.approving → superseded",
    "write.approving → settled as cancelled",
    "write.called → settled as done",
    "write.called → settled as refused",
    "write.called → settled as failed",
    "write.called → settled as cancelled",
    "write.called → write.waiting",
    "write.called → write.uncertain",
    "write.waiting → write.retried",
    "write.waiting → settled as failed",
    "write.waiting → settled as cancelled",
    "write.uncertain → write.retried",
    "write.uncertain → write.looked-up",
    "write.uncertain → settled as done",
    "write.uncertain → settled as failed",
    "write.retried → write.waiting",
    "write.retried → settled as done",
    "write.retried → settled as refused",
    "write.retried → settled as failed",
    "write.retried → write.uncertain",
    "write.looked-up → write.looked-up",
    "write.looked-up → write.retried",
    "write.looked-up → write.uncertain",
    "write.looked-up → settled as done",
    "write.looked-up → settled as failed",
  ],
  agent: [
    "agent.idle → agent.thinking",
    "agent.thinking → agent.acting",
    "agent.thinking → agent.asking",
    "agent.thinking → agent.waiting",
    "agent.thinking → agent.repairing",
    "agent.thinking → agent.returned",
    "agent.thinking → agent.failed",
    "agent.waiting → agent.thinking",
    "agent.waiting → agent.failed",
    "agent.repairing → agent.thinking",
    "agent.acting → agent.thinking",
    "agent.acting → agent.failed",
    "agent.asking → agent.thinking",
    "agent.asking → agent.failed",
  ],
  model: [
    "start → model.called",
    "start → model.reserving",
    "model.reserving → model.called",
    "model.reserving → budget.refused",
    "model.reserving → exceeded by run",
    "model.reserving → exceeded by agent",
    "model.reserving → exceeded by tenant",
    "model.called → model.responded",
    "model.called → model.failed",
    "model.waiting → due",
  ],
  breaker: [
    "breaker.closed → open",
    "breaker.open → halfOpen",
    "breaker.halfOpen → closed",
    "breaker.halfOpen → open",
    "breaker.halfOpen → abandoned",
  ],
  run: [
    "run.delayed → begun",
    "start → question.open",
    "question.open → answered",
    "start → handoff.delayed",
    "handoff.delayed → delivered",
    "start → handoff.elsewhere",
    "handoff.elsewhere → ended as completed",
    "handoff.elsewhere → ended as denied",
    "handoff.elsewhere → ended as escalated",
    "handoff.elsewhere → ended as failed",
    "handoff.elsewhere → ended as cancelled",
    "handoff.elsewhere → recalled",
    "handoff.elsewhere → refused",
    "run.running → run.parked",
    "run.parked → migrated",
    "run → restricted",
    "run → cancelled in part",
    "run → cancelled in whole",
    "run → completed",
    "run → denied",
    "run → escalated",
    "run → failed",
    "run → cancelled",
    "start of the new version alone → refused",
  ],
} as const satisfies Record<string, readonly string[]>;

export const reachable: readonly string[] = Object.values(machines).flat();
