import type { AnyAgent } from "../agent.ts";
import type { TextDetector } from "../answer/redaction.ts";
import type { ApprovalRule } from "../approval/rule.ts";
import type { ApproverRegistry } from "../approval/signature.ts";
import type { CheckpointOptions } from "../audit/checkpoints.ts";
import type { TenantBudget } from "../budget/ledger.ts";
import type { BreakerOptions } from "../effect/breaker.ts";
import type { Rates } from "../effect/rate.ts";
import type { BudgetAmount } from "../event.ts";
import type { Grant } from "../grant.ts";
import type { Ending, Handoff, Parallel, Question } from "../handoff.ts";
import type { IdSource } from "../ids.ts";
import type { FlowRules } from "../label/flow-rules.ts";
import type { Limits } from "../limits.ts";
import type { CacheOptions } from "../model/cache.ts";
import type { ContextBudget } from "../model/context.ts";
import type { Route } from "../model/route.ts";
import type { LivePolicy } from "../policy/gate.ts";
import type { OperatorRoles } from "../policy/operators.ts";
import type { Policy } from "../policy/policy.ts";
import type { Engine } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { Signer } from "../port/signer.ts";
import type { Tracer } from "../port/tracer.ts";
import type { Principal, PrincipalSource } from "../principal.ts";
import type { AnswerRules, SealOptions } from "../seal/settings.ts";
import type { Threshold } from "../threshold.ts";
import type { Judges } from "./compiled.ts";

/** An edge whose ends are agents of one supervisor. */
export type EdgeBetween<Names extends string> =
  | Handoff<Names, Names>
  | Parallel<Names, Names>
  | Question<Names, Names>
  | Ending<Names>;

export type AgentMap = Readonly<Record<string, AnyAgent>>;
export type NameOf<Agents extends AgentMap> = Agents[keyof Agents]["name"];

export interface SupervisorOptions<
  Agents extends AgentMap,
  Entry extends keyof Agents & string,
  Exit extends keyof Agents & string,
  Thresholds extends readonly Threshold<NameOf<Agents>>[],
> {
  /** Name in the journal and on the command line; `supervisor` when absent. */
  readonly name?: string;
  readonly version?: string;
  /** By their own names. */
  readonly agents: Agents;
  /** The agent that gets the run's input. */
  readonly entry: Entry;
  /** Agents whose output ends the run as completed when no edge fits. */
  readonly exit: Exit | readonly Exit[];
  /** The only edges there are. Those from one agent are tried in this order. */
  readonly handoffs: readonly EdgeBetween<NameOf<Agents>>[];
  readonly thresholds?: Thresholds;
  readonly limits?: Partial<Limits>;
  /** What an agent's failure does to the run: `fail` (default) or `escalate` to a person. */
  readonly onFailure?: "fail" | "escalate";
  /** Which writes people approve, and how; may only tighten what the risk of a tool asks for. */
  readonly approvals?: readonly ApprovalRule[];
  /**
   * What is asked on every edge, beside allowlists, contracts and grants: it takes away and never adds. Of a team that works
   * inside another one both policies hold, the stricter answer each time.
   */
  readonly policy?: Policy;
  /** Who judges writes of medium and high risk by rule, and who prepares them for the person who approves. */
  readonly judges?: Judges;
  /**
   * What the team makes of data that others may have written (R9). Without it a person is asked about every foreign value in
   * a protected argument, and about every write that comes after foreign text. Those of the outermost supervisor hold.
   */
  readonly flows?: FlowRules;
  /** What a final answer may hold, and what of sealed values is shown in it. */
  readonly answers?: AnswerRules;
  /** Labels that count as its own people's word, such as `mcp:crm`. */
  readonly trusted?: readonly string[];
  /** What one run may cost at most, and each of its agents. */
  readonly budget?: {
    readonly run?: BudgetAmount;
    readonly agents?: { readonly [Name in NameOf<Agents>]?: BudgetAmount };
  };
}

/** How many calls of each kind may be under way in this process at once; what is not named is not bounded. */
export interface Concurrency {
  /** By tool name. */
  readonly tools?: { readonly [tool: string]: number };
  /** By provider: a model's `provider`, or its id. */
  readonly models?: { readonly [provider: string]: number };
  /** Calls of tools and models together, for each tenant. */
  readonly perTenant?: number;
  /** Calls that may wait for one of these, fairly between tenants; 1,000 when absent. Further ones are refused. */
  readonly waiting?: number;
}

