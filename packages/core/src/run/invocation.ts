import { type AgentCommand, type AgentEvent, type AgentFailure, agentMachine } from "../agent-loop/machine.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { Decision, EntryBodies, LabelTable, ResponsePart } from "../event.ts";
import { covers, type Grant, isBound, isOver } from "../grant.ts";
import { type Json, plainJson } from "../json.ts";
import { unionOf } from "../label/union.ts";
import { inertMedia } from "../media.ts";
import type { Envelope, MessageType } from "../message.ts";
import { once } from "../once.ts";
import { type Issue, parseWith } from "../schema.ts";
import { compileSteps, firstStep, nextStep } from "../step.ts";
import { unheard } from "../unheard.ts";
import { askPolicy, factsOf } from "./asked.ts";
import { callOrReserve } from "./budget.ts";
import { dropCall, dropCallsOf } from "./call.ts";
import { delegate, giveUp } from "./delegations.ts";
import { saidLabels } from "./flows.ts";
import { offeredTools } from "./offered.ts";
import { proposeCall } from "./propose.ts";
import { modelRetryDelayOf } from "./retry.ts";
import type { Invocation, Judge, Team, Work } from "./state.ts";
import { beginSummary, failSummary, takeSummary } from "./summary.ts";
import { beginTeam, reject, teamAddress } from "./team.ts";
import { retryTimer } from "./timers.ts";

/** The agent's side of a run: takes a payload as its receiver, thinks, acts, asks, returns a typed result. */

export const loopSteps = once(() => compileSteps(agentMachine()));

/** A round that asks more models than this has gone wrong. */
export const candidatesMax = 16;

const accepts: ReadonlySet<MessageType> = new Set<MessageType>(["handoff.delivered", "call.settled", "input.received"]);

