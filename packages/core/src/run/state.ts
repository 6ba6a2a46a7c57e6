import type { AnyAgent } from "../agent.ts";
import type { AgentEvent } from "../agent-loop/machine.ts";
import type { Audience } from "../audience.ts";
import type { ApprovalToken, AskedFacts, Command, StartTimerCommand, TriedModel } from "../command.ts";
import type { EffectEvent } from "../effect/machine.ts";
import type { ToolAnswer, ToolQuestion } from "../elicit/question.ts";
import type { ErrorRecord } from "../errors.ts";
import type {
  Decision,
  EndStatus,
  EntryBodies,
  EntryType,
  LabelTable,
  ResponsePart,
  Restrictions,
  RunBudget,
  RunStatus,
  Spend,
  SummaryDue,
  Tier,
  Undo,
} from "../event.ts";
import type { Grant } from "../grant.ts";
import type { Json } from "../json.ts";
import type { FlowFinding } from "../label/flow.ts";
import type { PlannedStep } from "../label/plan.ts";
import type { Reading } from "../label/reading.ts";
import type { Limits } from "../limits.ts";
import type { Envelope, Messages, MessageType } from "../message.ts";
import type { LooksBack, Policy } from "../policy/policy.ts";
import type { EarlierCall, PolicyPrincipal } from "../policy/request.ts";
import type { Rules } from "../policy-version.ts";
import type { Bus } from "../port/bus.ts";
import type { Wait } from "../port/journal.ts";
import type { Message, ToolResultPart } from "../port/model.ts";
import type { Issue } from "../schema.ts";
import type { StepSnapshot } from "../step.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import type { AnyTool } from "../tool.ts";

/** A supervisor at work: the root of a run, or a team behind an agent's name. Its address is its path. */
export interface Team {
  readonly path: string;
  readonly definition: SupervisorDefinition;
  /** Path of the invocation that this team works for; absent at the root. */
  readonly parent: string | undefined;
  /** What everybody in this team may use at most (R6). */
  readonly grant: Grant;
  /** What the newest delivery was granted: a stronger model tries with the same. */
  delegated: Grant;
  snapshot: StepSnapshot;
  /** Last payload and last output by agent: what contracts may read. */
  readonly results: Map<string, { input: Json; output?: Json }>;
  /** Invocations so far by agent, and other local counters. */
  readonly counters: Map<string, number>;
  /** Outputs of the branches that have returned, by key. */
  branches: Record<string, Json>;
  /** The output that the edge under way was chosen from. */
  chosenFrom: Json | undefined;
  /** What was delivered last, as its contract made it: a stronger model gets the same. */
  payload: Json | undefined;
  /** Labels of its input, and of what people have answered to its questions. */
  given: readonly string[];
  /** By agent: labels of its last payload, and of its last output. */
  readonly labels: Map<string, { readonly input: readonly string[]; readonly output: readonly string[] }>;
  /** The answer to its question, as the question's schema made it; JSON or not, it goes into the contract's `map` only. */
  answer: unknown;
  lastError: ErrorRecord | undefined;
  lastEnd: { status: "denied" | "escalated"; reason: string; packet: Json } | undefined;
}

/** One delegation at work: an instance of the agent loop, held here and by nobody else. */
export interface Invocation {
  readonly path: string;
  readonly team: string;
  readonly agent: AnyAgent;
  readonly alias: string;
  readonly reason: "agent" | "threshold";
  readonly branch: string | undefined;
  /** What this delivery may use: the team's grant, narrowed by the edge. */
  readonly grant: Grant;
  readonly message: string;
  readonly input: Json;
  snapshot: StepSnapshot;
  messages: Message[];
  /** Labels of everything this invocation has read. */
  labels: readonly string[];
  models: number;
  calls: number;
  asks: number;
  /** Calls of the present turn in the model's order, with their results as they come. */
  turn: { callId: string; path: string; result: ToolResultPart | undefined }[];
  /** Set while the loop waits for the one output that it returns. */
  output: Json | undefined;
  /** The effect that this instance judges; it answers to that and to no supervisor. */
  readonly judges: { readonly effect: string; readonly as: Judge } | undefined;
  /** Tries of the present model call, of whichever models. */
  tries: number;
  /** How often all that there was to ask was asked in vain: what waits are counted by. */
  rounds: number;
  /** Models that have failed in the present round. */
  tried: TriedModel[];
  /** The summary that its present call waits for. */
  summary: Summary | undefined;
  /** Summaries that were asked for so far. */
  summaries: number;
  /** The present call is shortened, because its summary did not come. */
  trims: boolean;
}

