import { OrchestrationError } from "../errors.ts";
import type { Entry, InputBodies, Undo } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import { canonicalJson } from "../json.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import { type PrincipalSource, plainPrincipal } from "../principal.ts";
import { type EffectRecord, effectsOf, hasEnded, standingEffects, undosOf } from "../run/effects.ts";
import type { Run } from "../run/run.ts";
import { undoConversation, undoRunId, undoRuns } from "../run/undo-runs.ts";
import type { RunBounds } from "./bounds.ts";
import type { SupervisorDefinition } from "./definition.ts";
import { assertId } from "./given.ts";
import type { Compensation, Supervisor } from "./services.ts";
import type { Starts } from "./starts.ts";
import { told } from "./wanted.ts";

/** How writes of ended runs are undone, by runs of their own. */
export interface Compensations {
  readonly compensate: Supervisor["compensate"];
  /** True for a start that undoes what is left to undo of a run, and nothing else. */
  readonly isUndo: (key: RunKey, body: InputBodies["run.started"]) => Promise<boolean>;
}

export interface CompensationParts {
  readonly definition: SupervisorDefinition;
  readonly journal: Journal;
  readonly principals: PrincipalSource;
  /** Refuses whoever may not undo. */
  readonly may: AssertOperator;
  readonly bounds: RunBounds;
  readonly starts: Starts;
  readonly handle: <Out>(key: RunKey) => Run<Out>;
}

export function compensations({
  definition,
  journal,
  principals,
  may,
  bounds: { grantsOf },
  starts: { begin, handedOver },
  handle,
}: CompensationParts): Compensations {
  const compensate: Supervisor["compensate"] = async (run, of) => {
    const { tenant, effects, principal, attributes } = told("compensate", of);
    assertId("tenant", tenant);
    const who = plainPrincipal(principal ?? principals.current());
    may("operate", who);
    const record = await journal.findRun(tenant, run);
    if (record?.supervisor !== definition.name) throw new OrchestrationError("run/unknown", { run, tenant });
    const grants = grantsOf({ tenant }, who);
    const { runId, left } = await nextUndoOf(journal, definition, { tenant, run, only: effects });
    if (!left) return handle<Compensation>({ tenant, runId });
    const undos = await handedOver(tenant, run, runId, left);
    return begin<Compensation>(
      { tenant, runId },
      {
        input: null,
        principal: who,
        labels: { "": [who.kind] },
        conversationId: undoConversation(run),
        compensates: { run, undos },
        ...(grants === undefined ? {} : { grants }),
        ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
      },
    );
  };

  const isUndo: Compensations["isUndo"] = async ({ tenant, runId }, { compensates }) => {
    if (!compensates) return false;
    const { run, undos } = compensates;
    const state = await knownStateOf(journal, { tenant, runId: run }, definition);
    if (runId !== nameOf(state, { tenant, runId: run }, definition)) return false;
    const only = undos.map(({ effect }) => effect);
    const left = await undosFor(journal, definition, { tenant, run, only }, state);
    return canonicalJson(await handedOver(tenant, run, runId, left)) === canonicalJson(undos);
  };

  return { compensate, isUndo };
}

/** Which effects of which run somebody wants undone; all that can be, where none is named. */
export interface UndoWish {
  readonly tenant: string;
  readonly run: string;
  readonly only: readonly string[] | undefined;
}

/** The run that does so: with what is left for it to undo, or one that is at it already. */
export interface NextUndo {
  readonly runId: string;
  readonly left?: readonly Undo[];
}

/**
 * @throws OrchestrationError `run/unknown`; `run/not-undoable` while it has not ended, when nothing is left, or nobody can
 *   say what is
 */
export async function nextUndoOf(
  journal: Journal,
  definition: SupervisorDefinition,
  wish: UndoWish,
): Promise<NextUndo> {
  const { tenant, run } = wish;
  const key: RunKey = { tenant, runId: run };
  const state = await knownStateOf(journal, key, definition);
  if (state.unfinished !== undefined) return { runId: state.unfinished };
  const left = await undosFor(journal, definition, wish, state);
  return { runId: nameOf(state, key, definition), left };
}

