import { everyTenant, type RestrictionTarget } from "@remit/core";
import { lateMs } from "./approvers.ts";
import type { Faults } from "./fault.ts";
import { operations, tenants } from "./persons.ts";
import type { Random } from "./random.ts";
import type { Reach } from "./reach.ts";
import type { Restraint } from "./restraint.ts";
import type { Scheduler } from "./scheduler.ts";
import { toolNames } from "./specs.ts";

export interface GovernorsOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly restraint: Restraint;
  readonly reach: Reach;
  /** Names of agents that may be taken away. */
  readonly agents: readonly string[];
  /** The storm is over: nobody takes anything away any more. */
  readonly isCalm: () => boolean;
}

/** Who takes tools, agents and whole tenants away, and gives them back. */
export class Governors {
  readonly #options: GovernorsOptions;

  constructor(options: GovernorsOptions) {
    this.#options = options;
  }

  /** Somebody takes something away from time to time, and gives it back after a while. */
  govern(): void {
    const { scheduler, random, faults, restraint, isCalm } = this.#options;
    const calm = isCalm();
    const delayMs = 1 + random.below(calm ? lateMs : 40_000);
    scheduler.add({ kind: "person", delayMs, act: () => this.govern() });
    if (calm) return this.#giveBack();
    if (!faults.strikes("restrict")) return;
    const target = this.#target();
    const tenant = random.chance(0.7) ? random.pick(tenants) : undefined;
    const how = { tenant: tenant ?? everyTenant, reason: "no more", principal: operations } as const;
    this.#options.reach.insist(0, async (supervisor) => {
      await supervisor.restrict(target, how);
      return () => {
        const one = { target, tenant, acknowledgedAt: scheduler.now, liftedAt: undefined as number | undefined };
        // Somebody else may lift the same meanwhile: then nothing is sure.
        if (!this.#lifting.has(sameOf(target, tenant))) restraint.list.push(one);
        this.#options.reach.insist(5_000 + random.below(180_000), async (other) => {
          this.#lifting.add(sameOf(target, tenant));
          for (const standing of restraint.list) {
            if (sameOf(standing.target, standing.tenant) === sameOf(target, tenant))
              standing.liftedAt ??= scheduler.now;
          }
          await other.lift(target, how);
          return () => {};
        });
      };
    });
  }

  /** What is still taken away when the storm is over, by a word that came late, is given back. */
  #giveBack(): void {
    for (const tenant of tenants) {
      this.#options.reach.at(async (supervisor) => {
        for (const { target, tenant: scope } of await supervisor.restrictions(tenant)) {
          for (const one of this.#options.restraint.list) one.liftedAt ??= this.#options.scheduler.now;
          const where = scope === tenant ? tenant : everyTenant;
          await supervisor.lift(target, { tenant: where, reason: "over", principal: operations });
        }
      });
    }
  }

  /** Restrictions that somebody has begun to lift, once. */
  readonly #lifting = new Set<string>();

  #target(): RestrictionTarget {
    const { random, agents } = this.#options;
    const luck = random.unit();
    if (luck < 0.5) return { kind: "tool", name: random.pick(toolNames) };
    if (luck < 0.85) return { kind: "agent", name: random.pick(agents) };
    return { kind: "tenant" };
  }
}

function sameOf(target: RestrictionTarget, tenant: string | undefined): string {
  return `${tenant ?? "all"} ${target.kind} ${target.kind === "tenant" ? "" : target.name}`;
}
