import { OrchestrationError } from "../errors.ts";
import type { EntryBodies, SummaryDue } from "../event.ts";
import { summaryOf } from "../model/summary.ts";
import { askPolicy, factsOf } from "./asked.ts";
import { callOrReserve } from "./budget.ts";
import { labelsOf } from "./flows.ts";
import type { Invocation, Work } from "./state.ts";
import { askModel, candidatesMax, failThinking } from "./thinking.ts";

/** A call that is put off until the older turns of its transcript are summarised, and what comes of that. Pure. */

export function beginSummary(work: Work, invocation: Invocation, due: SummaryDue): void {
  if (work.state.ending) return;
  const id = `${invocation.path}/summary#${++invocation.summaries}`;
  invocation.summary = { due, id, command: id, tried: [] };
  askForSummary(work, invocation);
}

/** A call for a summary is a step of the run, and no turn of the agent. */
function askForSummary(work: Work, invocation: Invocation): void {
  const { summary, path, agent } = invocation;
  if (!summary) return;
  const { due, id, tried } = summary;
  const labels = labelsOf(work, invocation);
  const edge = { edge: "model", model: due.with, purpose: "summary", tools: [] } as const;
  const judged = askPolicy(work, { agent: agent.name, path, labels }, edge);
  if (judged?.effect === "deny") return goWithout(work, invocation, judged.error.code);
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
  work.state.steps++;
  const attempt = tried.length + 1;
  const command = attempt === 1 ? id : `${id}/try#${attempt}`;
  summary.command = command;
  const turn = invocation.models;
  work.note("model.called", path, {
    command,
    agent: agent.name,
    alias: due.with,
    turn,
    reason: "summary",
    ...(judged === undefined ? {} : { decision: judged.decision }),
  });
  callOrReserve(work, {
    type: "callModel",
    id: command,
    path,
    agent: agent.name,
    alias: due.with,
    turn,
    attempt,
    agentCall: Math.max(0, (work.state.agentCalls.get(agent.name) ?? 0) - 1),
    input: invocation.input,
    messages: invocation.messages.slice(0, due.messages),
    tools: [],
    labels,
    tried,
    summarises: { alias: invocation.alias, before: due.before },
    attributes: work.attributes,
    facts: factsOf(work, labels),
  });
}

/** The summary takes the place of what it stands for, and the call that waited is made. */
export function takeSummary(work: Work, invocation: Invocation, { parts }: EntryBodies["model.responded"]): void {
  const { summary } = invocation;
  if (!summary) return;
  const { messages } = summary.due;
  const message = summaryOf(parts, messages);
  if (!message) return goWithout(work, invocation, "model/summary-invalid");
  invocation.summary = undefined;
  invocation.messages = [message, ...invocation.messages.slice(messages)];
  askModel(work, invocation);
}

/** Another model of the summariser's route is asked at once; where there is none, the policy says what follows. */
export function failSummary(work: Work, invocation: Invocation, body: EntryBodies["model.failed"]): void {
  const { summary } = invocation;
  if (!summary) return;
  const { error, model, next } = body;
  if (next === undefined || summary.tried.length >= candidatesMax) return goWithout(work, invocation, error.code);
  summary.tried = [...summary.tried, { model, code: error.code }];
  askForSummary(work, invocation);
}

function goWithout(work: Work, invocation: Invocation, code: string): void {
  const { summary, alias } = invocation;
  invocation.summary = undefined;
  if (!summary) return;
  if (summary.due.otherwise === "trim") {
    invocation.trims = true;
    return askModel(work, invocation);
  }
  const error = new OrchestrationError("model/summary-failed", { alias, tokens: summary.due.before, code });
  failThinking(work, invocation, error.toRecord());
}