/** The id of the next run that undoes a run: counted, so that two who ask at the same moment ask for one run. */
function nameOf({ count }: UndoState, key: RunKey, { name }: SupervisorDefinition): string {
  return undoRunId(key, name, count + 1);
}

async function knownStateOf(journal: Journal, key: RunKey, { name }: SupervisorDefinition): Promise<UndoState> {
  const state = await undoStateOf(journal, key, name);
  if (state.isKnown) return state;
  const reason = "a run that undid something of it was erased, and nobody can say what is left";
  throw new OrchestrationError("run/not-undoable", { run: key.runId, reason });
}

/** What runs that undo another one have come to, together. */
export interface UndoState {
  /** Effects that were undone. */
  readonly undone: ReadonlySet<string>;
  /** Effects of which an undo broke off, so that nobody knows whether it was done. */
  readonly unknown: ReadonlySet<string>;
  /** A run that is still at it. */
  readonly unfinished: string | undefined;
  /** How many such runs there were. */
  readonly count: number;
  /** False when one of them was erased: what it has undone nobody can say. */
  readonly isKnown: boolean;
}

export async function undoStateOf(journal: Journal, key: RunKey, supervisor: string): Promise<UndoState> {
  const undone = new Set<string>();
  const unknown = new Set<string>();
  let unfinished: string | undefined;
  const runs = await undoRuns(journal, key, supervisor);
  for (const { runId, isErased } of runs) {
    if (isErased) continue;
    const entries = await openRun(journal, key.tenant, runId);
    if (!hasEnded(entries)) unfinished ??= runId;
    for (const { effect, outcome } of undosIn(entries)) (outcome === "done" ? undone : unknown).add(effect);
  }
  return { undone, unknown, unfinished, count: runs.length, isKnown: runs.every(({ isErased }) => !isErased) };
}

/** What was undone in a run, or may have been, whether or not its answer could be read: the n-th undo stands at `undo#n`. */
function undosIn(entries: readonly Entry[]): readonly Pick<EffectRecord, "effect" | "outcome">[] {
  const [first] = entries;
  const undos = first?.type === "run.started" ? (first.body.compensates?.undos ?? []) : [];
  return standingEffects(effectsOf(entries, new Map())).flatMap(({ effect, outcome }) => {
    const undo = undos[Number(/^undo#(\d+)/.exec(effect)?.[1] ?? 0) - 1];
    return undo ? [{ effect: undo.effect, outcome }] : [];
  });
}

/**
 * What is left to undo of a run, the last write first.
 * @throws OrchestrationError `run/unknown`; `run/not-undoable` while it has not ended, or when nothing is left
 */
async function undosFor(
  journal: Journal,
  definition: SupervisorDefinition,
  { tenant, run, only }: UndoWish,
  { undone, unknown }: UndoState,
): Promise<readonly Undo[]> {
  const entries = await openRun(journal, tenant, run);
  if (entries.length === 0) throw new OrchestrationError("run/unknown", { run, tenant });
  const refuse = (reason: string) => new OrchestrationError("run/not-undoable", { run, reason });
  if (!hasEnded(entries)) throw refuse("it has not ended");
  const effects = effectsOf(entries, definition.tools);
  const never = only?.find((wanted) => !effects.some(({ effect, undo }) => effect === wanted && undo));
  if (never !== undefined) {
    const why = effects.find(({ effect }) => effect === never)?.noUndo;
    throw refuse(why === undefined ? `${never} was not done, or its tool names no way back` : `${never}: ${why}`);
  }
  // Undone in silence but for this one, it would look as if all were.
  const stuck = only ? undefined : effects.find(({ effect, noUndo }) => noUndo !== undefined && !undone.has(effect));
  if (stuck) throw refuse(`${stuck.effect}: ${stuck.noUndo}; name the \`effects\` that shall be undone all the same`);
  const wanted = undosOf(effects, only).filter(({ effect }) => !undone.has(effect));
  // Done once more, under another key, it might be done twice (R7).
  const left = wanted.filter(({ effect }) => !unknown.has(effect));
  if (left.length > 0) return left;
  const [open] = wanted;
  if (open) throw refuse(`an undo of ${open.effect} broke off, and nobody knows whether it was done`);
  throw refuse("nothing that can be undone is left of what it did");
}
