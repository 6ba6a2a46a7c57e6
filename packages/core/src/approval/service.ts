import type { InputEvent } from "../event.ts";
import type { IdSource } from "../ids.ts";
import type { Json } from "../json.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, RunRecord } from "../port/journal.ts";
import type { Principal, PrincipalSource } from "../principal.ts";
import type { Shown } from "../seal/withheld.ts";
import type { AnyTool } from "../tool.ts";
import type { ApproverRegistry } from "./signature.ts";

/** What the inbox stands on, for approvals and for questions of tools alike. */
export interface ApprovalServiceOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly principals: PrincipalSource;
  /** Refuses whoever may not do something here. */
  readonly may?: AssertOperator;
  /** Puts an event into a run and resolves when it is durable, was known already or has no place any more. */
  readonly deliver: (record: RunRecord, event: InputEvent) => Promise<void>;
  /** Seals what somebody says to a run, as arguments of a tool where one is named; what is signed is what is journaled. */
  readonly seal?: <Value extends Json>(run: RunKey, value: Value, tool?: string) => Promise<Value>;
  /** Shows somebody what was sealed; absent where nothing is. */
  readonly show?: <Value>(run: RunKey, value: Value, to: Principal, path: string) => Promise<Shown<Value>>;
  /** True for a run that is under way in another process, if anywhere: an event from here would take it over. */
  readonly isElsewhere: (record: RunRecord) => boolean;
  /** The tool of this name in the definition that a run is pinned to; nothing where that is not loaded. */
  readonly toolOf: (record: RunRecord, tool: string) => AnyTool | undefined;
  /** Whose keys are known. Absent: development mode, in which every decision is marked unauthenticated (D11). */
  readonly registry?: ApproverRegistry;
  /** Serves the runs of this supervisor only. */
  readonly supervisor?: string;
  /** And those of the specialists that work for it elsewhere. */
  readonly specialists?: ReadonlySet<string>;
}

/** Which cases to list. */
export interface ApprovalFilter {
  readonly tenant: string;
  /** Who looks; whoever acts now when absent. */
  readonly principal?: Principal;
  /** About this many: cases of one run are never parted; 100 when absent. */
  readonly most?: number;
  /** Only cases of runs started before this (epoch ms): `startedAt` of the last case of the page before. */
  readonly before?: number;
  /** With `before`: of the runs started at that very millisecond, those behind this id. */
  readonly beforeRunId?: string;
}

/** A signature that was made elsewhere, over the facts of the decision. */
export interface DecisionSignature {
  readonly keyId: string;
  readonly value: string;
}