/** What the gates of a supervisor hold back, and how they keep runs. */
export interface HostOptions extends SealOptions {
  /** What the runs of a tenant may spend together. A tenant that is not here is not bounded. */
  readonly budgets?: { readonly [tenant: string]: TenantBudget };
  readonly concurrency?: Concurrency;
  /**
   * What this process may ask of a provider (a model's `provider`, or its id) in a minute. Calls beyond it wait, as many
   * as `concurrency.waiting` says.
   */
  readonly rates?: { readonly [provider: string]: Rates };
  /** Keeps what models answered, for whoever of the same tenant asks the same; never what is sensitive. */
  readonly cache?: CacheOptions;
  /** When a breaker opens, and for how long; 5 failures in a row and 30 seconds when absent. */
  readonly breaker?: Pick<BreakerOptions, "failuresMax" | "cooldownMs" | "probes">;
  /** Milliseconds after which restrictions that another process has set are seen here; 250 when absent. */
  readonly restrictionsMaxAgeMs?: number;
  /** How long the requests under an alias may be; longer ones are shortened from their oldest turns on. */
  readonly context?: { readonly [alias: string]: ContextBudget };
  /**
   * A policy that is in force now, beside the one that a run began under: it takes away at once, also from runs that wait,
   * and adds nothing (D4). A function is asked before each call. Where it wants a person, a call that nobody has approved is
   * denied.
   */
  readonly livePolicy?: LivePolicy;
  /** A candidate that is asked beside the policy in force: where it says otherwise the journal has a `policy.shadowed`. */
  readonly shadow?: Policy;
  /** What is not shown of what agents say, to those who watch a run with `deltas`; those of `seal`, or else addresses and
   * numbers, when absent. */
  readonly detectors?: readonly TextDetector[];
  /** Signs where runs stand, so that a journal whose end was cut off is found (ADR 22). Absent: nothing is signed. */
  readonly checkpoints?: CheckpointOptions;
  /** How what goes to specialists in other deployments is signed; absent: it is not, and only who knows no callers takes it. */
  readonly delegations?: { readonly signer?: Signer };
  /** Entries between two snapshots; 256 when absent. */
  readonly snapshotEvery?: number;
  /**
   * States of runs that wait inside a call, kept in memory; 64 when absent. Those beyond, which have waited longest, are
   * read from the journal again when something comes in.
   */
  readonly statesAtHand?: number;
  /** Characters of a payload above which it is stored by reference; 16,384 when absent. */
  readonly blobChars?: number;
}

export interface RuntimeOptions<Alias extends string> extends HostOptions {
  /** A model, or a route to one of several, for each alias that the agents use. */
  readonly models: { readonly [Name in Alias]: Model | Route };
  readonly engine: Engine;
  /**
   * The tenants that are served, with what their runs may use at most (`{}` bounds nothing). A tenant that is not here
   * cannot start a run. Absent: every tenant is served, and its allowlists are the agents' own.
   */
  readonly tenants?: { readonly [tenant: string]: Grant };
  /** What those who start runs may have done at most, on top of every allowlist (R6). */
  readonly grants?: {
    /**
     * By role of who starts a run: who has several gets what all of them allow. `*` is for whoever has none of them; where it
     * is absent too, they start nothing. Absent: everybody's grant bounds nothing.
     */
    readonly principals?: { readonly [role: string]: Grant };
  };
  /** Who may start, see, approve, restrict and operate. Absent: development mode, in which everybody may do everything. */
  readonly roles?: OperatorRoles;
  /** Who acts when a call names no principal; the operating system's user when absent (D11). */
  readonly principals?: PrincipalSource;
  /** Whose keys sign approvals. Absent: development mode, in which every decision is marked unauthenticated. */
  readonly approvers?: ApproverRegistry;
  /**
   * What happens when unfinished runs of this supervisor began with definitions that are not loaded: nothing starts
   * (`refuse`, when absent), or they stay where they are (`leave`).
   */
  readonly waitingRuns?: "refuse" | "leave";
  /**
   * What happens when `checkSupervisor` finds an error in the definition with these options: it is not
   * put to work (`refuse`, when absent), or that is only logged (`log`). With `done` it is not looked for: for a process
   * that puts to work what it has checked before.
   */
  readonly check?: "refuse" | "log" | "done";
  readonly logger?: Logger;
  readonly tracer?: Tracer;
  readonly ids?: IdSource;
}

export interface StartOptions {
  readonly tenant: string;
  readonly principal?: Principal;
  /**
   * The same key starts one run, however often it is sent. With another input, or of another principal, it is refused
   * (`run/key-of-another`).
   */
  readonly idempotencyKey?: string;
  /** Links runs; what they share, memory policy says. */
  readonly conversationId?: string;
  /** What this run may use at most, on top of every allowlist (R6). */
  readonly grant?: Grant;
  /** What this run may spend at most, on top of the budgets of its supervisor and its tenant. */
  readonly budget?: BudgetAmount;
  /** Epoch ms at which the run begins; until then it waits in the journal alone, also over restarts. */
  readonly startAt?: number;
  /** Milliseconds from now instead. */
  readonly delayMs?: number;
  /** Text for the run's models and tools, such as the id of a simulated world. Not shown to models. */
  readonly attributes?: Readonly<Record<string, string>>;
}
