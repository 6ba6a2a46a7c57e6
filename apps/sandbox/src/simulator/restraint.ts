import type { RestrictionTarget } from "@remit/core";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";

/** How old what a process knows of restrictions may be. */
export const restrictionsMaxAgeMs = 250;

/** A restriction that somebody was told is in force. */
export interface Restriction {
  readonly target: RestrictionTarget;
  /** Nothing: of every tenant. */
  readonly tenant: string | undefined;
  readonly acknowledgedAt: number;
  /** When somebody first tried to lift it: from then on nothing is sure. */
  liftedAt: number | undefined;
}

/** What people have taken away, and whether the world still sees calls of it (D4). */
export class Restraint {
  readonly list: Restriction[] = [];
  readonly #scheduler: Scheduler;
  readonly #violations: Violations;

  constructor(scheduler: Scheduler, violations: Violations) {
    this.#scheduler = scheduler;
    this.#violations = violations;
  }

  assertAllowed(call: { tenant: string; agent: string; tool?: string; owner: Owner | undefined }): void {
    const { tenant, agent, tool, owner } = call;
    const { now } = this.#scheduler;
    for (const one of this.list) {
      const { target, acknowledgedAt } = one;
      if (one.liftedAt !== undefined || (one.tenant ?? tenant) !== tenant) continue;
      if (now <= acknowledgedAt + restrictionsMaxAgeMs) continue;
      // A clock that was put back makes what is known look younger than it is.
      if (owner && (owner.setBackAt ?? 0) >= acknowledgedAt - 3_700_000) continue;
      const hit =
        target.kind === "tenant" ||
        (target.kind === "agent" && target.name === agent) ||
        (target.kind === "tool" && target.name === tool);
      if (!hit) continue;
      const what = tool ?? `a model of ${agent}`;
      this.#violations.add("D4", `${what} was called for ${tenant} after ${nameOf(target)} had been taken away`);
    }
  }
}

function nameOf(target: RestrictionTarget): string {
  return target.kind === "tenant" ? "everything" : `the ${target.kind} ${target.name}`;
}
