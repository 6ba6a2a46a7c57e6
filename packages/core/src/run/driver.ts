import type { Command } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent, Restrictions } from "../event.ts";
import { openBatch, sealBatch } from "../journal/chain.ts";
import { emptyHead, type Head } from "../journal/draft.ts";
import { streamName, unbroken } from "../journal/link.ts";
import { headOf, isSameHead, unsealedBatch } from "../journal/unsealed.ts";
import type { ModelGateway } from "../model/gateway.ts";
import type { Policy } from "../policy/policy.ts";
import type { OnConversation, RunSession } from "../port/engine.ts";
import type { Batch, Journal, RunRecord, Snapshot, StreamKey } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { InputPlace } from "../seal/sealed-inputs.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { AtHand, Resting } from "./at-hand.ts";
import { blobStore, openBlobs } from "./blob.ts";
import { type Outcome, RunCore } from "./core.ts";
import { decidedBy, foldBatch } from "./fold.ts";

/**
 * The one reducer loop of every engine: load, transition, append, submit, next (D1).
 *
 * V1 Nothing is submitted before the decision that asked for it was appended (R1).
 * V2 A write, a paid model call and a park wait until everything before them is durable (D2).
 * V3 A conflict ends this session; whoever won owns the run.
 * V4 An input is sealed before the core sees it, and its tokens are durable before it is (R12).
 */

/** What all runs of one supervisor are driven with. */
export interface DriverOptions {
  readonly definition: SupervisorDefinition;
  readonly gateway: ModelGateway;
  readonly logger: Logger;
  /** What was taken away from a tenant, as it stands now. */
  readonly restrictions: (tenant: string) => Restrictions | Promise<Restrictions>;
  /** A policy that is asked beside the one in force, and decides nothing. */
  readonly shadow?: Policy | undefined;
  /** Entries between two snapshots. */
  readonly snapshotEvery: number;
  /** Bodies longer than this many characters are stored by reference. */
  readonly blobChars: number;
  /** What comes in passes this before it is journaled, where values are sealed (R12). */
  readonly sealing?: Sealing;
  /** Which runs that wait keep their state in memory; all of them where it is absent. */
  readonly atHand?: AtHand;
}

/**
 * Drives a run until nothing is in flight. It waits for its session alone and takes time and salts from nobody else, so
 * that an engine may run it again from its own records.
 * @throws OrchestrationError `journal/conflict`, `journal/unavailable`
 */
export async function drive(
  session: RunSession,
  options: DriverOptions,
  onConversation?: OnConversation,
): Promise<void> {
  const { key, journal } = session;
  const state = new StateAtHand(session, options, onConversation, await journal.tenantKey(key.tenant));
  await state.begin();
  for (;;) {
    const coming = session.next();
    const place = coming instanceof Promise ? options.atHand?.wait(state) : undefined;
    const event = coming instanceof Promise ? await coming : coming;
    place?.back();
    if (event === undefined) break;
    const taking = state.take(event);
    if (taking) await taking;
    if (state.ended()) break;
  }
  const durable = state.durable();
  if (durable) session.awaits?.();
  await durable;
  if (state.ended() === false) journal.rest?.(key);
}

/**
 * The state of a run that is driven, for as long as it is at hand. Nobody else holds it: a function that waits keeps what it
 * had in its hands last.
 */
class StateAtHand implements Resting {
  readonly #session: RunSession;
  readonly #options: DriverOptions;
  readonly #onConversation: OnConversation | undefined;
  readonly #tenantKey: string;
  #driven: Driven | undefined;
  /** What a state that was let go of leaves behind. */
  #left: { readonly head: Head; readonly durable: Promise<void> | undefined } | undefined;

  constructor(
    session: RunSession,
    options: DriverOptions,
    onConversation: OnConversation | undefined,
    tenantKey: string,
  ) {
    this.#session = session;
    this.#options = options;
    this.#onConversation = onConversation;
    this.#tenantKey = tenantKey;
  }