interface Delivery {
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

/** Opens a mailbox for a new instance of an agent and puts the payload into it. */
export function beginInvocation(work: Work, team: Team, path: string, delivery: Delivery): void {
  const from = teamAddress(team.path);
  work.bus.join(path, {
    accepts,
    receive: (envelope) => {
      if (envelope.type === "handoff.delivered") accept(work, team, path, envelope, delivery);
    },
  });
  const { edge, agent, payload, labels, branch, model } = delivery;
  work.send("handoff.delivered", from, path, `${path}:delivered`, {
    edge,
    agent,
    payload,
    labels,
    ...(branch === undefined ? {} : { branch }),
    ...(model === undefined ? {} : { model }),
  });
}

/** Receiver's side of the contract: the agent's own schema reads the payload again. */
function accept(
  work: Work,
  team: Team,
  path: string,
  envelope: Envelope<"handoff.delivered">,
  { payloadHash, grant, judges, decision }: Pick<Delivery, "payloadHash" | "grant" | "judges" | "decision">,
): void {
  if (work.state.ending) return;
  // The team, or the effect that is to be judged, was taken away while the delivery was on its way.
  if (work.state.teams.get(team.path) !== team || (judges && !work.state.calls.has(judges.effect))) {
    return work.bus.leave(path);
  }
  const { edge, agent: name, payload, labels, branch, model } = envelope.payload;
  const agent = judges ? team.definition.judges[judges.as] : team.definition.agents.get(name);
  const parsed = agent && parseWith(agent.input, payload);
  const plain = parsed?.ok ? plainJson(parsed.value) : undefined;
  const refuse = (error: OrchestrationError) =>
    judges ? refuseToJudge(work, judges, path, name, error) : reject(work, team, edge, name, "receiver", error);
  if (!agent || !plain?.ok) {
    work.bus.leave(path);
    if (plain && !plain.ok) {
      // A schema that makes a date or a map of it: only JSON reaches an agent.
      const error = new OrchestrationError("contract/not-json", { contract: edge, ...plain.fault });
      return refuse(error);
    }
    const data = {
      contract: edge,
      from: team.definition.name,
      to: name,
      issues: (parsed && !parsed.ok ? parsed.issues : []) as unknown as Json,
    };
    return refuse(new OrchestrationError("contract/input-invalid", data));
  }
  const input = plain.value;
  work.note("handoff.delivered", path, {
    message: envelope.id,
    edge,
    from: envelope.from,
    to: path,
    agent: name,
    payload: input,
    payloadHash,
    labels,
    ...(model === undefined ? {} : { model }),
    ...(isBound(grant) ? { grant } : {}),
    ...(judges === undefined ? {} : { judges: judges.effect }),
    ...(decision === undefined ? {} : { decision }),
  });
  // A judge is no step on the way of the case: no contract reads what it was shown.
  if (!judges) {
    team.labels.set(name, { input: labels[""] ?? [], output: team.labels.get(name)?.output ?? [] });
    team.results.set(name, {
      input,
      ...(team.results.get(name)?.output === undefined ? {} : { output: team.results.get(name)?.output as Json }),
    });
  }
  const invocation: Invocation = {
    path,
    team: team.path,
    agent,
    alias: model ?? agent.model,
    reason: model === undefined ? "agent" : "threshold",
    branch,
    grant,
    message: envelope.id,
    input,
    snapshot: firstStep(loopSteps()),
    messages: [],
    labels: [...(labels[""] ?? [])],
    models: 0,
    calls: 0,
    asks: 0,
    turn: [],
    output: undefined,
    judges,
    tries: 0,
    rounds: 0,
    tried: [],
    summary: undefined,
    summaries: 0,
    trims: false,
  };
  work.state.invocations.set(path, invocation);
  joinInvocation(work, invocation);
  // The team's entry reads the payload by its own schema, so it gets what this schema has not yet made its own of.
  if (agent.team) return beginTeam(work, agent.team, `${path}/`, path, payload, grant, labels[""]);
  if (agent.remote) return delegate(work, invocation, agent.remote, payload);
  tell(work, invocation, { type: "deliver", turns: work.limits.turns, repairs: work.limits.repairs });
}

/** A case that does not fit its judge reaches nobody, and the effect is told that nobody judged it. */
function refuseToJudge(
  work: Work,
  { effect, as }: { readonly effect: string; readonly as: Judge },
  path: string,
  to: string,
  refusal: OrchestrationError,
): void {
  const error = refusal.toRecord();
  work.note("handoff.rejected", effect, { edge: `effect:${as}`, from: effect, to, side: "receiver", error });
  work.send("effect.judged", path, effect, `${path}:rejected`, { judge: as, output: null, error });
}

/** Gives an instance its address for all that follows its delivery. */
export function joinInvocation(work: Work, invocation: Invocation): void {
  work.bus.join(invocation.path, { accepts, receive: (envelope) => receive(work, invocation, envelope) });
}

function receive(work: Work, invocation: Invocation, envelope: Envelope): void {
  if (work.state.ending) return;
  switch (envelope.type) {
    case "call.settled": {
      const { effect, result } = envelope.payload;
      const slot = invocation.turn.find(({ path }) => path === effect);
      if (!slot || slot.result)
        throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: effect });
      slot.result = result;
      if (invocation.turn.every((one) => one.result)) {
        const results = invocation.turn.flatMap((one) => (one.result ? [one.result] : []));
        invocation.messages.push({ role: "tool", results });
        invocation.turn = [];
      }
      return tell(work, invocation, { type: "call.settled" });
    }
    case "input.received": {
      const ask = work.state.asks.get(envelope.payload.ask);
      invocation.labels = unionOf(invocation.labels, envelope.payload.labels);
      if (!ask) throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: envelope.type });
      work.state.asks.delete(ask.ask);
      invocation.messages.push({ role: "answer", of: ask.of, answer: envelope.payload.answer });
      return tell(work, invocation, { type: "input.received" });
    }
    default:
      throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: envelope.type });
  }
}

