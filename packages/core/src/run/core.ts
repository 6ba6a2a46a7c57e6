import { requestersOf } from "../approval/decide.ts";
import { memoryBus } from "../bus/memory.ts";
import type { Command, StartTimerCommand } from "../command.ts";
import { type ErrorCode, type ErrorRecord, OrchestrationError, reasonOf } from "../errors.ts";
import type { EntryBodies, EntryType, InputEvent, Restrictions } from "../event.ts";
import { fullGrant, givenAt, narrow } from "../grant.ts";
import type { Draft } from "../journal/chain.ts";
import type { Json } from "../json.ts";
import { answerSource, inputSource } from "../label/reading.ts";
import type { Limits } from "../limits.ts";
import type { Envelope, Messages, MessageType } from "../message.ts";
import type { Policy } from "../policy/policy.ts";
import { firstPolicyVersion, rulesOf } from "../policy-version.ts";
import type { Bus } from "../port/bus.ts";
import type { Wait, Waits } from "../port/journal.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { policyPrincipal } from "./asked.ts";
import { addCost, callOrReserve, callReserved, returnOf, settleCall, settleUnheard } from "./budget.ts";
import {
  callDecided,
  callDue,
  callFailed,
  callLookedUp,
  callLost,
  callReturned,
  dropCall,
  isDoubted,
  revokeCall,
  tellCall,
} from "./call.ts";
import {
  delegationAccepted,
  delegationEnded,
  delegationRecalled,
  delegationRefused,
  giveUp,
  lookAt,
} from "./delegations.ts";
import { emptyState, isEnd, notStarted } from "./empty.ts";
import { keepReading } from "./flows.ts";
import { decideApproval, joinCall, leaveCall, requestAgain } from "./gated.ts";
import { cancelInvocation, failResponse, joinInvocation, readResponse, retryDue } from "./invocation.ts";
import {
  answerQuestion,
  closeStale,
  expireQuestion,
  isAnswerable,
  isAskable,
  isResting,
  openQuestion,
} from "./questions.ts";
import { loadState, saveState } from "./saved.ts";
import { type Call, type PendingEnd, type RunState, rootPath, type Work } from "./state.ts";
import { beginTeam, deliverDelayed, joinTeam, teamAddress } from "./team.ts";
import { activeTimer, deadlineTimer, lookTimer, startTimer } from "./timers.ts";
import { undoNext } from "./undo.ts";

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

export { isEnd } from "./empty.ts";

export interface RunCoreOptions {
  readonly definition: SupervisorDefinition;
  readonly tenant: string;
  readonly runId: string;
  /** The tenant's secret, for argument hashes and idempotency keys. */
  readonly tenantKey: string;
  /** A candidate that is asked beside the policy in force. It decides nothing; where it differs an entry says so. */
  readonly shadow?: Policy | undefined;
}

/** What is shared, for the one that changes it. */
type OwnWork = { -readonly [Member in keyof Work]: Work[Member] };

export class RunCore {
  readonly #definition: SupervisorDefinition;
  readonly #options: RunCoreOptions;
  readonly #bus: Bus;
  #state: RunState;
  #timers: StartTimerCommand[] = [];
  #parked = false;
  #waitsBefore = 0;
  #woken = false;
  #exceeded = false;
  #drafts: Draft[] = [];
  #commands: Command[] = [];
  /** Ids of commands that were sent before and are sent again: what they do may be done already. */
  readonly #resent = new Set<string>();
  #aborts: string[] = [];
  readonly #work: OwnWork;

