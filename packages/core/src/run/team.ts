import { type ErrorRecord, OrchestrationError, reasonOf } from "../errors.ts";
import { type Grant, givenAt, narrow } from "../grant.ts";
import type { Edge } from "../handoff.ts";
import { sha256 } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { unionOf } from "../label/union.ts";
import type { Envelope, MessageType } from "../message.ts";
import { parseWith } from "../schema.ts";
import { firstStep, nextStep, type StepTable } from "../step.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { SupervisorCommand, SupervisorEvent } from "../supervisor/machine.ts";
import { unheard } from "../unheard.ts";
import { askPolicy } from "./asked.ts";
import { beginInvocation, count, reject } from "./delivery.ts";
import { revokedError } from "./denial.ts";
import { answerOf } from "./flows.ts";
import { returnFromTeam } from "./leaving.ts";
import { type Delayed, rootPath, type Team, teamAddress, type Work } from "./state.ts";

/** The supervisor's side of a run: chooses edges, makes payloads, checks contracts as their sender. */

const accepts: ReadonlySet<MessageType> = new Set<MessageType>([
  "handoff.returned",
  "agent.failed",
  "agent.ended",
  "handoff.rejected",
  "input.received",
  "limit.exceeded",
  "run.cancel",
]);

/** Puts a team to work on an input that its entry agent gets. */
export function beginTeam(
  work: Work,
  definition: SupervisorDefinition,
  path: string,
  parent: string | undefined,
  input: Json,
  grant: Grant,
  labels: readonly string[] = work.state.labels,
) {
  const depth = path === rootPath ? 1 : path.split("/").length;
  if (depth > work.limits.depth) return work.exceed("depth", path);
  const team: Team = {
    path,
    definition,
    parent,
    grant,
    delegated: grant,
    snapshot: firstStep(stepsOf(definition)),
    results: new Map(),
    counters: new Map(),
    branches: {},
    chosenFrom: input,
    payload: undefined,
    given: labels,
    labels: new Map(),
    answer: undefined,
    lastError: undefined,
    lastEnd: undefined,
  };
  work.state.teams.set(path, team);
  joinTeam(work, team);
  take(work, team, { type: "start" });
}

/** Gives a team its address. */
export function joinTeam(work: Work, team: Team): void {
  work.bus.join(teamAddress(team.path), { accepts, receive: (envelope) => receive(work, team, envelope) });
}

function stepsOf(definition: SupervisorDefinition): StepTable {
  return definition.steps as StepTable;
}

function receive(work: Work, team: Team, envelope: Envelope): void {
  if (work.state.ending) return;
  switch (envelope.type) {
    case "handoff.returned": {
      const { agent, output, branch, labels } = envelope.payload;
      const result = team.results.get(agent);
      const known = team.labels.get(agent);
      // A join reads what each branch has said, also where the same agent says it.
      const isJoined = branch !== undefined && work.rules.labels;
      const said = isJoined ? unionOf(known?.output ?? [], labels) : labels;
      team.labels.set(agent, { input: known?.input ?? [], output: said });
      team.results.set(agent, { input: result?.input ?? null, output });
      if (branch !== undefined) {
        team.branches = { ...team.branches, [branch]: output };
        return take(work, team, { type: "branch.returned", branch });
      }
      team.chosenFrom = output;
      return take(work, team, {
        type: "agent.returned",
        agent,
        output,
        sourcesOf: (edge) => sourcesOf(team, edge),
        faults: [],
      });
    }
    case "agent.failed": {
      const { agent, error, branch } = envelope.payload;
      team.lastError = error;
      return take(
        work,
        team,
        branch === undefined ? { type: "agent.failed", agent } : { type: "branch.failed", branch },
      );
    }
    case "agent.ended": {
      const { agent, branch, ...end } = envelope.payload;
      team.lastEnd = end;
      return take(work, team, { type: "agent.ended", agent, status: end.status });
    }
    case "handoff.rejected":
      team.lastError = envelope.payload.error;
      return take(work, team, { type: "handoff.rejected", edge: envelope.payload.edge });
    case "input.received": {
      const ask = work.state.asks.get(envelope.payload.ask);
      if (!ask?.edge) throw new OrchestrationError("bus/no-recipient", { address: team.path, type: envelope.type });
      work.state.asks.delete(ask.ask);
      const edge = edgeOf(team, ask.edge);
      const parsed = edge.kind === "question" ? parseWith(edge.answer, envelope.payload.answer) : undefined;
      if (edge.kind === "question" && !parsed?.ok) {
        const issues = (parsed && !parsed.ok ? parsed.issues : []) as unknown as Json;
        const error = new OrchestrationError("run/answer-invalid", { ask: ask.ask, issues });
        return reject(work, team, edge.name, edge.to, "sender", error);
      }
      team.answer = parsed?.ok ? parsed.value : envelope.payload.answer;
      team.given = unionOf(team.given, envelope.payload.labels);
      take(work, team, { type: "input.received", edge: ask.edge });
      team.answer = undefined;
      return;
    }
    case "limit.exceeded":
      team.lastError = envelope.payload.error;
      return take(work, team, { type: "limit.exceeded" });
    case "run.cancel":
      team.lastError = undefined;
      return take(work, team, { type: "cancel" });
    default:
      throw new OrchestrationError("bus/no-recipient", { address: team.path, type: envelope.type });
  }
}

