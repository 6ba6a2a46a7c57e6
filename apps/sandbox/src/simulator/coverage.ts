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
] as const satisfies readonly OpenState[];

export function count(map: Map<string, number>, key: string, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

/** Every step that a call, a question or a run can take, as durable entries show it. */
export const reachable: readonly string[] = [
  "start → model.called",
  "model.called → model.responded",
  "model.called → model.failed",
  "start → read.called",
  "read.called → read.called",
  "read.called → tool.returned",
  "read.called → tool.failed",
  "read.called → settled as cancelled",
  "start → write.called",
  "write.called → settled as done",
  "write.called → settled as refused",
  "write.called → settled as failed",
  "write.called → settled as cancelled",
  "write.called → write.uncertain",
  "write.uncertain → write.retried",
  "write.uncertain → write.looked-up",
  "write.uncertain → settled as done",
  "write.uncertain → settled as failed",
  "write.retried → settled as done",
  "write.retried → settled as refused",
  "write.retried → settled as failed",
  "write.retried → write.uncertain",
  "write.looked-up → write.looked-up",
  "write.looked-up → write.retried",
  "write.looked-up → write.uncertain",
  "write.looked-up → settled as done",
  "write.looked-up → settled as failed",
  "start → question.open",
  "question.open → answered",
  "run.running → run.parked",
  "run → completed",
  "run → denied",
  "run → escalated",
  "run → failed",
  "run → cancelled",
];
