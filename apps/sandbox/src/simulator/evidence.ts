import type { Entry, SupervisorDefinition } from "@remit/core";
import type { History } from "./history.ts";
import type { KnownRun, People } from "./people.ts";
import type { RuleSpec } from "./specs.ts";
import type { Store } from "./store.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

export interface Evidence {
  readonly seed: number;
  /** What has to happen before each write is made. */
  readonly rules: ReadonlyMap<string, RuleSpec>;
  readonly store: Store;
  readonly world: World;
  readonly history: History;
  /** By version. */
  readonly definitions: readonly SupervisorDefinition[];
  /** That of the specialist, where one works for the team elsewhere. */
  readonly specialist: SupervisorDefinition | undefined;
  readonly people: People;
  readonly violations: Violations;
  /** No clock was jumping. */
  readonly steady: boolean;
  /** No process has died, gone, or not heard that something was stored; none has said that a checkpoint could not be written. */
  readonly checkpointed: boolean;
}

/** One run, as the audit sees it. */
export interface Audited {
  readonly entries: readonly Entry[];
  readonly known: KnownRun;
  /** Of its last entry. */
  readonly hash: string;
  readonly fault: (promise: string, reason: string) => void;
}