function take(work: Work, team: Team, event: SupervisorEvent): void {
  const step = nextStep<SupervisorCommand>(stepsOf(team.definition), team.snapshot, event);
  team.snapshot = step.snapshot;
  if (event.type === "agent.returned") {
    const [fault] = event.faults;
    if (fault) {
      const data =
        fault.notConfidence === true
          ? new OrchestrationError("guard/confidence-invalid", { agent: event.agent, value: reasonOf(fault.thrown) })
          : new OrchestrationError("guard/threw", { edge: fault.edge, reason: reasonOf(fault.thrown) });
      team.lastError = data.toRecord();
    } else team.lastError = undefined;
  }
  for (const command of step.commands) obey(work, team, command, event);
}

function obey(work: Work, team: Team, command: SupervisorCommand, event: SupervisorEvent): void {
  const edge = "edge" in command && command.edge !== undefined ? edgeOf(team, command.edge) : undefined;
  switch (command.type) {
    case "delegate": {
      if (!edge) {
        // The entry, or a second try of the same payload by a stronger model.
        const payload = command.model === undefined ? team.chosenFrom : team.payload;
        const name = command.model === undefined ? "entry" : `stronger:${command.agent}`;
        return deliver(work, team, {
          edge: name,
          agent: command.agent,
          payload: payload ?? null,
          model: command.model,
          grant: command.model === undefined ? team.grant : team.delegated,
        });
      }
      if (event.type === "agent.returned") chose(work, team, edge);
      const grant = edge.kind === "parallel" ? edge.join.grant : edge.kind === "ending" ? undefined : edge.grant;
      const to = edge.kind === "parallel" ? edge.join.to : command.agent;
      return make(work, team, edge, to, grant, () => {
        const sources = sourcesOf(team, edge);
        if (edge.kind === "handoff") return edge.map(team.chosenFrom as never, sources as never);
        if (edge.kind === "parallel") return edge.join.map(team.branches as never, sources as never);
        if (edge.kind === "question") return edge.map(team.answer as never, team.chosenFrom as never, sources as never);
        return undefined;
      });
    }
    case "fork": {
      if (edge?.kind !== "parallel") return;
      chose(work, team, edge);
      team.branches = {};
      const sources = sourcesOf(team, edge);
      for (const branch of edge.branches) {
        const map = () => branch.map(team.chosenFrom as never, sources as never);
        make(work, team, edge, branch.to, branch.grant, map, branch.key);
      }
      return;
    }
    case "question": {
      if (edge?.kind !== "question") return;
      chose(work, team, edge);
      const ask = `${team.path}${count(team, "question")}`;
      let question: unknown;
      try {
        question = edge.ask(team.chosenFrom as never, sourcesOf(team, edge) as never);
      } catch (thrown) {
        return reject(
          work,
          team,
          edge.name,
          edge.to,
          "sender",
          new OrchestrationError("contract/map-threw", { contract: edge.name, reason: reasonOf(thrown) }),
        );
      }
      if (typeof question !== "string") unheard(question);
      const text = String(question);
      const asking = { agent: edge.from, path: team.path, labels: labelsOf(work, team, edge.name, undefined) };
      const judged = askPolicy(work, asking, { edge: "message", to: edge.of, text });
      if (judged?.effect === "deny") return reject(work, team, edge.name, edge.to, "sender", judged.error);
      work.state.asks.set(ask, { ask, of: edge.of, by: team.path, edge: edge.name });
      const said = { ask, of: edge.of, by: edge.from, question: text };
      work.note("input.requested", team.path, judged === undefined ? said : { ...said, decision: judged.decision });
      return;
    }
    case "complete":
      return finish(work, team, command.agent);
    case "end": {
      if (edge?.kind !== "ending") return;
      chose(work, team, edge);
      let packet: unknown = team.chosenFrom;
      try {
        if (edge.packet) packet = edge.packet(team.chosenFrom as never, sourcesOf(team, edge) as never);
      } catch (thrown) {
        packet = { output: team.chosenFrom ?? null, packetFailed: reasonOf(thrown) };
      }
      const plain = plainJson(packet);
      if (!plain.ok) unheard(packet);
      return endAs(
        work,
        team,
        edge.status,
        edge.reason,
        edge.from,
        plain.ok ? plain.value : { notJson: plain.fault.reason },
      );
    }
    case "endAs":
      return endBecause(work, team, command.why, event);
    case "unexpected":
      return;
  }
}

