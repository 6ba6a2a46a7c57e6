import type { Deltas } from "../answer/deltas.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry, InputEvent } from "../event.ts";
import type { IdSource } from "../ids.ts";
import { openBatch } from "../journal/chain.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { Batch, RunRecord, StreamKey } from "../port/journal.ts";
import type { PrincipalSource } from "../principal.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { openBlobs } from "./blob.ts";

/** What the handles of all runs of a supervisor work with. */
export interface HandleParts {
  readonly engine: Engine;
  readonly definition: SupervisorDefinition;
  /** Puts an event into the run, or into one of a specialist that works for it. */
  readonly deliver: (record: RunRecord, event: InputEvent) => Promise<void>;
  readonly principals: PrincipalSource;
  /** Refuses whoever may not do something with runs. */
  readonly may: AssertOperator;
  readonly ids: IdSource;
  readonly deltas: Deltas;
  readonly sealing?: Sealing | undefined;
  /** The run is a specialist's: of its definition nothing is known here. */
  readonly isElsewhere?: true;
}

/** The run that a handle holds. Little of it is its own, because a handle is in memory as long as somebody waits. */
export interface Held {
  readonly key: RunKey;
  readonly stream: StreamKey;
  readonly parts: HandleParts;
}

export async function record({ key, parts: { engine } }: Held): Promise<RunRecord> {
  const found = await engine.journal.findRun(key.tenant, key.runId);
  if (!found) throw new OrchestrationError("run/unknown", { run: key.runId, tenant: key.tenant });
  return found;
}

/** The definition that a run began with, where it is loaded here: another version's schemas say nothing about its values. */
export function pinnedOf({ parts: { engine, definition } }: Pick<Held, "parts">, run: RunRecord): SupervisorDefinition {
  return engine.definitionOf(`${run.supervisor}@${run.definitionHash}`) ?? definition;
}

/** A run keeps the definition it began with, whichever handle speaks to it. */
export async function deliver(held: Held, event: InputEvent): Promise<void> {
  return held.parts.deliver(await record(held), event);
}

export function open(
  { key, stream, parts: { engine } }: Held,
  batch: Batch,
  only?: ReadonlySet<string>,
): Entry[] | Promise<Entry[]> {
  return openBlobs(openBatch(batch, key.runId, only), engine.journal, stream);
}

export async function entries(held: Held): Promise<Entry[]> {
  const all: Entry[] = [];
  for (const batch of await held.parts.engine.journal.read(held.stream)) all.push(...(await open(held, batch)));
  return all;
}

/** Driving stopped here because somebody else drives the run, and who waits for it can see what comes of that. */
export function isDrivenElsewhere({ parts: { engine } }: Held, error: OrchestrationError): boolean {
  return engine.shared && OrchestrationError.is(error, "journal/conflict");
}
