import type { Command, StartTimerCommand } from "../command.ts";
import type { InputEvent, Restrictions } from "../event.ts";
import type { Draft } from "../journal/draft.ts";
import type { Json } from "../json.ts";
import type { Waits } from "../port/journal.ts";
import { startActiveTimer } from "./active-time.ts";
import { type CoreWork, coreWork, decideBy, type RunCoreOptions } from "./core-work.ts";
import { isEnd } from "./empty.ts";
import { conclude, rest } from "./ending.ts";
import { joinCall, requestAgain } from "./gated.ts";
import { takeInput } from "./input.ts";
import { joinInvocation } from "./invocation.ts";
import { hasPlace } from "./place.ts";
import { closeStale, isResting } from "./questions.ts";
import { loadState, saveState } from "./saved.ts";
import type { RunState } from "./state.ts";
import { joinTeam } from "./team.ts";
import { waitBitsOf, waitsOf } from "./waits.ts";

/**
 * The pure core of a run: one input in; decisions and commands out (R1, R2). It asks no clock and draws no random
 * number: time is the input's `at`, names are paths and counters. The same inputs give the same decisions (R13).
 *
 * C1 An input about a command without an open place (a doubled completion, a late timer) changes nothing.
 * C2 After an end no decision follows.
 * C3 After a cancel nothing is dispatched; writes under way get the signal and are waited for.
 * C4 What was decided before a migration was decided by another definition: the fold begins at its state.
 */

/** What came of one input. `drafts` begins with the input itself. */
export interface Outcome {
  readonly drafts: readonly Draft[];
  readonly commands: readonly Command[];
  /** Ids of commands whose outcome nobody waits for, and of timers that shall stop. */
  readonly aborts: readonly string[];
}

export class RunCore {
  readonly #work: CoreWork;
  #waitsBefore = 0;
  #woken = false;

  constructor(options: RunCoreOptions) {
    this.#work = coreWork(options);
  }

  get state(): RunState {
    return this.#work.state;
  }
  get attributes(): Readonly<Record<string, string>> {
    return this.#work.attributes;
  }
  /** The input under way took the run out of a park. */
  get justWoken(): boolean {
    return this.#woken;
  }
  get parked(): boolean {
    return this.#work.parked;
  }
  get ended(): boolean {
    return isEnd(this.#work.state.status);
  }
  /** Timers that run while the run does (or, if durable, also while it is parked). */
  get timers(): readonly StartTimerCommand[] {
    return this.#work.timers;
  }
  /** The kinds of what the run waits for, for the index. */
  get waits(): Waits {
    return waitsOf(this.#work.state);
  }
  /** The input under way changed what the run waits for. */
  get waitsChanged(): boolean {
    return this.#waitsBefore !== waitBitsOf(this.#work.state);
  }
  /** The version of the restrictions that the run has seen. */
  get restrictions(): Restrictions {
    return this.#work.state.restrictions;
  }

  /**
   * Applies one input. Returns nothing when the input has no place any more (C1, C2).
   * @param seq the seq that the input will have in the journal
   */
  apply(event: InputEvent, at: number, seq: number): Outcome | undefined {
    if (event.type === "run.migrated") return this.#adopt(event, at, seq);
    const work = this.#work;
    const { state } = work;
    if (this.ended || !hasPlace(state, work.timers, event)) return undefined;
    work.drafts = [];
    work.commands = [];
    work.resent.clear();
    work.aborts = [];
    work.at = at;
    work.cause = seq;
    work.drafts.push({ type: event.type, at, path: event.path, cause: 0, body: event.body } as Draft);
    this.#woken = work.parked;
    this.#waitsBefore = waitBitsOf(state);
    if (work.parked || state.resting) {
      work.parked = false;
      state.resting = false;
      state.activeSince = at;
      if (!state.ending) startActiveTimer(work);
    }
    state.status = "running";
    state.resumes = event.type === "run.resumed" ? state.resumes + 1 : 0;
    takeInput(work, event);
    // Restrictions are heard before a resumption, which still has to know when the run was last at work.
    if (event.type !== "restrictions.changed" || this.#woken) state.lastAt = at;
    drain(work);
    closeStale(work);
    conclude(work);
    if (!this.ended && !work.parked && isResting(state, work.timers)) rest(work);
    return { drafts: work.drafts, commands: work.commands, aborts: work.aborts };
  }

  /** The whole state as JSON, and back: what a snapshot cache keeps. It is written down at once, and read back as nobody else's. */
  save(): Json {
    const { state, attributes, policyVersion, timers, parked } = this.#work;
    return saveState(state, { attributes, policyVersion, timers, parked }) as Json;
  }
  restore(saved: Json): void {
    const work = this.#work;
    const { state, attributes, policyVersion, timers, parked } = loadState(saved, work.root);
    work.state = state;
    work.attributes = attributes;
    work.timers = timers;
    work.parked = parked;
    decideBy(work, policyVersion);
    for (const team of state.teams.values()) joinTeam(work, team);
    for (const invocation of state.invocations.values()) joinInvocation(work, invocation);
    for (const call of state.calls.values()) if (call.tier !== "none") joinCall(work, call);
  }

  /** Goes on from the state that a migration made (C4). It changes nothing but the definition that decides from here on. */
  #adopt(event: InputEvent<"run.migrated">, at: number, seq: number): Outcome | undefined {
    const work = this.#work;
    if (event.body.to !== work.root.hash || this.ended) return undefined;
    // The event is yet to be journaled, as it was.
    this.restore(structuredClone(event.body.state));
    const { state } = work;
    state.lastAt = at;
    work.at = at;
    work.cause = seq;
    this.#woken = false;
    work.drafts = [{ type: event.type, at, path: "", cause: 0, body: event.body } as Draft];
    work.commands = [];
    work.aborts = [];
    // People approved what the old definition would have done: they are asked anew (R8).
    for (const effect of [...state.approvals.keys()]) {
      const call = state.calls.get(effect);
      if (call) requestAgain(work, call);
    }
    return { drafts: work.drafts, commands: work.commands, aborts: work.aborts };
  }
}

/** Delivers what is on the bus. A dead letter ends the run. */
function drain(work: CoreWork): void {
  work.bus.drain();
  const [dead] = work.bus.deadLetters();
  if (!dead || work.state.ending) return;
  const { letter, envelope, error } = dead;
  const record = error.toRecord();
  work.note("message.dead", envelope.to, {
    letter,
    to: envelope.to,
    type: envelope.type,
    error: record,
    payload: JSON.parse(JSON.stringify(envelope.payload)) as Json,
  });
  work.end({ status: "failed", body: { error: record, by: envelope.to } });
}
