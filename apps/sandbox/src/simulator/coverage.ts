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
  "model.called",
  "read.called",
  "write.called",
  "write.retried",
  "write.looked-up",
  "write.uncertain",
  "question.open",
] as const satisfies readonly OpenState[];

export function count(map: Map<string, number>, key: string, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}