function endBecause(
  work: Work,
  team: Team,
  why: Extract<SupervisorCommand, { type: "endAs" }>["why"],
  event: SupervisorEvent,
) {
  const by = "agent" in event ? event.agent : team.definition.name;
  const errorOf = (): ErrorRecord => {
    if (team.lastError) return team.lastError;
    return why === "no-edge"
      ? new OrchestrationError("supervisor/no-matching-handoff", { agent: by }).toRecord()
      : new OrchestrationError("run/internal", { reason: why }).toRecord();
  };
  switch (why) {
    case "cancel":
      return; // The core ends a cancelled run itself, with the reason it was given.
    case "low-confidence":
      return endAs(work, team, "escalated", "low_confidence", by, { output: team.chosenFrom ?? null });
    case "agent-ended": {
      const end = team.lastEnd ?? { status: "escalated" as const, reason: "unknown", packet: null };
      return endAs(work, team, end.status, end.reason, by, end.packet);
    }
    case "limit":
      return failTeam(work, team, errorOf(), by);
    case "agent-failed":
    case "no-edge":
    case "rejected": {
      const error = errorOf();
      if (team.definition.onFailure === "fail") return failTeam(work, team, error, by);
      const reason = { "agent-failed": "agent_failed", "no-edge": "no_edge", rejected: "contract_rejected" }[why];
      return endAs(work, team, "escalated", reason, by, { error: error as unknown as Json });
    }
  }
}

function finish(work: Work, team: Team, agent: string): void {
  const output = team.results.get(agent)?.output ?? null;
  const labels = team.labels.get(agent)?.output ?? work.state.labels;
  if (team.parent !== undefined) return returnFromTeam(work, team, { type: "output", output, labels });
  const said = answerOf(work, agent, output, labels);
  if (said.refusal) return work.end({ status: "failed", body: { error: said.refusal.toRecord(), by: agent } });
  const judged = askPolicy(work, { agent, path: "", labels }, { edge: "egress", output });
  if (judged?.effect === "deny")
    return endAs(work, team, "denied", "policy", agent, { error: judged.error as unknown as Json });
  const marks = said.marks.length === 0 ? {} : { marks: said.marks };
  // Whoever waits for it learns what it carries.
  const carried = work.state.depth === undefined ? {} : { labels };
  work.end({
    status: "completed",
    body: { output, ...marks, ...carried, ...(judged === undefined ? {} : { decision: judged.decision }) },
  });
}

function failTeam(work: Work, team: Team, error: ErrorRecord, by: string): void {
  if (team.parent === undefined) return work.end({ status: "failed", body: { error, by } });
  returnFromTeam(work, team, { type: "failed", error });
}

function endAs(work: Work, team: Team, status: "escalated" | "denied", reason: string, by: string, packet: Json): void {
  if (team.parent === undefined) return work.end({ status, body: { reason, by: `${team.path}${by}`, packet } });
  returnFromTeam(work, team, { type: "ended", status, reason, packet });
}

function chose(work: Work, team: Team, edge: Edge): void {
  work.note("edge.chosen", team.path, { supervisor: team.definition.name, from: edge.from, edge: edge.name });
}

/** Runs a contract's map and checks what it made against the receiver's schema, as the sender. */
function make(
  work: Work,
  team: Team,
  edge: Edge,
  agent: string,
  grant: Grant | undefined,
  map: () => unknown,
  branch?: string,
): void {
  let payload: unknown;
  try {
    payload = map();
  } catch (thrown) {
    const data = { contract: edge.name, reason: reasonOf(thrown) };
    return reject(work, team, edge.name, agent, "sender", new OrchestrationError("contract/map-threw", data));
  }
  const plain = plainJson(payload);
  if (!plain.ok) {
    unheard(payload);
    const error = new OrchestrationError("contract/not-json", { contract: edge.name, ...plain.fault });
    return reject(work, team, edge.name, agent, "sender", error);
  }
  const schema = team.definition.agents.get(agent)?.input;
  const parsed = schema && parseWith(schema, plain.value);
  if (!parsed?.ok) {
    const data = { contract: edge.name, from: edge.from, to: agent, issues: (parsed?.issues ?? []) as unknown as Json };
    return reject(work, team, edge.name, agent, "sender", new OrchestrationError("contract/input-invalid", data));
  }
  const delivery = { edge: edge.name, agent, payload: plain.value, grant: grantOf(work, team, edge, grant) };
  if (edge.kind === "handoff" && edge.afterMs !== undefined) return delay(work, team, delivery, edge.afterMs);
  deliver(work, team, { ...delivery, branch });
}

