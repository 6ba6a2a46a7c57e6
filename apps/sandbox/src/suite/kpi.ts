import type { SupervisorDefinition } from "@remit/core";
import { byTag, type KpiOptions, type KpiRun, type KpiTally, kpiTally } from "@remit/core/kpi";
import type { Pack } from "../pack.ts";

/** A run with what the sandbox knows of it that its journal does not say. */
export interface ScoredRun extends KpiRun {
  /** Every check of its scenario holds; absent: it waits, or was not looked at. */
  readonly right?: boolean;
  /** Violations that the audit has found; absent: it was not made. */
  readonly violations?: number;
}

export interface ScoreOptions {
  readonly pack: Pick<Pack, "reasons" | "tells">;
  readonly definition: SupervisorDefinition;
  /** Its models cost money. Calls of scripted ones are free. */
  readonly live: boolean;
  readonly segmentBy?: KpiOptions["segmentBy"];
}

/** Scores the runs of suites by the functions that score runs in production: by tag, and over all. */
export function scoreTally({ pack, definition, live, segmentBy }: ScoreOptions): KpiTally {
  const { reasons, tells } = pack;
  return kpiTally({
    segmentBy: { tag: byTag(), ...segmentBy },
    success: (run: ScoredRun) => run.right,
    violations: (run: ScoredRun) => run.violations,
    unpriced: live ? "unknown" : "free",
    definitions: (hash) => (hash === definition.hash ? definition : undefined),
    ...(reasons ? { reasons } : {}),
    ...(tells
      ? {
          responds: (entry) =>
            entry.type === "tool.called" &&
            entry.body.tool !== undefined &&
            tells({ tool: entry.body.tool, input: entry.body.input }) !== undefined,
        }
      : {}),
  });
}
