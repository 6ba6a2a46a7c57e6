import { OrchestrationError } from "../errors.ts";
import { endStatusOf, type RunStatus } from "../event.ts";
import { openBatch, verifyChain } from "../journal/chain.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { openBlobs } from "./blob.ts";
import { RunCore } from "./core.ts";
import { foldBatch } from "./driver.ts";

/** What a replay found. `ok` means: the chain holds, and every decision comes out as it was recorded. */
export interface ReplayReport {
  readonly ok: boolean;
  readonly run: string;
  readonly entries: number;
  /** Inputs that were applied again. */
  readonly inputs: number;
  /** Decisions that were made again and compared. */
  readonly decisions: number;
  readonly status: RunStatus | "unknown";
  readonly journalHash: string;
  /** The first entry that is not what was written, or the first decision that differs. */
  readonly fault?: {
    readonly kind: "chain" | "decision" | "definition";
    readonly seq: number;
    readonly reason: string;
  };
}

/**
 * Decides a run again from its journal alone: no model, no tool, no clock, no network (R13).
 * @throws OrchestrationError `run/unknown`
 */
export async function replayRun(
  journal: Journal,
  key: StreamKey,
  definition: SupervisorDefinition,
  policyVersion: string,
): Promise<ReplayReport> {
  const batches = await journal.read(key);
  if (batches.length === 0) throw new OrchestrationError("run/unknown", { run: key.id, tenant: key.tenant });
  const verified = verifyChain(batches);
  const report = { run: key.id, entries: verified.head.seq, inputs: 0, decisions: 0, journalHash: verified.head.hash };
  if (verified.fault) {
    return { ...report, ok: false, status: "unknown", fault: { kind: "chain", ...verified.fault } };
  }
  const tenantKey = await journal.tenantKey(key.tenant);
  const core = new RunCore({ definition, tenant: key.tenant, runId: key.id, tenantKey, policyVersion });
  let status: RunStatus | "unknown" = "unknown";
  for (const batch of batches) {
    const entries = await openBlobs(openBatch(batch, key.id), journal, key);
    for (const entry of entries) {
      if (entry.cause === 0) report.inputs++;
      else report.decisions++;
      status = endStatusOf(entry.type) ?? (entry.type === "run.parked" ? "parked" : "running");
      if (entry.type === "run.started" && entry.body.definitionHash !== definition.hash) {
        const reason = `the run began with definition ${entry.body.definitionHash}, the one loaded is ${definition.hash}`;
        return { ...report, ok: false, status, fault: { kind: "definition", seq: entry.seq, reason } };
      }
    }
    try {
      foldBatch(core, entries, key.id);
    } catch (thrown) {
      if (!OrchestrationError.is(thrown, "replay/diverged")) throw thrown;
      const seq = typeof thrown.data.seq === "number" ? thrown.data.seq : batch.firstSeq;
      return { ...report, ok: false, status, fault: { kind: "decision", seq, reason: thrown.message } };
    }
  }
  return { ...report, ok: true, status };
}