/** A model's answer, read: calls before output, output before text. */
export function readResponse(work: Work, invocation: Invocation, body: EntryBodies["model.responded"]): void {
  if (body.command === invocation.summary?.command) return takeSummary(work, invocation, body);
  const { parts } = body;
  invocation.trims = false;
  invocation.tries = 0;
  invocation.rounds = 0;
  invocation.tried = [];
  invocation.messages.push({ role: "assistant", parts });
  const refusal = parts.find((part) => part.type === "refusal");
  if (refusal) return tell(work, invocation, { type: "model.refused" }, { reason: refusal.reason });
  const calls = parts.filter((part) => part.type === "toolCall");
  const { mailbox } = work.limits;
  if (calls.length > mailbox) {
    // Each call puts its result into the agent's mailbox; what cannot hold them all is no answer.
    const message = `${calls.length} tool calls at once; at most ${mailbox} results fit into the mailbox`;
    return tell(work, invocation, { type: "model.invalid" }, { issues: [{ pointer: "", message }] });
  }
  if (calls.length > 0) return tell(work, invocation, { type: "model.calls", count: calls.length }, { calls });
  const ask = parts.find((part) => part.type === "ask");
  if (ask) {
    const allowed = invocation.agent.asks.includes(ask.of);
    return tell(work, invocation, { type: "model.ask", allowed }, { ask });
  }
  const answer = answerOf(parts, work.rules.media);
  const parsed = answer.ok ? parseWith(invocation.agent.output, answer.value) : answer;
  if (!parsed.ok) return tell(work, invocation, { type: "model.invalid" }, { issues: parsed.issues });
  const plain = plainJson(parsed.value);
  if (!plain.ok) {
    const { pointer, reason } = plain.fault;
    return tell(work, invocation, { type: "model.invalid" }, { issues: [{ pointer, message: `not JSON: ${reason}` }] });
  }
  invocation.output = plain.value;
  tell(work, invocation, { type: "model.output" });
}

/**
 * A model call that brought nothing: another model is asked at once where there is one, else all of them after a while.
 * One that is worth another try is so also where those asked in its place are not.
 */
export function failResponse(work: Work, invocation: Invocation, body: EntryBodies["model.failed"]): void {
  if (body.command === invocation.summary?.command) return failSummary(work, invocation, body);
  const { error, model, next, summarise } = body;
  invocation.tries++;
  if (summarise) return beginSummary(work, invocation, summarise);
  const codes = [...invocation.tried.map(({ code }) => code), error.code];
  const falls = next !== undefined && work.rules.retries && invocation.tried.length < candidatesMax;
  invocation.tried = falls ? [...invocation.tried, { model, code: error.code }] : [];
  if (!falls) invocation.rounds++;
  const delayMs = falls ? 0 : modelRetryDelayOf(work, invocation, error, codes);
  tell(work, invocation, { type: "model.failed", retry: delayMs !== undefined }, { error, delayMs });
}

/** A model call that waited to be tried again has waited. */
export function retryDue(work: Work, invocation: Invocation): void {
  tell(work, invocation, { type: "due" });
}

/** @param inert what a model says brings no medium by its address: who reads it next would have it fetched */
function answerOf(
  parts: readonly ResponsePart[],
  inert: boolean,
): { ok: true; value: unknown } | { ok: false; issues: Issue[] } {
  const said = (value: Json) => ({ ok: true as const, value: inert ? inertMedia(value) : value });
  const output = parts.find((part) => part.type === "output");
  if (output) return said(output.value);
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  try {
    return said(JSON.parse(text) as Json);
  } catch {
    return { ok: false, issues: [{ pointer: "", message: "the answer is neither an output nor a JSON text" }] };
  }
}

/** What comes along with an event and is no business of the machine. */
interface Detail {
  readonly calls?: readonly Extract<ResponsePart, { type: "toolCall" }>[];
  readonly ask?: Extract<ResponsePart, { type: "ask" }>;
  readonly issues?: readonly Issue[];
  readonly error?: ErrorRecord;
  readonly reason?: string;
  readonly delayMs?: number | undefined;
}

function tell(work: Work, invocation: Invocation, event: AgentEvent, detail: Detail = {}): void {
  if (work.state.ending) return;
  const step = nextStep<AgentCommand>(loopSteps(), invocation.snapshot, event);
  invocation.snapshot = step.snapshot;
  for (const command of step.commands) obey(work, invocation, command, detail);
}

