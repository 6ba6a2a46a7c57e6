import type { AnyAgent } from "../agent.ts";
import { noSpend } from "../budget/spend.ts";
import type { CallModelCommand, Command, StartTimerCommand } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { Spend } from "../event.ts";
import type { Json } from "../json.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { nobody } from "./empty.ts";
import type {
  Call,
  Delayed,
  Invocation,
  Judge,
  OpenApproval,
  OpenDelegation,
  OpenToolQuestion,
  Purse,
  RunState,
  Team,
} from "./state.ts";

/** State to JSON and back. A snapshot is a cache (R1): what is saved here can always be folded again. */

interface Saved {
  /** 2: without all of what the run has cost. */
  readonly format: 2 | 3;
  readonly state: Omit<
    RunState,
    | "repeats"
    | "agentCalls"
    | "teams"
    | "invocations"
    | "calls"
    | "asks"
    | "outstanding"
    | "answered"
    | "uncertain"
    | "approvals"
    | "questions"
    | "delegations"
    | "delayed"
    | "purse"
    | "ending"
  > & {
    readonly ending: RunState["ending"] | null;
  };
  readonly repeats: [string, { granted: number; denied: number }][];
  readonly agentCalls: [string, number][];
  readonly teams: (Omit<Team, "definition" | "results" | "counters" | "labels"> & {
    readonly labels?: [string, { input: readonly string[]; output: readonly string[] }][];
    readonly results: [string, { input: Json; output?: Json }][];
    readonly counters: [string, number][];
  })[];
  readonly invocations: (Omit<Invocation, "agent"> & {
    readonly agent: string;
  })[];
  readonly calls: (Omit<Call, "tool"> & { readonly tool: string })[];
  readonly asks: [string, RunState["asks"] extends Map<string, infer Value> ? Value : never][];
  readonly outstanding: Command[];
  readonly answered: string[];
  readonly uncertain: string[];
  readonly approvals: OpenApproval[];
  readonly questions: OpenToolQuestion[];
  readonly delegations?: OpenDelegation[];
  readonly delayed: [string, Delayed][];
  readonly purse: Omit<Purse, "reserved" | "byAgent" | "byPath"> & {
    readonly reserved: [string, { readonly agent: string; readonly amount: Spend }][];
    readonly byAgent: [string, Spend][];
    readonly byPath?: [string, Spend][];
  };
  readonly policyVersion: string;
  readonly attributes: Record<string, string>;
  readonly timers: StartTimerCommand[];
  readonly parked: boolean;
}

interface Extras {
  readonly policyVersion: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly timers: readonly StartTimerCommand[];
  readonly parked: boolean;
}

/** What a snapshot is made of. It shares its members with the state: whoever keeps it writes it down at once. */
export function saveState(state: RunState, { attributes, timers, parked, policyVersion }: Extras): unknown {
  const { repeats, agentCalls, teams, invocations, calls, asks, outstanding, ...others } = state;
  const { answered, uncertain, approvals, questions, delegations, delayed, purse, ...plain } = others;
  const saved: Saved = {
    format: 3,
    state: { ...plain, ending: plain.ending ?? null },
    repeats: [...repeats],
    agentCalls: [...agentCalls],
    teams: [...teams.values()].map(({ definition: _, results, counters, labels, ...team }) => ({
      ...team,
      labels: [...labels],
      results: [...results],
      counters: [...counters],
    })),
    invocations: [...invocations.values()].map(({ agent, ...one }) => ({
      ...one,
      agent: agent.name,
    })),
    calls: [...calls.values()].map(({ tool, ...one }) => ({
      ...one,
      tool: tool.name,
    })),
    asks: [...asks],
    outstanding: [...outstanding.values()],
    answered: [...answered],
    uncertain: [...uncertain],
    approvals: [...approvals.values()],
    questions: [...questions.values()],
    delegations: [...delegations.values()],
    delayed: [...delayed],
    purse: {
      slices: purse.slices,
      asked: purse.asked,
      spent: purse.spent,
      elsewhere: purse.elsewhere,
      reserved: [...purse.reserved],
      byAgent: [...purse.byAgent],
      byPath: [...purse.byPath],
    },
    policyVersion,
    attributes: { ...attributes },
    timers: [...timers],
    parked,
  };
  return saved;
}

/**
 * The state takes over what it is given; it must be nobody else's.
 * @throws OrchestrationError `run/internal` for a snapshot of another format; the caller folds the journal instead
 */
