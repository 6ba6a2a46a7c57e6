import { OrchestrationError, type Supervisor } from "@remit/core";
import { judge } from "./judging.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";

export interface ReachOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly violations: Violations;
  /** Some process that answers, or none. */
  readonly reach: () => Process | undefined;
  /** Versions of which some processes know one only are at work. */
  readonly isDeploying: () => boolean;
  /** Hash of the definition of a specialist's runs, where there is one. */
  readonly specialist: string | undefined;
}

export const visitMsMax = 20_000;

/** Whose runs somebody asks about. */
export type Side = "team" | "specialist";

/** The supervisor of a specialist's runs, where a process serves one. It starts none; nobody asks it to. */
function servedBy(process: Process | undefined): Supervisor | undefined {
  return process?.served?.supervisor as Supervisor | undefined;
}

/** How people come to a process: they ask at whichever there is, wait for none, and ask again. */
export class Reach {
  readonly #options: ReachOptions;
  /** Starts, undos and redrives that are not done yet. */
  #pending = 0;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    return this.#pending === 0;
  }

  /** Asks at one process after the other until somebody answers; what is in `final` is an answer too. */
  insist(
    firstMs: number,
    act: (supervisor: Supervisor) => Promise<() => void>,
    final: readonly string[] = [],
    also: readonly string[] = [],
    side: Side = "team",
  ): void {
    const { scheduler, random, violations } = this.#options;
    let done = false;
    this.#pending++;
    const finish = (then: () => void) => {
      if (done) return;
      done = true;
      this.#pending--;
      then();
    };
    const attempt = () => {
      if (done) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: attempt });
      // Whoever starts something takes the newest version that is there.
      const process = this.#options.reach();
      const supervisor = side === "specialist" ? servedBy(process) : process?.supervisors.at(-1);
      if (!supervisor) return;
      act(supervisor).then(finish, (thrown: unknown) => {
        if (OrchestrationError.is(thrown) && final.includes(thrown.code)) return finish(() => {});
        judge(violations, thrown, [...also, ...this.amidDeploy()]);
      });
    };
    scheduler.add({ kind: "person", delayMs: firstMs, act: attempt });
  }

  amidDeploy(): readonly string[] {
    if (this.#options.isDeploying()) return ["definition/unknown", "definition/waiting-runs"];
    // Whether an edit fits the tool of a specialist, only those can say who serve it.
    return this.#options.specialist === undefined ? [] : ["definition/unknown"];
  }

  /** An attempt at a process that dies meanwhile never ends; whoever made it does not wait for it. */
  at(act: (supervisor: Supervisor) => Promise<void>, also: readonly string[] = [], side: Side = "team"): void {
    const { reach, random, violations } = this.#options;
    const process = reach();
    if (!process) return;
    const supervisor = side === "specialist" ? servedBy(process) : random.pick(process.supervisors);
    if (!supervisor) return;
    // A process that has not loaded the newest version can do nothing for its runs.
    act(supervisor).catch((thrown: unknown) => judge(violations, thrown, [...also, ...this.amidDeploy()]));
  }
}