function obey(work: Work, invocation: Invocation, command: AgentCommand, detail: Detail): void {
  if (work.state.ending) return;
  const { path, agent } = invocation;
  switch (command.type) {
    case "callModel": {
      if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
      work.state.steps++;
      return askModel(work, invocation);
    }
    case "wait": {
      const error = detail.error ?? new OrchestrationError("run/internal", { reason: "no failure" }).toRecord();
      const dueAt = work.at + (detail.delayMs ?? 0);
      work.note("step.retried", path, { step: path, kind: "model", attempt: invocation.tries + 1, dueAt, error });
      work.startTimer({ id: retryTimer(path), path, dueAt, durable: false, holds: true });
      return;
    }
    case "repair": {
      const issues = detail.issues ?? [];
      const repair = invocation.messages.filter(({ role }) => role === "repair").length + 1;
      work.note("output.rejected", path, { agent: agent.name, issues, repair });
      invocation.messages.push({ role: "repair", issues });
      return;
    }
    case "proposeCalls": {
      const calls = detail.calls ?? [];
      const paths = calls.map(() => `${path}/tool#${++invocation.calls}`);
      invocation.turn = calls.map(({ callId }, index) => ({ callId, path: paths[index] as string, result: undefined }));
      calls.forEach((call, index) => {
        // One of those before may have been a repetition too many.
        if (work.rules.stops && !work.state.invocations.has(path)) return;
        proposeCall(work, invocation, paths[index] as string, call, index);
      });
      return;
    }
    case "requestInput": {
      const ask = detail.ask;
      if (!ask) return;
      const asking = { agent: agent.name, path, labels: labelsOf(work, invocation) };
      const judged = askPolicy(work, asking, { edge: "message", to: ask.of, text: ask.question });
      if (judged?.effect === "deny") return failInvocation(work, invocation, judged.error);
      const id = `${path}/ask#${++invocation.asks}`;
      work.state.asks.set(id, { ask: id, of: ask.of, by: path, edge: undefined });
      const said = { ask: id, of: ask.of, by: agent.name, question: ask.question };
      work.note("input.requested", path, judged === undefined ? said : { ...said, decision: judged.decision });
      return;
    }
    case "return": {
      const output = invocation.output ?? null;
      leave(work, invocation);
      if (invocation.judges) {
        const { effect, as } = invocation.judges;
        work.note("handoff.returned", path, { message: `${path}:returned`, agent: agent.name, output });
        const carried = work.rules.labels ? { labels: invocation.labels } : {};
        return work.send("effect.judged", path, effect, `${path}:returned`, { judge: as, output, ...carried });
      }
      const threshold = work.state.teams.get(invocation.team)?.definition.thresholds.get(agent.name);
      const confidence: unknown = threshold ? safely(() => threshold.read(output as never)) : undefined;
      if (typeof confidence !== "number") unheard(confidence);
      const message = `${path}:returned`;
      work.note("handoff.returned", path, {
        message,
        agent: agent.name,
        output,
        ...(typeof confidence === "number" && Number.isFinite(confidence) ? { confidence } : {}),
      });
      work.send("handoff.returned", path, teamAddress(invocation.team), message, {
        agent: agent.name,
        output,
        labels: saidLabels(work, invocation, output),
        ...(invocation.branch === undefined ? {} : { branch: invocation.branch }),
      });
      return;
    }
    case "fail":
      return failInvocation(work, invocation, failureOf(work, invocation, command.why, detail));
    case "unexpected":
      return;
  }
}

/** Makes the model call of the present turn, or another try of it. One that waited for a summary is the same step of the run. */
export function askModel(work: Work, invocation: Invocation): void {
  const { path, agent } = invocation;
  if (isOver(invocation.grant, work.at)) {
    const data = { agent: agent.name, untilAt: invocation.grant.untilAt };
    return failThinking(work, invocation, new OrchestrationError("policy/grant-expired", data).toRecord());
  }
  const labels = labelsOf(work, invocation);
  const tools = offeredTools(agent, invocation.messages)
    .filter((tool) => covers(invocation.grant, tool))
    .map(({ name }) => name);
  const edge = { edge: "model", model: invocation.alias, purpose: "turn", tools } as const;
  const judged = askPolicy(work, { agent: agent.name, path, labels }, edge);
  if (judged?.effect === "deny") return failThinking(work, invocation, judged.error);
  // Another try of the same call is no turn of its own: the model is asked the same again.
  const again = invocation.tries > 0;
  const turn = again ? invocation.models : ++invocation.models;
  const called = work.state.agentCalls.get(agent.name) ?? 0;
  const agentCall = again ? called - 1 : called;
  work.state.agentCalls.set(agent.name, agentCall + 1);
  const attempt = invocation.tries + 1;
  const id = again ? `${path}/model#${turn}/try#${attempt}` : `${path}/model#${turn}`;
  work.note("model.called", path, {
    command: id,
    agent: agent.name,
    alias: invocation.alias,
    turn,
    reason: invocation.reason,
    ...(judged === undefined ? {} : { decision: judged.decision }),
  });
  callOrReserve(work, {
    type: "callModel",
    id,
    path,
    agent: agent.name,
    alias: invocation.alias,
    turn,
    attempt,
    agentCall,
    input: invocation.input,
    messages: invocation.messages,
    tools,
    labels,
    tried: invocation.tried,
    ...(invocation.trims ? { trims: true } : {}),
    attributes: work.attributes,
    facts: factsOf(work, labels),
  });
}