export interface Summary {
  readonly due: SummaryDue;
  /** Name of the first call for it. */
  readonly id: string;
  /** The call that is under way. */
  command: string;
  /** Models that have failed at it. */
  tried: TriedModel[];
}

export type Judge = "compliance" | "reviewer";

/** A write that waits for people, as it was put before them. */
export interface OpenApproval {
  readonly effect: string;
  readonly binding: string;
  readonly quorum: number;
  readonly roles: readonly string[];
  readonly requesters: readonly string[];
  readonly expiresAt: number;
  /** Ids of those who have approved so far. */
  approvals: string[];
  /** Ids of those who said so, for themselves or for others; absent under a policy that does not look at that. */
  voices?: string[];
  authenticated: boolean;
}

/** What a run has set aside and used of its budgets (R10). */
export interface Purse {
  /** Slices taken of the tenant's budget, by its stream. */
  slices: { stream: string; amount: Spend }[];
  /** When slices were asked for by a process that was lost, and may yet take them (epoch ms). */
  asked: number[];
  /** Set aside for calls under way, by command. */
  readonly reserved: Map<string, { readonly agent: string; readonly amount: Spend }>;
  spent: Spend;
  /** Of that, what specialists' runs have told the tenant's budget themselves. */
  elsewhere: Spend;
  readonly byAgent: Map<string, Spend>;
  /** By path of the instance: what a delegation may spend counts by it. */
  readonly byPath: Map<string, Spend>;
}

/** Something that waits for its time: the start of the run, or a delivery. */
export type Delayed =
  | { readonly kind: "start"; readonly input: Json; readonly grant: Grant }
  | {
      readonly kind: "handoff";
      readonly team: string;
      readonly edge: string;
      readonly agent: string;
      readonly payload: Json;
      readonly grant: Grant;
    };

/** What a run that undoes another one has left to do, and what came of it. */
export interface Undoing {
  readonly run: string;
  /** What the tenant allows: undoing widens nothing (R6). */
  readonly grant: Grant;
  left: Undo[];
  readonly done: { readonly effect: string; readonly tool: string; readonly output: Json }[];
  readonly failed: { readonly effect: string; readonly tool: string; readonly error: ErrorRecord }[];
}

/** One tool call at work. */
export interface Call {
  readonly path: string;
  readonly invocation: string;
  /** Who asked for it, and what that delivery was granted; both outlive the instance. */
  readonly agent: string;
  readonly grant: Grant;
  readonly tool: AnyTool;
  readonly callId: string;
  readonly input: Json;
  readonly inputHash: string;
  /** Its place in `repeats`: the tool and the arguments as it would get them. */
  readonly pair: string;
  readonly key: string;
  snapshot: StepSnapshot;
  /** The command under way. */
  command: string | undefined;
  /** A migration to a definition that asks for more makes it stricter. */
  tier: Tier;
  /** Who may not approve it: ids of those who asked for it. */
  readonly requesters: readonly string[];
  readonly edits: { readonly effect: string; readonly by: string } | undefined;
  /** When the first try was dispatched that may have taken effect (epoch ms): how long its key is good counts from then. */
  since: number | undefined;
  /** By when its last try was made, if ever (epoch ms): how long it may take to show itself counts from then. */
  calledBy: number | undefined;
  intended: boolean;
  /** It was under way when all that it worked for was cancelled: nothing of it is dispatched any more (C3). */
  cancelled: boolean;
  approval: ApprovalToken | undefined;
  verdict: EntryBodies["effect.judged"] | undefined;
  packet: Json | undefined;
  /** Why the flow rule asks a person; empty: it does not. */
  readonly because: readonly FlowFinding[];
  /** Index of the entry of the plan that it uses up. */
  readonly planned: number | undefined;
  /** What people have answered to its tool's questions. */
  answers: readonly GivenAnswer[];
  /** A person has told its tool no, or nobody answered it: it may refuse for that alone, and have asked nobody else. */
  toldNo: boolean;
  /** What the policy said of it, and what that was asked with; absent where the supervisor has none. */
  readonly judged?: AllowedCall;
}

/** A call that the policy has not denied. */
export interface AllowedCall {
  readonly effect: "allow" | "approve";
  readonly decision: Decision;
  readonly because: string;
  readonly facts: AskedFacts;
}

