import { OrchestrationError, reasonOf } from "../errors.ts";
import { type Entry, endStatusOf, type RunStatus } from "../event.ts";
import { linesOf, openBatch, verifyChain } from "../journal/chain.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { openBlobs } from "./blob.ts";
import { RunCore } from "./core.ts";
import { decidedBy, foldBatch } from "./fold.ts";

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
  /** Seq of the first entry that was decided again: 1, or where the run was migrated to this definition. */
  readonly fromSeq: number;
  /** The first entry that is not what was written, or the first decision that differs. */
  readonly fault?: Fault;
}

interface Fault {
  /** `chain`: not what was written; `erased`: a body is gone; `definition`: of another one; `decision`: comes out differently. */
  readonly kind: "chain" | "decision" | "definition" | "erased";
  readonly seq: number;
  readonly reason: string;
}

/** How the line of an erased body ends; nothing else in a line looks like it. */
const erasedEnd = "\t\t\n";

/**
 * Decides a run again from its journal alone: no model, no tool, no clock, no network (R13).
 * @throws OrchestrationError `run/unknown`; `journal/unavailable`, which says nothing of the run
 */
export async function replayRun(
  journal: Journal,
  key: StreamKey,
  definition: SupervisorDefinition,
): Promise<ReplayReport> {
  const batches = await journal.read(key);
  if (batches.length === 0) throw new OrchestrationError("run/unknown", { run: key.id, tenant: key.tenant });
  const verified = verifyChain(batches);
  const report = {
    run: key.id,
    entries: verified.head.seq,
    inputs: 0,
    decisions: 0,
    journalHash: verified.head.hash,
    fromSeq: 1,
  };
  if (verified.fault) {
    return { ...report, ok: false, status: "unknown", fault: { kind: "chain", ...verified.fault } };
  }
  const tenantKey = await journal.tenantKey(key.tenant);
  const core = new RunCore({ definition, tenant: key.tenant, runId: key.id, tenantKey });
  let status: RunStatus | "unknown" = "unknown";
  const faulty = (kind: Fault["kind"], seq: number, reason: string): ReplayReport => ({
    ...report,
    ok: false,
    status,
    fault: { kind, seq, reason },
  });
  // What came before or after a migration was decided by another definition; that one replays it.
  const own = await decidedBy(definition, batches, journal, key).catch((thrown: unknown) => {
    if (!kindOf(thrown)) throw thrown;
    return batches; // The entry is named below, where its turn has come.
  });
  report.fromSeq = own[0]?.firstSeq ?? 1;
  for (const batch of own) {
    let entries: readonly Entry[];
    try {
      entries = await openBlobs(openBatch(batch, key.id), journal, key);
    } catch (thrown) {
      const kind = kindOf(thrown);
      if (!kind) throw thrown;
      return faulty(kind, seqIn(thrown, batch.firstSeq), reasonOf(thrown));
    }
    for (const [index, { body, salt }] of (batch.lines.includes(erasedEnd) ? linesOf(batch) : []).entries()) {
      // The chain holds without it, but what was decided from it cannot be decided again.
      if (body === "" && salt === "") return faulty("erased", batch.firstSeq + index, "its body was erased");
    }
    for (const entry of entries) {
      if (entry.cause === 0) report.inputs++;
      else report.decisions++;
      status = endStatusOf(entry.type) ?? (entry.type === "run.parked" ? "parked" : "running");
      if (entry.type === "run.started" && entry.body.definitionHash !== definition.hash) {
        const reason = `the run began with definition ${entry.body.definitionHash}, the one loaded is ${definition.hash}`;
        return faulty("definition", entry.seq, reason);
      }
    }
    try {
      foldBatch(core, entries, key.id);
    } catch (thrown) {
      // Whatever a definition of today makes of an entry of then is a difference, and no reason to throw.
      return faulty("decision", seqIn(thrown, batch.firstSeq), reasonOf(thrown));
    }
    // A run is moved while it is parked, and stays so whatever is asked anew.
    if (entries.some(({ type }) => type === "run.migrated")) status = "parked";
  }
  return { ...report, ok: true, status };
}

/** What the throw of an entry that cannot be opened says of it; nothing where it speaks of the journal. */
function kindOf(thrown: unknown): "chain" | "erased" | undefined {
  if (OrchestrationError.is(thrown, "journal/blob-missing")) return "erased";
  return OrchestrationError.is(thrown, "journal/broken-chain") ? "chain" : undefined;
}

function seqIn(thrown: unknown, otherwise: number): number {
  return OrchestrationError.is(thrown) && typeof thrown.data.seq === "number" ? thrown.data.seq : otherwise;
}