/** The present call has failed for good. */
export function failThinking(work: Work, invocation: Invocation, error: ErrorRecord): void {
  tell(work, invocation, { type: "model.failed", retry: false }, { error });
}

/** Labels of all that a request of this instance carries, sorted. */
export function labelsOf(work: Work, { labels }: Pick<Invocation, "labels">): readonly string[] {
  return unionOf(work.state.labels, labels);
}

function failureOf(work: Work, { agent }: Invocation, why: AgentFailure, detail: Detail): ErrorRecord {
  const name = agent.name;
  switch (why) {
    case "turns":
      return new OrchestrationError("limits/exceeded", {
        limit: "turns",
        bound: work.limits.turns,
        agent: name,
      }).toRecord();
    case "invalid":
      return new OrchestrationError("agent/output-invalid", {
        agent: name,
        repairs: work.limits.repairs,
        issues: (detail.issues ?? []) as unknown as Json,
      }).toRecord();
    case "ask-not-allowed":
      return new OrchestrationError("agent/ask-not-allowed", {
        agent: name,
        audience: detail.ask?.of ?? "?",
      }).toRecord();
    case "refused":
      return new OrchestrationError("agent/refused", { agent: name, reason: detail.reason ?? "" }).toRecord();
    case "model":
    case "no-progress":
      return detail.error ?? new OrchestrationError("run/internal", { reason: why }).toRecord();
  }
}

/** Ends an instance without a result and tells its supervisor. */
export function failInvocation(work: Work, invocation: Invocation, error: ErrorRecord): void {
  const { path, agent, branch } = invocation;
  leave(work, invocation);
  work.note("agent.failed", path, { agent: agent.name, error });
  if (invocation.judges) {
    const { effect, as } = invocation.judges;
    return work.send("effect.judged", path, effect, `${path}:failed`, { judge: as, output: null, error });
  }
  work.send("agent.failed", path, teamAddress(invocation.team), `${path}:failed`, {
    agent: agent.name,
    error,
    ...(branch === undefined ? {} : { branch }),
  });
}

/** A loop that repeats itself although it was told so. */
export function stopInvocation(work: Work, invocation: Invocation, error: ErrorRecord): void {
  tell(work, invocation, { type: "no-progress" }, { error });
}

export type TeamEnd =
  | { readonly type: "output"; readonly output: Json; readonly labels: readonly string[] }
  | { readonly type: "failed"; readonly error: ErrorRecord }
  | { readonly type: "ended"; readonly status: "denied" | "escalated"; readonly reason: string; readonly packet: Json };

/** What a team behind an agent's name came to. Its output passes the agent's own contract like any other. */
export function returnFromTeam(work: Work, team: Team, end: TeamEnd): void {
  const invocation = team.parent === undefined ? undefined : work.state.invocations.get(team.parent);
  if (!invocation)
    throw new OrchestrationError("run/internal", { reason: `the team at ${team.path} works for nobody` });
  dissolve(work, team);
  returnFor(work, invocation, end);
}