export function loadState(
  json: Json,
  root: SupervisorDefinition,
): Extras & { state: RunState; timers: StartTimerCommand[] } {
  const saved = json as unknown as Saved;
  if (saved?.format !== 2 && saved?.format !== 3)
    throw new OrchestrationError("run/internal", { reason: "the snapshot has another format" });
  const teams = new Map<string, Team>();
  const invocations = new Map<string, Invocation>();
  // Outer teams come before the invocations that hold inner ones: both lists keep their order of birth.
  const teamDefinition = (path: string): SupervisorDefinition => {
    if (path === "") return root;
    const holder = saved.invocations.find((one) => `${one.path}/` === path);
    const inner = holder && agentOf(teamDefinition(holder.team), holder.agent).team;
    if (!inner) throw new OrchestrationError("run/internal", { reason: `the snapshot's team ${path} has no holder` });
    return inner;
  };
  for (const { results, counters, labels, ...team } of saved.teams) {
    const definition = teamDefinition(team.path);
    teams.set(team.path, {
      ...team,
      parent: team.parent ?? undefined,
      chosenFrom: team.chosenFrom,
      payload: team.payload,
      // Snapshots from before labels were kept for each output have those of the run for all of them.
      given: team.given ?? saved.state.labels,
      labels: new Map(
        labels ?? results.map(([name]) => [name, { input: saved.state.labels, output: saved.state.labels }]),
      ),
      answer: undefined,
      lastError: team.lastError,
      lastEnd: team.lastEnd,
      definition,
      results: new Map(results),
      counters: new Map(counters),
    });
  }
  for (const { agent, ...one } of saved.invocations) {
    invocations.set(one.path, {
      ...one,
      // Snapshots from before there were routes know of neither.
      rounds: one.rounds ?? one.tries,
      tried: one.tried ?? [],
      // Nor do those from before there were summaries know of them.
      summary: one.summary,
      summaries: one.summaries ?? 0,
      trims: one.trims ?? false,
      branch: one.branch,
      output: one.output,
      turn: one.turn.map((slot) => ({ ...slot, result: slot.result })),
      agent: one.judges ? judgeOf(teamDefinition(one.team), one.judges.as) : agentOf(teamDefinition(one.team), agent),
      judges: one.judges,
    });
  }
  const calls = new Map<string, Call>();
  for (const { tool, ...one } of saved.calls) {
    const found = root.tools.get(tool);
    if (!found) throw new OrchestrationError("run/internal", { reason: `the snapshot names the unknown tool ${tool}` });
    calls.set(one.path, {
      ...one,
      command: one.command,
      edits: one.edits,
      since: one.since,
      calledBy: one.calledBy,
      approval: one.approval,
      verdict: one.verdict,
      packet: one.packet,
      // Snapshots from before tools could ask know of no answers and of no rest.
      answers: one.answers ?? [],
      toldNo: one.toldNo ?? false,
      because: one.because ?? [],
      planned: one.planned,
      tool: found,
    });
  }
  /** Calls in snapshots from before there were routes know neither their labels nor of failures of others. */
  const whole = (call: CallModelCommand): CallModelCommand => ({
    ...call,
    labels: call.labels ?? [...new Set([...saved.state.labels, ...(invocations.get(call.path)?.labels ?? [])])].sort(),
    tried: call.tried ?? [],
  });
  const outstanding = new Map(
    saved.outstanding.map((command): [string, Command] => {
      if (command.type === "reserve") return [command.id, { ...command, call: whole(command.call) }];
      if (command.type !== "callModel") return [command.id, command];
      if (command.summarises) return [command.id, whole(command)];
      // A model call under way shares its transcript with its invocation; the copy in the snapshot does not.
      const messages = invocations.get(command.path)?.messages ?? command.messages;
      return [command.id, { ...whole(command), messages }];
    }),
  );
  return {
    state: {
      ...saved.state,
      microUsd: saved.format === 3 ? saved.state.microUsd : undefined,
      // Snapshots from before there were flows know of nothing that was read.
      readings: saved.state.readings ?? [],
      starter: saved.state.starter ?? { principal: "" },
      readingBytes: saved.state.readingBytes ?? 0,
      // Nor of earlier calls, those from before policies looked back.
      earlier: saved.state.earlier ?? [],
      earlierBytes: saved.state.earlierBytes ?? {},
      plan: saved.state.plan ?? [],
      ending: saved.state.ending ?? undefined,
      repeats: new Map(saved.repeats),
      agentCalls: new Map(saved.agentCalls),
      teams,
      invocations,
      calls,
      asks: new Map(saved.asks.map(([id, ask]) => [id, { ...ask, edge: ask.edge }])),
      outstanding,
      answered: new Set(saved.answered),
      uncertain: new Set(saved.uncertain),
      approvals: new Map(saved.approvals.map((open) => [open.effect, open])),
      questions: new Map((saved.questions ?? []).map((open) => [open.question, open])),
      resting: saved.state.resting ?? false,
      // Snapshots from before there were policies do not say who started the run.
      principal: saved.state.principal ?? nobody,
      delegations: new Map(
        (saved.delegations ?? []).map((open) => [
          open.path,
          { ...open, waits: open.waits ?? [], recalled: open.recalled },
        ]),
      ),
      depth: saved.state.depth,
      deadlineAt: saved.state.deadlineAt,
      delayed: new Map(saved.delayed),
      budget: saved.state.budget,
      undoing: saved.state.undoing,
      purse: {
        slices: saved.purse.slices,
        asked: saved.purse.asked ?? [],
        spent: saved.purse.spent,
        // Snapshots from before there were specialists elsewhere know of none.
        elsewhere: saved.purse.elsewhere ?? noSpend,
        reserved: new Map(saved.purse.reserved),
        byAgent: new Map(saved.purse.byAgent),
        byPath: new Map(saved.purse.byPath ?? []),
      },
    },
    policyVersion: saved.policyVersion,
    attributes: saved.attributes,
    timers: [...saved.timers],
    parked: saved.parked,
  };
}

function judgeOf({ judges }: SupervisorDefinition, as: Judge): AnyAgent {
  const agent = judges[as];
  if (!agent)
    throw new OrchestrationError("run/internal", { reason: `the snapshot has a ${as} and the team has none` });
  return agent;
}

function agentOf(definition: SupervisorDefinition, name: string): AnyAgent {
  const agent = definition.agents.get(name);
  if (!agent) throw new OrchestrationError("run/internal", { reason: `the snapshot names the unknown agent ${name}` });
  return agent;
}
