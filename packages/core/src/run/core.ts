import { memoryBus } from "../bus/memory.ts";
import type { Command, StartTimerCommand } from "../command.ts";
import type { EffectContext } from "../effect/machine.ts";
import { type ErrorCode, OrchestrationError, reasonOf } from "../errors.ts";
import type { EntryBodies, EntryType, InputEvent, RunStatus } from "../event.ts";
import { fullGrant, narrow } from "../grant.ts";
import type { Draft } from "../journal/chain.ts";
import type { Json } from "../json.ts";
import type { Limits } from "../limits.ts";
import type { Envelope, Messages, MessageType } from "../message.ts";
import type { Bus } from "../port/bus.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { callDecided, callFailed, callLookedUp, callLost, callReturned } from "./call.ts";
import { failResponse, joinInvocation, readResponse } from "./invocation.ts";
import { loadState, saveState } from "./saved.ts";
import { type Call, type PendingEnd, type RunState, rootPath, type Work } from "./state.ts";
import { beginTeam, joinTeam, teamAddress } from "./team.ts";

/**
 * The pure core of a run: one input in; decisions and commands out (R1, R2). It asks no clock and draws no random
 * number: time is the input's `at`, names are paths and counters. The same inputs give the same decisions (R13).
 *
 * C1 An input about a command without an open place (a doubled completion, a late timer) changes nothing.
 * C2 After an end no decision follows.
 * C3 After a cancel nothing is dispatched; what is under way is waited for.
 */

/** What came of one input. `drafts` begins with the input itself. */
export interface Outcome {
  readonly drafts: readonly Draft[];
  readonly commands: readonly Command[];
  /** Ids of commands whose outcome nobody waits for, and of timers that shall stop. */
  readonly aborts: readonly string[];
}

const notStarted = -1;
export const activeTimer = "timer/active";
export const deadlineTimer = "timer/deadline";

export interface RunCoreOptions {
  readonly definition: SupervisorDefinition;
  readonly tenant: string;
  readonly runId: string;
  /** The tenant's secret, for argument hashes and idempotency keys. */
  readonly tenantKey: string;
  readonly policyVersion: string;
}

export class RunCore {
  readonly #definition: SupervisorDefinition;
  readonly #options: RunCoreOptions;
  readonly #bus: Bus;
  #state: RunState;
  #attributes: Readonly<Record<string, string>> = {};
  #timers: StartTimerCommand[] = [];
  #parked = false;
  #woken = false;
  #exceeded = false;
  #drafts: Draft[] = [];
  #commands: Command[] = [];
  #aborts: string[] = [];
  readonly #work: Work;