/** What others have come to in an instance's place. */
export function returnFor(work: Work, invocation: Invocation, end: TeamEnd): void {
  const { agent, path, branch } = invocation;
  if (end.type === "failed") return failInvocation(work, invocation, end.error);
  leave(work, invocation);
  const to = teamAddress(invocation.team);
  const tag = branch === undefined ? {} : { branch };
  if (end.type === "ended") {
    const { status, reason, packet } = end;
    return work.send("agent.ended", path, to, `${path}:ended`, { agent: agent.name, status, reason, packet, ...tag });
  }
  const parsed = parseWith(agent.output, end.output);
  const plain = parsed.ok ? plainJson(parsed.value) : undefined;
  if (!plain?.ok) {
    const issues =
      plain && !plain.ok ? [{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }] : [];
    const data = { agent: agent.name, repairs: 0, issues: parsed.ok ? issues : (parsed.issues as unknown as Json) };
    return failInvocation(work, invocation, new OrchestrationError("agent/output-invalid", data).toRecord());
  }
  const output = plain.value;
  work.note("handoff.returned", path, { message: `${path}:returned`, agent: agent.name, output });
  work.send("handoff.returned", path, to, `${path}:returned`, {
    agent: agent.name,
    output,
    labels: end.labels,
    ...tag,
  });
}

/**
 * Takes a team away with everything that still works for it. Reads and model calls are given up; writes under way are
 * waited for by the run and settled in its journal, though nobody hears of them.
 */
function dissolve(work: Work, team: Team): void {
  dissolveUnder(work, team.path);
}

/** The same for whatever works under a path that ends with a slash: a team, or the judges of an effect. */
export function dissolveUnder(work: Work, prefix: string): void {
  const { state } = work;
  const inside = (path: string) => path.startsWith(prefix);
  for (const call of [...state.calls.values()]) if (inside(call.path)) dropCall(work, call);
  for (const [id, command] of state.outstanding) {
    // What a specialist does is stopped by a word of its own.
    if (!inside(command.path) || command.type === "delegate" || command.type === "recall") continue;
    const call = state.calls.get(command.path);
    if (call?.tool.effect === "write") continue;
    work.abandon(id);
    if (!call) continue;
    state.calls.delete(call.path);
    work.note("effect.settled", call.path, { effect: call.path, outcome: "cancelled" });
  }
  for (const open of state.delegations.values()) if (inside(open.path)) giveUp(work, open, "its team was taken away");
  for (const [ask, { by }] of state.asks) if (inside(by)) state.asks.delete(ask);
  for (const [timer, delayed] of state.delayed) {
    if (delayed.kind !== "handoff" || !inside(delayed.team)) continue;
    state.delayed.delete(timer);
    work.stopTimer(timer);
  }
  for (const path of state.invocations.keys()) {
    if (!inside(path)) continue;
    state.invocations.delete(path);
    work.stopTimer(retryTimer(path));
    work.bus.leave(path);
  }
  for (const path of state.teams.keys()) {
    if (!inside(path)) continue;
    state.teams.delete(path);
    work.bus.leave(teamAddress(path));
  }
}

/**
 * Stops an instance with all that works for it; its supervisor goes on as after any failure. What it has under way is
 * settled, or said to be unknown, and never dispatched again (C3).
 */
export function cancelInvocation(
  work: Work,
  invocation: Invocation,
  reason: string,
  error: OrchestrationError = new OrchestrationError("agent/cancelled", { agent: invocation.agent.name, reason }),
): void {
  const { state } = work;
  const { path } = invocation;
  for (const call of [...state.calls.values()]) {
    if (!call.path.startsWith(`${path}/`)) continue;
    dropCall(work, call);
    if (call.command === undefined || !state.outstanding.has(call.command)) continue;
    call.cancelled = true;
    if (call.tool.effect === "write") work.signal(call.command);
  }
  dissolveUnder(work, `${path}/`);
  for (const [id, command] of state.outstanding) {
    if (command.path === path && command.type === "callModel") work.abandon(id);
  }
  const delegated = state.delegations.get(path);
  if (delegated) giveUp(work, delegated, reason);
  failInvocation(work, invocation, error.toRecord());
}

function leave(work: Work, { path }: Invocation): void {
  work.state.invocations.delete(path);
  work.stopTimer(retryTimer(path));
  work.bus.leave(path);
  dropCallsOf(work, path);
  for (const [ask, { by, edge }] of work.state.asks) if (by === path && edge === undefined) work.state.asks.delete(ask);
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // The machine's guard meets the same throw and reports it (S3).
  }
}
