import { type ErrorRecord, OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import type { IdSource } from "../ids.ts";
import { sealBatch } from "../journal/chain.ts";
import { type Json, plainJson } from "../json.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { RunRecord } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { blobStore } from "../run/blob.ts";
import { RunCore } from "../run/core.ts";
import { loadRun, recordOf } from "../run/driver.ts";
import type { StepTable } from "../step.ts";
import type { SupervisorDefinition } from "./definition.ts";

/** How parked runs of one definition go on under another one (D4). */
export interface MigrateOptions {
  /** The definition that the runs began with; it has to be here, because their state is made from it. */
  readonly from: SupervisorDefinition;
  readonly tenant?: string;
  /**
   * Changes a run's state, as JSON, where the new definition names things differently. Pure. Absent: as it is. What comes
   * out is held against the new definition: an agent, a tool, an edge or a state that it has not is refused.
   */
  readonly map?: (state: Json, run: RunKey) => Json;
  readonly principal?: Principal;
  /** Says what would happen and writes nothing. */
  readonly dryRun?: boolean;
}

export interface MigrationReport {
  readonly migrated: readonly RunKey[];
  /** Runs that are where they were, and why. */
  readonly refused: readonly (RunKey & { readonly error: ErrorRecord })[];
}

const pageSize = 500;

/** Moves parked runs from one definition to another, one by one; each is moved whole or not at all. */
export async function migrateRuns(
  to: SupervisorDefinition,
  options: MigrateOptions & {
    readonly engine: Engine;
    readonly ids: IdSource;
    readonly by: Principal;
    readonly blobChars: number;
  },
): Promise<MigrationReport> {
  const { from, tenant, engine } = options;
  const migrated: RunKey[] = [];
  const refused: (RunKey & { readonly error: ErrorRecord })[] = [];
  const filter = {
    status: "parked",
    definitions: [`${from.name}@${from.hash}`],
    most: pageSize,
    ...(tenant === undefined ? {} : { tenant }),
  } as const;
  let after: RunRecord | undefined;
  do {
    const page = await engine.journal.unfinishedRuns({ ...filter, ...(after === undefined ? {} : { after }) });
    for (const { tenant: owner, runId } of page) {
      const key: RunKey = { tenant: owner, runId };
      try {
        await migrateRun(key, to, options);
        migrated.push(key);
      } catch (thrown) {
        if (!OrchestrationError.is(thrown)) throw thrown;
        refused.push({ ...key, error: thrown.toRecord() });
      }
    }
    after = page.at(-1);
  } while (after);
  return { migrated, refused };
}

async function migrateRun(
  key: RunKey,
  to: SupervisorDefinition,
  { from, map, engine, ids, by, dryRun, blobChars }: Parameters<typeof migrateRuns>[1],
): Promise<void> {
  const { journal, clock } = engine;
  const stream = { tenant: key.tenant, kind: "run", id: key.runId } as const;
  const invalid = (reason: string) =>
    new OrchestrationError("definition/migration-invalid", { run: key.runId, definition: to.hash, reason });
  const tenantKey = await journal.tenantKey(key.tenant);
  const loaded = await loadRun(journal, stream, { definition: from, tenantKey });
  if (!loaded.core.parked) throw invalid("it is not parked any more");
  let made: unknown = JSON.parse(JSON.stringify(loaded.core.save()));
  try {
    if (map) made = map(made as Json, key);
  } catch (thrown) {
    throw invalid(`the map threw: ${reasonOf(thrown)}`);
  }
  const state = plainJson(made);
  if (!state.ok) throw invalid(`the state is not JSON at ${state.fault.pointer || "/"}: ${state.fault.reason}`);
  const core = new RunCore({ definition: to, tenant: key.tenant, runId: key.runId, tenantKey });
  const event: InputEvent<"run.migrated"> = {
    id: `migrated:${to.hash}`,
    type: "run.migrated",
    path: "",
    body: { from: from.hash, to: to.hash, supervisor: to.name, principal: plainPrincipal(by), state: state.value },
  };
  const at = Math.max(clock.now(), loaded.lastAt);
  const outcome = (() => {
    try {
      return core.apply(event, at, loaded.head.seq + 1);
    } catch (thrown) {
      throw invalid(reasonOf(thrown));
    }
  })();
  if (!outcome) throw invalid("the state is that of an ended run");
  const misfit = misfitOf(core, to);
  if (misfit) throw invalid(misfit);
  if (dryRun) return;
  const blobs = blobStore({ journal, tenant: key.tenant, tenantKey, blobChars });
  const batch = sealBatch(loaded.head, outcome.drafts, () => ids.salt(), blobs.divert);
  await blobs.stored();
  const { conversationId } = loaded;
  const record = recordOf(core, { ...key, definition: to, batch, at, conversationId });
  await journal.append(stream, batch, loaded.head.seq, record);
}

/** What a state speaks of and a definition has not. Agents and tools were looked for when it was loaded. */
function misfitOf({ state }: RunCore, root: SupervisorDefinition): string | undefined {
  if (state.tenant === "" || state.outstanding.size > 0) return "something of the run is under way";
  for (const { path, definition, snapshot } of state.teams.values()) {
    if (!(definition.steps as StepTable).nodes.has(snapshot.state)) {
      return `the supervisor ${definition.name} at ${path || "the root"} has no state ${snapshot.state}`;
    }
  }
  for (const { ask, by, edge } of state.asks.values()) {
    if (edge === undefined) continue;
    if (state.teams.get(by)?.definition.edgeByName.get(edge)?.kind !== "question") {
      return `the question ${ask} belongs to the edge ${edge}, which is none`;
    }
  }
  for (const delayed of state.delayed.values()) {
    if (delayed.kind !== "handoff") continue;
    const team = state.teams.get(delayed.team)?.definition;
    if (!team?.agents.has(delayed.agent)) return `a delayed delivery is for ${delayed.agent}, whom nobody knows`;
  }
  for (const { path, tool, tier, intended, judged } of state.calls.values()) {
    const now = root.approvals.get(tool.name)?.tier ?? "none";
    if (now === "person" && tier !== "person" && !intended)
      return `${path} is being judged, and the new definition asks for a person`;
    // What its policy wanted a person for still gets one; the gate asks the new definition's.
    if (tier === "person" && now !== "person" && judged?.effect !== "approve")
      return `${path} waits for an approval that the new definition does not ask for`;
  }
  return undefined;
}