/** A question of a tool under way, as it was put before people. */
export interface OpenToolQuestion {
  readonly question: string;
  /** Path of its call, and the command that asks: it waits no longer than that is under way. */
  readonly effect: string;
  readonly command: string;
  readonly asks: ToolQuestion;
  readonly hash: string;
  readonly binding: string;
  readonly roles: readonly string[];
  readonly requesters: readonly string[];
  readonly expiresAt: number;
}

/** What a person answered to a question of a call: told again when another try of it asks the same. */
export interface GivenAnswer {
  readonly question: string;
  readonly hash: string;
  readonly answer: ToolAnswer;
  readonly by: string;
  readonly authenticated: boolean;
}

/** A question that waits for a person. */
export interface Ask {
  readonly ask: string;
  readonly of: Audience;
  /** Address of who asked: an invocation, or a team (then `edge` is set). */
  readonly by: string;
  readonly edge: string | undefined;
}

/** A specialist's run that works for this one. */
export interface OpenDelegation {
  /** Of the instance whose work it does. */
  readonly path: string;
  readonly agent: string;
  readonly run: string;
  readonly specialist: string;
  readonly contract: string;
  /** The command that began it: what is set aside goes by its name. */
  readonly id: string;
  /** How often it was begun or looked at. */
  attempts: number;
  /** What it waited for of people when it was last looked at. */
  waits: readonly Wait[];
  /** Why nobody waits for it any more. */
  recalled: string | undefined;
}

/** How a run is about to end; it does when the last open write has an outcome. */
export type PendingEnd = {
  readonly [Status in EndStatus]: { readonly status: Status; readonly body: EntryBodies[`run.${Status}`] };
}[EndStatus];

/** The state of one run: a fold over its journal's inputs. Changed only inside `RunCore.apply`. */
export interface RunState {
  readonly tenant: string;
  readonly runId: string;
  status: RunStatus;
  startedAt: number;
  steps: number;
  handoffs: number;
  /** What its calls have cost so far; not known of a run that was migrated by a version that did not count it. */
  microUsd: number | undefined;
  /** Labels of everything that any agent of this run has read; a handoff carries them on (D10). */
  labels: readonly string[];
  /** Who started it, and the conversation that it belongs to. */
  starter: { readonly principal: string; readonly conversationId?: string };
  /** What it has read, for where values come from; nothing where the team reads nothing foreign. */
  readings: Reading[];
  /** Bytes of them, about. */
  readingBytes: number;
  /** Calls that have returned and that a policy looks back to; nothing where none does. */
  earlier: EarlierCall[];
  /** Bytes of them, about, by tool. */
  earlierBytes: Record<string, number>;
  /** Writes that were announced before anything foreign was read. */
  plan: PlannedStep[];
  /** How often each (tool, arguments) pair was granted, and denied as a repetition. */
  readonly repeats: Map<string, { granted: number; denied: number }>;
  /** Model calls by agent name. */
  readonly agentCalls: Map<string, number>;
  readonly teams: Map<string, Team>;
  readonly invocations: Map<string, Invocation>;
  readonly calls: Map<string, Call>;
  readonly asks: Map<string, Ask>;
  /** Commands without an outcome. */
  readonly outstanding: Map<string, Command>;
  /** Keys of answers that were taken. */
  readonly answered: Set<string>;
  readonly uncertain: Set<string>;
  /** Open approvals by effect. */
  readonly approvals: Map<string, OpenApproval>;
  /** Open questions of tools under way, by id. */
  readonly questions: Map<string, OpenToolQuestion>;
  /** By path of the instance. */
  readonly delegations: Map<string, OpenDelegation>;
  /** Set where the run is itself the work of a specialist: delegations on the way down to it. */
  depth: number | undefined;
  /** Epoch ms. */
  deadlineAt: number | undefined;
  /** By timer. */
  readonly delayed: Map<string, Delayed>;
  /** Ids of those on whose behalf the run works: they approve nothing of it. */
  requesters: readonly string[];
  /** Who started it, as policies know them. */
  principal: PolicyPrincipal;
  restrictions: Restrictions;
  budget: RunBudget | undefined;
  readonly purse: Purse;
  undoing: Undoing | undefined;
  /** Milliseconds of work before `activeSince`. */
  activeMs: number;
  activeSince: number;
  /** All that is under way waits for people's answers: no work is done meanwhile. */
  resting: boolean;
  /** Resumptions since anything else came in. */
  resumes: number;
  /** Time of the last input. */
  lastAt: number;
  ending: PendingEnd | undefined;
}