  async begin(): Promise<void> {
    return (await this.#load()).begin();
  }

  take(event: InputEvent): void | Promise<void> {
    return this.#driven ? this.#driven.take(event) : this.#load().then((driven) => driven.take(event));
  }

  /** Nothing is known of a state that is not at hand. */
  ended(): boolean | undefined {
    return this.#driven?.ended();
  }

  /** The state as the journal has it: the second time it must be the one that was let go of. */
  async #load(): Promise<Driven> {
    const session = this.#session;
    const { key, journal } = session;
    const left = this.#left;
    if (left?.durable) session.awaits?.();
    await left?.durable;
    const { definition, shadow } = this.#options;
    const by = { definition, tenantKey: this.#tenantKey, shadow };
    const loaded = session.isNew && !left ? newRun(key, by) : await loadRun(journal, key, by);
    if (!left && loaded.conversationId !== undefined) this.#onConversation?.(loaded.conversationId);
    if (left && !isSameHead(loaded.head, left.head)) {
      const data = { stream: streamName(key), expected: left.head.seq, actual: loaded.head.seq };
      throw new OrchestrationError("journal/conflict", data);
    }
    this.#left = undefined;
    this.#driven = reducer(session, this.#options, loaded, this.#tenantKey, this.#onConversation);
    return this.#driven;
  }

  letGo(): void {
    this.#left = this.#driven && { head: this.#driven.head(), durable: this.#driven.durable() };
    this.#driven = undefined;
    this.#session.journal.rest?.(this.#session.key);
  }

  /** What was appended last and nobody has waited for. */
  durable(): Promise<void> | undefined {
    return this.#driven ? this.#driven.durable() : this.#left?.durable;
  }
}

type LoadedRun = Awaited<ReturnType<typeof loadRun>>;

/** A run's state at hand, and what takes it from one input to the next. */
interface Driven {
  readonly head: () => Head;
  /** What was appended last and nobody has waited for. */
  readonly durable: () => Promise<void> | undefined;
  readonly ended: () => boolean;
  /** Hears what was taken away and takes up what a lost process had under way. */
  readonly begin: () => Promise<void>;
  /** A promise only where something has to be waited for. */
  readonly take: (event: InputEvent) => void | Promise<void>;
}

function reducer(
  session: RunSession,
  options: DriverOptions,
  loaded: LoadedRun,
  tenantKey: string,
  onConversation: OnConversation | undefined,
): Driven {
  const { definition, gateway, logger, snapshotEvery, blobChars, restrictions, sealing } = options;
  const { key, journal } = session;
  const { core } = loaded;
  let { head } = loaded;
  let lastSnapshot = loaded.snapshotSeq;
  let durable: Promise<void> | undefined;
  let conversationId = loaded.conversationId;
  /** How far the run's time, which never goes back, is ahead of a clock that was put back. */
  let aheadMs = 0;
  /** What is waited for within the work of a run is so many milliseconds away, whatever the time is said to be. */
  const soon = (command: Command): Command =>
    command.type === "startTimer" && !command.durable ? { ...command, dueAt: command.dueAt - aheadMs } : command;

  const blobs = blobStore({ journal, tenant: key.tenant, tenantKey, blobChars });

  const place: InputPlace = {
    commandOf: (id) => core.state.outstanding.get(id),
    toolAt: (path) => core.state.calls.get(path)?.tool,
    edgeOf: (ask) => core.state.asks.get(ask)?.edge,
  };
  const runKey = { tenant: key.tenant, runId: key.id };
  /** A promise only where there is something to wait for: most steps of most runs take none. */
  const step = (given: InputEvent): void | Promise<void> => {
    if (!sealing) return take(given);
    const sealed = sealing.event(runKey, given, place);
    return sealed instanceof Promise ? sealed.then(take) : take(sealed);
  };
  const becomeDurable = async (): Promise<void> => {
    session.awaits?.();
    await durable;
    durable = undefined;
  };
  const take = (event: InputEvent): void | Promise<void> => {
    const now = session.now();
    const at = Math.max(now, loaded.lastAt);
    aheadMs = at - now;
    loaded.lastAt = at;
    const outcome = applied(event, at);
    // That the run takes no notice of it may rest on something that is not durable yet, and somebody is about to be told.
    if (!outcome) return durable && becomeDurable();
    if (event.type === "run.started" && event.body.conversationId !== undefined) {
      conversationId = event.body.conversationId;
      onConversation?.(conversationId);
    }
    const batch = (journal.sealsLate ? unsealedBatch : sealBatch)(head, outcome.drafts, session.salt, blobs.divert);
    const stored = blobs.stored();
    return stored ? stored.then(() => append(event, outcome, batch, at)) : append(event, outcome, batch, at);
  };

  /**
   * Applies an input, and with it what a decision of it comes to at once: both are one batch. Only where it is all that
   * follows from the input but timers, so that nothing of what the first decided is taken back by the second.
   */
  const applied = (event: InputEvent, at: number): Applied | undefined => {
    const first = core.apply(event, at, head.seq + 1);
    if (!first) return undefined;
    const isIndexed = changesIndex(core);
    const { drafts, commands, aborts } = first;
    const command = onlyOne(commands);
    const answer = command && session.immediate?.(command);
    const second = answer && core.apply(answer, at, head.seq + drafts.length + 1);
    if (!second) return { drafts, commands, aborts, isIndexed };
    const timers = commands.filter(({ type, id }) => type === "startTimer" && !second.aborts.includes(id));
    return {
      drafts: drafts.concat(second.drafts),
      commands: timers.length > 0 ? timers.concat(second.commands) : second.commands,
      aborts: aborts.length > 0 ? aborts.concat(second.aborts) : second.aborts,
      isIndexed: isIndexed || changesIndex(core),
    };
  };

  const append = (event: InputEvent, outcome: Applied, batch: Batch, at: number): void | Promise<void> => {
    const { tenant, id: runId } = key;
    const record =
      outcome.isIndexed || batch.firstSeq === 1
        ? recordOf(core, { tenant, runId, definition, batch, at, conversationId })
        : undefined;
    const appended = session.append(batch, head.seq, record);
    head = headOf(batch);
    if (appended) {
      durable = appended;
      // The next barrier awaits the same promise; until then nobody must find the rejection unhandled.
      void appended.then(
        () => session.published(batch),
        () => {},
      );
    } else session.published(batch);
    const needsBarrier =
      core.parked ||
      core.ended ||
      event.type === "run.started" ||
      event.type === "input.received" ||
      event.type === "effect.decided" ||
      event.type === "cancel.requested" ||
      event.type === "approval.decided" ||
      event.type === "question.answered" ||
      outcome.commands.some(
        (command) =>
          (command.type === "callTool" && command.effect === "write") ||
          command.type === "lookup" ||
          (command.type === "reserve" && command.sliceLeft !== undefined) ||
          command.type === "returnBudget" ||
          command.type === "delegate" ||
          command.type === "recall" ||
          (command.type === "callModel" && gateway.isPaid(command.alias)),
      );
    return needsBarrier && durable ? becomeDurable().then(() => submit(outcome)) : submit(outcome);
  };

  const submit = (outcome: Applied): void => {
    for (const id of outcome.aborts) session.abort(id);
    for (const command of outcome.commands) session.submit(aheadMs > 0 ? soon(command) : command);
    if (head.seq - lastSnapshot >= snapshotEvery && !core.ended) {
      lastSnapshot = head.seq;
      void keepSnapshot();
    }
  };
  /** Costs nothing but time when it fails. */
  const keepSnapshot = async () => {
    const at = head;
    try {
      await journal.saveSnapshot(key, {
        seq: at.seq,
        get hash() {
          return at.hash;
        },
        state: core.save(),
      });
    } catch (thrown) {
      logger.warn({ runId: key.id, reason: reasonOf(thrown) }, "a snapshot could not be saved");
    }
  };

  /** What was taken away comes before whatever else is heard, so that nothing is decided that it forbids (D4). */
  const hearRestrictions = async () => {
    const asked = restrictions(key.tenant);
    const now = asked instanceof Promise ? await asked : asked;
    if (core.ended || core.state.startedAt < 0 || now.version === core.restrictions.version) return;
    const id = `restrictions:${now.version}`;
    await step({ id, type: "restrictions.changed", path: "", body: { restrictions: now } });
  };

  return {
    head: () => head,
    durable: () => durable,
    ended: () => core.ended,
    begin: async () => {
      // What hearing of restrictions sets going is under way, not lost.
      const before = new Set(core.state.outstanding.keys());
      await hearRestrictions();
      if (core.ended) return;
      const lost = [...core.state.outstanding.keys()].filter((id) => before.has(id));
      // A wait for another try is work too, and the time in which nobody waited was none.
      if (lost.length > 0 || core.timers.some(({ holds }) => holds)) {
        await step({ id: `resumed:${head.seq}`, type: "run.resumed", path: "", body: { lost } });
      }
      aheadMs = Math.max(0, loaded.lastAt - session.now());
      for (const timer of core.timers) session.submit(aheadMs > 0 ? soon(timer) : timer);
    },
    take: (event) => (isFromPeople(event) ? hearRestrictions().then(() => step(event)) : step(event)),
  };
}

/** What somebody says or asks or a clock strikes, as opposed to what comes of the run's own commands. */
function isFromPeople({ type }: InputEvent): boolean {
  return (
    type === "approval.decided" ||
    type === "input.received" ||
    type === "timer.fired" ||
    type === "effect.decided" ||
    type === "question.asked" ||
    type === "question.answered"
  );
}

/** The one command beside timers; nothing where there is none, or another. */
function onlyOne(commands: readonly Command[]): Command | undefined {
  let only: Command | undefined;
  for (const command of commands) {
    if (command.type === "startTimer") continue;
    if (only) return undefined;
    only = command;
  }
  return only;
}

/** What came of one input, and of what a decision of it came to at once. */
interface Applied extends Outcome {
  /** What the index says of the run is no longer true. */
  readonly isIndexed: boolean;
}

/** The index is touched at the start, at a park, at a wake-up, at the end, and when it is no longer true: not at every step. */
function changesIndex(core: RunCore): boolean {
  return core.parked || core.ended || core.justWoken || core.waitsChanged;
}

/** What the index says of a run after a batch. */
export function recordOf(
  core: RunCore,
  about: {
    readonly tenant: string;
    readonly runId: string;
    readonly definition: SupervisorDefinition;
    readonly batch: Batch;
    readonly at: number;
    readonly conversationId: string | undefined;
  },
): RunRecord {
  const { tenant, runId, definition, batch, at, conversationId } = about;
  const deadline = core.timers.filter(({ durable }) => durable).map(({ dueAt }) => dueAt);
  return {
    tenant,
    runId,
    supervisor: definition.name,
    definitionHash: definition.hash,
    status: core.state.status,
    startedAt: core.state.startedAt,
    updatedAt: at,
    lastSeq: batch.lastSeq,
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(core.ended || core.waits.length === 0 ? {} : { waits: core.waits }),
    // No clock comes that far, and a journal need not be able to count so.
    ...(deadline.length === 0 ? {} : { wakeAt: Math.min(...deadline, Number.MAX_SAFE_INTEGER) }),
    ...(core.ended && core.state.microUsd !== undefined ? { microUsd: core.state.microUsd } : {}),
  };
}

export interface LoadOptions {
  readonly definition: SupervisorDefinition;
  readonly tenantKey: string;
  readonly shadow?: Policy | undefined;
}

/** A run of which nothing has been written. */
function newRun(key: StreamKey, options: LoadOptions): LoadedRun {
  const core = new RunCore({ ...options, tenant: key.tenant, runId: key.id });
  return { core, head: emptyHead, snapshotSeq: 0, lastAt: 0, conversationId: undefined };
}

/**
 * A run folded from its journal, from the newest usable snapshot on.
 * @throws OrchestrationError `journal/conflict` when the run was migrated to another definition: that one owns it
 */
export async function loadRun(journal: Journal, key: StreamKey, options: LoadOptions) {
  const snapshot = await journal.loadSnapshot(key);
  try {
    return await loadFrom(snapshot, journal, key, options);
  } catch (thrown) {
    // What a snapshot makes of the entries behind it is no word on these: the fold from the start is (R1).
    if (!snapshot || (OrchestrationError.is(thrown) && thrown.code.startsWith("journal/"))) throw thrown;
    return loadFrom(undefined, journal, key, options);
  }
}

async function loadFrom(snapshot: Snapshot | undefined, journal: Journal, key: StreamKey, options: LoadOptions) {
  const make = () => new RunCore({ ...options, tenant: key.tenant, runId: key.id });
  const own = async (read: readonly Batch[]) => {
    const decided = await decidedBy(options.definition, read, journal, key);
    const last = read.at(-1);
    if (decided.at(-1) === last || !last) return decided;
    // Whoever looked the run up before it was moved, comes too late with the definition of then (V3).
    const expected = decided.at(-1)?.lastSeq ?? 0;
    throw new OrchestrationError("journal/conflict", { stream: streamName(key), expected, actual: last.lastSeq });
  };
  const batches = await own(unbroken(await journal.read(key, snapshot?.seq), key, snapshot?.seq));
  let core = make();
  let from = 0;
  let head: Head = emptyHead;
  let rest = batches;
  let lastAt = 0;
  if (snapshot) {
    // A snapshot of another history is no snapshot: the chain decides.
    const anchor = batches.find(({ lastSeq, hash }) => lastSeq === snapshot.seq && hash === snapshot.hash);
    if (anchor) {
      try {
        core.restore(snapshot.state);
        from = snapshot.seq;
        head = { seq: snapshot.seq, hash: snapshot.hash };
        rest = batches.filter(({ firstSeq }) => firstSeq > snapshot.seq);
        lastAt = core.state.lastAt;
      } catch {
        core = make(); // A cache that cannot be read is no cache; the fold below starts at the beginning.
      }
    }
    if (from === 0) rest = await own(unbroken(await journal.read(key), key));
  }
  let conversationId: string | undefined;
  if (from > 0) {
    // Behind a snapshot neither the start nor a migration is among what was read: the index says whose the run is now.
    const record = await journal.findRun(key.tenant, key.id);
    conversationId = record?.conversationId;
    if (record) assertOwn(record.definitionHash, options.definition, key, record.lastSeq);
  }
  for (const batch of rest) {
    const entries = await openBlobs(openBatch(batch, key.id), journal, key);
    for (const entry of entries) {
      lastAt = entry.at;
      if (entry.type !== "run.started") continue;
      conversationId = entry.body.conversationId;
      assertOwn(entry.body.definitionHash, options.definition, key, batch.lastSeq);
    }
    foldBatch(core, entries, key.id);
    head = headOf(batch);
  }
  return { core, head, snapshotSeq: from, lastAt, conversationId };
}

/**
 * A run is decided by the definition that it is pinned to and by no other (D4). Two versions may have been asked to start
 * it under one key at the same moment: whoever was second has lost it (V3).
 */
function assertOwn(hash: string, definition: SupervisorDefinition, key: StreamKey, actual: number): void {
  if (hash === definition.hash) return;
  throw new OrchestrationError("journal/conflict", { stream: streamName(key), expected: 0, actual });
}