  constructor(options: RunCoreOptions) {
    this.#options = options;
    this.#definition = options.definition;
    this.#bus = memoryBus({ capacity: options.definition.limits.mailbox });
    this.#state = emptyState(options.tenant, options.runId);
    // No getters: each literal with one has a shape of its own, for which nothing is compiled and which keeps all that it
    // sees alive until a full collection.
    this.#work = {
      state: this.#state,
      limits: options.definition.limits,
      bus: this.#bus,
      tenantKey: options.tenantKey,
      attributes: {},
      factTexts: undefined,
      policyVersion: firstPolicyVersion,
      rules: rulesOf(firstPolicyVersion),
      root: options.definition,
      shadow: options.shadow,
      cause: 0,
      at: 0,
      note: (type, path, body) => this.#note(type, path, body),
      emit: (command) => this.#emit(command),
      send: (type, from, to, id, payload) => this.#send(type, from, to, id, payload),
      end: (end) => this.#end(end),
      abandon: (command) => this.#abandon(command),
      signal: (command) => void this.#aborts.push(command),
      exceed: (limit, path) => this.#exceed(limit, path),
      overspend: (body, path) => this.#overspend(body, path),
      startTimer: (timer) => this.#startTimer({ type: "startTimer", ...timer }),
      stopTimer: (id) => this.#stopTimer(id),
    };
  }

  get state(): RunState {
    return this.#state;
  }
  get attributes(): Readonly<Record<string, string>> {
    return this.#work.attributes;
  }
  /** The input under way took the run out of a park. */
  get justWoken(): boolean {
    return this.#woken;
  }
  get parked(): boolean {
    return this.#parked;
  }
  get ended(): boolean {
    return isEnd(this.#state.status);
  }
  /** Timers that run while the run does (or, if durable, also while it is parked). */
  get timers(): readonly StartTimerCommand[] {
    return this.#timers;
  }
  /** What a parked run waits for: ids of questions, of effects that a person must settle or decide on, and of timers. */
  get waitingFor(): string[] {
    const { asks, uncertain, approvals, delayed, delegations } = this.#state;
    return [...asks.keys(), ...uncertain, ...approvals.keys(), ...delayed.keys(), ...delegations.keys()];
  }
  /** The kinds of what the run waits for, for the index. */
  get waits(): Waits {
    const { asks, uncertain, approvals, questions, delayed, delegations } = this.#state;
    const elsewhere = (kind: Wait) => [...delegations.values()].some(({ waits }) => waits.includes(kind));
    const kinds: Wait[] = [];
    if (approvals.size > 0 || questions.size > 0 || elsewhere("approval")) kinds.push("approval");
    if (asks.size > 0 || elsewhere("question")) kinds.push("question");
    if (uncertain.size > 0 || elsewhere("effect")) kinds.push("effect");
    // A specialist's run says so when it has ended, or is looked at.
    if (delayed.size > 0 || delegations.size > 0) kinds.push("timer");
    return kinds;
  }
  /** The input under way changed what the run waits for. */
  get waitsChanged(): boolean {
    return this.#waitsBefore !== waitBitsOf(this.#state);
  }
  /** The version of the restrictions that the run has seen. */
  get restrictions(): Restrictions {
    return this.#state.restrictions;
  }

  /**
   * Applies one input. Returns nothing when the input has no place any more (C1, C2).
   * @param seq the seq that the input will have in the journal
   */
  apply(event: InputEvent, at: number, seq: number): Outcome | undefined {
    if (event.type === "run.migrated") return this.#adopt(event, at, seq);
    if (this.ended || !this.#hasPlace(event)) return undefined;
    this.#drafts = [];
    this.#commands = [];
    this.#resent.clear();
    this.#aborts = [];
    this.#work.at = at;
    this.#work.cause = seq;
    this.#drafts.push({ type: event.type, at, path: event.path, cause: 0, body: event.body } as Draft);
    this.#woken = this.#parked;
    this.#waitsBefore = waitBitsOf(this.#state);
    if (this.#parked || this.#state.resting) {
      this.#parked = false;
      this.#state.resting = false;
      this.#state.activeSince = at;
      if (!this.#state.ending) this.#startActiveTimer();
    }
    this.#state.status = "running";
    this.#state.resumes = event.type === "run.resumed" ? this.#state.resumes + 1 : 0;
    this.#handle(event);
    // Restrictions are heard before a resumption, which still has to know when the run was last at work.
    if (event.type !== "restrictions.changed" || this.#woken) this.#state.lastAt = at;
    this.#drain();
    closeStale(this.#work);
    this.#conclude();
    if (!this.ended && !this.#parked && isResting(this.#state, this.#timers)) this.#rest();
    return { drafts: this.#drafts, commands: this.#commands, aborts: this.#aborts };
  }

  /** The whole state as JSON, and back: what a snapshot cache keeps. It is written down at once, and read back as nobody else's. */
  save(): Json {
    const { attributes, policyVersion } = this.#work;
    return saveState(this.#state, { attributes, policyVersion, timers: this.#timers, parked: this.#parked }) as Json;
  }
  restore(saved: Json): void {
    const loaded = loadState(saved, this.#definition);
    this.#state = loaded.state;
    this.#work.state = loaded.state;
    this.#work.attributes = loaded.attributes;
    this.#timers = loaded.timers;
    this.#parked = loaded.parked;
    this.#decideBy(loaded.policyVersion);
    for (const team of this.#state.teams.values()) joinTeam(this.#work, team);
    for (const invocation of this.#state.invocations.values()) joinInvocation(this.#work, invocation);
    for (const call of this.#state.calls.values()) if (call.tier !== "none") joinCall(this.#work, call);
  }

  /** The version of the built-in policy that the run is pinned to. */
  #decideBy(policyVersion: string): void {
    this.#work.policyVersion = policyVersion;
    this.#work.rules = rulesOf(policyVersion);
  }

  /** Goes on from the state that a migration made (C4). It changes nothing but the definition that decides from here on. */
  #adopt(event: InputEvent<"run.migrated">, at: number, seq: number): Outcome | undefined {
    if (event.body.to !== this.#definition.hash || this.ended) return undefined;
    // The event is yet to be journaled, as it was.
    this.restore(structuredClone(event.body.state));
    this.#state.lastAt = at;
    this.#work.at = at;
    this.#work.cause = seq;
    this.#woken = false;
    this.#drafts = [{ type: event.type, at, path: "", cause: 0, body: event.body } as Draft];
    this.#commands = [];
    this.#aborts = [];
    // People approved what the old definition would have done: they are asked anew (R8).
    for (const effect of [...this.#state.approvals.keys()]) {
      const call = this.#state.calls.get(effect);
      if (call) requestAgain(this.#work, call);
    }
    return { drafts: this.#drafts, commands: this.#commands, aborts: this.#aborts };
  }

  #hasPlace(event: InputEvent): boolean {
    switch (event.type) {
      case "run.started":
        return this.#state.startedAt === notStarted;
      case "run.resumed":
        return this.#state.startedAt !== notStarted;
      case "cancel.requested": {
        const { subtree } = event.body;
        if (this.#state.startedAt === notStarted || this.#state.ending) return false;
        return subtree === undefined || this.#state.invocations.has(subtree);
      }
      case "restrictions.changed":
        return (
          this.#state.startedAt !== notStarted &&
          !isKnownVersion(event.body.restrictions.version, this.#state.restrictions.version)
        );
      case "approval.decided": {
        const { effect, key } = event.body;
        return this.#state.approvals.has(effect) && !this.#state.ending && !this.#state.answered.has(decisionKey(key));
      }
      case "question.asked":
        return isAskable(this.#state, event.body);
      case "question.answered":
        return isAnswerable(this.#state, event.body);
      case "budget.reserved":
      case "budget.refused":
      case "budget.returned":
      case "model.responded":
      case "model.failed":
      case "tool.returned":
      case "tool.failed":
      case "effect.looked-up":
      case "delegation.accepted":
      case "delegation.refused":
      case "delegation.ended":
      case "delegation.recalled":
        return this.#state.outstanding.has(event.body.command);
      case "input.received": {
        const { ask, key } = event.body;
        return (
          this.#state.asks.has(ask) && !this.#state.ending && !(key !== undefined && this.#state.answered.has(key))
        );
      }
      case "effect.decided":
        return this.#state.uncertain.has(event.body.effect);
      case "timer.fired":
        return this.#timers.some(({ id }) => id === event.body.timer);
      case "run.migrated":
        return false;
    }
  }

  #handle(event: InputEvent): void {
    const work = this.#work;
    const { state } = work;
    switch (event.type) {
      case "run.started": {
        const { body } = event;
        const { deadlineMs } = work.limits;
        const startAt = Math.max(work.at, body.startAt ?? 0);
        state.startedAt = work.at;
        state.activeSince = work.at;
        state.labels = [...(body.labels[""] ?? [])].sort();
        state.requesters = requestersOf(body.principal);
        state.starter = {
          principal: body.principal.id,
          ...(body.conversationId === undefined ? {} : { conversationId: body.conversationId }),
        };
        state.principal = policyPrincipal(body.principal);
        state.budget = body.budget;
        if (body.restrictions) state.restrictions = body.restrictions;
        this.#work.attributes = body.attributes ?? {};
        this.#decideBy(body.policyVersion ?? firstPolicyVersion);
        if (!body.compensates) keepReading(work, inputSource, "", body.input, body.labels);
        const deadlineAt = Math.min(startAt + deadlineMs, body.delegation?.deadlineAt ?? Number.POSITIVE_INFINITY);
        state.deadlineAt = deadlineAt;
        state.depth = body.delegation?.depth;
        if (body.delegation?.refused) {
          const packet = { error: body.delegation.refused as unknown as Json };
          return this.#end({ status: "denied", body: { reason: "delegation_refused", by: "remit", packet } });
        }
        work.startTimer({ id: deadlineTimer, path: "", dueAt: deadlineAt, durable: true });
        const { tenant, run, principal } = body.grants ?? {};
        const grant = givenAt(narrow(narrow(narrow(fullGrant, tenant), run), principal), startAt);
        if (startAt > work.at) {
          state.delayed.set(startTimer, { kind: "start", input: body.input, grant });
          return work.startTimer({ id: startTimer, path: "", dueAt: startAt, durable: true });
        }
        this.#startActiveTimer();
        return this.#guarded(() => {
          if (!body.compensates) return beginTeam(work, this.#definition, rootPath, undefined, body.input, grant);
          const { run: undone, undos } = body.compensates;
          state.undoing = { run: undone, grant, left: [...undos], done: [], failed: [] };
          undoNext(work);
        });
      }
      case "run.resumed":
        return this.#resume(event.body.lost);
      case "restrictions.changed":
        return this.#guarded(() => this.#restrict(event.body.restrictions));
      case "approval.decided": {
        const { effect, key } = event.body;
        state.answered.add(decisionKey(key));
        const open = state.approvals.get(effect);
        const call = state.calls.get(effect);
        if (open && call) this.#guarded(() => decideApproval(work, call, open, event.body));
        return;
      }
      case "question.asked":
        return this.#guarded(() => openQuestion(work, event.body));
      case "question.answered":
        return this.#guarded(() => answerQuestion(work, event.body));
      case "budget.reserved": {
        const sent = this.#settled(event.body.command);
        if (sent?.type !== "reserve") return;
        // Whoever it was for may be gone; the slice is the run's all the same.
        if (state.ending || !state.invocations.has(sent.path)) {
          if (event.body.slice) state.purse.slices.push(event.body.slice);
          return;
        }
        return this.#guarded(() => callReserved(work, sent, event.body));
      }
      case "budget.refused": {
        const sent = this.#settled(event.body.command);
        const { scope, error } = event.body;
        if (sent?.type !== "reserve" || state.ending || !state.invocations.has(sent.path)) return;
        return this.#guarded(() => this.#overspend({ scope, agent: sent.agent, error }, sent.path));
      }
      case "budget.returned":
        this.#settled(event.body.command);
        state.purse.slices = [];
        state.purse.asked = [];
        return;
      case "model.responded": {
        const invocation = this.#settleModel(event.body.command, event.body);
        if (event.body.cost) addCost(state, event.body.cost.microUsd);
        if (invocation) this.#guarded(() => readResponse(work, invocation, event.body));
        return;
      }
      case "model.failed": {
        const invocation = this.#settleModel(event.body.command, event.body);
        if (event.body.cost) addCost(state, event.body.cost.microUsd);
        if (invocation) this.#guarded(() => failResponse(work, invocation, event.body));
        return;
      }
      case "tool.returned":
        return this.#withCall(event.body.command, (call) => {
          if (state.ending || call.cancelled) return this.#closeCall(call, "done");
          callReturned(work, call, event.body);
        });
      case "tool.failed":
        return this.#withCall(event.body.command, (call) => {
          const { error, mayHaveExecuted } = event.body;
          if (state.ending || call.cancelled)
            return this.#closeCall(call, endOutcomeOf(error.code, mayHaveExecuted || isDoubted(call)));
          callFailed(work, call, event.body);
        });
      case "effect.looked-up":
        return this.#withCall(event.body.command, (call) => {
          const { outcome } = event.body;
          if (state.ending || call.cancelled) {
            return this.#closeCall(call, outcome === "found" ? "done" : outcome === "never" ? "failed" : "unknown");
          }
          callLookedUp(work, call, event.body);
        });
      case "delegation.accepted": {
        const sent = this.#settled(event.body.command);
        return this.#guarded(() => delegationAccepted(work, sent?.path, event.body));
      }
      case "delegation.refused": {
        const sent = this.#settled(event.body.command);
        return this.#guarded(() => delegationRefused(work, sent?.path, event.body));
      }
      case "delegation.ended": {
        const sent = this.#settled(event.body.command);
        return this.#guarded(() => delegationEnded(work, sent?.path, event.body));
      }
      case "delegation.recalled": {
        const sent = this.#settled(event.body.command);
        return this.#guarded(() => delegationRecalled(work, sent?.path));
      }
      case "effect.decided": {
        const { effect, outcome } = event.body;
        const call = state.calls.get(effect);
        if (call) return this.#guarded(() => callDecided(work, call, event.body));
        // All that it worked for was cancelled; its outcome stands for itself.
        state.uncertain.delete(effect);
        return work.note("effect.settled", effect, { effect, outcome: outcome === "happened" ? "done" : "failed" });
      }
      case "input.received": {
        const { ask, answer, key } = event.body;
        if (key !== undefined) state.answered.add(key);
        const by = state.asks.get(ask);
        if (by) keepReading(work, answerSource, ask, answer, event.body.labels);
        if (by)
          this.#send(
            "input.received",
            "outside",
            by.edge === undefined ? by.by : teamAddress(by.by),
            `${ask}:answered`,
            { ask, answer, labels: event.body.labels[""] ?? [] },
          );
        return;
      }
      case "cancel.requested": {
        const { subtree, reason } = event.body;
        const part = subtree === undefined ? undefined : state.invocations.get(subtree);
        if (part) return this.#guarded(() => cancelInvocation(work, part, reason));
        this.#guarded(() => {
          // A run that has not begun, or only undoes, has no supervisor to hear of it.
          if (state.teams.has(rootPath)) {
            this.#send("run.cancel", "outside", teamAddress(rootPath), "cancel", { reason: event.body.reason });
            this.#bus.drain();
          }
          this.#end({ status: "cancelled", body: { reason: event.body.reason, openEffects: [] } });
        });
        return;
      }
      case "timer.fired": {
        const { timer } = event.body;
        this.#timers = this.#timers.filter(({ id }) => id !== timer);
        return this.#guarded(() => this.#due(timer, event.path));
      }
    }
  }

  /** A timer's time has come. */
  #due(timer: string, path: string): void {
    const work = this.#work;
    const { state } = work;
    if (timer === activeTimer) return this.#exceed("activeMs", "");
    if (timer === deadlineTimer) return this.#exceed("deadlineMs", "");
    if (state.ending) return;
    const delayed = state.delayed.get(timer);
    if (delayed) {
      state.delayed.delete(timer);
      if (delayed.kind === "handoff") return deliverDelayed(work, delayed);
      return beginTeam(work, this.#definition, rootPath, undefined, delayed.input, delayed.grant);
    }
    if (timer === lookTimer(path)) return lookAt(work, path);
    if (state.questions.has(path)) return expireQuestion(work, path);
    const call = state.calls.get(path);
    if (call && state.approvals.has(path)) return tellCall(work, call, { type: "expire" });
    if (call) return callDue(work, call);
    const invocation = state.invocations.get(path);
    if (invocation) retryDue(work, invocation);
  }

  /** What was taken away is gone at once, also for what waits (D4). */
  #restrict(restrictions: Restrictions): void {
    const work = this.#work;
    const { state } = work;
    state.restrictions = restrictions;
    if (restrictions.stopped) {
      const error = new OrchestrationError("policy/revoked", { target: "everything", tenant: state.tenant });
      const packet = { error: error.toRecord() as unknown as Json };
      return this.#end({ status: "denied", body: { reason: "revoked", by: "remit", packet } });
    }
    for (const call of [...state.calls.values()]) {
      if (restrictions.tools.includes(call.tool.name)) revokeCall(work, call);
    }
    for (const invocation of [...state.invocations.values()]) {
      const { name } = invocation.agent;
      if (!restrictions.agents.includes(name) || !state.invocations.has(invocation.path)) continue;
      const error = new OrchestrationError("policy/revoked", { target: name, tenant: state.tenant });
      cancelInvocation(work, invocation, "revoked", error);
    }
  }

  /** The command that an outcome belongs to, which is not under way any more. */
  #settled(command: string): Command | undefined {
    const sent = this.#state.outstanding.get(command);
    this.#state.outstanding.delete(command);
    return sent;
  }

  #settleModel(command: string, told: EntryBodies["model.responded"] | EntryBodies["model.failed"]) {
    const sent = this.#settled(command);
    if (sent) settleCall(this.#work, command, sent.path, told);
    return sent ? this.#state.invocations.get(sent.path) : undefined;
  }

  #withCall(command: string, then: (call: Call) => void): void {
    const sent = this.#state.outstanding.get(command);
    this.#state.outstanding.delete(command);
    const call = sent && this.#state.calls.get(sent.path);
    if (call) this.#guarded(() => then(call));
  }

  /** What a call under way at the end came to; nothing follows from it (C3). */
  #closeCall(call: Call, outcome: CallEnd): void {
    this.#state.calls.delete(call.path);
    leaveCall(this.#work, call);
    if (call.tool.effect !== "write" && outcome !== "cancelled") return;
    if (outcome === "unknown") {
      this.#state.uncertain.add(call.path);
      this.#note("effect.uncertain", call.path, { effect: call.path, tool: call.tool.name, next: "person" });
    } else this.#note("effect.settled", call.path, { effect: call.path, outcome });
  }

  /** Commands whose process is gone: models and reads are asked again, writes as their machine says (D7). */
  #resume(lost: readonly string[]): void {
    // The time in which nobody drove the run was no work of it.
    const { state } = this;
    state.activeMs += Math.max(0, state.lastAt - state.activeSince);
    state.activeSince = this.#work.at;
    if (!state.ending) this.#startActiveTimer();
    const givenUp = state.resumes > this.#work.limits.resumes;
    if (givenUp) this.#exceed("resumes", "");
    for (const id of lost) {
      const command = state.outstanding.get(id);
      if (!command) continue;
      if (command.type === "delegate" || command.type === "recall") {
        // The specialist's run is named by this one: however often it is begun, it is one.
        this.#commands.push(command);
        this.#resent.add(id);
        continue;
      }
      if (command.type === "reserve" || command.type === "returnBudget") {
        // The tenant's stream knows them by their names, so they are the same however often they are asked for. It may
        // have heard of them, so they are waited for like any that is under way.
        this.#commands.push(command);
        this.#resent.add(id);
        if (command.type === "reserve" && command.sliceLeft) state.purse.asked.push(command.at);
        continue;
      }
      if (command.type === "callModel" && !givenUp && !state.ending) {
        if (!state.purse.reserved.has(id)) {
          this.#commands.push(command);
          continue;
        }
        // Nobody knows what the lost call cost (D12); another one needs money of its own.
        state.outstanding.delete(id);
        settleUnheard(this.#work, id, command.path);
        callOrReserve(this.#work, command);
        continue;
      }
      state.outstanding.delete(id);
      if (command.type === "callModel") settleUnheard(this.#work, id, command.path);
      const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
      if (!call) continue;
      if (state.ending || givenUp || call.cancelled)
        this.#closeCall(call, call.tool.effect === "write" ? "unknown" : "cancelled");
      else this.#guarded(() => callLost(this.#work, call));
    }
  }

  #note<Type extends EntryType>(type: Type, path: string, body: EntryBodies[Type]): void {
    this.#drafts.push({ type, at: this.#work.at, path, cause: this.#work.cause, body } as unknown as Draft);
  }

  #emit(command: Command): void {
    this.#state.outstanding.set(command.id, command);
    this.#commands.push(command);
  }

  #send<Type extends MessageType>(type: Type, from: string, to: string, id: string, payload: Messages[Type]): void {
    const { runId } = this.#options;
    this.#bus.publish({
      id,
      type,
      from,
      to,
      correlation: runId,
      causation: this.#work.cause,
      payload,
    } as unknown as Envelope);
  }

  #drain(): void {
    this.#bus.drain();
    const [dead] = this.#bus.deadLetters();
    if (!dead || this.#state.ending) return;
    const { letter, envelope, error } = dead;
    const record = error.toRecord();
    this.#note("message.dead", envelope.to, {
      letter,
      to: envelope.to,
      type: envelope.type,
      error: record,
      payload: JSON.parse(JSON.stringify(envelope.payload)) as Json,
    });
    this.#end({ status: "failed", body: { error: record, by: envelope.to } });
  }

  /** Whatever throws inside the core ends this run, and no other. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      const error = OrchestrationError.is(thrown)
        ? thrown
        : new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown });
      this.#end({ status: "failed", body: { error: error.toRecord(), by: "remit" } });
    }
  }

  #abandon(command: string): void {
    const sent = this.#state.outstanding.get(command);
    // A reservation is waited for: what it took of the tenant's budget has to be given back.
    const unsent = sent !== undefined && this.#isUnsent(sent);
    if (!sent || (sent.type === "reserve" && !unsent)) return;
    this.#state.outstanding.delete(command);
    if (sent.type === "callModel") settleUnheard(this.#work, command, sent.path);
    if (!unsent) this.#aborts.push(command);
    this.#commands = this.#commands.filter(({ id }) => id !== command);
  }

  /** True for a command of this very input, which nobody has seen yet. */
  #isUnsent(command: Command): boolean {
    return this.#commands.includes(command) && !this.#resent.has(command.id);
  }

  #exceed(limit: keyof Limits, path: string): void {
    if (this.#state.ending || this.#exceeded) return;
    this.#exceeded = true;
    const bound = this.#work.limits[limit];
    this.#note("limit.exceeded", path, { limit, bound, path });
    const error = new OrchestrationError("limits/exceeded", { limit, bound, path }).toRecord();
    this.#overrun(path, `limit:${limit}`, error);
  }

  #overspend(body: EntryBodies["budget.exceeded"], path: string): void {
    if (this.#state.ending || this.#exceeded) return;
    this.#exceeded = true;
    this.#note("budget.exceeded", path, body);
    this.#overrun(path, "limit:budget", body.error);
  }

  /** Tells the supervisor; a run that has none yet, or none at all, ends by itself. */
  #overrun(path: string, id: string, error: ErrorRecord): void {
    if (this.#state.teams.has(rootPath))
      return this.#send("limit.exceeded", path, teamAddress(rootPath), id, { error });
    this.#end({ status: "failed", body: { error, by: this.#definition.name } });
  }

  #end(end: PendingEnd): void {
    this.#state.ending ??= end;
  }

  /** After an input: end if nothing under way stands against it, else park if nothing is under way. */
  #conclude(): void {
    const { state } = this;
    if (state.ending) {
      for (const call of [...state.calls.values()]) dropCall(this.#work, call);
      this.#recallAll(state.ending);
      for (const [id, command] of state.outstanding) {
        const unsent = this.#isUnsent(command);
        if (command.type === "recall") continue;
        if (command.type === "delegate") {
          this.#aborts.push(id);
          continue;
        }
        if (command.type === "returnBudget" || (command.type === "reserve" && !unsent)) continue;
        const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
        // A write under way is waited for, within its timeout: its answer is worth it. A cancel gives it the signal.
        if (call?.tool.effect === "write" && !unsent) {
          if (state.ending.status === "cancelled") this.#aborts.push(id);
          continue;
        }
        if (!unsent) this.#aborts.push(id);
        state.outstanding.delete(id);
        if (command.type === "callModel") {
          // What was never sent has cost nothing; of what was, nobody knows what it cost (D12).
          if (unsent) state.purse.reserved.delete(id);
          else settleUnheard(this.#work, id, command.path);
        }
        // The try that is not made any more says nothing of those that were (E4).
        if (call) this.#closeCall(call, isDoubted(call) ? "unknown" : "cancelled");
      }
      this.#commands = this.#commands.filter((command) => state.outstanding.has(command.id));
      if (state.outstanding.size > 0) return;
      const owed = returnOf(this.#work);
      if (owed) return this.#emit(owed);
      this.#finish(state.ending);
      return;
    }
    if (state.outstanding.size > 0 || this.#timers.some(({ holds }) => holds)) return;
    if (this.waits.length === 0) {
      // Nothing under way, nothing to wait for and no end: a defect, never a run that hangs (R11).
      const error = new OrchestrationError("run/internal", { reason: "the run came to a standstill" });
      state.ending = { status: "failed", body: { error: error.toRecord(), by: "remit" } };
      this.#finish(state.ending);
      return;
    }
    this.#parked = true;
    state.status = "parked";
    this.#stopActiveTimer();
    this.#note("run.parked", "", { waitingFor: this.waitingFor });
  }

  /** An ending run leaves nobody at work: specialists are told to stop, and their last word is waited for a while. */
  #recallAll({ status, body }: PendingEnd): void {
    const { state } = this;
    for (const open of [...state.delegations.values()]) {
      const sent = [...state.outstanding.values()].find((one) => one.type === "delegate" && one.path === open.path);
      if (sent && this.#isUnsent(sent)) {
        state.outstanding.delete(sent.id);
        if (open.attempts === 1) {
          // Nobody has heard of it.
          state.delegations.delete(open.path);
          state.purse.reserved.delete(open.id);
          continue;
        }
      }
      const reason = "reason" in body ? body.reason : `the run that waits for it ended ${status}`;
      giveUp(this.#work, open, reason);
    }
  }

  /** Waiting for people is no work of the run, also while calls of it are under way for that. */
  #rest(): void {
    this.#state.resting = true;
    this.#stopActiveTimer();
  }

  #stopActiveTimer(): void {
    this.#state.activeMs += this.#work.at - this.#state.activeSince;
    this.#stopTimer(activeTimer);
  }

  #finish(end: PendingEnd): void {
    const { state } = this;
    state.status = end.status;
    if (end.status === "cancelled") {
      this.#note("run.cancelled", "", { ...end.body, openEffects: [...state.uncertain] });
    } else this.#note(`run.${end.status}`, "", end.body);
    for (const { id } of this.#timers) this.#aborts.push(id);
    this.#timers = [];
    state.teams.clear();
    state.invocations.clear();
    state.calls.clear();
    state.asks.clear();
    state.approvals.clear();
    state.delayed.clear();
    state.delegations.clear();
    this.#commands = [];
  }

  #startActiveTimer(): void {
    const left = Math.max(0, this.#work.limits.activeMs - this.#state.activeMs);
    const dueAt = this.#work.at + left;
    this.#startTimer({ type: "startTimer", id: activeTimer, path: "", dueAt, durable: false });
  }

  #startTimer(timer: StartTimerCommand): void {
    this.#timers = [...this.#timers.filter(({ id }) => id !== timer.id), timer];
    this.#commands.push(timer);
  }

  #stopTimer(id: string): void {
    const left = this.#timers.filter((timer) => timer.id !== id);
    if (left.length === this.#timers.length) return;
    this.#timers = left;
    this.#commands = this.#commands.filter((command) => command.id !== id);
    this.#aborts.push(id);
  }
}

