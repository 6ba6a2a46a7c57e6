import { memoryBus } from "../bus/memory.ts";
import type { Command, StartTimerCommand } from "../command.ts";
import { type ErrorRecord, OrchestrationError, ownError } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import type { Draft } from "../journal/draft.ts";
import type { Limits } from "../limits.ts";
import type { Envelope } from "../message.ts";
import type { Policy } from "../policy/policy.ts";
import { firstPolicyVersion, rulesOf } from "../policy-version.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { accept } from "./accept.ts";
import { settleUnheard } from "./budget.ts";
import { tellCall } from "./call.ts";
import { emptyState } from "./empty.ts";
import { tell } from "./invocation.ts";
import { rootPath, teamAddress, type Work } from "./state.ts";

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

/** The core's own side of what its parts share: the parts write through `Work` what is kept here. */
export interface CoreWork extends OwnWork {
  /** What came of the input under way. */
  drafts: Draft[];
  commands: Command[];
  aborts: string[];
  /** Ids of commands that were sent before and are sent again: what they do may be done already. */
  readonly resent: Set<string>;
  /** Timers that run while the run does (or, if durable, also while it is parked). */
  timers: StartTimerCommand[];
  parked: boolean;
  /** A bound was crossed; the first one counts. */
  exceeded: boolean;
}

export function coreWork(options: RunCoreOptions): CoreWork {
  const { definition, tenant, runId } = options;
  const bus = memoryBus({ capacity: definition.limits.mailbox });
  // No getters: each literal with one has a shape of its own, for which nothing is compiled and which keeps all that it
  // sees alive until a full collection.
  const work: CoreWork = {
    state: emptyState(tenant, runId),
    limits: definition.limits,
    bus,
    tenantKey: options.tenantKey,
    attributes: {},
    factTexts: undefined,
    policyVersion: firstPolicyVersion,
    rules: rulesOf(firstPolicyVersion),
    root: definition,
    shadow: options.shadow,
    looksBack: options.shadow?.looksBack ? [...definition.looksBack, options.shadow.looksBack] : definition.looksBack,
    cause: 0,
    at: 0,
    note: (type, path, body) =>
      void work.drafts.push({ type, at: work.at, path, cause: work.cause, body } as unknown as Draft),
    emit: (command) => {
      work.state.outstanding.set(command.id, command);
      work.commands.push(command);
    },
    send: (type, from, to, id, payload) =>
      void bus.publish({
        id,
        type,
        from,
        to,
        correlation: runId,
        causation: work.cause,
        payload,
      } as unknown as Envelope),
    end: (end) => {
      work.state.ending ??= end;
    },
    abandon: (command) => abandon(work, command),
    signal: (command) => void work.aborts.push(command),
    exceed: (limit, path) => exceed(work, limit, path),
    overspend: (body, path) => overspend(work, body, path),
    accept: (team, path, envelope, delivery) => accept(work, team, path, envelope, delivery),
    tellAgent: (invocation, event, detail) => tell(work, invocation, event, detail),
    tellCall: (call, event, detail) => tellCall(work, call, event, detail),
    startTimer: (timer) => startTimer(work, timerOf(timer)),
    stopTimer: (id) => stopTimer(work, id),
    drafts: [],
    commands: [],
    aborts: [],
    resent: new Set(),
    timers: [],
    parked: false,
    exceeded: false,
  };
  return work;
}

/** The version of the built-in policy that the run is pinned to. */
export function decideBy(work: CoreWork, policyVersion: string): void {
  work.policyVersion = policyVersion;
  work.rules = rulesOf(policyVersion);
}

/** Whatever throws inside the core ends this run, and no other. */
export function guarded(work: Work, act: () => void): void {
  try {
    act();
  } catch (thrown) {
    const error = ownError(thrown);
    work.end({ status: "failed", body: { error: error.toRecord(), by: "remit" } });
  }
}

/** True for a command of this very input, which nobody has seen yet. */
export function isUnsent(work: CoreWork, command: Command): boolean {
  return work.commands.includes(command) && !work.resent.has(command.id);
}

function abandon(work: CoreWork, command: string): void {
  const sent = work.state.outstanding.get(command);
  // A reservation is waited for: what it took of the tenant's budget has to be given back.
  const unsent = sent !== undefined && isUnsent(work, sent);
  if (!sent || (sent.type === "reserve" && !unsent)) return;
  work.state.outstanding.delete(command);
  if (sent.type === "callModel") settleUnheard(work, command, sent.path);
  if (!unsent) work.aborts.push(command);
  work.commands = work.commands.filter(({ id }) => id !== command);
}

function exceed(work: CoreWork, limit: keyof Limits, path: string): void {
  if (work.state.ending || work.exceeded) return;
  work.exceeded = true;
  const bound = work.limits[limit];
  work.note("limit.exceeded", path, { limit, bound, path });
  const error = new OrchestrationError("limits/exceeded", { limit, bound, path }).toRecord();
  overrun(work, path, `limit:${limit}`, error);
}

function overspend(work: CoreWork, body: EntryBodies["budget.exceeded"], path: string): void {
  if (work.state.ending || work.exceeded) return;
  work.exceeded = true;
  work.note("budget.exceeded", path, body);
  overrun(work, path, "limit:budget", body.error);
}

/** Tells the supervisor; a run that has none yet, or none at all, ends by itself. */
function overrun(work: CoreWork, path: string, id: string, error: ErrorRecord): void {
  if (work.state.teams.has(rootPath)) return work.send("limit.exceeded", path, teamAddress(rootPath), id, { error });
  work.end({ status: "failed", body: { error, by: work.root.name } });
}

/** Two shapes for all timers, each in one piece: runs that wait hold two or three of them. */
function timerOf({ id, path, dueAt, durable, holds }: Omit<StartTimerCommand, "type">): StartTimerCommand {
  return holds === undefined
    ? { type: "startTimer", id, path, dueAt, durable }
    : { type: "startTimer", id, path, dueAt, durable, holds };
}

function startTimer(work: CoreWork, timer: StartTimerCommand): void {
  work.timers = [...work.timers.filter(({ id }) => id !== timer.id), timer];
  work.commands.push(timer);
}

function stopTimer(work: CoreWork, id: string): void {
  const left = work.timers.filter((timer) => timer.id !== id);
  if (left.length === work.timers.length) return;
  work.timers = left;
  work.commands = work.commands.filter((command) => command.id !== id);
  work.aborts.push(id);
}
