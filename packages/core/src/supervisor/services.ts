import type { Approvals } from "../approval/approvals.ts";
import type { BudgetView } from "../budget/ledger.ts";
import type { Health } from "../effect/health.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Entry, EntryType, RestrictionTarget } from "../event.ts";
import type { RestrictionInForce } from "../governance/restrictions.ts";
import type { Json } from "../json.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { RunFilter, RunRecord } from "../port/journal.ts";
import type { Principal } from "../principal.ts";
import type { Costs } from "../run/costs.ts";
import type { ReplayReport } from "../run/replay.ts";
import type { Run } from "../run/run.ts";
import type { Disclosure } from "../seal/disclosures.ts";
import type { SupervisorDefinition } from "./definition.ts";
import type { DeadLetters } from "./letters.ts";
import type { MigrateOptions, MigrationReport } from "./migrate.ts";
import type { StartOptions } from "./options.ts";

/** Who asks; whoever acts now when absent. Counts where `roles` are set: `policy/operator-not-allowed`. */
export interface As {
  readonly principal?: Principal;
}

/** A supervisor at an engine. */
export interface Supervisor<Input = unknown, Output = unknown> {
  readonly definition: SupervisorDefinition;
  readonly engine: Engine;
  /**
   * Starts a run and resolves when that is durable.
   * @throws OrchestrationError `run/input-invalid`, `run/id-invalid`, `run/key-invalid`, `journal/unavailable`,
   *   `engine/closed`
   */
  readonly start: (input: Input, options: StartOptions) => Promise<Run<Output>>;
  /** A run that was started before, here or elsewhere. @throws OrchestrationError `run/unknown` */
  readonly find: (runId: string, options: { readonly tenant: string } & As) => Promise<Run<Output>>;
  readonly list: (filter: Omit<RunFilter, "supervisor"> & As) => Promise<readonly RunRecord[]>;
  /** Continues the unfinished runs of this definition; resolves with how many were woken. */
  readonly resume: (filter?: { readonly tenant?: string; readonly runId?: string }) => Promise<number>;
  /** Writes of this supervisor's runs that wait for people, wherever in a tree of teams they were proposed (R8). */
  readonly approvals: Approvals;
  /**
   * Takes a tool, an agent or everything away from a tenant, or from all tenants: at once, also for runs that are parked.
   * Resolves when it is durable, with whether anything changed. A name that this supervisor has not is a warning in the log.
   * @throws OrchestrationError `run/id-invalid`, `journal/unavailable`; `options/invalid` for a target that is none
   */
  readonly restrict: (target: RestrictionTarget, options: RestrictOptions) => Promise<boolean>;
  readonly lift: (target: RestrictionTarget, options: RestrictOptions) => Promise<boolean>;
  /** What is taken away at present: who did it, when and why. */
  readonly restrictions: (tenant: string, as?: As) => Promise<readonly RestrictionInForce[]>;
  /** How a tenant's budget stands. */
  readonly budget: (tenant: string, as?: As) => Promise<BudgetView>;
  /**
   * What the model calls of a tenant's runs have cost, by run, agent, model, step and definition. It reads the journal of
   * each run that the filter lists, page by page: all of them where `most` is absent.
   */
  readonly costs: (tenant: string, filter?: Omit<RunFilter, "supervisor" | "tenant"> & As) => Promise<Costs>;
  /**
   * Undoes writes of an ended run, the last one first, by the tools that their tools name, as effects of a run of its own:
   * each with a key, a tier and, where its risk asks for it, an approval. Asked again it gives the same run; what is
   * undone is not undone twice.
   * @throws OrchestrationError `policy/operator-not-allowed`, `run/unknown`, `run/not-undoable`
   */
  readonly compensate: (
    runId: string,
    options: {
      readonly tenant: string;
      /** Paths of the effects; all that can be undone when absent. */
      readonly effects?: readonly string[];
      readonly principal?: Principal;
      readonly attributes?: Readonly<Record<string, string>>;
    },
  ) => Promise<Run<Compensation>>;
  /** Runs that failed, to be looked at, done again, or put aside. */
  readonly deadLetters: DeadLetters;
  /** Has parked runs of an older definition go on under this one. */
  readonly migrate: (
    options: Omit<MigrateOptions, "from"> & {
      readonly from: SupervisorDefinition | { readonly definition: SupervisorDefinition };
    },
  ) => Promise<MigrationReport>;
  /** Which values of a run were shown in the clear, to whom and when: tokens, and no values. Empty where nothing is sealed. */
  readonly disclosures: (
    runId: string,
    options: { readonly tenant: string } & As,
  ) => Promise<readonly (Disclosure & { readonly at: number })[]>;
  /** How the other sides of the gates are, as far as this process knows. */
  readonly health: () => Health;
  /** Checks a run's chain and decides it again, offline. Never throws for what it finds. */
  readonly replay: (runId: string, options: { readonly tenant: string } & As) => Promise<ReplayReport>;
  /** Watches entries of all runs that this process drives. A throwing listener hurts nobody else. */
  readonly on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void) => () => void;
  readonly toMermaid: () => string;
  readonly toJson: () => Json;
}

/** What a compensating run came to. */
export interface Compensation {
  readonly run: string;
  readonly undone: readonly { readonly effect: string; readonly tool: string; readonly output: Json }[];
  readonly failed: readonly { readonly effect: string; readonly tool: string; readonly error: ErrorRecord }[];
}

export interface RestrictOptions {
  /** `everyTenant`: for every tenant, those to come included. */
  readonly tenant: string | typeof everyTenant;
  readonly reason: string;
  readonly principal?: Principal;
}

/** Stands for every tenant where restrictions are set. */
export const everyTenant: unique symbol = Symbol.for("remit.every-tenant");