/** The kinds of what a run waits for as one number, to see whether they have changed. */
function waitBitsOf({ approvals, questions, asks, uncertain, delayed, delegations }: RunState): number {
  let bits =
    (approvals.size > 0 || questions.size > 0 ? 1 : 0) |
    (asks.size > 0 ? 2 : 0) |
    (uncertain.size > 0 ? 4 : 0) |
    (delayed.size > 0 || delegations.size > 0 ? 8 : 0);
  for (const { waits } of delegations.values()) for (const wait of waits) bits |= waitBits[wait];
  return bits;
}

const waitBits = { approval: 1, question: 2, effect: 4, timer: 8 } as const satisfies Record<Wait, number>;

/** Keys of decisions and of answers are apart: the same text may serve both. */
function decisionKey(key: string): string {
  return `approval:${key}`;
}

/**
 * True for a version of the restrictions that says nothing new: the same, or one from before. A process that has not heard
 * yet gives nothing back. Versions are the lengths of their streams, `3.0`.
 */
function isKnownVersion(version: string, seen: string): boolean {
  const had = seen.split(".").map(Number);
  return version.split(".").every((length, index) => Number(length) <= (had[index] ?? 0));
}

type CallEnd = "done" | "refused" | "failed" | "cancelled" | "unknown";

/** What an answer that came after the end says of its call. */
function endOutcomeOf(code: ErrorCode, mayHaveExecuted: boolean): CallEnd {
  if (code === "tool/refused") return "refused";
  if (code === "tool/output-invalid") return "done";
  return mayHaveExecuted ? "unknown" : "failed";
}
