import type { Engine, Run, RunRecord, Supervisor } from "@remit/core";
import type { WentOn } from "../console/acting.ts";
import type { Place } from "./place.ts";

/** Whose runs a command is about. */
export interface WhoseRuns {
  /** Those of the person's own application, of the tenants that its configuration names. */
  readonly own?: boolean;
  /** The same, of this tenant. */
  readonly tenant?: string;
  /** Acts on a run though another process may be driving it, which then loses it to this one. */
  readonly takeOver?: boolean;
}

/**
 * Runs that a command is about, wherever they are: those of the sandbox's suites, each a tenant of its own, or those of the
 * person's own application. Only `work` lets a run go on, and only the one that it is about.
 */
export interface Books {
  readonly kind: "suite" | "tenant";
  readonly engine: Engine;
  /** The person's place; its commands name the same runs. */
  readonly place: Place;
  /** The suite or the tenant that a text stands for; when absent the newest suite, or the only tenant. */
  readonly named: (text: string | undefined) => string;
  readonly all: () => readonly string[];
  /** The run that a text stands for. @throws SandboxError `suite/run-*`; `usage/wrong` for a text without a word */
  readonly find: (text: string) => Promise<RunRecord>;
  /** Supervisors that can decide, and let nothing go on. */
  readonly supervisors: (tenant: string) => Promise<readonly Supervisor[]>;
  /** The one of a run. */
  readonly offline: (record: RunRecord) => Promise<Supervisor>;
  /**
   * The one of a run, at work in this process.
   * @param drives false: what is asked of it lets no run go on
   */
  readonly work: (record: RunRecord, how?: { readonly drives: boolean }) => Promise<AtWork>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export interface AtWork {
  readonly supervisor: Supervisor;
  /** Lets a run go on until it ends or waits for somebody. */
  readonly goOn: (run: Run, scenario: string | undefined) => Promise<WentOn>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}