  constructor(options: RunCoreOptions) {
    this.#options = options;
    this.#definition = options.definition;
    this.#bus = memoryBus({ capacity: options.definition.limits.mailbox });
    this.#state = emptyState(options.tenant, options.runId);
    const core = this;
    this.#work = {
      get state() {
        return core.#state;
      },
      limits: options.definition.limits,
      bus: this.#bus,
      tenantKey: options.tenantKey,
      get attributes() {
        return core.#attributes;
      },
      policyVersion: options.policyVersion,
      cause: 0,
      at: 0,
      note: (type, path, body) => core.#note(type, path, body),
      emit: (command) => core.#emit(command),
      send: (type, from, to, id, payload) => core.#send(type, from, to, id, payload),
      end: (end) => core.#end(end),
      abandon: (command) => core.#abandon(command),
      exceed: (limit, path) => core.#exceed(limit, path),
    };
  }

  get state(): RunState {
    return this.#state;
  }
  get attributes(): Readonly<Record<string, string>> {
    return this.#attributes;
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
  /** What a parked run waits for: ids of questions and of effects whose outcome a person must tell. */
  get waitingFor(): string[] {
    return [...this.#state.asks.keys(), ...this.#state.uncertain];
  }

  /**
   * Applies one input. Returns nothing when the input has no place any more (C1, C2).
   * @param seq the seq that the input will have in the journal
   */
  apply(event: InputEvent, at: number, seq: number): Outcome | undefined {
    if (this.ended || !this.#hasPlace(event)) return undefined;
    this.#drafts = [];
    this.#commands = [];
    this.#aborts = [];
    this.#work.at = at;
    this.#work.cause = seq;
    this.#drafts.push({ type: event.type, at, path: event.path, cause: 0, body: event.body } as Draft);
    this.#woken = this.#parked;
    if (this.#parked) {
      this.#parked = false;
      this.#state.activeSince = at;
      this.#startActiveTimer();
    }
    this.#state.status = "running";
    this.#state.resumes = event.type === "run.resumed" ? this.#state.resumes + 1 : 0;
    this.#handle(event);
    this.#state.lastAt = at;
    this.#drain();
    this.#conclude();
    return { drafts: this.#drafts, commands: this.#commands, aborts: this.#aborts };
  }

  /** The whole state as JSON, and back: what a snapshot cache keeps. */
  save(): Json {
    return saveState(this.#state, { attributes: this.#attributes, timers: this.#timers, parked: this.#parked }) as Json;
  }
  restore(saved: Json): void {
    const loaded = loadState(saved, this.#definition);
    this.#state = loaded.state;
    this.#attributes = loaded.attributes;
    this.#timers = loaded.timers;
    this.#parked = loaded.parked;
    for (const team of this.#state.teams.values()) joinTeam(this.#work, team);
    for (const invocation of this.#state.invocations.values()) joinInvocation(this.#work, invocation);
  }

  #hasPlace(event: InputEvent): boolean {
    switch (event.type) {
      case "run.started":
        return this.#state.startedAt === notStarted;
      case "run.resumed":
      case "cancel.requested":
        return this.#state.startedAt !== notStarted && !(event.type === "cancel.requested" && this.#state.ending);
      case "model.responded":
      case "model.failed":
      case "tool.returned":
      case "tool.failed":
      case "effect.looked-up":
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
      default:
        return false;
    }
  }

  #handle(event: InputEvent): void {
    const work = this.#work;
    const { state } = work;
    switch (event.type) {
      case "run.started": {
        state.startedAt = work.at;
        state.activeSince = work.at;
        state.labels = [...(event.body.labels[""] ?? [])].sort();
        this.#attributes = event.body.attributes ?? {};
        const { deadlineMs } = work.limits;
        this.#startTimer({
          type: "startTimer",
          id: deadlineTimer,
          path: "",
          dueAt: work.at + deadlineMs,
          durable: true,
        });
        this.#startActiveTimer();
        return this.#guarded(() => {
          const { tenant, run } = event.body.grants ?? {};
          beginTeam(
            work,
            this.#definition,
            rootPath,
            undefined,
            event.body.input,
            narrow(narrow(fullGrant, tenant), run),
          );
        });
      }
      case "run.resumed":
        return this.#resume(event.body.lost);
      case "model.responded": {
        const invocation = this.#settleModel(event.body.command);
        state.microUsd += event.body.cost?.microUsd ?? 0;
        if (invocation) this.#guarded(() => readResponse(work, invocation, event.body));
        return;
      }
      case "model.failed": {
        const invocation = this.#settleModel(event.body.command);
        state.microUsd += event.body.cost?.microUsd ?? 0;
        if (invocation) this.#guarded(() => failResponse(work, invocation, event.body.error));
        return;
      }
      case "tool.returned":
        return this.#withCall(event.body.command, (call) => {
          if (state.ending) return this.#closeCall(call, "done");
          callReturned(work, call, event.body);
        });
      case "tool.failed":
        return this.#withCall(event.body.command, (call) => {
          const { error, mayHaveExecuted } = event.body;
          if (state.ending) return this.#closeCall(call, endOutcomeOf(error.code, mayHaveExecuted || doubted(call)));
          callFailed(work, call, event.body);
        });
      case "effect.looked-up":
        return this.#withCall(event.body.command, (call) => {
          const { outcome } = event.body;
          if (state.ending) {
            return this.#closeCall(call, outcome === "found" ? "done" : outcome === "never" ? "failed" : "unknown");
          }
          callLookedUp(work, call, event.body);
        });
      case "effect.decided": {
        const call = state.calls.get(event.body.effect);
        if (call) this.#guarded(() => callDecided(work, call, event.body));
        return;
      }
      case "input.received": {
        const { ask, answer, key } = event.body;
        if (key !== undefined) state.answered.add(key);
        const by = state.asks.get(ask);
        if (by)
          this.#send(
            "input.received",
            "outside",
            by.edge === undefined ? by.by : teamAddress(by.by),
            `${ask}:answered`,
            { ask, answer },
          );
        return;
      }
      case "cancel.requested": {
        this.#guarded(() => {
          this.#send("run.cancel", "outside", teamAddress(rootPath), "cancel", { reason: event.body.reason });
          this.#bus.drain();
          this.#end({ status: "cancelled", body: { reason: event.body.reason, openEffects: [] } });
        });
        return;
      }
      case "timer.fired": {
        this.#timers = this.#timers.filter(({ id }) => id !== event.body.timer);
        this.#exceed(event.body.timer === activeTimer ? "activeMs" : "deadlineMs", "");
        return;
      }
    }
  }

  #settleModel(command: string) {
    const sent = this.#state.outstanding.get(command);
    this.#state.outstanding.delete(command);
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
      if (command.type === "callModel" && !givenUp) {
        this.#commands.push(command);
        continue;
      }
      state.outstanding.delete(id);
      const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
      if (!call) continue;
      if (state.ending || givenUp) this.#closeCall(call, call.tool.effect === "write" ? "unknown" : "cancelled");
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
    if (!this.#state.outstanding.delete(command)) return;
    const unsent = this.#commands.filter(({ id }) => id !== command);
    if (unsent.length === this.#commands.length) this.#aborts.push(command);
    this.#commands = unsent;
  }

  #exceed(limit: keyof Limits, path: string): void {
    if (this.#state.ending || this.#exceeded) return;
    this.#exceeded = true;
    const bound = this.#work.limits[limit];
    this.#note("limit.exceeded", path, { limit, bound, path });
    const error = new OrchestrationError("limits/exceeded", { limit, bound, path }).toRecord();
    this.#send("limit.exceeded", path, teamAddress(rootPath), `limit:${limit}`, { error });
  }

  #end(end: PendingEnd): void {
    this.#state.ending ??= end;
  }

  /** After an input: end if nothing under way stands against it, else park if nothing is under way. */
  #conclude(): void {
    const { state } = this;
    if (state.ending) {
      for (const [id, command] of state.outstanding) {
        const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
        const unsent = this.#commands.includes(command);
        // A write under way is not stopped: its answer is worth waiting for, and its timeout bounds the wait.
        if (call?.tool.effect === "write" && !unsent) continue;
        if (!unsent) this.#aborts.push(id);
        state.outstanding.delete(id);
        if (call) this.#closeCall(call, "cancelled");
      }
      this.#commands = [];
      if (state.outstanding.size > 0) return;
      this.#finish(state.ending);
      return;
    }
    if (state.outstanding.size > 0) return;
    if (state.asks.size + state.uncertain.size === 0) {
      // Nothing under way, nothing to wait for and no end: a defect, never a run that hangs (R11).
      const error = new OrchestrationError("run/internal", { reason: "the run came to a standstill" });
      state.ending = { status: "failed", body: { error: error.toRecord(), by: "remit" } };
      this.#finish(state.ending);
      return;
    }
    this.#parked = true;
    state.status = "parked";
    state.activeMs += this.#work.at - state.activeSince;
    this.#stopTimer(activeTimer);
    this.#note("run.parked", "", { waitingFor: this.waitingFor });
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
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
    this.#aborts.push(id);
  }
}

type CallEnd = "done" | "refused" | "failed" | "cancelled" | "unknown";

/** True when an earlier try of this call may have taken effect (E4). */
function doubted(call: Call): boolean {
  return (call.snapshot.context as EffectContext).doubt;
}

/** What an answer that came after the end says of its call. */
function endOutcomeOf(code: ErrorCode, mayHaveExecuted: boolean): CallEnd {
  if (code === "tool/refused") return "refused";
  if (code === "tool/output-invalid") return "done";
  return mayHaveExecuted ? "unknown" : "failed";
}

function emptyState(tenant: string, runId: string): RunState {
  return {
    tenant,
    runId,
    status: "running",
    startedAt: notStarted,
    steps: 0,
    handoffs: 0,
    microUsd: 0,
    labels: [],
    repeats: new Map(),
    agentCalls: new Map(),
    teams: new Map(),
    invocations: new Map(),
    calls: new Map(),
    asks: new Map(),
    outstanding: new Map(),
    answered: new Set(),
    uncertain: new Set(),
    activeMs: 0,
    activeSince: 0,
    resumes: 0,
    lastAt: 0,
    ending: undefined,
  };
}

export function isEnd(status: RunStatus): boolean {
  return status !== "running" && status !== "parked";
}