/** A payload on its way to an agent. */
export interface Delivery {
  readonly edge: string;
  readonly agent: string;
  readonly payload: Json;
  readonly payloadHash: string;
  readonly grant: Grant;
  readonly labels: LabelTable;
  readonly branch?: string;
  readonly model?: string;
  readonly judges?: { readonly effect: string; readonly as: Judge };
  /** What the policy said of the edge. */
  readonly decision?: Decision;
}

/** What a person made of a proposal: a new one, in its place. */
export interface Edit {
  readonly effect: string;
  readonly by: string;
  /** Ids of those who now have asked for it. */
  readonly requesters: readonly string[];
}

/** What comes along with an event of an agent and is no business of its machine. */
export interface AgentDetail {
  readonly calls?: readonly Extract<ResponsePart, { type: "toolCall" }>[];
  readonly ask?: Extract<ResponsePart, { type: "ask" }>;
  readonly issues?: readonly Issue[];
  readonly error?: ErrorRecord;
  readonly reason?: string;
  readonly delayMs?: number | undefined;
}

/** What comes along with an event of a call and is no business of its machine. */
export interface CallDetail {
  readonly result?: ToolResultPart;
  readonly outcome?: EntryBodies["effect.settled"]["outcome"];
  /** Why a try failed, or why a proposal is refused. */
  readonly error?: EntryBodies["tool.denied"]["error"];
  readonly ruleId?: string;
  readonly delayMs?: number | undefined;
  /** Where a superseded proposal went. */
  readonly next?: { readonly path: string; readonly input: Json; readonly edit: Edit };
}

/** What the parts of the core share while one input is applied. */
export interface Work {
  readonly state: RunState;
  readonly limits: Limits;
  readonly bus: Bus;
  readonly tenantKey: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The policy that the run is pinned to. */
  readonly policyVersion: string;
  /** What that policy asks for beyond allowlists and schemas. */
  readonly rules: Rules;
  /** The supervisor of the whole run tree: its judges and approval rules hold for all of it. */
  readonly root: SupervisorDefinition;
  /** A policy that is asked beside the one in force and changes nothing. */
  readonly shadow: Policy | undefined;
  /** Earlier calls that its policies, and the one in the shadow, want to be told of. */
  readonly looksBack: readonly LooksBack[];
  /** Texts of what every question to a policy says alike, as they were made for these facts. */
  factTexts:
    | {
        readonly principal: object;
        readonly attributes: object;
        readonly texts: Readonly<Record<string, string>>;
      }
    | undefined;
  /** Seq of the input under way. */
  cause: number;
  at: number;
  /** Adds a decision to the batch. */
  note<Type extends EntryType>(type: Type, path: string, body: EntryBodies[Type]): void;
  /** Hands a command to the driver. */
  emit(command: Command): void;
  /** Puts a message on the bus, under an id of its own that replays the same. */
  send<Type extends MessageType>(type: Type, from: string, to: string, id: string, payload: Messages[Type]): void;
  /** Ends the run; the first end wins. */
  end(end: PendingEnd): void;
  /** Gives a command up: its signal is aborted and its outcome, if it comes, has no place any more. */
  abandon(command: string): void;
  /** Tells a write under way that it shall stop; its outcome is waited for all the same. */
  signal(command: string): void;
  /** The run has crossed a bound. */
  exceed(limit: keyof Limits, path: string): void;
  /** A budget does not hold what is needed: the run ends as at any bound. */
  overspend(body: EntryBodies["budget.exceeded"], path: string): void;
  /**
   * A team hands over to agents, an agent makes calls or is a team, and a call's judges are agents. So that the files do not go
   * round as that does, what lies below speaks to what lies above by this and the next two. What comes of it happens at once.
   * An agent's side of a delivery: see `accept.ts`.
   */
  accept(team: Team, path: string, envelope: Envelope<"handoff.delivered">, delivery: Delivery): void;
  /** Tells an instance's loop: see `invocation.ts`. */
  tellAgent(invocation: Invocation, event: AgentEvent, detail?: AgentDetail): void;
  /** Tells a call's machine: see `call.ts`. */
  tellCall(call: Call, event: EffectEvent, detail?: CallDetail): void;
  startTimer(timer: Omit<StartTimerCommand, "type">): void;
  stopTimer(id: string): void;
}

export const rootPath = "";

/** Where a team hears what is said to it. */
export function teamAddress(path: string): string {
  return path === rootPath ? "supervisor" : path;
}