/** The grant of one delivery: its time begins when it is made. */
function grantOf(work: Work, team: Team, edge: Edge, grant: Grant | undefined): Grant {
  const afterMs = edge.kind === "handoff" ? (edge.afterMs ?? 0) : 0;
  return narrow(team.grant, grant && givenAt(grant, work.at + afterMs));
}

/** Keeps a payload in the journal until its time has come. */
function delay(
  work: Work,
  team: Team,
  delivery: { readonly edge: string; readonly agent: string; readonly payload: Json; readonly grant: Grant },
  afterMs: number,
): void {
  const dueAt = work.at + afterMs;
  const id = `timer/handoff:${team.path}${count(team, "delayed")}`;
  const { edge, agent: to } = delivery;
  work.state.delayed.set(id, { kind: "handoff", team: team.path, ...delivery });
  work.note("handoff.delayed", team.path, { edge, from: edgeOf(team, edge).from, to, dueAt });
  work.startTimer({ id, path: team.path, dueAt, durable: true });
}

/** Hands a payload on that has waited. */
export function deliverDelayed(work: Work, { team: path, ...delivery }: Extract<Delayed, { kind: "handoff" }>): void {
  const team = work.state.teams.get(path);
  if (team) deliver(work, team, delivery);
}

function deliver(
  work: Work,
  team: Team,
  {
    edge,
    agent,
    payload,
    branch,
    model,
    grant,
  }: {
    edge: string;
    agent: string;
    payload: Json;
    branch?: string | undefined;
    model?: string | undefined;
    grant: Grant;
  },
): void {
  if (work.state.ending) return;
  if (work.state.restrictions.agents.includes(agent)) {
    return reject(work, team, edge, agent, "sender", revokedError(work, agent));
  }
  if (work.state.handoffs >= work.limits.handoffs) return work.exceed("handoffs", team.path);
  const text = canonicalJson(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > work.limits.payloadBytes) {
    const error = new OrchestrationError("contract/payload-too-large", { bytes, limit: work.limits.payloadBytes });
    return reject(work, team, edge, agent, "sender", error);
  }
  const labels = labelsOf(work, team, edge, model !== undefined ? agent : undefined);
  const from = team.definition.edgeByName.get(edge)?.from;
  // The entry, and a second try of the same payload, are on no edge.
  const judged =
    from === undefined
      ? undefined
      : askPolicy(
          work,
          { agent: from, path: team.path, labels, payloadText: text },
          { edge: "handoff", handoff: edge, to: agent, payload },
        );
  if (judged?.effect === "deny") return reject(work, team, edge, agent, "sender", judged.error);
  work.state.handoffs++;
  team.payload = payload;
  team.delegated = grant;
  const path = `${team.path}${count(team, agent)}`;
  beginInvocation(work, team, path, {
    edge,
    agent,
    payload,
    labels: { "": labels },
    payloadHash: sha256(text),
    grant,
    ...(branch === undefined ? {} : { branch }),
    ...(model === undefined ? {} : { model }),
    ...(judged === undefined ? {} : { decision: judged.decision }),
  });
}

/**
 * Labels of a payload (D10): those of all that its contract reads, of the output that the edge was chosen from, and of the
 * team's own input. A stronger model gets what the one before it got.
 */
function labelsOf(work: Work, team: Team, edgeName: string, again: string | undefined): readonly string[] {
  if (!work.rules.flows) {
    const parent = team.parent === undefined ? undefined : work.state.invocations.get(team.parent);
    return unionOf(work.state.labels, parent?.labels ?? []);
  }
  if (again !== undefined) return [...(team.labels.get(again)?.input ?? work.state.labels)];
  const edge = team.definition.edgeByName.get(edgeName);
  let labels = unionOf(team.given, []);
  if (!edge) return labels;
  const read = (agent: string, side: "input" | "output") => {
    const known = team.labels.get(agent);
    if (known) labels = unionOf(labels, known[side]);
  };
  read(edge.from, "output");
  for (const { agent, side } of Object.values(edge.sources)) read(agent.name, side);
  if (edge.kind === "parallel") for (const { to } of edge.branches) read(to, "output");
  return labels;
}

function edgeOf(team: Team, name: string): Edge {
  const edge = team.definition.edgeByName.get(name);
  if (!edge) throw new OrchestrationError("run/internal", { reason: `the machine chose the unknown edge ${name}` });
  return edge;
}

/** The payloads that a contract declared, by its own names. */
function sourcesOf(team: Team, edge: Edge): Record<string, Json | undefined> {
  const sources: Record<string, Json | undefined> = {};
  for (const [key, { agent, side }] of Object.entries(edge.sources))
    sources[key] = team.results.get(agent.name)?.[side];
  return sources;
}
